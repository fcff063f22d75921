# SPDX-License-Identifier: BSD-2-Clause
"""usage: remount.py FOLDER: of a memofs with ro, pedantic=2, ephemeral, dax, nr_inodes=5000."""

import ctypes
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
MS_RDONLY, MS_REMOUNT = 1, 32
SYS_fsconfig, SYS_fspick = 431, 433
SET_FLAG, SET_STRING, RECONFIGURE = 0, 1, 7

where = os.fsencode(sys.argv[1])


def check(ret):
    if ret < 0:
        sys.exit(f"failed: {os.strerror(ctypes.get_errno())}")
    return ret


def old(flags, text):
    check(LIBC.mount(b"none", where, None, MS_REMOUNT | flags, text))


def new(*options):
    """The VFS is not asked for what is not named either."""
    fd = check(LIBC.syscall(SYS_fspick, -100, where, 0))
    for key, value in options:
        check(LIBC.syscall(SYS_fsconfig, fd, SET_STRING if value else SET_FLAG, key, value, 0))
    check(LIBC.syscall(SYS_fsconfig, fd, RECONFIGURE, None, None, 0))
    os.close(fd)


def shown():
    """Of the super-block: a mount has an ro of its own."""
    with open("/proc/self/mountinfo", "rb") as f:
        line = [text.split() for text in f if text.split()[4] == where][-1]
    return set(line[-1].decode().split(","))


def expect(wanted, what):
    every = {"ro", "rw", "pedantic=2", "pedantic=1", "pedantic=3", "ephemeral", "dax",
             "nr_inodes=5000", "nr_inodes=6000"}
    found = shown() & every
    if found != wanted:
        sys.exit(f"failed: {what}: wanted {sorted(wanted)}, found {sorted(found)}")


ours = {"pedantic=2", "ephemeral", "dax", "nr_inodes=5000"}
expect(ours | {"ro"}, "at first")
new()
expect(ours | {"ro"}, "a remount that names nothing")
old(MS_RDONLY, None)
expect(ours | {"ro"}, "the same, the old way")
new((b"rw", None))
expect(ours | {"rw"}, "rw alone")
new((b"nr_inodes", b"6000"))
ours = {"pedantic=2", "ephemeral", "dax", "nr_inodes=6000"}
expect(ours | {"rw"}, "what is the server's")
old(0, b"pedantic=3")
expect({"pedantic=3", "ephemeral", "dax", "nr_inodes=6000", "rw"}, "one of ours")
old(0, b"nodax,noephemeral,pedantic=0")
expect({"nr_inodes=6000", "rw"}, "all of ours, off")
