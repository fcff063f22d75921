# SPDX-License-Identifier: BSD-2-Clause
#
# swapon(2) of files in $mnt: which are refused, and what may still be done to them. Run by
# swapfile.sh; the working folder is the mount.

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import struct
import subprocess

import falloc

PAGE, SIZE = 4096, 8 << 20
FICLONE, FIDEDUPERANGE = 0x40049409, 0xC0189436
LIBC = falloc.LIBC


def refused(error, function, *args):
    try:
        function(*args)
    except OSError as e:
        assert e.errno == error, f"{errno.errorcode[e.errno]}, wanted {errno.errorcode[error]}"
        return
    raise AssertionError(f"wanted {errno.errorcode[error]}")


def swapoff(path):
    assert LIBC.swapoff(os.fsencode(path)) == 0, os.strerror(ctypes.get_errno())


def new_swap(name="swap"):
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, bytes(SIZE))
    subprocess.run(["mkswap", "-q", name], check=True, stderr=subprocess.DEVNULL)
    return fd


def stores(m, at):
    """Does a store end, or is it a SIGBUS? In a child, which has the mapping and its entries."""
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        m[at] = 7
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status in (0, signal.SIGBUS), status
    return status == 0


def test_shared():
    """A page that goes out would need a new block."""
    fd = new_swap()
    clone = os.open("clone", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.ioctl(clone, FICLONE, fd)
    refused(errno.EINVAL, falloc.swapon, "swap")
    refused(errno.EINVAL, falloc.swapon, "clone")
    # its own again
    os.pwrite(fd, os.pread(fd, SIZE, 0), 0)
    falloc.swapon("swap")
    swapoff("swap")
    # one block is enough
    fcntl.ioctl(clone, 0x4020940D, struct.pack("qQQQ", fd, SIZE // 2, PAGE, SIZE // 2))
    refused(errno.EINVAL, falloc.swapon, "swap")
    for name in "swap", "clone":
        os.unlink(name)


def test_reserved():
    """What fallocate gave; a hole."""
    fd = os.open("swap", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    falloc.fallocate(fd, 0, 0, SIZE)
    subprocess.run(["mkswap", "-q", "swap"], check=True, stderr=subprocess.DEVNULL)
    falloc.swapon("swap")
    swapoff("swap")
    assert not any(os.pread(fd, SIZE - PAGE, PAGE))
    falloc.fallocate(fd, falloc.PUNCH | falloc.KEEP_SIZE, SIZE - PAGE, PAGE)
    refused(errno.EINVAL, falloc.swapon, "swap")
    os.unlink("swap")


def test_mapped():
    """Stores through mappings that were there before, with and without entries."""
    fd = new_swap()
    m = mmap.mmap(fd, SIZE)
    large = mmap.mmap(fd, 2 << 20, offset=2 << 20)
    m[PAGE] = large[PAGE] = 1
    for there in 1, 7:
        falloc.swapon("swap")
        for at in PAGE, PAGE + 8, 16 * PAGE, SIZE - 1:
            assert not stores(m, at), at
        assert not stores(large, 2 * PAGE)
        assert m[PAGE] == 1 and large[PAGE] == there
        private = mmap.mmap(fd, SIZE, flags=mmap.MAP_PRIVATE)
        private[PAGE] = 2
        swapoff("swap")
        assert stores(m, 16 * PAGE) and stores(large, PAGE)
        assert os.pread(fd, 1, 16 * PAGE) == b"\7"
    # an error of swapon that comes after ours
    os.pwrite(fd, b"no header", PAGE - 10)
    refused(errno.EINVAL, falloc.swapon, "swap")
    assert stores(m, PAGE)
    os.unlink("swap")


def test_changes():
    fd = new_swap()
    other = os.open("other", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(other, bytes(64 * PAGE))
    falloc.swapon("swap")
    refused(errno.ETXTBSY, os.pwrite, fd, b"x", 0)
    refused(errno.ETXTBSY, os.ftruncate, fd, PAGE)
    refused(errno.ETXTBSY, falloc.fallocate, fd, falloc.ZERO, 0, PAGE)
    refused(errno.ETXTBSY, fcntl.ioctl, fd, FICLONE, other)
    refused(errno.ETXTBSY, fcntl.ioctl, other, FICLONE, fd)
    refused(errno.ETXTBSY, fcntl.ioctl, fd, 0x4004FA01, bytes(4))
    refused(errno.EPERM, os.unlink, "swap")
    for a, b in (fd, other), (other, fd):
        arg = bytearray(struct.pack("QQHHI", PAGE, PAGE, 1, 0, 0) +
                        struct.pack("qQQiI", b, PAGE, 0, 0, 0))
        try:
            fcntl.ioctl(a, FIDEDUPERANGE, arg)
            status = struct.unpack_from("i", arg, 24 + 24)[0]
            assert status == -errno.ETXTBSY, status
        except OSError as e:
            assert e.errno == errno.ETXTBSY
    # as elsewhere
    assert os.pread(fd, 10, PAGE - 10) == b"SWAPSPACE2"
    os.link("swap", "link")
    os.ftruncate(fd, 2 * SIZE)
    swapoff("swap")
    for name in "swap", "link", "other":
        os.unlink(name)


def test_held():
    """Somebody's pipe has a page of it: refused after a while, not for ever."""
    if os.environ["way"] != "nio":
        return
    fd = new_swap()
    m = mmap.mmap(fd, PAGE)
    assert m[0] == 0
    reader, writer = os.pipe()
    buf = ctypes.c_char.from_buffer(m)
    iov = struct.pack("QQ", ctypes.addressof(buf), PAGE)
    assert LIBC.vmsplice(writer, iov, 1, 0) == PAGE
    refused(errno.EBUSY, falloc.swapon, "swap")
    assert len(os.read(reader, PAGE)) == PAGE
    falloc.swapon("swap")
    swapoff("swap")
    os.unlink("swap")


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
