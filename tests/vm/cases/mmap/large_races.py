# SPDX-License-Identifier: BSD-2-Clause
#
# As races.py, on files that are mapped by 2 MiB at a time: threads and processes load and
# store while others split these entries and make them anew. Run by races.sh.
#
# Loads and stores of a page go through libc, so that threads do not wait for each other.

import ctypes
import fcntl
import os
import random
import signal
import struct
from concurrent.futures import ThreadPoolExecutor
from mmap import mmap

from basic import (FALLOC_COLLAPSE, FALLOC_INSERT, FALLOC_KEEP, FALLOC_PUNCH, PAGE, child,
                   fallocate, libc, new, shared)
from large import HUGE, N, faults, large, touch
from races import must_hold, pattern, run, until

FICLONE, FICLONERANGE = 0x40049409, 0x4020940d


def put(m, i, byte):
    libc.memset(ctypes.c_void_p(m.addr + i * PAGE), byte, ctypes.c_size_t(PAGE))


def only(m, i, *allowed):
    """A page has no other bytes than these."""
    page = ctypes.create_string_buffer(PAGE)
    libc.memcpy(page, ctypes.c_void_p(m.addr + i * PAGE), ctypes.c_size_t(PAGE))
    if not set(page.raw) <= set(allowed):
        raise AssertionError(f"page {i}: {sorted(set(page.raw))}, not {allowed}")


def together(*functions):
    """In threads of this process."""
    with ThreadPoolExecutor(len(functions)) as pool:
        for done in [pool.submit(f) for f in functions]:
            done.result()


def patterns(n):
    return b"".join(pattern(i) for i in range(n))


def is_large(fd, first=0):
    """Do these 2 MiB come in one piece when they are mapped anew?"""
    m = shared(fd, (first + N) * PAGE)
    assert m.addr % HUGE == 0, hex(m.addr)
    count = faults(touch(m, first))
    m.close()
    return count < N // 4


def must_be_large(fd, first=0):
    assert is_large(fd, first) or not large, f"2 MiB from page {first} on are in pieces"


def renew(fd, first):
    """2 MiB are given back and asked for; in a race they may be in pieces."""
    fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, first * PAGE, HUGE)
    fallocate(fd, 0, first * PAGE, HUGE)
    is_large(fd, first)


