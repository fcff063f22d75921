# SPDX-License-Identifier: BSD-2-Clause
"""Rename: over what is there, across directories, exchange, no replace."""

import errno, os
from nstest import *


def tree():
    return sorted(os.path.relpath(os.path.join(p, n)) for p, ds, fs in os.walk(".")
                  for n in ds + fs)


# simple, and over a file that is open
write("a", b"A")
write("b", b"B")
fd = os.open("b", os.O_RDONLY)
ino = os.stat("a").st_ino
os.rename("a", "b")
eq(["b"], os.listdir("."), "after rename over a file")
eq(ino, os.stat("b").st_ino, "inode number")
eq(b"A", read("b"))
eq(b"B", os.pread(fd, 1, 0), "the replaced file")
eq(0, os.fstat(fd).st_nlink, "links of the replaced file")
os.close(fd)
drop_caches()
eq(b"A", read("b"))

# two names of one file: nothing happens
os.link("b", "c")
os.rename("b", "c")
eq(["b", "c"], sorted(os.listdir(".")), "rename between two names of a file")
os.unlink("c")

# directories and what they count
os.makedirs("p/x/y")
os.mkdir("q")
os.rename("p/x", "q/x")
eq((2, 3), (os.stat("p").st_nlink, os.stat("q").st_nlink), "links of the parents")
eq(os.stat("q").st_ino, os.stat("q/x/..").st_ino, "'..' of the moved")
drop_caches()
eq((2, 3), (os.stat("p").st_nlink, os.stat("q").st_nlink), "links, asked again")
true(os.path.isdir("q/x/y"), "what is below moved along")
refused(errno.EINVAL, os.rename, "q", "q/x/q")
refused(errno.EINVAL, os.rename, "q", "q/q")
refused(errno.ENOTEMPTY, os.rename, "q/x/y", "q/x")
refused(errno.ENOTEMPTY, os.rename, "p", "q")
refused(errno.ENOTDIR, os.rename, "p", "b")
refused(errno.EISDIR, os.rename, "b", "p")
write("q/f")
refused(errno.ENOTEMPTY, os.rename, "p", "q")
os.unlink("q/f")
pfd = os.open("p", os.O_RDONLY)
os.rename("q/x", "p")
eq((2, 3), (os.stat("q").st_nlink, os.stat("p").st_nlink), "links after replacing a directory")
eq(0, os.fstat(pfd).st_nlink, "links of the replaced directory")
os.close(pfd)
os.rename("p/y", "p/z")
eq(["b", "p", "p/z", "q"], tree(), "the tree")

# flags
refused(errno.EEXIST, renameat2, "b", "q", RENAME_NOREPLACE)
renameat2("b", "c", RENAME_NOREPLACE)
refused(errno.ENOENT, renameat2, "c", "no", RENAME_EXCHANGE)
refused(errno.EINVAL, renameat2, "c", "q", RENAME_EXCHANGE | RENAME_NOREPLACE)
refused(errno.EINVAL, renameat2, "c", "q", RENAME_EXCHANGE | RENAME_WHITEOUT)
inos = os.stat("c").st_ino, os.stat("p/z").st_ino
renameat2("c", "p/z", RENAME_EXCHANGE)
eq(inos, (os.stat("p/z").st_ino, os.stat("c").st_ino), "exchanged")
true(os.path.isdir("c") and os.path.isfile("p/z"), "a file and a directory change places")
eq(2, os.stat("p").st_nlink, "links of a directory that gave one up")
eq(os.stat(".").st_ino, os.stat("c/..").st_ino, "'..' of the exchanged")
drop_caches()
true(os.path.isdir("c") and os.path.isfile("p/z"), "the same, asked again")
renameat2("p", "c", RENAME_EXCHANGE)
eq(["c", "c/z", "p", "q"], tree(), "the tree after the exchange")
eq(os.stat(".").st_ino, os.stat("p/..").st_ino, "'..' in the same directory")

# times: both directories, ctime of what moves, nothing when it is refused
os.utime("c", ns=(10**18, 10**18))
os.utime("q", ns=(10**18, 10**18))
before = os.stat("c/z")
tick()
os.rename("c/z", "q/z")
after = os.stat("q/z")
true(after.st_ctime_ns > before.st_ctime_ns, "ctime of what moves")
eq(before.st_mtime_ns, after.st_mtime_ns, "mtime of what moves")
for d in "cq":
    true(os.stat(d).st_mtime_ns != 10**18, f"mtime of {d}")
before = os.stat("."), os.stat("q"), os.stat("c")
tick()
refused(errno.ENOTEMPTY, os.rename, "c", "q")
refused(errno.ENOTEMPTY, os.rmdir, "q")
after = os.stat("."), os.stat("q"), os.stat("c")
eq([(s.st_mtime_ns, s.st_ctime_ns) for s in before],
   [(s.st_mtime_ns, s.st_ctime_ns) for s in after], "times after a refusal")
