# SPDX-License-Identifier: BSD-2-Clause
#
# Frames that are held when their inode is evicted, or whose block is shared with a second
# file: by a pipe, which shows what is in them, and by DMA of $held, which stores 0xdd there
# when it is let go. Run by frames.sh in each $way.

import ctypes
import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time

from basic import (FALLOC_COLLAPSE, FALLOC_KEEP, FALLOC_PUNCH, PAGE, block, fallocate, libc, mnt,
                   new, path, shared)
from patience import SECONDS, patient

FICLONE = 0x40049409
IO_SETUP, IO_GETEVENTS, IO_SUBMIT = 206, 208, 209
VICTIM, NEXT = block(7), block(0xee)
way = os.environ["way"]
keeps = "MMAP_WAITS" not in os.environ


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Pipe:
    """What it holds is seen by the reader."""

    def __init__(self, m, page):
        self.r, self.w = os.pipe()
        iov = Iovec(m.addr + page * PAGE, PAGE)
        got = libc.vmsplice(self.w, ctypes.byref(iov), ctypes.c_ulong(1), 0)
        assert got == PAGE, os.strerror(ctypes.get_errno())

    def release(self, content=VICTIM):
        got = os.read(self.r, PAGE)
        assert got == content, f"the pipe has {got[:4]!r}"
        os.close(self.r)
        os.close(self.w)


class Dma:
    """A read of the device into the page, which does not end before the device goes on."""

    def __init__(self, m, page):
        subprocess.check_call(["dmsetup", "suspend", "--noflush", "--nolockfs", "held"])
        self.disk = os.open("/dev/mapper/held", os.O_RDONLY | os.O_DIRECT)
        self.ctx = ctypes.c_ulong(0)
        assert not libc.syscall(IO_SETUP, 1, ctypes.byref(self.ctx))
        # struct iocb of a pread
        self.cb = ctypes.create_string_buffer(struct.pack(
            "QIIHhIQQqQII", 0, 0, 0, 0, 0, self.disk, m.addr + page * PAGE, PAGE, 0, 0, 0, 0), 64)
        cbs = (ctypes.c_void_p * 1)(ctypes.addressof(self.cb))
        assert libc.syscall(IO_SUBMIT, self.ctx, 1, cbs) == 1, os.strerror(ctypes.get_errno())

    def release(self, content=None):
        subprocess.check_call(["dmsetup", "resume", "held"])
        event = ctypes.create_string_buffer(32)
        assert libc.syscall(IO_GETEVENTS, self.ctx, 1, 1, event, None) == 1
        assert struct.unpack("QQqq", event.raw)[2] == PAGE
        os.close(self.disk)


def drop():
    for _ in range(3):
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("2")


def started(function):
    """A child, and a pipe that ends with it."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(r)
        function()
        os._exit(0)
    os.close(w)
    return pid, r


def ends(child):
    pid, r = child
    assert select.select([r], [], [], SECONDS)[0], "it waits for ever"
    os.close(r)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"status {status:#x}"


def waits(child):
    assert not select.select([child[1]], [], [], 0.3)[0], "it did not wait"


def goes_on(child):
    """It is not in its way that somebody holds a page: the server keeps that back."""
    if keeps:
        ends(child)
    else:
        waits(child)


def free():
    return os.statvfs(mnt).f_bfree


def comes_back(blocks):
    end = time.monotonic() + SECONDS
    while free() != blocks:
        assert time.monotonic() < end, f"{free()} blocks are free, not {blocks}"
        time.sleep(0.02)


def others():
    """Files that would get the blocks."""
    return [new(f"next{i}", data=NEXT * 64) for i in range(6)]


def others_are_whole(fds):
    for i, fd in enumerate(fds):
        assert os.pread(fd, 64 * PAGE, 0) == NEXT * 64, "a block of somebody else was hurt"
        os.unlink(path(f"next{i}"))
        os.close(fd)


def held_and_evicted(kind, name="victim"):
    fd = new(name, data=VICTIM * 64)
    m = shared(fd, 64 * PAGE)
    m[5 * PAGE]
    pin = kind(m, 5)
    m.close()
    os.close(fd)
    drop()
    return pin


def test_unlink(kind):
    pin = held_and_evicted(kind)
    ends(started(lambda: os.unlink(path("victim"))))
    fds = others()
    pin.release()
    others_are_whole(fds)


def test_cut(kind):
    cut = {
        "truncate": lambda: os.truncate(path("victim"), 0),
        "punch": lambda: fallocate(os.open(path("victim"), os.O_RDWR),
                                   FALLOC_PUNCH | FALLOC_KEEP, 0, 64 * PAGE),
        "open": lambda: os.open(path("victim"), os.O_RDWR | os.O_TRUNC),
        "clone": lambda: patient(fcntl.ioctl, os.open(path("victim"), os.O_RDWR), FICLONE,
                                 new("source", data=block(9) * 64)),
    }
    for what, function in cut.items():
        pin = held_and_evicted(kind)
        # what does not concern the frame does not wait
        os.truncate(path("victim"), 32 * PAGE)
        drop()
        child = started(function)
        goes_on(child)
        fds = others()
        pin.release()
        if not keeps:
            ends(child)
        others_are_whole(fds)
        os.unlink(path("victim"))
        print(f"  {what}", flush=True)
    os.unlink(path("source"))


def shared_block(kind):
    """A page of A is held; its block is B's, too."""
    a = new("A", data=VICTIM * 64)
    b = new("B")
    fcntl.ioctl(b, FICLONE, a)
    os.close(b)
    m = shared(a, 64 * PAGE)
    m[5 * PAGE]
    return a, m, kind(m, 5)


