# SPDX-License-Identifier: BSD-2-Clause
"""Hard links and sub-directories: counts, many of them, files that outlive their names."""

import errno, os
from nstest import *

MANY = 33000

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

# more than the 32,000 of old file systems
if lacks("many-names"):
    raise SystemExit
os.mkdir("many")
write("many/0")
for i in range(1, MANY):
    os.link("many/0", f"many/{i}")
eq(MANY, os.stat("many/0").st_nlink, "links of a file")
os.mkdir("wide")
for i in range(MANY):
    os.mkdir(f"wide/{i}")
# ext4 says 1 when it does not count any more
true(os.stat("wide").st_nlink in (MANY + 2, 1), "links of a directory")
drop_caches()
true(os.stat("wide").st_nlink in (MANY + 2, 1), "links of a directory, asked again")
os.mkdir("other")
os.rename("other", "wide/other")
refused(errno.ENOTEMPTY, os.rmdir, "wide")
os.rmdir("wide/other")
for i in range(100):
    os.rmdir(f"wide/{i}")
true(os.stat("wide").st_nlink in (MANY + 2 - 100, 1), "links of a directory with fewer")