def filled(name, data):
    """A file of which each 2 MiB are mapped in one piece."""
    fd = new(name)
    fallocate(fd, 0, 0, len(data))
    os.pwrite(fd, data, 0)
    for first in range(0, len(data) // PAGE, N):
        must_be_large(fd, first)
    return fd


def must_agree(fd):
    """What is mapped is what is read."""
    size = os.fstat(fd).st_size
    assert shared(fd, size)[:] == os.pread(fd, size, 0)


def test_holes():
    """Pages are punched and filled; of the second 2 MiB mostly all at once."""
    fd = filled("holes", patterns(2 * N))

    def load():
        m = shared(fd, 2 * HUGE)

        def look():
            for _ in until():
                i = random.randrange(2 * N)
                only(m, i, 0, pattern(i)[0])
        together(look, look, look)

    def fill():
        m = shared(fd, 2 * HUGE)
        for _ in until():
            i = random.randrange(N + N // 64)
            fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, i * PAGE, PAGE)
            only(m, i, 0, pattern(i)[0])
            if i % 3 == 0:
                fallocate(fd, 0, i * PAGE, PAGE)
            if i % 3 == 1:
                put(m, i, pattern(i)[0])
            os.pwrite(fd, pattern(i), i * PAGE)

    def replace():
        for _ in until():
            renew(fd, N)
            m = shared(fd, 2 * HUGE)
            for i in range(N, 2 * N):
                put(m, i, pattern(i)[0])
            m.close()

    run((load,), (load,), (fill,), (fill,), (replace,))
    must_agree(fd)
    renew(fd, N)
    must_be_large(fd, N)


def test_truncate():
    """SIGBUS behind the end, never in front of it, which is in the middle of 2 MiB."""
    keep = N + 5
    fd = filled("truncate", patterns(3 * N))
    at = mmap(-1, PAGE)

    def safe():
        m = shared(fd, 3 * HUGE)

        def use():
            for _ in until():
                i = random.randrange(keep)
                only(m, i, pattern(i)[0])
                put(m, i, pattern(i)[0])
        together(use, use, use)

    def beyond():
        for _ in until():
            pid = child(reach)
            status = os.waitpid(pid, 0)[1]
            if not status:
                continue
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGBUS:
                raise AssertionError(f"{status:#x}")
            if int.from_bytes(at[:8], "little") < keep:
                raise AssertionError("SIGBUS in front of the end")

    def reach():
        m = shared(fd, 3 * HUGE)
        for _ in range(100):
            i = random.randrange(3 * N)
            at[:8] = i.to_bytes(8, "little")
            only(m, i, 0, pattern(i)[0])
            if i >= keep:
                put(m, i, pattern(i)[0])

    def cut():
        for _ in until():
            os.ftruncate(fd, random.randrange(keep * PAGE, 3 * HUGE))
            os.ftruncate(fd, 3 * HUGE)
            renew(fd, 2 * N)

    run((safe,), (safe,), (beyond,), (cut,))
    must_agree(fd)
    renew(fd, 2 * N)
    must_be_large(fd, 2 * N)


def test_shift():
    """COLLAPSE and INSERT of pages, which divides all 2 MiB behind them, and of 2 MiB."""
    fd = filled("shift", b"\7" * (3 * HUGE))

    def use():
        m = shared(fd, 3 * HUGE)

        def load():
            for _ in until():
                only(m, random.randrange(2 * N), 0, 7)

        def store():
            for _ in until():
                put(m, random.randrange(2 * N), 7)
        together(load, load, store)

    def shift():
        for n, _ in enumerate(until()):
            at, length = (HUGE, HUGE) if n % 2 else (3 * PAGE, 2 * PAGE)
            fallocate(fd, FALLOC_COLLAPSE, at, length)
            os.fsync(fd)
            fallocate(fd, FALLOC_INSERT, at, length)
            fallocate(fd, 0, at, length)
            # where it was before
            is_large(fd, 2 * N)

    run((use,), (use,), (shift,))
    must_agree(fd)
    must_be_large(fd, 2 * N)
    m = shared(fd, 3 * HUGE)
    for i in range(3 * N):
        only(m, i, *((0, 7) if i < 2 * N else (7,)))


def test_clone():
    """Clones of it, and into its second 2 MiB, have what was stored before and nothing later."""
    fd, back = filled("clone", b"\1" * (2 * HUGE)), filled("back", b"\2" * HUGE)

    def use():
        m = shared(fd, 2 * HUGE)

        def count():
            for n, _ in enumerate(until()):
                m[7 * PAGE] = n % 256

        def load():
            for _ in until():
                only(m, N + random.randrange(N), 1, 2, 3)
        together(count, load, load)

    def out():
        copy, m = new("copy", 2 * HUGE), shared(fd, 2 * HUGE)
        for n, _ in enumerate(until()):
            seen, byte = shared(copy, 2 * HUGE), n % 250 + 1
            put(m, 0, byte)
            if n and seen[0] == byte:
                raise AssertionError("a store to the source is seen in the clone")
            fcntl.ioctl(copy, FICLONE, fd)
            only(seen, 0, byte)
            put(seen, 1, byte)
            only(m, 1, *((1,) if n == 0 else (0,)))
            put(m, 1, 0)
            only(seen, 1, byte)
            seen.close()

    def into_it():
        fcntl.ioctl(fd, FICLONERANGE, struct.pack("=qQQQ", back, 0, HUGE, HUGE))

    def into():
        m = shared(fd, 2 * HUGE)
        for _ in until():
            into_it()
            is_large(fd, N)
            i = random.randrange(N)
            only(m, N + i, 2)
            put(m, N + i, 3)
            only(m, N + i, 3)
            if os.pread(back, PAGE, i * PAGE) != b"\2" * PAGE:
                raise AssertionError("a store is seen in what was cloned")

    run((use,), (use,), (out,), (into,))
    must_agree(fd)
    into_it()
    must_be_large(fd, N)


def test_sync():
    """msync, write, mprotect of a part: each counter ends where it should."""
    fd = filled("sync", bytes(2 * HUGE))
    pages = range(0, 2 * N, 97)

    def counters(first):
        together(lambda: count(first), lambda: count(first + 1))

    def count(slot):
        m = shared(fd, 2 * HUGE)
        words = (ctypes.c_uint64 * (2 * HUGE // 8)).from_address(m.addr)
        n = 0
        for _ in until():
            n += 1
            for i in pages:
                words[i * 512 + slot] = n
            if n % 16 == 0:
                m.flush(random.randrange(2 * N) * PAGE, PAGE)
            if n % 16 == 8:
                m.flush()
            if n % 64 == 9:
                m.call(libc.mprotect, random.randrange(2 * N) * PAGE, PAGE, 1)
                m.call(libc.mprotect, 0, None, 3)
        must_hold(fd, words, pages, slot, n)

    def syncs():
        for _ in until():
            os.sync()
            os.fsync(fd)
            os.pwrite(fd, b"x", 5 * PAGE + 4000)
            is_large(fd)

    run((counters, 0), (counters, 2), (syncs,))
    must_agree(fd)
    must_be_large(fd)
    must_be_large(fd, N)


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(f"{os.environ['way']}: 2 MiB: {name}", flush=True)
            test()
