# SPDX-License-Identifier: BSD-2-Clause
"""usage: attrs.py FOLDER: what ext4 has otherwise: generation, statx, kept flags, quota."""

import array
import ctypes
import errno
import fcntl
import os
import struct
import sys

from nstest import AT_FDCWD, LIBC, drop_caches, eq, lacks, refused, tick, true, write

GETFLAGS, SETFLAGS = 0x80086601, 0x40086602
GETVERSION, SETVERSION = 0x80087601, 0x40087602
FSSETXATTR = 0x401c5820
SYNC, IMMUTABLE, APPEND, NOATIME, DIRSYNC = 8, 0x10, 0x20, 0x80, 0x10000
NODUMP, ATTR_NODUMP = 0x40, 0x40
STATX_BTIME, STATX_DIOALIGN = 0x800, 0x2000
ATTR_IMMUTABLE, ATTR_APPEND = 0x10, 0x20
AT_SYMLINK_NOFOLLOW = 0x100

os.chdir(sys.argv[1])


def word(path, number, value=0):
    fd = os.open(path, os.O_RDONLY)
    arg = array.array("I", [value, 0])
    try:
        fcntl.ioctl(fd, number, arg)
    finally:
        os.close(fd)
    return arg[0]


def statx(path, mask=0xffff):
    buf = ctypes.create_string_buffer(256)
    if LIBC.statx(AT_FDCWD, os.fsencode(path), AT_SYMLINK_NOFOLLOW, mask, buf) < 0:
        raise OSError(ctypes.get_errno(), "statx")
    return buf.raw


def field(raw, offset, size):
    return int.from_bytes(raw[offset:offset + size], "little")


# flags are kept while nobody uses the inode, and seen by statx
write("f", b"x")
os.mkdir("d")
for path, flags in (("f", IMMUTABLE | NOATIME), ("f", APPEND | SYNC), ("d", DIRSYNC | APPEND),
                    ("f", 0), ("d", 0)):
    ctime = os.stat(path).st_ctime_ns
    tick()
    word(path, SETFLAGS, flags)
    true(os.stat(path).st_ctime_ns > ctime, "ctime of new flags")
    drop_caches()
    eq(flags, word(path, GETFLAGS), f"flags of {path}, asked again")
    raw = statx(path)
    wanted = (ATTR_IMMUTABLE if flags & IMMUTABLE else 0) | (ATTR_APPEND if flags & APPEND else 0)
    eq(wanted, field(raw, 8, 8) & 0x30, "attributes of statx")
    eq(0x30, field(raw, 56, 8) & 0x30, "mask of attributes")
word("d", SETFLAGS, SYNC | NOATIME | DIRSYNC)
for path, make, flags in (("d/f", write, SYNC | NOATIME),
                          ("d/d", os.mkdir, SYNC | NOATIME | DIRSYNC)):
    make(path)
    drop_caches()
    eq(flags, word(path, GETFLAGS), f"inherited flags of {path}")
# what cannot be had is refused
fd = os.open("f", os.O_RDONLY)
for fsx in ((1, 0), (0, 4096)):
    refused(errno.EOPNOTSUPP, fcntl.ioctl, fd, FSSETXATTR, struct.pack("=II", *fsx) + bytes(20))
os.close(fd)
for flag in (1, 4, NODUMP, 0x800000, 0x20000000) if lacks("chattr-d") else (1, 4, 0x800000):
    refused(errno.EOPNOTSUPP, word, "f", SETFLAGS, flag)


def nodump():
    eq(ATTR_NODUMP, field(statx("f"), 56, 8) & 0x44, "what statx can say")
    word("f", SETFLAGS, NODUMP | SYNC)
    for _ in range(2):
        eq(NODUMP | SYNC, word("f", GETFLAGS), "chattr +d")
        eq(ATTR_NODUMP, field(statx("f"), 8, 8) & 0x44, "+d in statx")
        drop_caches()
    word("d", SETFLAGS, NODUMP)
    write("d/g", b"")
    os.symlink("g", "d/l")
    drop_caches()
    eq(NODUMP, word("d/g", GETFLAGS), "+d of a directory's new file")
    eq(ATTR_NODUMP, field(statx("d/l"), 8, 8) & ATTR_NODUMP, "and of a link")
    word("f", SETFLAGS, 0)
    word("d", SETFLAGS, 0)
    eq(0, field(statx("f"), 8, 8) & 0x44, "chattr -d")


def born():
    """When it was made, whatever came after."""
    before = os.stat("d").st_ctime_ns
    tick()
    for name, make in (("b", write), ("bd", os.mkdir), ("bl", lambda n: os.symlink("x" * 100, n)),
                       ("bp", os.mkfifo)):
        make(name)
        raw = statx(name)
        eq(STATX_BTIME, field(raw, 0, 4) & STATX_BTIME, f"time of birth of {name}")
        born = field(raw, 0x50, 8) * 10**9 + field(raw, 0x58, 4)
        eq(os.lstat(name).st_ctime_ns, born, f"{name} was born")
        true(born > before, f"{name} was born before")
        tick()
        os.chmod(name, 0o600) if name != "bl" else os.rename(name, "bl2")
        os.utime("bl2" if name == "bl" else name, ns=(1, 1), follow_symlinks=False)
        drop_caches()
        raw = statx("bl2" if name == "bl" else name)
        eq(born, field(raw, 0x50, 8) * 10**9 + field(raw, 0x58, 4), f"{name} was born, later")
    eq(0, field(statx(".", 0x7ff), 0, 4) & STATX_BTIME, "who does not ask")


if not lacks("chattr-d"):
    nodump()
if lacks("btime"):
    eq(0, field(statx("f"), 0, 4) & STATX_BTIME, "time of birth")
else:
    born()

# statx: any direct I/O
raw = statx("f")
eq(4096, field(raw, 4, 4), "block size")
eq(os.stat("f").st_dev, os.makedev(field(raw, 0x88, 4), field(raw, 0x8c, 4)), "device")
eq(STATX_DIOALIGN, field(raw, 0, 4) & STATX_DIOALIGN, "direct I/O is spoken of")
eq((1, 512), (field(raw, 0x98, 4), field(raw, 0x9c, 4)), "alignment of direct I/O")
eq(0, field(statx("d"), 0, 4) & STATX_DIOALIGN, "direct I/O of a directory")
fd = os.open("f", os.O_RDWR | os.O_DIRECT)
eq(3, os.pwrite(fd, b"abc", 5), "direct I/O without alignment")
eq(b"abc", os.pread(fd, 3, 5), "and back")
os.close(fd)

# generation
old = word("f", GETVERSION)
true(old != word("d", GETVERSION), "two generations")
ctime = os.stat("f").st_ctime_ns
tick()
word("f", SETVERSION, 12345)
true(os.stat("f").st_ctime_ns > ctime, "ctime of a new generation")
eq(12345, word("f", GETVERSION), "a new generation")
drop_caches()
eq(12345, word("f", GETVERSION), "asked again")

# file systems without quota, leases and the like: a clean no
Q_GETQUOTA = 0x800007 << 8
fd = os.open(".", os.O_RDONLY)
NR_QUOTACTL_FD = 443
eq(-1, LIBC.syscall(NR_QUOTACTL_FD, fd, Q_GETQUOTA, 0, ctypes.create_string_buffer(128)), "quota")
eq("ENOSYS", errno.errorcode[ctypes.get_errno()], "quota")
os.close(fd)
os.system("rm -rf f d b bd bl2 bp")
