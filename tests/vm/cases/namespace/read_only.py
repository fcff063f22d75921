# SPDX-License-Identifier: BSD-2-Clause
"""In the root of a file system that cannot be changed and has one file, hello."""

import errno, os, stat
from nstest import *


def no(func, *args):
    refused(errno.EROFS, func, *args)


for flags in os.O_WRONLY, os.O_RDWR, os.O_TRUNC, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_CREAT:
    no(os.open, "hello", flags)
no(os.open, "new", os.O_CREAT)
no(os.open, ".", os.O_TMPFILE | os.O_RDWR)
os.close(os.open("hello", os.O_CREAT))
refused(errno.EEXIST, os.open, "hello", os.O_CREAT | os.O_EXCL)
no(os.mkdir, "new")
no(os.mknod, "new", stat.S_IFIFO | 0o600)
no(os.symlink, "target", "new")
no(os.link, "hello", "new")
no(os.unlink, "hello")
no(os.rename, "hello", "new")
no(os.chmod, "hello", 0o600)
no(os.chown, "hello", 1, 1)
no(os.utime, "hello")
no(os.truncate, "hello", 0)
no(os.setxattr, "hello", "user.a", b"b")
no(os.removexattr, "hello", "user.a")
true(not os.access("hello", os.W_OK), "it says that it could be written")
true(os.access("hello", os.R_OK), "it cannot be read")
eq(b"hello, world\n", open("hello", "rb").read(), "content")
fd = os.open("hello", os.O_RDONLY)
os.fsync(fd)
refused(errno.EBADF, os.write, fd, b"x")
os.close(fd)
