# SPDX-License-Identifier: BSD-2-Clause
"""Poisoned memory that is no mapped page: what the driver knows, the inode itself.

usage: poison.py known FILE DEVICE	the driver knows the block that FILE starts with to be
					bad
       poison.py inode FILE DEVICE	the memory of FILE's inode goes bad
"""

import errno
import fcntl
import os
import struct
import sys

PAGE = 4096
FS_IOC_FIEMAP, FS_IOC_SETFLAGS, FS_NOATIME_FL = 0xC020660B, 0x40086602, 0x80


def refused(code, call, *args):
    try:
        got = call(*args)
    except OSError as err:
        assert err.errno == code, f"{call.__name__}: {err}"
    else:
        sys.exit(f"{call.__name__} has returned {got}")


def address(device, at):
    """Of a byte of a device, in the memory of the machine."""
    name = os.path.basename(device)
    region = os.path.dirname(os.path.realpath(f"/sys/block/{name}/device"))
    with open(f"{region}/resource", encoding="ascii") as base:
        return int(base.read(), 0) + at


def place(fd):
    question = struct.pack("=QQIIII", 0, PAGE, 0, 0, 1, 0) + bytes(56)
    return struct.unpack_from("=Q", fcntl.ioctl(fd, FS_IOC_FIEMAP, question), 32 + 8)[0]


def known(path, device):
    fd = os.open(path, os.O_RDWR)
    bad = f"/sys/block/{os.path.basename(device)}/badblocks"
    line = b"%d 8\n" % (place(fd) // 512)

    def blocks():
        with open(bad, "rb") as found:
            return found.read()

    with open(bad, "wb", buffering=0) as out:
        out.write(line)
    assert blocks() == line, blocks()
    refused(errno.EIO, os.pwrite, fd, b"x", 9)
    assert os.pwrite(fd, b"w" * (PAGE + 1), 0) == PAGE + 1
    assert os.pread(fd, PAGE + 1, 0) == b"w" * (PAGE + 1)
    assert os.pwrite(fd, b"x", 9) == 1
    assert blocks() == b"", blocks()
    # for the next mount
    with open(bad, "wb", buffering=0) as out:
        out.write(line)
    # the blocks beside it are as good as ever
    assert os.pwrite(fd, b"y" * PAGE, PAGE) == PAGE
    assert os.pread(fd, PAGE, PAGE) == b"y" * PAGE
    assert blocks() == line, blocks()
    assert os.pwrite(fd, b"z" * 3 * PAGE, PAGE) == 3 * PAGE
    assert os.pread(fd, 3 * PAGE, PAGE) == b"z" * 3 * PAGE


def inode(path, device):
    fd = os.open(path, os.O_RDWR)
    os.fchown(fd, 4242, 4243)
    os.ftruncate(fd, 123457)
    st = os.fstat(fd)
    with open(device, "rb") as dev:
        at = dev.read().find(struct.pack("<HIQ", st.st_mode, 1, 123457)) - 2
    assert at > 0, "the inode is not on the device"
    try:
        with open("/sys/devices/system/memory/hard_offline_page", "wb", buffering=0) as out:
            out.write(b"%#x" % address(device, at))
    except OSError as err:
        assert err.errno == 133, err  # EHWPOISON: it was heard of
    refused(errno.EIO, os.fstat, fd)
    refused(errno.EIO, os.getxattr, fd, "user.a")
    refused(errno.EIO, os.listxattr, fd)
    refused(errno.EIO, fcntl.ioctl, fd, FS_IOC_SETFLAGS, struct.pack("=q", FS_NOATIME_FL))


{"known": known, "inode": inode}[sys.argv[1]](*sys.argv[2:])

