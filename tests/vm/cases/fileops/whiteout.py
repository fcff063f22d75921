# SPDX-License-Identifier: BSD-2-Clause
"""usage: whiteout.py FOLDER: RENAME_WHITEOUT, for every kind, place and refusal."""

import errno
import os
import stat
import sys

from nstest import (RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, drop_caches, eq, read,
                    refused, renameat2, tick, true, write)

os.chdir(sys.argv[1])


def is_whiteout(path):
    st = os.lstat(path)
    eq((stat.S_IFCHR, 0, 1), (stat.S_IFMT(st.st_mode), st.st_rdev, st.st_nlink), f"{path}")


def names(path="."):
    return sorted(os.listdir(path))


def clean():
    for d, ds, fs in os.walk(".", topdown=False):
        for f in fs:
            os.unlink(os.path.join(d, f))
        for s in ds:
            p = os.path.join(d, s)
            (os.unlink if os.path.islink(p) else os.rmdir)(p)


for where in ("", "other/"):
    for kind, make in (("file", write), ("dir", os.mkdir), ("link", lambda p: os.symlink("x", p))):
        for target in (None, "same", "whiteout"):
            os.mkdir("other")
            make("a")
            ino = os.lstat("a").st_ino
            if target == "same":
                make(f"{where}b")
            elif target == "whiteout" and kind != "dir":
                os.mknod(f"{where}b", stat.S_IFCHR, 0)
            os.utime(".", ns=(1, 1))
            renameat2("a", f"{where}b", RENAME_WHITEOUT)
            for _ in range(2):
                is_whiteout("a")
                eq(ino, os.lstat(f"{where}b").st_ino, f"{kind} over {target}")
                drop_caches()
            eq(["a", "b", "other"] if not where else ["a", "other"], names(), "names")
            true(os.stat(".").st_mtime_ns > 1, "mtime of the directory")
            links = 3 + (kind == "dir" and not where)
            eq(links, os.stat(".").st_nlink, "links")
            clean()
            eq(2, os.stat(".").st_nlink, "links after all")

# refusals: nothing has changed, times neither
write("a", b"A")
write("b", b"B")
os.makedirs("full/x")
os.mkdir("empty")
before = [os.lstat(p) for p in (".", "a", "b", "full", "empty")]
tick()
for code, call in ((errno.EEXIST, lambda: renameat2("a", "b", RENAME_WHITEOUT | RENAME_NOREPLACE)),
                   (errno.EINVAL, lambda: renameat2("a", "b", RENAME_WHITEOUT | RENAME_EXCHANGE)),
                   (errno.ENOTEMPTY, lambda: renameat2("empty", "full", RENAME_WHITEOUT)),
                   (errno.EISDIR, lambda: renameat2("a", "empty", RENAME_WHITEOUT)),
                   (errno.ENOTDIR, lambda: renameat2("empty", "a", RENAME_WHITEOUT)),
                   (errno.ENOENT, lambda: renameat2("none", "c", RENAME_WHITEOUT)),
                   (errno.ENAMETOOLONG, lambda: renameat2("a", "n" * 256, RENAME_WHITEOUT))):
    refused(code, call)
eq(["a", "b", "empty", "full"], names(), "names after refusals")
after = [os.lstat(p) for p in (".", "a", "b", "full", "empty")]
eq([(s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_nlink) for s in before],
   [(s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_nlink) for s in after], "after refusals")
renameat2("a", "n" * 255, RENAME_WHITEOUT | RENAME_NOREPLACE)
eq(b"A", read("n" * 255), "the longest name")
clean()
