# SPDX-License-Identifier: BSD-2-Clause
"""Preallocated and zeroed ranges: unwritten, and no data, until they are written; as on ext4."""

import fcntl
import mmap
import os
import random
import struct
import subprocess

from falloc import COLLAPSE, INSERT, KEEP_SIZE, PUNCH, ZERO, fallocate
from nstest import drop_caches, eq, fail, read, true, write
from share import clone

K, M, PAGE = 1 << 10, 1 << 20, 4096
FIEMAP, UNWRITTEN = 0xc020660b, 0x800
RDWR = os.O_RDWR | os.O_CREAT | os.O_TRUNC
REF = os.environ["ref"]
DATA = os.urandom(M)


def extents(fd):
    """[first KiB, end, written or not]: what is one to a reader is one here."""
    room = 1000
    arg = bytearray(struct.pack("=QQIIII", 0, 1 << 60, 1, 0, room, 0) + bytes(56 * room))
    fcntl.ioctl(fd, FIEMAP, arg)
    found = []
    for i in range(struct.unpack_from("=I", arg, 20)[0]):
        start, _, length = struct.unpack_from("=QQQ", arg, 32 + 56 * i)
        flags = struct.unpack_from("=I", arg, 32 + 56 * i + 40)[0]
        kind = "unwritten" if flags & UNWRITTEN else "data"
        if found and found[-1][1:] == [start // K, kind]:
            found[-1][1] = (start + length) // K
        else:
            found.append([start // K, (start + length) // K, kind])
    return found


def seeks(fd):
    """What xfs_io's "seek -a -r 0" finds."""
    found, at, size = [], 0, os.fstat(fd).st_size
    while at < size:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return found + [("end", size)]
        at = os.lseek(fd, data, os.SEEK_HOLE)
        found.append((data, at))
    return found


def forget_pages(fd):
    """To ext4 a page that it has cached is data, also of what nobody has written."""
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def run(steps):
    """The same on both; what is there after each step. A step is called with the descriptor."""
    fds = os.open("f", RDWR), os.open(f"{REF}/f", RDWR)
    for i, step in enumerate(steps):
        for fd in fds:
            step(fd)
        forget_pages(fds[1])
        eq(extents(fds[1]), extents(fds[0]), f"extents after step {i}")
        eq(seeks(fds[1]), seeks(fds[0]), f"data after step {i}")
        ours, right = (os.pread(fd, 16 * M, 0) for fd in fds)
        true(ours == right, f"bytes after step {i}")
    found = extents(fds[0])
    for fd in fds:
        os.close(fd)
    return found


def alloc(pos, length, mode=0):
    return lambda fd: fallocate(fd, mode, pos, length)


def put(pos, length):
    return lambda fd: os.pwrite(fd, DATA[:length], pos)


def cut(size):
    return lambda fd: os.ftruncate(fd, size)


def test_reported():
    eq([[0, 256, "unwritten"], [256, 260, "data"], [260, 1024, "unwritten"]],
       run([alloc(0, M), put(256 * K, PAGE)]), "a write into a range")
    eq([[0, 5120, "data"], [5120, 10240, "unwritten"]],
       run([alloc(0, 10 * M, KEEP_SIZE)] + [put(i * M, M) for i in range(5)] +
           [cut(5 * M), alloc(5 * M, 5 * M, KEEP_SIZE), cut(7 * M)]), "behind the end")
    eq([[0, 16, "data"], [16, 32, "unwritten"], [32, 64, "data"]],
       run([put(0, 64 * K), alloc(16 * K, 16 * K, ZERO)]), "zeroed")


def test_holes():
    eq([[0, 64, "unwritten"], [128, 512, "unwritten"]],
       run([alloc(0, 512 * K), alloc(64 * K, 64 * K, PUNCH | KEEP_SIZE)]), "punched")
    run([alloc(0, 256 * K), put(100 * K, 8 * K), alloc(16 * K, 32 * K, COLLAPSE),
         alloc(8 * K, 64 * K, INSERT), put(0, 3), alloc(4 * K, 100 * K), alloc(1, 50 * K, ZERO),
         cut(30 * K + 1), cut(200 * K), alloc(0, 200 * K), alloc(40 * K, 20 * K, COLLAPSE)])


def mapped(store):
    """Loads of a mapping, then perhaps a store, in the fourth page of eight."""
    def step(fd):
        m = mmap.mmap(fd, 8 * PAGE)
        true(m[:] == os.pread(fd, 8 * PAGE, 0), "what the mapping shows")
        if store:
            m[3 * PAGE + 7] = store
        m.flush()
        m.close()
    return step


def test_mapped():
    """Which pages ext4 says are data depends on its page cache: only ours is looked at."""
    fd = os.open("m", RDWR)
    fallocate(fd, 0, 0, 8 * PAGE)
    mapped(0)(fd)
    eq([[0, 32, "unwritten"]], extents(fd), "after loads")
    mapped(9)(fd)
    wanted = [[0, 12, "unwritten"], [12, 16, "data"], [16, 32, "unwritten"]]
    eq(wanted, extents(fd), "after a store")
    eq([(3 * PAGE, 4 * PAGE), ("end", 8 * PAGE)], seeks(fd), "data after a store")
    drop_caches()
    eq(wanted, extents(fd), "asked again")
    m = mmap.mmap(fd, 8 * PAGE)
    true(m[3 * PAGE + 7] == 9, "the store")
    fallocate(fd, ZERO, 0, 8 * PAGE)
    eq([[0, 32, "unwritten"]], extents(fd), "zeroed below a mapping")
    m[5 * PAGE] = 1
    eq([[0, 20, "unwritten"], [20, 24, "data"], [24, 32, "unwritten"]], extents(fd),
       "stored to by a mapping that was there before")
    m.close()
    os.close(fd)


def test_copies():
    # a program whose source has all its blocks may not look for holes: as on ext4 then
    copied = []
    for where in REF, ".":
        fd = os.open(f"{where}/c", RDWR)
        fallocate(fd, 0, 0, 4 * M)
        os.pwrite(fd, DATA[:8 * K], M)
        os.fsync(fd)
        subprocess.run(["cp", "--reflink=never", f"{where}/c", f"{where}/copy"], check=True)
        copied.append(os.stat(f"{where}/copy").st_blocks * 512)
    true(copied[1] <= copied[0] + 64 * K, f"cp has copied preallocated zeros: {copied}")
    write("d", b"old" * 10000)
    clone("c", "d")
    clone("c", "d", M - 16 * K, 64 * K, 0)
    eq(M, os.pread(fd, M, 0).count(0), "bytes of the source")
    true(read("c") == read("copy"), "the copy")
    data = read("d")
    true(data[M:M + 8 * K] == DATA[:8 * K] and data[16 * K:24 * K] == DATA[:8 * K], "the clone")
    eq(4 * M, len(data), "size of the clone")
    os.pwrite(fd, b"mine", M)
    true(read("d") == data, "a write of the source shows in the clone")
    os.close(fd)


def test_full():
    """What there is no room for changes nothing that was there."""
    fd = os.open("e", RDWR)
    fallocate(fd, 0, 0, M)
    os.pwrite(fd, DATA[:PAGE], 64 * K)
    before = extents(fd)
    fs = os.statvfs(".")
    try:
        fallocate(fd, 0, M, fs.f_bfree * fs.f_bsize + 16 * M)
        fail("there was room")
    except OSError:
        pass
    eq(before, extents(fd), "after ENOSPC")
    other = os.open("full", RDWR)
    fallocate(other, 0, 0, os.statvfs(".").f_bfree * fs.f_bsize - 256 * K)
    try:
        while True:
            os.write(other, DATA[:64 * K])
            os.lseek(other, 0, os.SEEK_END)
    except OSError:
        pass
    # that is what it is for
    eq(M, os.pwrite(fd, DATA, 0), "a write into what was kept for it")
    eq([[0, 1024, "data"]], extents(fd), "all of it written")
    os.close(fd)
    os.close(other)
    os.unlink("full")


def test_random():
    modes = 0, KEEP_SIZE, PUNCH | KEEP_SIZE, ZERO, ZERO | KEEP_SIZE, COLLAPSE, INSERT
    for seed in range(3):
        rng = random.Random(seed)
        fds = os.open("r", RDWR), os.open(f"{REF}/r", RDWR)
        done = []
        for _ in range(50):
            mode, unit = rng.choice(modes), rng.choice([1, PAGE])
            if mode in (COLLAPSE, INSERT):
                unit = PAGE
            pos = rng.randrange(400 * K // unit) * unit
            length = rng.randrange(1, 80 * K // unit + 1) * unit
            step = rng.choice([put(pos, length), cut(pos)] + [alloc(pos, length, mode)] * 2)
            done.append((mode, pos, length))
            codes = []
            for fd in fds:
                try:
                    codes.append(step(fd))
                except OSError as e:
                    codes.append(e.errno)
            eq(codes[1], codes[0], f"result of {done}")
            forget_pages(fds[1])
            eq(seeks(fds[1]), seeks(fds[0]), f"data after {done}")
        for fd in fds:
            os.close(fd)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
for path in os.listdir("."):
    os.unlink(path)
