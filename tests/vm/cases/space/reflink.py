# SPDX-License-Identifier: BSD-2-Clause
"""Files of memofs that share blocks; in the current folder, which is empty."""

import errno
import fcntl
import mmap
import os
import random
import struct
import subprocess
import threading
import time

from falloc import fallocate
from nstest import eq, fail, read, refused, true, write
from share import DIFFERS, clone, dedupe

K, M, PAGE = 1 << 10, 1 << 20, 4096
FS_IOC_FIEMAP, SHARED, LAST = 0xc020660b, 0x2000, 1
UNSHARE, PUNCH, KEEP, ZERO = 0x40, 2, 1, 0x10
DATA = os.urandom(256 * K + 100)


def used():
    st = os.statvfs(".")
    return (st.f_blocks - st.f_bfree) * PAGE


def used_becomes(wanted, what):
    """Puts wait for 10 ms at most, and the blocks with them."""
    for _ in range(1000):
        if used() == wanted:
            return
        time.sleep(0.01)
    fail(f"{what}: {used()} bytes are in use, wanted {wanted}")


def extents(path):
    """(offset, length, is shared) of each extent."""
    room = 512
    with open(path, "rb") as f:
        arg = bytearray(struct.pack("=QQLLLL", 0, 1 << 60, 0, 0, room, 0) + bytes(56 * room))
        try:
            fcntl.ioctl(f, FS_IOC_FIEMAP, arg)
        except OSError as e:
            eq(errno.EOPNOTSUPP, e.errno, "FIEMAP")
            return None
    n = struct.unpack_from("=L", arg, 20)[0]
    found = []
    for i in range(n):
        logical, _, length = struct.unpack_from("=QQQ", arg, 32 + 56 * i)
        flags = struct.unpack_from("=L", arg, 32 + 56 * i + 40)[0]
        found.append((logical, length, bool(flags & SHARED)))
        eq(i == n - 1, bool(flags & LAST), "the last extent")
    return found


