# SPDX-License-Identifier: BSD-2-Clause
"""Transfers of each size from and into memory of each kind, byte by byte."""

import os
import random
import threading

from nstest import eq, fail, true
from usermem import (EFAULT, MAP_ANON, MAP_HUGETLB, MAP_PRIVATE, MAP_SHARED, NONE, PAGE, R,
                     Memory, pread, pwrite)

K, M = 1 << 10, 1 << 20
ROOM = 12 * M
CANARY = 64

SMALL = [1, 2, 7, 511, 512, 513, 4095, 4096, 4097, 8191, 12289, 64 * K - 1, 64 * K,
         64 * K + 1, 64 * K + 4096, 128 * K + 5]
LARGE = [M - 1, M, M + 1, 4 * M - 1, 4 * M, 4 * M + 1, 9 * M]
PLACES = [0, 1, 4095, 4096, 64 * K - 3, M - 1, M]
SHIFTS = [0, 1, 8, 4095]
SEED = os.urandom(9 * M + 7919)


def combos(whole):
    """(size, place in the file, place in memory)"""
    rng = random.Random(1)
    for size in SMALL:
        for place in PLACES if whole else rng.sample(PLACES, 2):
            for shift in SHIFTS if whole else rng.sample(SHIFTS, 1):
                yield size, place, shift
    for size in LARGE if whole else [M + 1, 4 * M + 1]:
        yield size, 0, 0
        yield size, rng.choice([1, 4095, M - 1]), rng.choice([1, 8, 4095])
        if size <= 4 * M:
            yield size, 4 * M - size // 2, 0


def kinds():
    """(name, maker of memory): what this machine has of them."""
    anon = MAP_PRIVATE | MAP_ANON
    found = [("plain", lambda: Memory(ROOM)),
             ("thp", lambda: Memory(ROOM, huge=True)),
             ("shared", lambda: Memory(ROOM, MAP_SHARED | MAP_ANON))]
    try:
        Memory(ROOM, anon | MAP_HUGETLB).close()
        found.append(("hugetlb", lambda: Memory(ROOM, anon | MAP_HUGETLB)))
    except OSError:
        print("no hugetlb pages")
    for name, path in (("tmpfs", "/dev/shm/user"), ("dax", "/tmp/dax/user"),
                       ("ext4", "/tmp/ext4/user")):
        if os.path.isdir(os.path.dirname(path)):
            fd = os.open(path, os.O_RDWR | os.O_CREAT)
            os.ftruncate(fd, ROOM)
            found.append((name, lambda fd=fd: Memory(ROOM, MAP_SHARED, fd)))
    return found


def one(fd, model, src, dst, size, place, shift, what):
    """Write from src, read it back together with its neighbours into dst."""
    salt = random.randrange(7919)
    data = SEED[salt:salt + size]
    src.put(shift, data)
    eq(size, pwrite(fd, src.addr + shift, size, place), f"{what}: written")
    if len(model) < place:
        model.extend(bytes(place - len(model)))
    model[place:place + size] = data
    eq(len(model), os.fstat(fd).st_size, f"{what}: file size")

    start = max(place - CANARY, 0)
    end = min(place + size + CANARY, len(model))
    at = CANARY + shift
    dst.put(at - CANARY, b"\xA5" * CANARY)
    dst.put(at + end - start, b"\xA5" * CANARY)
    eq(end - start, pread(fd, dst.addr + at, end - start, start), f"{what}: read")
    true(dst.get(at, end - start) == model[start:end], f"{what}: data differ")
    true(dst.get(at - CANARY, CANARY) == b"\xA5" * CANARY, f"{what}: before the buffer")
    true(dst.get(at + end - start, CANARY) == b"\xA5" * CANARY, f"{what}: behind the buffer")


def test_kind(name, make, flags=0):
    fd = os.open("file", os.O_RDWR | os.O_CREAT | os.O_TRUNC | flags)
    model = bytearray()
    src, dst = make(), make()
    for size, place, shift in combos(name == "plain" and not flags):
        one(fd, model, src, dst, size, place, shift,
            f"{name} {flags:#x}: {size} bytes at {place}, memory + {shift}")
    src.close()
    dst.close()
    with open("file", "rb") as f:
        true(f.read() == model, f"{name}: the whole file differs")
    os.close(fd)


