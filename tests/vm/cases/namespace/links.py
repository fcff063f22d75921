# SPDX-License-Identifier: BSD-2-Clause
"""Hard links: counts, the limit, files that outlive their names."""

import errno, os
from nstest import *

LINK_MAX = 32000

write("f", b"data")
os.link("f", "g")
eq(os.stat("f").st_ino, os.stat("g").st_ino, "inode numbers")
eq(2, os.stat("f").st_nlink, "links")
drop_caches()
eq(2, os.stat("g").st_nlink, "links, asked again")
os.unlink("f")
eq(1, os.stat("g").st_nlink, "links after one unlink")
eq(b"data", read("g"))

# ctime moves, mtime does not
before = os.stat("g")
tick()
os.link("g", "h")
after = os.stat("g")
true(after.st_ctime_ns > before.st_ctime_ns, "a link changes ctime")
eq(before.st_mtime_ns, after.st_mtime_ns, "mtime of what is linked")
os.unlink("h")

# directories count their sub-directories
os.mkdir("d")
eq(2, os.stat("d").st_nlink, "links of an empty directory")
for i in range(5):
    os.mkdir(f"d/{i}")
eq(7, os.stat("d").st_nlink, "links of a directory with five")
os.rmdir("d/0")
eq(6, os.stat("d").st_nlink, "links of a directory with four")
write("d/f")
eq(6, os.stat("d").st_nlink, "a file is not counted")

# an open file lives on without a name
fd = os.open("g", os.O_RDWR)
os.unlink("g")
st = os.fstat(fd)
eq(0, st.st_nlink, "links of an open file without a name")
eq(b"data", os.pread(fd, 10, 0))
os.pwrite(fd, b"DATA", 0)
eq(b"DATA", os.pread(fd, 10, 0))
refused(errno.ENOENT, linkat_fd, fd, "again")
os.close(fd)
refused(errno.ENOENT, os.stat, "g")

# the limit
os.mkdir("many")
write("many/0")
made = 1
try:
    while made < LINK_MAX + 10:
        os.link("many/0", f"many/{made}")
        made += 1
except OSError as e:
    eq(errno.EMLINK, e.errno, "errno at the limit")
if os.environ.get("CASE_FS", "memofs") == "memofs":
    eq(LINK_MAX, made, "links that could be made")
eq(made, os.stat("many/0").st_nlink, "links at the limit")
os.unlink("many/7")
os.link("many/0", "many/7")
