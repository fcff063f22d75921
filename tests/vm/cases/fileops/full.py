# SPDX-License-Identifier: BSD-2-Clause
"""usage: full.py FOLDER: without space every operation is refused, and nothing has changed.

FOLDER is a small file system: what it is about is the tree afterwards.
"""

import errno
import mmap
import os
import signal
import struct
import sys

from falloc import fallocate
from nstest import RENAME_WHITEOUT, drop_caches, eq, refused, renameat2, true, until, write

INSERT, UNSHARE = 0x20, 0x40
# a named user: what the mode cannot say
ACL = struct.pack("=I" + "HHI" * 5, 2, 1, 7, ~0 & 0xffffffff, 2, 7, 1000, 4, 5, ~0 & 0xffffffff,
                  0x10, 7, ~0 & 0xffffffff, 0x20, 0, ~0 & 0xffffffff)

os.chdir(sys.argv[1])


def tree():
    found = []
    for d, ds, fs in os.walk("."):
        for name in sorted(ds + fs):
            st = os.lstat(os.path.join(d, name))
            found.append((d, name, st.st_ino, st.st_mode, st.st_nlink, st.st_size, st.st_blocks,
                          sorted(os.listxattr(os.path.join(d, name)))))
    return sorted(found)


def fill(step):
    try:
        while True:
            step()
    except OSError as e:
        eq(errno.ENOSPC, e.errno, "what filling ends with")


def set_attributes(path):
    """As many as fit: of the file's own share, or of all files'."""
    for n, size in enumerate((60000, 1000, 1)):
        made = [0]

        def one():
            made[0] += 1
            os.setxattr(path, f"user.{n}{made[0]}", b"a" * size)
        fill(one)


def store(m, offset):
    """What a child dies of that stores there, or 0."""
    pid = os.fork()
    if not pid:
        m[offset] = 1
        os._exit(0)
    return os.waitpid(pid, 0)[1]


os.makedirs("d/sub")
os.mkdir("d/heir")
os.setxattr("d/heir", "system.posix_acl_default", ACL)
write("d/f", b"x" * 10000)
write("d/small", b"y")
write("d/hole")
os.truncate("d/hole", 1 << 20)
free = os.statvfs(".").f_bfree
made = [0]


def another():
    made[0] += 1
    write(f"inode{made[0]}")


hog = os.open("hog", os.O_CREAT | os.O_WRONLY)
for size in (1 << 20, 4096):
    fill(lambda: true(os.write(hog, b"h" * size), "a write of nothing"))
fill(another)
eq(0, os.statvfs(".").f_bfree, "free blocks")
for path in ("hog", "d/f", "d/small"):
    set_attributes(path)
before = tree()
target = "t" * 3000
src, hole = os.open("d/f", os.O_RDWR), os.open("d/hole", os.O_RDWR)
for name, call in (
        ("create", lambda: write("d/new")), ("mkdir", lambda: os.mkdir("d/newdir")),
        ("symlink", lambda: os.symlink("short", "d/link")),
        ("long symlink", lambda: os.symlink(target, "d/link")),
        ("mkfifo", lambda: os.mkfifo("d/fifo")),
        ("tmpfile", lambda: os.close(os.open("d", os.O_TMPFILE | os.O_RDWR))),
        ("whiteout", lambda: renameat2("d/f", "d/g", RENAME_WHITEOUT)),
        ("fallocate", lambda: os.posix_fallocate(hog, 1 << 30, 1 << 20)),
        ("setxattr", lambda: os.setxattr("d/sub", "user.a", b"1" * 10)),
        ("a longer value", lambda: os.setxattr("d/f", "user.21", b"1" * 20)),
        ("setxattr of an ACL", lambda: os.setxattr("d/f", "system.posix_acl_access", ACL)),
        ("a default ACL", lambda: os.setxattr("d/sub", "system.posix_acl_default", ACL)),
        ("copy_file_range", lambda: os.copy_file_range(src, hole, 5000, 100, 100))):
    refused(errno.ENOSPC, call)
    eq(before, tree(), f"the tree after {name}")
eq(b"a", os.getxattr("d/f", "user.21"), "a value that could not be replaced")
fd = os.open("d/small", os.O_RDWR)
refused(errno.ENOSPC, os.pwrite, fd, b"x" * 8192, 1 << 20)
eq(1, os.fstat(fd).st_size, "size after a refused write")
eq(b"y", os.pread(fd, 10, 0), "data after a refused write")
# stores into a hole, and into what two files share; a read(2) that has to store
m = mmap.mmap(hole, 1 << 20)
eq(8192, os.copy_file_range(src, hole, 8192, 0, 4096), "what can be shared is copied")
with mmap.mmap(src, 8192) as shared:
    for offset in (0, 4096, 1 << 19):
        eq(signal.SIGBUS, store(m, offset), f"a store at {offset}")
    eq(signal.SIGBUS, store(shared, 0), "a store into the other one's")
    refused(errno.EFAULT, os.preadv, fd, [memoryview(m)[1 << 19:]], 0)
    refused(errno.ENOSPC, fallocate, hole, UNSHARE, 0, 16384)
    refused(errno.ENOSPC, os.pwrite, hole, b"z", 4096)
    eq(b"x" * 8192, shared[:], "what was shared")
eq(bytes(4096) + b"x" * 8192 + bytes((1 << 20) - 12288), m[:], "after stores that failed")
eq(16, os.fstat(hole).st_blocks, "blocks after stores that failed")
# what needs no space is done
fallocate(hole, INSERT, 8192, 8192)
eq(b"x" * 4096 + bytes(8192) + b"x" * 4096, os.pread(hole, 16384, 4096), "with 8 KiB inserted")
os.link("d/f", "d/" + "l" * 255)
os.unlink("d/" + "l" * 255)
os.rename("d/f", "d/" + "l" * 255)
os.rename("d/" + "l" * 255, "d/g")
# with one block for it
os.unlink("inode1")
os.ftruncate(hole, 4096)
os.truncate("d/g", 8192)
eq(0, store(m, 0), "a store when there is space")
eq(b"\1", os.pread(hole, 1, 0), "what was stored")
refused(errno.ENOSPC, write, "d/heir/new")
eq([], os.listdir("d/heir"), "who cannot inherit")
write("d/sub/new")
os.unlink("d/sub/new")
m.close()
for left in (src, hole):
    os.close(left)
for path in ("d/hole", "d/heir"):
    os.system(f"rm -r {path}")
os.truncate("d/g", 4096)
os.ftruncate(fd, 100000)
os.chmod("d/g", 0o600)
os.unlink("d/g")
os.close(fd)
drop_caches()
eq(["small", "sub"], sorted(os.listdir("d")), "what is left")
os.close(hog)
os.unlink("hog")
for i in range(1, made[0] + 1):
    if os.path.exists(f"inode{i}"):
        os.unlink(f"inode{i}")
write("d/new", b"z" * 100000)
os.system("rm -r d")
drop_caches()
eq([], os.listdir("."), "at the end")
until(lambda: os.statvfs(".").f_bfree >= free, "blocks were lost")
