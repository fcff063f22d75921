# SPDX-License-Identifier: BSD-2-Clause
"""usage: handles.py FOLDER: file handles of what is cached, is not, and is gone."""

import errno
import os
import sys

from fh import handle_of, open_handle
from nstest import drop_caches, eq, read, refused, true, write

os.chdir(sys.argv[1])
# memofs gives each CPU numbers of its own
os.sched_setaffinity(0, [0])


def path_of(fd):
    return os.readlink(f"/proc/self/fd/{fd}")


def opened(handle, flags=os.O_RDONLY):
    fd = open_handle(".", handle, flags)
    os.close(fd)


os.makedirs("h/a/b/c/d")
write("h/f", b"data")
write("h/a/b/c/d/deep", b"deep data")
os.symlink("f", "h/link")
os.mkfifo("h/fifo")
paths = ["h", "h/f", "h/a", "h/a/b/c/d", "h/a/b/c/d/deep", "h/link", "h/fifo", "."]
handles = {p: handle_of(p) for p in paths}
eq(len(paths), len(set(handles.values())), "different handles")
eq(handles["h/f"], handle_of("h/../h/f"), "the same handle by another way")
inos = {p: os.lstat(p).st_ino for p in paths}

# cached, and asked for by number; directories are connected to the root again
for _ in range(2):
    for path in paths:
        fd = open_handle(".", handles[path],
                         os.O_PATH if path in ("h/link", "h/fifo") else os.O_RDONLY)
        eq(inos[path], os.fstat(fd).st_ino, f"inode of {path}")
        if os.path.isdir(path):
            eq(os.path.abspath(path), path_of(fd), "where it is")
        os.close(fd)
    drop_caches()
fd = open_handle(".", handles["h/a/b/c/d/deep"], os.O_RDWR)
eq(b"deep data", os.read(fd, 100), "data by handle")
os.pwrite(fd, b"DEEP", 0)
os.close(fd)
eq(b"DEEP data", read("h/a/b/c/d/deep"), "what was written by handle")
drop_caches()
fd = open_handle(".", handles["h/a/b/c/d"])
eq(["deep"], os.listdir(fd), "a listing by handle")
eq(os.stat("h/a/b/c").st_ino, os.stat("..", dir_fd=fd).st_ino, "its '..'")
os.close(fd)
drop_caches()
refused(errno.ENOTDIR, opened, handles["h/f"], os.O_RDONLY | os.O_DIRECTORY)
refused(errno.ELOOP, opened, handles["h/link"])

# moved: still the same
os.rename("h/a/b", "h/moved")
drop_caches()
fd = open_handle(".", handles["h/a/b/c/d"])
eq(os.path.abspath("h/moved/c/d"), path_of(fd), "where it is now")
os.close(fd)

# without a name, but open
fd = os.open("h/f", os.O_RDONLY)
os.unlink("h/f")
again = open_handle(".", handles["h/f"])
eq(b"data", os.read(again, 10), "an unlinked file that is open")
os.close(again)
os.close(fd)
refused(errno.ESTALE, opened, handles["h/f"])

# the number is used again, the handle is not
numbers = set()
for i in range(200):
    write("h/new")
    numbers.add(os.stat("h/new").st_ino)
    refused(errno.ESTALE, opened, handles["h/f"])
    if inos["h/f"] in numbers:
        break
    os.rename("h/new", f"h/new{i}")
true(inos["h/f"] in numbers, "the number was never used again")
drop_caches()
refused(errno.ESTALE, opened, handles["h/f"])

# handles that nobody gave out
for change in ((8, 1), (12, 1), (16, 1), (4, 1), (19, 0x80)):
    broken = bytearray(handles["h/moved/c/d"] if "h/moved/c/d" in handles else handles["h/a"])
    broken[change[0]] ^= change[1]
    refused(errno.ESTALE, opened, bytes(broken))
for length in range(0, 12, 4):
    short = bytearray(handles["h/a"])
    short[0] = length
    refused((errno.EINVAL if not length else errno.ESTALE), opened, bytes(short))
zero = bytearray(handles["h/a"])
zero[8:16] = bytes(8)
refused(errno.ESTALE, opened, bytes(zero))
os.system("rm -r h")