def shared_becomes(path, shared, other):
    """So many blocks are shared, and so many are not, as soon as the puts are there."""
    for _ in range(1000):
        found = extents(path)
        if found is None:
            return
        found = [sum(e[1] for e in found if e[2] == kind) // PAGE for kind in (True, False)]
        if found == [shared, other]:
            return
        time.sleep(0.01)
    fail(f"{path}: {found} blocks are shared and not, wanted {[shared, other]}")


def fallocate_path(path, mode, pos, length):
    fd = os.open(path, os.O_RDWR)
    try:
        fallocate(fd, mode, pos, length)
    finally:
        os.close(fd)


def pwrite(path, data, pos):
    fd = os.open(path, os.O_RDWR)
    try:
        return os.pwrite(fd, data, pos)
    finally:
        os.close(fd)


def replaced(data, pos, by):
    return data[:pos] + by + data[pos + len(by):]


def test_whole_file():
    write("a", DATA)
    write("b")
    before = used()
    clone("a", "b")
    eq(before, used(), "bytes in use")
    true(read("b") == DATA, "the clone differs")
    eq(os.stat("a").st_blocks, os.stat("b").st_blocks, "st_blocks")
    shared_becomes("b", 65, 0)
    pwrite("b", b"xyz", 100 * K + 1)
    true(read("a") == DATA, "the source has changed")
    true(read("b") == replaced(DATA, 100 * K + 1, b"xyz"), "the write")
    shared_becomes("b", 64, 1)
    used_becomes(before + PAGE, "one block was written")
    fallocate_path("b", UNSHARE, 0, 64 * K)
    shared_becomes("b", 48, 17)
    true(read("b") == replaced(DATA, 100 * K + 1, b"xyz"), "after UNSHARE_RANGE")
    used_becomes(before + PAGE + 64 * K, "UNSHARE_RANGE")
    os.truncate("b", 70 * K + 5)
    os.truncate("b", 256 * K)
    true(read("b") == DATA[:70 * K + 5] + bytes(186 * K - 5), "a cut in a shared block")
    true(read("a") == DATA, "the source after the cut")
    os.unlink("a")
    shared_becomes("b", 0, 18)
    os.unlink("b")


def test_ranges():
    write("a", DATA)
    write("b", bytes(64 * K))
    clone("a", "b", 8 * K, 16 * K, 32 * K)
    true(read("b") == bytes(32 * K) + DATA[8 * K:24 * K] + bytes(16 * K), "a range")
    clone("a", "a", 0, 16 * K, 512 * K)
    eq(528 * K, os.stat("a").st_size, "a clone of itself")
    true(read("a")[512 * K:] == DATA[:16 * K], "its data")
    fallocate_path("a", PUNCH | KEEP, 2 * K, 12 * K)
    fallocate_path("a", ZERO, 516 * K, 3 * K)
    now = read("a")
    true(now[2 * K:14 * K] == bytes(12 * K) and now[:2 * K] == DATA[:2 * K], "PUNCH")
    true(now[512 * K:528 * K] == replaced(DATA[:16 * K], 4 * K, bytes(3 * K)), "ZERO_RANGE")
    true(read("b")[32 * K:48 * K] == DATA[8 * K:24 * K], "the other file")
    for name in "ab":
        os.unlink(name)


def test_dedupe():
    write("a", DATA)
    write("b", DATA)
    before = used()
    eq(128 * K, dedupe("a", "b", 0, 128 * K, 0), "bytes that are the same")
    used_becomes(before - 128 * K, "dedupe")
    pwrite("b", b"!", 200 * K)
    eq(DIFFERS, dedupe("a", "b", 192 * K, 16 * K, 192 * K), "bytes that differ")
    true(read("a") == DATA and read("b") == replaced(DATA, 200 * K, b"!"), "after dedupe")
    for name in "ab":
        os.unlink(name)


def test_programs():
    write("a", DATA)
    before = used()
    subprocess.run(["cp", "--reflink=always", "a", "b"], check=True)
    subprocess.run(["cmp", "a", "b"], check=True)
    with open("a", "rb") as src, open("c", "wb") as dst:
        left = len(DATA)
        while left:
            n = os.copy_file_range(src.fileno(), dst.fileno(), left)
            true(n > 0, "copy_file_range ends early")
            left -= n
        eq(0, os.copy_file_range(src.fileno(), dst.fileno(), 100), "bytes behind the end")
    subprocess.run(["cmp", "a", "c"], check=True)
    used_becomes(before, "copies that share")
    for name in "abc":
        os.unlink(name)


def test_full():
    """No space for a copy: the file is what it was, and can be cut, wherever."""
    write("a", DATA)
    write("b")
    clone("a", "b")
    with open("fill", "wb", buffering=0) as f:
        try:
            while f.write(bytes(4 * M)):
                pass
        except OSError as e:
            eq(errno.ENOSPC, e.errno, "errno")
    os.truncate("fill", os.stat("fill").st_size // PAGE * PAGE)
    eq(0, os.statvfs(".").f_bfree, "free blocks")
    refused(errno.ENOSPC, pwrite, "b", b"x", 0)
    refused(errno.ENOSPC, fallocate_path, "b", UNSHARE, 0, 8 * K)
    true(read("a") == DATA and read("b") == DATA, "after ENOSPC")
    os.truncate("b", 100 * K + 10)
    fallocate_path("b", PUNCH | KEEP, 50 * K + 10, 100)
    cut = DATA[:50 * K + 10] + bytes(100) + DATA[50 * K + 110:100 * K + 10]
    true(read("a") == DATA and read("b") == cut, "cut at shared blocks")
    os.truncate("b", 8 * K)
    os.unlink("a")
    eq(2, pwrite("b", b"xx", 0), "nobody shares it now")
    for name in "b", "fill":
        os.unlink(name)


def test_parallel():
    """Writers of a file, clones of it, and a reader of what nobody writes."""
    same = b"s" * PAGE
    write("a", same * 64)
    stop = threading.Event()
    failures = []

    def reader():
        with open("a", "rb", buffering=0) as f:
            while not stop.is_set():
                got = os.pread(f.fileno(), 64 * PAGE, 0)
                for i in range(64):
                    if got[i * PAGE + 2 * K:(i + 1) * PAGE] != same[2 * K:]:
                        failures.append(f"block {i} shows {got[i * PAGE + 2 * K:][:8]}")
                        return

    def writer(no):
        os.sched_setaffinity(0, {sorted(cpus)[no % len(cpus)]})
        rnd = random.Random(no)
        with open("a", "r+b", buffering=0) as f:
            while not stop.is_set():
                os.pwrite(f.fileno(), bytes([no]) * K, rnd.randrange(64) * PAGE + no * K)

    threads = [threading.Thread(target=reader)] + \
        [threading.Thread(target=writer, args=(no,)) for no in range(2)]
    for t in threads:
        t.start()
    for i in range(60):
        write("b")
        clone("a", "b")
        pwrite("b", b"#" * 64 * PAGE, 0)
        if i % 2:
            os.unlink("b")
    stop.set()
    for t in threads:
        t.join()
    true(not failures, failures)
    os.unlink("a")


def test_mapped():
    """A mapping shows what is written, and stores into its own file only."""
    write("a", DATA)
    write("b")
    with open("b", "r+b") as f:
        os.ftruncate(f.fileno(), len(DATA))
        m = mmap.mmap(f.fileno(), len(DATA))
    eq(bytes(10), m[:10], "a hole")
    clone("a", "b")
    true(m[:] == DATA, "the mapping after a clone")
    pwrite("b", b"written", 9 * K)
    eq(b"written", m[9 * K:9 * K + 7], "a write into a shared block that is mapped")
    m[20 * K:20 * K + 6] = b"stored"
    wanted = replaced(replaced(DATA, 9 * K, b"written"), 20 * K, b"stored")
    true(read("b") == wanted and m[:] == wanted, "a store into a shared block")
    true(read("a") == DATA, "the source")
    write("c")
    clone("b", "c")
    m[0:4] = b"more"
    true(read("c") == wanted, "a clone of a file that is mapped")
    true(read("b") == replaced(wanted, 0, b"more"), "a store after it was cloned")
    with open("b", "r+b") as f:
        p = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE)
    p[0:4] = b"mine"
    true(read("b")[:4] == b"more" and m[:4] == b"more", "a private store")
    p.close()
    m.close()
    for name in "abc":
        os.unlink(name)


def test_far():
    """The same above 4 GiB."""
    pos = (5 << 30) + 3 * PAGE
    write("a")
    pwrite("a", b"a" * PAGE, pos)
    write("b")
    clone("a", "b")
    with open("b", "r+b") as f:
        m = mmap.mmap(f.fileno(), PAGE, offset=pos)
    eq(b"a" * 4, m[:4], "a shared block that is mapped")
    pwrite("b", b"b" * 4, pos)
    eq(b"bbbba", m[:5], "a write into it")
    m[1:2] = b"m"
    with open("b", "rb") as f:
        eq(b"bmbba", os.pread(f.fileno(), 5, pos), "a store into it")
    with open("a", "rb") as f:
        eq(b"aaaaa", os.pread(f.fileno(), 5, pos), "the source")
    m.close()
    for name in "ab":
        os.unlink(name)


def can_map():
    write("a", DATA)
    try:
        with open("a", "r+b") as f:
            mmap.mmap(f.fileno(), PAGE).close()
        return True
    except OSError as e:
        eq(errno.ENODEV, e.errno, "mmap")
        return False
    finally:
        os.unlink("a")


# a new inode may take a block, by CPU: all of them lie in one
cpus = os.sched_getaffinity(0)
os.sched_setaffinity(0, {min(cpus)})
start = used()
tests = [test_whole_file, test_ranges, test_dedupe, test_programs, test_full, test_parallel]
if can_map():
    tests += [test_mapped, test_far]
for test in tests:
    test()
    used_becomes(start, test.__name__)
