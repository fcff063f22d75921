# SPDX-License-Identifier: BSD-2-Clause
"""usage: full.py FOLDER: without space every operation is refused, and nothing has changed.

FOLDER is a small file system: what it is about is the tree afterwards.
"""

import errno
import os
import sys

from nstest import RENAME_WHITEOUT, drop_caches, eq, refused, renameat2, true, write

os.chdir(sys.argv[1])


def tree():
    found = []
    for d, ds, fs in os.walk("."):
        for name in sorted(ds + fs):
            st = os.lstat(os.path.join(d, name))
            found.append((d, name, st.st_ino, st.st_mode, st.st_nlink, st.st_size))
    return sorted(found)


def fill(step):
    try:
        while True:
            step()
    except OSError as e:
        eq(errno.ENOSPC, e.errno, "what filling ends with")


os.makedirs("d/sub")
write("d/f", b"x" * 10000)
write("d/small", b"y")
free = os.statvfs(".").f_bfree
made = [0]


def another():
    made[0] += 1
    write(f"inode{made[0]}")


hog = os.open("hog", os.O_CREAT | os.O_WRONLY)
for size in (1 << 20, 4096):
    fill(lambda: true(os.write(hog, b"h" * size), "a write of nothing"))
fill(another)
before = tree()
target = "t" * 3000
for name, call in (
        ("create", lambda: write("d/new")), ("mkdir", lambda: os.mkdir("d/newdir")),
        ("symlink", lambda: os.symlink("short", "d/link")),
        ("long symlink", lambda: os.symlink(target, "d/link")),
        ("mkfifo", lambda: os.mkfifo("d/fifo")),
        ("tmpfile", lambda: os.close(os.open("d", os.O_TMPFILE | os.O_RDWR))),
        ("whiteout", lambda: renameat2("d/f", "d/g", RENAME_WHITEOUT)),
        ("fallocate", lambda: os.posix_fallocate(hog, 1 << 30, 1 << 20))):
    refused(errno.ENOSPC, call)
    eq(before, tree(), f"the tree after {name}")
fd = os.open("d/small", os.O_RDWR)
refused(errno.ENOSPC, os.pwrite, fd, b"x" * 8192, 1 << 20)
eq(1, os.fstat(fd).st_size, "size after a refused write")
eq(b"y", os.pread(fd, 10, 0), "data after a refused write")
# what needs no space is done
os.rename("d/f", "d/g")
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
true(os.statvfs(".").f_bfree >= free, "blocks were lost")