def test_shared(kind):
    for what in ("write", "store") if keeps else ("write",):
        a, m, pin = shared_block(Pipe)
        # a page beside it is nobody's business
        os.pwrite(a, block(9), 6 * PAGE)
        if what == "write":
            child = started(lambda: os.pwrite(a, block(9) * 64, 0))
            goes_on(child)
        else:
            m[5 * PAGE] = 9
        os.unlink(path("B"))
        fds = others()
        pin.release()
        if not keeps:
            ends(child)
        others_are_whole(fds)
        m.close()
        os.unlink(path("A"))
        os.close(a)
        print(f"  {what}", flush=True)


def test_source(kind):
    """What becomes shared is nobody's to change: the source of a clone waits."""
    fd = new("source", data=VICTIM * 64)
    m = shared(fd, 64 * PAGE)
    m[5 * PAGE]
    pin = kind(m, 5)
    child = started(lambda: patient(fcntl.ioctl, new("copy"), FICLONE, fd))
    waits(child)
    # who waits needs only be able to read it: he is in nobody's way
    ends(started(lambda: os.pread(fd, PAGE, 0)))
    ends(started(lambda: os.pwrite(fd, VICTIM, 9 * PAGE)))
    ends(started(lambda: os.fchmod(fd, 0o600)))
    pin.release()
    ends(child)
    m.close()
    os.close(fd)
    for name in "source", "copy":
        os.unlink(path(name))


def test_busy_source(kind):
    """... nor does he wait for ever."""
    if kind is not Pipe:
        return
    fd = new("source", data=VICTIM * 64)
    m = shared(fd, 64 * PAGE)
    m[5 * PAGE]
    pin = kind(m, 5)
    copy = new("copy")
    try:
        fcntl.ioctl(copy, FICLONE, fd)
    except OSError as e:
        assert e.errno == errno.EBUSY, e
    else:
        raise AssertionError("cloned what somebody may store to")
    pin.release()
    fcntl.ioctl(copy, FICLONE, fd)
    m.close()
    for name, end in ("source", fd), ("copy", copy):
        os.unlink(path(name))
        os.close(end)


def test_shifted(kind):
    """A page that gets another number is looked for by it: who would move it waits."""
    fd = new("shifted", data=VICTIM * 64)
    m = shared(fd, 64 * PAGE)
    m[5 * PAGE]
    pin = kind(m, 5)
    child = started(lambda: fallocate(fd, FALLOC_COLLAPSE, 0, PAGE))
    waits(child)
    os.kill(child[0], signal.SIGKILL)
    assert os.waitpid(child[0], 0)[1] == signal.SIGKILL
    os.close(child[1])
    shift = started(lambda: fallocate(fd, FALLOC_COLLAPSE, 0, PAGE))
    waits(shift)
    pin.release()
    ends(shift)
    copy = new("copy")
    fcntl.ioctl(copy, FICLONE, fd)
    assert os.fstat(copy).st_size == 63 * PAGE
    m.close()
    os.close(copy)
    os.close(fd)
    for name in "shifted", "copy":
        os.unlink(path(name))


