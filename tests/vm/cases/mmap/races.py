# SPDX-License-Identifier: BSD-2-Clause
#
# Threads that load from and store to a mapping while others change the file: what they
# see is what may be there, and SIGBUS comes only where the file ends. Run by races.sh.
#
# A page i of the file is always either zeros or full of bytes that say i (see pattern).

import ctypes
import os
import random
import signal
import sys
import time

from basic import (FALLOC_COLLAPSE, FALLOC_INSERT, FALLOC_KEEP, FALLOC_PUNCH, PAGE, child,
                   fallocate, new, path, shared)

PAGES = 64
SECONDS = float(os.environ.get("race_seconds", "2"))


def pattern(i, generation=0):
    return bytes([1 + (i * 3 + generation) % 250]) * PAGE


def until(seconds=SECONDS):
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        yield


def run(*children, may_die=False):
    pids = [child(*c) for c in children]
    for pid, c in zip(pids, children):
        status = os.waitpid(pid, 0)[1]
        if status and not (may_die and os.WIFSIGNALED(status) and
                           os.WTERMSIG(status) == signal.SIGBUS):
            raise AssertionError(f"{c[0].__name__} ended with {status:#x}")


def whole(m, i, *allowed):
    """Each page is what one of the writers has left there, never a mixture."""
    found = m[i * PAGE]
    if found not in allowed:
        raise AssertionError(f"page {i}: {found}, not {allowed}")


def test_holes():
    """Loads of holes while write, fallocate and stores fill and punch them."""
    fd = new("holes", PAGES * PAGE)

    def load():
        m = shared(fd, PAGES * PAGE)
        for _ in until():
            i = random.randrange(PAGES)
            whole(m, i, 0, pattern(i)[0])

    def fill():
        m = shared(fd, PAGES * PAGE)
        for _ in until():
            i = random.randrange(PAGES)
            fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, i * PAGE, PAGE)
            if m[i * PAGE] not in (0, pattern(i)[0]):
                raise AssertionError(m[i * PAGE])
            if i % 3 == 0:
                fallocate(fd, 0, i * PAGE, PAGE)
            if i % 3 == 1:
                m[i * PAGE] = pattern(i)[0]
            os.pwrite(fd, pattern(i), i * PAGE)

    def follow():
        """Who has written alone must see it in a mapping that has loaded before."""
        own = new(f"own{os.getpid()}", PAGES * PAGE)
        m = shared(own, PAGES * PAGE)
        for n in range(1 << 30):
            if n % PAGES == 0:
                fallocate(own, FALLOC_PUNCH | FALLOC_KEEP, 0, PAGES * PAGE)
                if time.monotonic() > end_of_follow:
                    return
            i = n % PAGES
            if m[i * PAGE]:
                raise AssertionError("a punched page is not empty")
            os.pwrite(own, pattern(i), i * PAGE)
            if m[i * PAGE] != pattern(i)[0]:
                raise AssertionError("what was written is not there")

    end_of_follow = time.monotonic() + SECONDS
    run((load,), (load,), (fill,), (fill,), (follow,))


def test_truncate():
    """SIGBUS behind the end, never in front of it; nothing old comes back."""
    fd = new("truncate", data=b"".join(pattern(i) for i in range(PAGES)))
    keep = 8

    def safe():
        m = shared(fd, PAGES * PAGE)
        for _ in until():
            i = random.randrange(keep)
            whole(m, i, pattern(i)[0])
            m[i * PAGE] = pattern(i)[0]

    def beyond():
        for _ in until():
            pid = child(touch)
            status = os.waitpid(pid, 0)[1]
            if status and not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGBUS):
                raise AssertionError(f"{status:#x}")

    def touch():
        m = shared(fd, PAGES * PAGE)
        for _ in range(100):
            i = random.randrange(PAGES)
            whole(m, i, 0, pattern(i)[0])
            if i >= keep:
                m[i * PAGE] = pattern(i)[0]

    def cut():
        for _ in until():
            os.ftruncate(fd, random.randrange(keep, PAGES) * PAGE)
            os.ftruncate(fd, PAGES * PAGE)

    run((safe,), (beyond,), (cut,))


def test_shift():
    """COLLAPSE and INSERT under loads: a page is one of its neighbours or empty."""
    fd = new("shift", data=b"\7" * (PAGES * PAGE))

    def load():
        m = shared(fd, PAGES * PAGE)
        for _ in until():
            whole(m, random.randrange(PAGES // 2), 0, 7)

    def store():
        m = shared(fd, PAGES * PAGE)
        for _ in until():
            m[random.randrange(PAGES // 2) * PAGE] = 7

    def shift():
        for _ in until():
            fallocate(fd, FALLOC_COLLAPSE, 3 * PAGE, 2 * PAGE)
            os.fsync(fd)
            fallocate(fd, FALLOC_INSERT, 5 * PAGE, 2 * PAGE)

    run((load,), (store,), (shift,))


def test_clone():
    """A clone takes what was stored before it, and no store after it."""
    import fcntl
    fd = new("clone", data=b"\1" * (8 * PAGE))
    m = shared(fd, 8 * PAGE)

    def background():
        own = shared(fd, 8 * PAGE)
        for _ in until():
            own[7 * PAGE] = (own[7 * PAGE] + 1) % 256

    def cloner():
        copy = new("copy", data=b"\2" * (8 * PAGE))
        seen = shared(copy, 8 * PAGE)
        for n, _ in enumerate(until()):
            byte = n % 250 + 1
            m[0] = byte
            if seen[0] == byte and n > 1:
                raise AssertionError("a store to the source is seen in the clone")
            try:
                fcntl.ioctl(copy, 0x40049409, fd)
            except OSError:
                return
            if seen[0] != byte:
                raise AssertionError("the clone has not what was stored")
            seen[PAGE] = byte
            if m[PAGE] == byte and byte != 1:
                raise AssertionError("a store to the clone is seen in the source")
            m[PAGE] = 0

    run((background,), (cloner,))


def must_hold(fd, words, pages, slot, n):
    """The counter of each of these pages, mapped and read."""
    for i in pages:
        if words[i * 512 + slot] != n:
            raise AssertionError("a store is lost")
        got = int.from_bytes(os.pread(fd, 8, i * PAGE + slot * 8), "little")
        if got != n:
            raise AssertionError(f"read {got}, stored {n}")


def test_sync():
    """Stores, msync, write and fork at the same time: each counter ends where it should."""
    fd = new("sync", PAGES * PAGE)

    def count(slot):
        m = shared(fd, PAGES * PAGE)
        words = (ctypes.c_uint64 * (PAGES * PAGE // 8)).from_address(m.addr)
        n = 0
        for _ in until():
            n += 1
            for i in range(0, PAGES, 7):
                words[i * 512 + slot] = n
            if n % 16 == 0:
                m.flush()
        must_hold(fd, words, range(0, PAGES, 7), slot, n)

    def syncs():
        for _ in until():
            os.sync()
            os.fsync(fd)
            os.pwrite(fd, b"x", 5 * PAGE + 4000)

    run((count, 0), (count, 1), (count, 2), (syncs,))


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_") and (len(sys.argv) < 2 or name in sys.argv[1:]):
            print(f"{os.environ['way']}: {name}", flush=True)
            test()
