# SPDX-License-Identifier: BSD-2-Clause
"""Files without a name: O_TMPFILE, giving one a name, freeing the others."""

import errno, os
from nstest import *

os.mkdir("d")
before = os.stat("d")
fd = os.open("d", os.O_TMPFILE | os.O_RDWR, 0o640)
st = os.fstat(fd)
eq(0, st.st_nlink, "links")
eq(0o100640, st.st_mode, "mode")
eq([], os.listdir("d"), "names")
eq(before.st_mtime_ns, os.stat("d").st_mtime_ns, "mtime of the directory")
os.write(fd, b"hello")
eq(5, os.fstat(fd).st_size, "size")
true(os.readlink(f"/proc/self/fd/{fd}").endswith(f"#{st.st_ino} (deleted)"),
     "the name that /proc shows")
linkat_fd(fd, "d/f")
eq(1, os.fstat(fd).st_nlink, "links with a name")
eq(["f"], os.listdir("d"), "names")
eq(st.st_ino, os.stat("d/f").st_ino, "inode number")
linkat_fd(fd, "d/g")
eq(2, os.fstat(fd).st_nlink, "links with two names")
os.close(fd)
drop_caches()
eq(b"hello", read("d/f"))
refused(errno.EEXIST, os.mkdir, "d/g")
os.unlink("d/g")
os.unlink("d/f")

fd = os.open("d", os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
refused(errno.ENOENT, linkat_fd, fd, "d/f")
os.close(fd)
refused(errno.EINVAL, os.open, "d", os.O_TMPFILE | os.O_RDONLY)
write("f")
refused(errno.ENOTDIR, os.open, "f", os.O_TMPFILE | os.O_RDWR)

# what nobody has open any more takes no room
free = os.statvfs(".").f_ffree, os.statvfs(".").f_bfree
for i in range(200):
    fd = os.open("d", os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(fd, b"x" * 10000)
    os.close(fd)
os.sync()
now = os.statvfs(".").f_ffree, os.statvfs(".").f_bfree
true(free[0] - now[0] <= 2 and free[1] - now[1] <= 4, f"free before {free}, after {now}")
os.rmdir("d")