def test_untouched():
    """Memory that was never touched, and from the zero page."""
    fd = os.open("file", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for size in (5000, 64 * K, 300 * K, 5 * M):
        for kind, huge in (MAP_PRIVATE, False), (MAP_SHARED, False), (MAP_PRIVATE, True):
            src = Memory(ROOM, kind | MAP_ANON, huge=huge)
            eq(size, pwrite(fd, src.addr + 3, size, 0), "zeros written")
            src.put(0, SEED[:size])
            dst = Memory(ROOM, kind | MAP_ANON, huge=huge)
            eq(size, pread(fd, dst.addr + 3, size, 0), "untouched: read")
            true(dst.get(3, size) == bytes(size), "untouched memory was no zeros")
            eq(size, pwrite(fd, src.addr, size, 0), "touched: written")
            dst.close()
            dst = Memory(ROOM, kind | MAP_ANON, huge=huge)
            eq(size, pread(fd, dst.addr + PAGE + 1, size, 0), "untouched: read")
            true(dst.get(PAGE + 1, size) == SEED[:size], "untouched: data differ")
            src.close()
            dst.close()
    os.close(fd)


def test_bad_tail():
    """Memory ends inside of the buffer: what is before counts, then EFAULT."""
    for good in (PAGE, 16 * PAGE, 17 * PAGE, 300 * PAGE, 1025 * PAGE):
        for bad in ("none", "unmapped", "readonly"):
            bad_tail(good, bad)


def bad_tail(good, bad):
    what = f"{good} bytes of memory, then {bad}"
    fd = os.open("bad", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    mem = Memory(good + 64 * PAGE)
    mem.put(0, SEED[:good])
    if bad == "unmapped":
        mem.unmap(good, 64 * PAGE)
    else:
        mem.protect(good, 64 * PAGE, NONE if bad == "none" else R)
    for start in (0, 100, good - 1):
        if bad == "readonly":
            continue
        os.ftruncate(fd, 0)
        eq(EFAULT, pwrite(fd, mem.addr + good, 32 * PAGE, 0), f"{what}: write of nothing")
        eq(0, os.fstat(fd).st_size, f"{what}: size after EFAULT")
        done = pwrite(fd, mem.addr + start, good - start + 32 * PAGE, 0)
        eq(good - start, done, f"{what}: written")
        eq(done, os.fstat(fd).st_size, f"{what}: size")
        with open("bad", "rb") as f:
            true(f.read() == SEED[start:good], f"{what}: data differ")
    os.ftruncate(fd, 0)
    os.pwrite(fd, SEED[:good + 32 * PAGE], 0)
    for start in (0, 100, good - 1):
        eq(EFAULT, pread(fd, mem.addr + good, 32 * PAGE, 0), f"{what}: read of nothing")
        done = pread(fd, mem.addr + start, good - start + 32 * PAGE, 0)
        eq(good - start, done, f"{what}: read")
        true(mem.get(start, done) == SEED[:done], f"{what}: data differ")
    os.close(fd)
    mem.unmap(0, good if bad == "unmapped" else mem.size)



def test_vanishing():
    """Another thread takes the memory away and gives new one all the time."""
    size = 3 * M
    fd = os.open("file", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.pwrite(fd, b"\xAA" * size, 0)
    mem = Memory(size)
    over = threading.Event()

    def juggle():
        rng = random.Random(2)
        while not over.is_set():
            at = rng.randrange(size // PAGE - 40) * PAGE
            mem.unmap(at, 40 * PAGE)
            mem.renew(at, 40 * PAGE)
            mem.protect(at, PAGE, NONE)
            mem.renew(at, 40 * PAGE)

    thread = threading.Thread(target=juggle)
    thread.start()
    try:
        counts = [vanishing_round(fd, mem, size, i) for i in range(60)]
    finally:
        over.set()
        thread.join()
    true(any(n > 0 for n in counts), f"nothing ever got through: {counts}")
    with open("file", "rb") as f:
        true(not f.read().strip(b"\xAA\0"), "foreign bytes in the file")
    eq(size, pread(fd, mem.addr, size, 0), "read after the storm")
    mem.close()
    os.close(fd)


def vanishing_round(fd, mem, size, i):
    n = (size, 200 * K, 30 * K)[i % 3]
    call = pread if i & 1 else pwrite
    done = call(fd, mem.addr + i, n - 60, 0)
    if done < 0 and done != EFAULT:
        fail(f"{call.__name__} of vanishing memory: {done}")
    if call is pwrite and i % 6 == 4:
        os.pwrite(fd, b"\xAA" * size, 0)
    return done


def main():
    found = kinds()
    for name, make in found:
        test_kind(name, make)
    test_kind("plain", found[0][1], os.O_DIRECT)
    test_kind("plain", found[0][1], os.O_DSYNC)
    test_untouched()
    test_bad_tail()
    test_vanishing()
    os.unlink("file")
    os.unlink("bad")
    print(f"{os.environ['way']}: {' '.join(name for name, _ in found)}")


main()