def test_comes_back(kind):
    """Blocks that somebody holds are not free, until he has done."""
    if not keeps:
        return
    fd = new("counted")
    before = free()
    os.pwrite(fd, VICTIM * 64, 0)
    m = shared(fd, 64 * PAGE)
    m[5 * PAGE], m[9 * PAGE]
    pin = kind(m, 5)
    os.ftruncate(fd, 0)
    os.pwrite(fd, block(3) * 64, 0)
    os.ftruncate(fd, 0)
    comes_back(before - 1)
    pin.release()
    comes_back(before)
    m.close()
    os.unlink(path("counted"))
    os.close(fd)


def test_full(kind):
    """All of the space is written meanwhile, but not what somebody holds; then that as well."""
    before = free()
    fd = new("held", data=VICTIM * 64)
    m = shared(fd, 64 * PAGE)
    m[5 * PAGE]
    pin = kind(m, 5)
    os.unlink(path("held"))
    m.close()
    os.close(fd)
    fd = new("all")
    try:
        while True:
            os.write(fd, NEXT * 256)
    except OSError:
        pass
    size = os.fstat(fd).st_size
    pin.release()
    # nobody has looked for a while, but who needs it does
    assert os.pwrite(fd, NEXT, -size // PAGE * -PAGE) == PAGE
    for at in range(0, size // PAGE * PAGE, 256 * PAGE):
        got = os.pread(fd, 256 * PAGE, at)
        assert got == NEXT * (len(got) // PAGE), "a block of somebody else was hurt"
    os.unlink(path("all"))
    os.close(fd)
    comes_back(before)


def test_back(kind):
    """The inode comes, goes and comes again."""
    pin = held_and_evicted(kind)
    for _ in range(3):
        fd = os.open(path("victim"), os.O_RDWR)
        m = shared(fd, 64 * PAGE)
        m[5 * PAGE], m[9 * PAGE]
        m.close()
        os.close(fd)
        drop()
    ends(started(lambda: os.unlink(path("victim"))))
    fds = others()
    pin.release()
    others_are_whole(fds)


def test_many(kind):
    """Files that are gone and still held cost memory, not the work of others."""
    pins = []
    for i in range(300):
        fd = new("many", data=block(3))
        m = shared(fd, PAGE)
        m[0]
        pins.append(Pipe(m, 0))
        m.close()
        os.unlink(path("many"))
        os.close(fd)
    fd = new("mapped", data=block(1))

    def mapped():
        m = shared(fd, PAGE)
        m[0]

    ends(started(mapped))
    os.close(fd)
    ends(started(lambda: os.unlink(path("mapped"))))
    for pin in pins:
        pin.release(block(3))


def test_mounts(kind):
    """An unmount waits for no pin, but the devices are not free before it is gone."""
    if way == "none":
        return
    device = next(line.split()[0] for line in open("/proc/mounts") if line.split()[1] == mnt)
    pin = held_and_evicted(kind)
    options = ["-o", "mapped"] if way == "mapped" else []
    mount = ["mount", "-t", "memofs", *options, device, mnt]
    subprocess.check_call(["umount", mnt])
    if keeps:
        # who knows what is held may have them
        subprocess.check_call(mount)
        inherited = free()
        fds = others()
        pin.release()
        others_are_whole(fds)
        comes_back(inherited + 1)
        return
    assert subprocess.call(mount, stderr=subprocess.DEVNULL), "its frames are in use"
    pin.release()
    # DMA lets go of its pages when it has told that it has ended
    end = time.monotonic() + SECONDS
    while subprocess.call(["mount", "-t", "memofs", "-o", "noquarantine", device, mnt]):
        assert time.monotonic() < end, "its frames are in use for ever"


if __name__ == "__main__":
    only = sys.argv[1:]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (only and name not in only):
            continue
        for kind in Pipe, Dma:
            if name in ("test_many", "test_shared") and kind is Dma:
                continue
            print(f"{way}: {name} {kind.__name__}", flush=True)
            test(kind)
