# SPDX-License-Identifier: BSD-2-Clause
"""Names: their lengths, odd bytes, what is refused with which errno."""

import errno, os
from nstest import *

# lengths
for n in (1, 7, 8, 254, 255):
    write("a" * n, b"x")
    eq(1, os.stat("a" * n).st_size, f"size of a name of {n}")
    os.mkdir("d" * n)
    true(os.path.isdir("d" * n), f"directory of {n}")
eq(10, len(os.listdir(".")), "names")
drop_caches()
for n in (1, 7, 8, 254, 255):
    eq(b"x", read("a" * n))
    os.unlink("a" * n)
    os.rmdir("d" * n)
eq([], os.listdir("."), "after removal")
for op in (write, os.mkdir, os.stat, os.unlink, os.rmdir):
    refused(errno.ENAMETOOLONG, op, "a" * 256)
write("f")
refused(errno.ENAMETOOLONG, os.link, "f", "a" * 256)
refused(errno.ENAMETOOLONG, os.rename, "f", "a" * 256)
refused(errno.ENAMETOOLONG, os.symlink, "f", "a" * 256)

# a byte is a byte, but for slash and NUL
odd = [b"\n", b" ", b"\\", b"\xff\xfe", "\u00e4\u4e16".encode(), b"-rf", b"...",
       b".a", b"..a", b"%s", b"\x01", b"\x7f"]
for name in odd:
    write(name, name)
eq(sorted(odd + [b"f"]), sorted(os.listdir(b".")), "odd names")
drop_caches()
for name in odd:
    eq(name, read(name))
    os.unlink(name)

# what is there, what is not, what it is
os.mkdir("d")
refused(errno.EEXIST, os.mkdir, "d")
refused(errno.EEXIST, os.mkdir, "f")
refused(errno.EEXIST, os.mkdir, ".")
refused(errno.EEXIST, os.symlink, "x", "f")
refused(errno.EEXIST, os.link, "f", "d")
refused(errno.EEXIST, os.open, "f", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
refused(errno.ENOENT, os.stat, "no")
refused(errno.ENOENT, os.unlink, "no")
refused(errno.ENOENT, os.rmdir, "no")
refused(errno.ENOENT, os.rename, "no", "f2")
refused(errno.ENOENT, write, "no/f")
refused(errno.ENOTDIR, os.stat, "f/x")
refused(errno.ENOTDIR, write, "f/x")
refused(errno.ENOTDIR, os.rmdir, "f")
refused(errno.EISDIR, os.unlink, "d")
refused(errno.EISDIR, os.open, "d", os.O_WRONLY)
refused(errno.EISDIR, os.truncate, "d", 0)
refused(errno.EPERM, os.link, "d", "d2")
refused(errno.EXDEV, os.link, "f", "/tmp/f.other")
refused(errno.EXDEV, os.rename, "f", "/tmp/f.other")
refused(errno.EINVAL, os.rmdir, ".")
refused(errno.ENOTEMPTY, os.rmdir, "d/..")

# not empty: a file, a directory, a symbolic link
for make in (write, os.mkdir, lambda p: os.symlink("x", p)):
    make("d/in")
    refused(errno.ENOTEMPTY, os.rmdir, "d")
    (os.rmdir if os.path.isdir("d/in") else os.unlink)("d/in")
os.rmdir("d")

# a removed directory takes nothing in and its ".." still works
os.makedirs("p/q")
fd = os.open("p/q", os.O_RDONLY)
os.fchdir(fd)
os.rmdir("../q")
refused(errno.ENOENT, write, "f")
refused(errno.ENOENT, os.mkdir, "f")
eq([], os.listdir("."), "names in a removed directory")
eq(0, os.fstat(fd).st_nlink, "links of a removed directory")
true(os.path.isdir(".."), "'..' of a removed directory")
os.close(fd)
os.chdir(os.environ["mnt"])
