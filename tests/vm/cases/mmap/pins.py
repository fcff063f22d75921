# SPDX-License-Identifier: BSD-2-Clause
#
# Frames of a mapping that somebody else holds: O_DIRECT of another file system ($ref),
# pipes. Whoever takes blocks away waits for it. Run by pins.sh in each $way.

import ctypes
import errno
import fcntl
import os
import select
import signal
import subprocess
import time

from basic import (FALLOC_COLLAPSE, FALLOC_KEEP, FALLOC_PUNCH, PAGE, block, eq, fallocate,
                   libc, mnt, new, path, shared)
from patience import SECONDS, patient

FICLONE = 0x40049409
ref = os.environ["ref"]
way = os.environ["way"]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def vmsplice(fd, m, page):
    iov = Iovec(m.addr + page * PAGE, PAGE)
    got = libc.vmsplice(fd, ctypes.byref(iov), ctypes.c_ulong(1), 0)
    assert got == PAGE, os.strerror(ctypes.get_errno())


def waits(function, release, check=None):
    """A child that calls it does not end before release() was called."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(r)
        function()
        os._exit(0)
    os.close(w)
    assert not select.select([r], [], [], 0.3)[0], "it did not wait"
    if check:
        check()
    release()
    assert select.select([r], [], [], SECONDS)[0], "it waits for ever"
    os.close(r)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"status {status:#x}"


def test_pipe():
    for what in "truncate", "punch", "collapse", "clone":
        fd = new("pinned", data=b"".join(block(i + 1) for i in range(8)))
        m = shared(fd, 8 * PAGE)
        r, w = os.pipe()
        vmsplice(w, m, 4)
        calls = {
            "truncate": lambda: os.ftruncate(fd, 2 * PAGE),
            "punch": lambda: fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, 3 * PAGE, 3 * PAGE),
            "collapse": lambda: fallocate(fd, FALLOC_COLLAPSE, PAGE, 2 * PAGE),
            "clone": lambda: clone(new("source", data=block(9) * 8), fd),
        }
        # what does not concern the page does not wait
        os.ftruncate(fd, 7 * PAGE)
        os.ftruncate(fd, 8 * PAGE)
        fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, 0, PAGE)
        # a fault meanwhile goes through
        waits(calls[what], lambda: eq(os.read(r, PAGE), block(5), what),
              lambda: eq(m[6 * PAGE:6 * PAGE + 1], b"\x07"))
        os.close(r)
        os.close(w)
        m.close()
        os.close(fd)


def clone(source, fd):
    try:
        patient(fcntl.ioctl, fd, FICLONE, source)
    except OSError as e:
        assert e.errno == errno.EOPNOTSUPP


def test_allocate():
    """Who only wants blocks does not wait, and moves nothing."""
    fd = new("allocated", data=block(1) + block(2))
    os.ftruncate(fd, 6 * PAGE)
    m = shared(fd, 6 * PAGE)
    r, w = os.pipe()
    vmsplice(w, m, 1)
    # a page of the hole as well, which readers see as the zero page
    eq(m[3 * PAGE:4 * PAGE], bytes(PAGE), "a hole")
    pid = os.fork()
    if not pid:
        fallocate(fd, 0, 0, 8 * PAGE)
        os._exit(0)
    poll = select.poll()
    poll.register(os.pidfd_open(pid), select.POLLIN)
    assert poll.poll(SECONDS * 1000), "it waits for who has a page"
    assert os.waitpid(pid, 0)[1] == 0
    assert os.fstat(fd).st_size == 8 * PAGE and os.fstat(fd).st_blocks == 64
    # the page is the same one, for the pipe and for the mapping
    m[PAGE:PAGE + 4] = b"same"
    m[3 * PAGE:3 * PAGE + 4] = b"hole"
    eq(os.read(r, PAGE), b"same" + block(2)[4:], "what the pipe has")
    eq(os.pread(fd, PAGE, PAGE), b"same" + block(2)[4:], "what the file has")
    eq(os.pread(fd, PAGE, 3 * PAGE), b"hole" + bytes(PAGE - 4), "what was a hole")
    m.close()
    os.close(r)
    os.close(w)
    os.close(fd)


def test_killed():
    """Who waits can be killed, then nothing has happened."""
    fd = new("killed", data=block(1) * 4)
    m = shared(fd, 4 * PAGE)
    r, w = os.pipe()
    vmsplice(w, m, 2)
    pid = os.fork()
    if not pid:
        os.ftruncate(fd, 0)
        os._exit(0)
    end = time.monotonic() + SECONDS
    while open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "D":
        assert time.monotonic() < end, "it does not wait"
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert os.fstat(fd).st_size == 4 * PAGE
    eq(os.read(r, PAGE), block(1))
    os.ftruncate(fd, 0)
    m.close()
    for end in r, w, fd:
        os.close(end)


def test_freed():
    """The blocks of a file that is gone stay until the pipe is empty."""
    fd = new("freed", data=block(7) * 64)
    m = shared(fd, 64 * PAGE)
    r, w = os.pipe()
    vmsplice(w, m, 5)
    m.close()
    os.unlink(path("freed"))
    os.close(fd)
    # who comes next does not get them
    for i in range(4):
        other = new(f"next{i}", data=block(8) * 64)
        os.close(other)
    eq(os.read(r, PAGE), block(7), "the page in the pipe")


def test_left():
    """The end of the mount does not wait for the pipe of a sleeping process."""
    fd = new("left", data=block(7))
    m = shared(fd, PAGE)
    r, w = os.pipe()
    vmsplice(w, m, 0)
    holder = subprocess.Popen(["sleep", "300"], stdin=r, stdout=w, stderr=subprocess.DEVNULL,
                              cwd="/", start_new_session=True)
    with open(os.environ["pids"], "a") as pids:
        pids.write(f"{holder.pid}\n")
    m.close()
    os.close(fd)
    os.unlink(path("left"))
    os.close(r)
    os.close(w)
    mounted = next(line.split() for line in open("/proc/mounts") if line.split()[1] == mnt)
    subprocess.check_call(["umount", mnt], timeout=2 * SECONDS)
    mount = ["mount", "-t", "memofs", mounted[0], mnt]
    if way == "none":
        mount[1:1] = ["-o", "size=128M"]
    else:
        assert subprocess.call(mount, stderr=subprocess.DEVNULL), "its frames are in use"
    holder.kill()
    holder.wait()
    subprocess.check_call(mount)


def test_direct():
    """O_DIRECT from a disk into a mapping and out of it, against truncate."""
    source = os.open(os.path.join(ref, "data"), os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    buffer = shared(new("out", data=block(3) * 256), 256 * PAGE)
    assert os.pwrite(source, buffer.view, 0) == 256 * PAGE
    fd = new("in", 256 * PAGE)
    m = shared(fd, 256 * PAGE)
    assert os.preadv(source, [m.view], 0) == 256 * PAGE
    eq(os.pread(fd, 256 * PAGE, 0), block(3) * 256)
    reads, go_on = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(go_on)
        while not select.select([reads], [], [], 0)[0]:
            try:
                os.preadv(source, [m.view], 0)
            except OSError as e:
                assert e.errno == errno.EFAULT
        os._exit(0)
    os.close(reads)
    others, end = 0, time.monotonic() + 2
    # a slow machine takes its time for a few of them
    while time.monotonic() < end or others < 4:
        os.ftruncate(fd, 100 * PAGE)
        # were a block freed under DMA, this file would show 3s
        other = new("other", data=block(4) * 156)
        others += 1
        eq(os.pread(other, 156 * PAGE, 0), block(4) * 156, "a block of somebody else")
        os.unlink(path("other"))
        os.close(other)
        os.ftruncate(fd, 256 * PAGE)
    os.close(go_on)
    assert os.waitpid(pid, 0)[1] == 0


def test_fixed():
    """Long-term pins are refused, as by ext4 -o dax."""
    m = shared(new("fixed", data=block(1)), PAGE)
    ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
    if ring < 0:
        return
    iov = Iovec(m.addr, PAGE)
    assert libc.syscall(427, ring, 0, ctypes.byref(iov), 1) == -1
    assert ctypes.get_errno() == errno.EOPNOTSUPP, os.strerror(ctypes.get_errno())
    os.close(ring)


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(f"{os.environ['way']}: {name}", flush=True)
            test()
