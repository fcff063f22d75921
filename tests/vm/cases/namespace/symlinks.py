# SPDX-License-Identifier: BSD-2-Clause
"""Symbolic links: every length, kept and read again, loops, what follows them."""

import errno, os
from nstest import *

LENGTHS = (1, 7, 8, 30, 31, 32, 33, 63, 64, 255, 256, 4000, 4094, 4095)


def target(n):
    return ("t/" * 2048)[:n]


for n in LENGTHS:
    os.symlink(target(n), f"l{n}")
for again in (False, True):
    for n in LENGTHS:
        eq(target(n), os.readlink(f"l{n}"), f"target of length {n}")
        eq(n, os.lstat(f"l{n}").st_size, f"size of a target of length {n}")
        eq(0o120777, os.lstat(f"l{n}").st_mode, "mode")
        eq(1, os.lstat(f"l{n}").st_nlink, "links")
    drop_caches()
refused(errno.ENAMETOOLONG, os.symlink, "x" * 4096, "long")
refused(errno.ENOENT, os.symlink, "", "empty")
refused(errno.EINVAL, os.readlink, ".")

# following, and not
os.mkdir("d")
write("d/f", b"data")
os.symlink("d", "ld")
os.symlink("ld/f", "lf")
os.symlink(os.path.join(os.environ["mnt"], "d/f"), "abs")
os.symlink("no", "dangling")
drop_caches()
eq(b"data", read("lf"))
eq(b"data", read("abs"))
refused(errno.ENOENT, os.stat, "dangling")
true(os.path.islink("dangling"), "a dangling link is one")
write("dangling", b"x")
eq(b"x", read("no"))
refused(errno.ELOOP, os.open, "lf", os.O_RDONLY | os.O_NOFOLLOW)
refused(errno.ENOTDIR, os.rmdir, "ld")
os.symlink("loop2", "loop1")
os.symlink("loop1", "loop2")
refused(errno.ELOOP, os.stat, "loop1")
refused(errno.ELOOP, write, "loop1/x")
os.symlink("c0", "c1")
for i in range(1, 45):
    os.symlink(f"c{i}", f"c{i + 1}")
write("c0", b"end")
eq(b"end", read("c40"))
refused(errno.ELOOP, os.stat, "c41")

# links to a link, owner, times, rename
os.link("lf", "lf2", follow_symlinks=False)
eq(2, os.lstat("lf").st_nlink, "links of a link")
os.chown("lf", 12, 34, follow_symlinks=False)
eq((12, 34), (os.lstat("lf2").st_uid, os.lstat("lf2").st_gid), "owner of a link")
eq((0, 0), (os.stat("lf").st_uid, os.stat("lf").st_gid), "owner of what it names")
os.utime("lf", ns=(1000000001, 2000000002), follow_symlinks=False)
eq((1000000001, 2000000002), (os.lstat("lf").st_atime_ns, os.lstat("lf").st_mtime_ns), "times")
# its mode is nobody's business
fd = os.open("lf", os.O_PATH | os.O_NOFOLLOW)
refused(errno.EOPNOTSUPP, os.chmod, f"/proc/self/fd/{fd}", 0o600)
os.close(fd)
eq(0o120777, os.lstat("lf").st_mode, "mode of a link after chmod")
os.rename("lf", "other")
eq("ld/f", os.readlink("other"))
os.unlink("other")
eq("ld/f", os.readlink("lf2"))
eq(b"data", read("d/f"))
