# SPDX-License-Identifier: BSD-2-Clause
"""Vectors, flags, appends, holes, limits, signals: the rules of read and write."""

import errno
import multiprocessing
import os
import random
import resource
import signal
import socket
import stat
import threading

from nstest import as_user, eq, fail, lacks, read, refused, tick, true, until, write
from usermem import MAP_ANON, MAP_PRIVATE, PAGE, Memory, pread

K, M = 1 << 10, 1 << 20
RDWR = os.O_RDWR | os.O_CREAT | os.O_TRUNC
DATA = os.urandom(9 * M + 1)


def parts(total, rng, largest):
    """DATA cut into segments, some of them empty."""
    at, segs = 0, []
    while at < total and len(segs) < 1023:
        n = min(rng.choice([0, 1, 7, 511, PAGE, rng.randrange(1, largest)]), total - at)
        segs.append(DATA[at:at + n])
        at += n
    segs.append(DATA[at:total])
    return segs


def test_vectors():
    rng = random.Random(3)
    fd = os.open("v", RDWR)
    for total, largest in (1, 2), (5 * K, 100), (300 * K, 9000), (3 * M, 200 * K), \
            (9 * M, 2 * M):
        for pos in 0, 4095:
            os.ftruncate(fd, 0)
            eq(total, os.pwritev(fd, parts(total, rng, largest), pos), "pwritev")
            bufs = [bytearray(len(seg)) for seg in parts(total, rng, largest)]
            eq(total, os.preadv(fd, bufs, pos), "preadv")
            true(b"".join(bufs) == DATA[:total], f"vectors of {total} at {pos} differ")
            true(read("v") == bytes(pos) + DATA[:total], f"file of {total} at {pos} differs")
    eq(0, os.pwritev(fd, [b"", b""], 0), "nothing written")
    eq(0, os.preadv(fd, [bytearray(0)], 0), "nothing read")
    eq(1024, os.pwritev(fd, [b"x"] * 1024, 0), "as many segments as there may be")
    refused(errno.EINVAL, os.pwritev, fd, [b"x"] * 1025, 0)
    os.close(fd)


def messages():
    """Reads and writes that the server of the mount has got."""
    with open("/sys/fs/zuf/stats", encoding="ascii") as f:
        lines = [line.split() for line in f.read().partition("\nmount")[2].splitlines()]
    return sum(int(line[3]) for line in lines
               if line and line[0].startswith("op") and
               line[2] in ("READ", "WRITE", "GET_MULTY"))


def test_pieces_cost_what_their_bytes_cost():
    most = {"mapped64k": 64, "mapped": 4, "nio": 1, "2019": 4, "tierfs": 4}[os.environ["way"]]
    fd = os.open("v", RDWR)
    eq(4 * M, os.pwrite(fd, DATA[:4 * M], 0), "pwrite")
    # not one next to the other, or they could be taken for one
    memory = memoryview(bytearray(b"x" * (8 * M)))
    pieces = [memory[at:at + 4 * K] for at in range(0, 8 * M, 8 * K)]
    for call, name in (os.preadv, "preadv"), (os.pwritev, "pwritev"):
        before = messages()
        eq(4 * M, call(fd, pieces, 0), name)
        took = messages() - before
        # one more where a piece had to be faulted in
        true(took <= most + 1, f"{name} of 1024 pieces: {took} messages")
    true(b"".join(pieces) == DATA[:4 * M], "pieces differ")
    true(read("v") == DATA[:4 * M], "file of pieces differs")
    os.close(fd)


def test_flags():
    fd = os.open("f", RDWR)
    for flag in os.RWF_DSYNC, os.RWF_SYNC, os.RWF_HIPRI:
        eq(100 * K, os.pwritev(fd, [DATA[:50 * K], DATA[50 * K:100 * K]], 1, flag), "flags")
        true(os.pread(fd, 100 * K, 1) == DATA[:100 * K], f"flag {flag}: data differ")
    size = os.fstat(fd).st_size
    eq(3, os.pwritev(fd, [b"end"], 0, os.RWF_APPEND), "RWF_APPEND")
    eq(size + 3, os.fstat(fd).st_size, "size after RWF_APPEND")
    eq(b"end", os.pread(fd, 10, size), "appended")
    for call in (lambda: os.preadv(fd, [bytearray(5)], 0, os.RWF_NOWAIT),
                 lambda: os.pwritev(fd, [b"12345"], 0, os.RWF_NOWAIT)):
        try:
            eq(5, call(), "RWF_NOWAIT")
        except OSError as e:
            true(e.errno in (errno.EAGAIN, errno.EOPNOTSUPP), f"RWF_NOWAIT: {e}")
    os.close(fd)
    fd = os.open("f", os.O_RDONLY)
    refused(errno.EBADF, os.write, fd, b"x")
    os.close(fd)


def append_records(writer, count):
    fd = os.open("log", os.O_WRONLY | os.O_APPEND)
    rng = random.Random(writer)
    for n in range(count):
        size = rng.choice([13, 100, 5000, 70 * K, 300 * K, 1200 * K if n % 10 == 5 else 20])
        record = b"%d %04d %08d" % (writer, n, size)
        record = record.ljust(size, b"%d" % writer) if size > len(record) else record
        eq(len(record), os.write(fd, record), "appended")


def test_append():
    write("log")
    children = [multiprocessing.Process(target=append_records, args=(i, 40))
                for i in range(1, 5)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        eq(0, child.exitcode, "a writer")
    log, at, seen = read("log"), 0, {}
    while at < len(log):
        head = log[at:at + 15].split()
        true(len(head) == 3 and head[0].isdigit(), f"no record at {at}: {head}")
        writer, n, size = map(int, head)
        eq(seen.get(writer, 0), n, f"next record of writer {writer}")
        seen[writer] = n + 1
        true(not log[at + 15:at + size].strip(b"%d" % writer), f"mixed up at {at}")
        at += max(size, 15)
    eq({1: 40, 2: 40, 3: 40, 4: 40}, seen, "records")
    fd = os.open("log", os.O_RDWR | os.O_APPEND)
    os.pwrite(fd, b"tail", 0)
    true(read("log") == log + b"tail", "pwrite to O_APPEND did not append")
    os.close(fd)


def test_eof():
    write("eof", DATA[:5000])
    fd = os.open("eof", os.O_RDWR)
    for n in 1, PAGE, 100 * K, 5 * M:
        for pos in 5000, 5001, 8192, 1 << 40:
            eq(b"", os.pread(fd, n, pos), f"read of {n} at {pos}")
        eq(DATA[4000:min(5000, 4000 + n)], os.pread(fd, n, 4000), "read across the end")
    eq(b"", os.pread(fd, 0, 0), "read of nothing")
    eq(0, os.pwrite(fd, b"", 1 << 30), "write of nothing")
    eq(5000, os.fstat(fd).st_size, "size after a write of nothing")
    refused(errno.EINVAL, os.pread, fd, 1, -1)
    refused(errno.EINVAL, os.pwrite, fd, b"x", -1)
    os.close(fd)


def test_holes():
    write("h")
    fd = os.open("h", os.O_RDWR)
    blocks = os.fstat(fd).st_blocks
    os.ftruncate(fd, 1 << 30)
    eq(blocks, os.fstat(fd).st_blocks, "blocks of a hole")
    for pos in 0, 12345, 512 * M - 1:
        true(not os.pread(fd, 5 * M, pos).strip(b"\0"), "a hole is not zeros")
    os.pwrite(fd, b"island", 700 * M + 4000)
    os.pwrite(fd, b"shore", (1 << 30) - 5)
    true(os.fstat(fd).st_blocks * 512 < 64 * K, "a sparse file is not sparse")
    around = os.pread(fd, 100 * K, 700 * M - 50 * K)
    true(around.strip(b"\0") == b"island", "an island has foreign neighbours")
    eq(b"island", os.pread(fd, 6, 700 * M + 4000), "island")
    eq(b"\0shore", os.pread(fd, 100, (1 << 30) - 6), "shore")
    for size in 1, 100, 4095, 4097, 70 * K, 3 * M + 1:
        os.ftruncate(fd, 0)
        os.pwrite(fd, DATA[:4 * M], 0)
        os.ftruncate(fd, size)
        os.ftruncate(fd, 4 * M)
        true(read("h") == DATA[:size] + bytes(4 * M - size), f"stale after size {size}")
        os.ftruncate(fd, size)
        os.pwrite(fd, b"!", 5 * M)
        true(read("h") == DATA[:size] + bytes(5 * M - size) + b"!", "stale before a write")
    os.close(fd)


def test_limits():
    fd = os.open("l", RDWR)
    refused(errno.EFBIG, os.pwrite, fd, b"x", (1 << 63) - 2)
    low, high = 0, (1 << 63) - 1  # the largest size there can be, by trying
    while low < high:
        mid = (low + high + 1) // 2
        try:
            os.ftruncate(fd, mid)
            low = mid
        except OSError as e:
            eq(errno.EFBIG if mid < 1 << 63 else errno.EINVAL, e.errno, "too large")
            high = mid - 1
    os.ftruncate(fd, 0)
    eq(3, os.pwrite(fd, b"12345", low - 3), "write up to the largest size")
    refused(errno.EFBIG, os.pwrite, fd, b"x", low)
    eq(b"123", os.pread(fd, 10, low - 3), "at the end of the largest file")
    os.ftruncate(fd, 0)
    os.close(fd)


def limited():
    fd = os.open("l", RDWR)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * M + 100, 2 * M + 100))
    eq(2 * M + 100, os.write(fd, DATA[:3 * M]), "write across RLIMIT_FSIZE")
    refused(errno.EFBIG, os.write, fd, b"x")
    eq(2 * M + 100, os.fstat(fd).st_size, "size at RLIMIT_FSIZE")
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.write(fd, b"x")


def test_rlimit():
    child = multiprocessing.Process(target=limited)
    child.start()
    child.join()
    eq(-signal.SIGXFSZ, child.exitcode, "a write beyond RLIMIT_FSIZE")


def free_bytes():
    fs = os.statvfs(".")
    return fs.f_bfree * fs.f_bsize


def fill_up(fd, chunk):
    """Bytes until the file system is full; the last write may be short."""
    total = 0
    while True:
        try:
            n = os.write(fd, chunk)
        except OSError as e:
            eq(errno.ENOSPC, e.errno, "full")
            return total
        true(n > 0, "a write of nothing to a full file system")
        total += n


def test_enospc():
    before = free_bytes()
    chunk = DATA[:4 * M]
    write("kept", DATA[:M])
    fd = os.open("full", RDWR)
    total = fill_up(fd, chunk)
    eq(total, os.fstat(fd).st_size, "size of what filled the file system")
    true(total > before - 4 * M, f"full after {total} of {before} bytes")
    refused(errno.ENOSPC, os.pwrite, fd, DATA[:64 * K], total + M)
    eq(total, os.fstat(fd).st_size, "size after ENOSPC")
    for pos in range(0, total - 1, 32 * M):
        true(os.pread(fd, 4 * M, pos) == chunk[:total - pos], f"full: data at {pos}")
    last = total - total % len(chunk)
    true(os.pread(fd, 4 * M, last) == chunk[:total - last], "the last, short write differs")
    eq(4 * M, os.pwrite(fd, chunk[::-1], 0), "overwrite in a full file system")
    true(read("kept") == DATA[:M], "another file changed")
    os.close(fd)
    os.unlink("full")
    os.unlink("kept")
    until(lambda: free_bytes() > before - M, f"space: {before} before, not so much after")


def test_setid():
    write("s", b"program")
    os.chmod("s", 0o6777)
    write("s", b"by root")
    eq(0o6777, stat.S_IMODE(os.stat("s").st_mode), "mode after root wrote")

    def change():
        fd = os.open("s", os.O_WRONLY)
        os.write(fd, b"x")

    as_user(1234, 1234, change)
    eq(0o777, stat.S_IMODE(os.stat("s").st_mode), "mode after a user wrote")


def stamps(path):
    st = os.stat(path)
    return st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns


def test_times():
    write("t", b"12345")
    fd = os.open("t", os.O_RDWR)
    a0, m0, c0 = stamps("t")
    tick()
    os.pwrite(fd, b"x", 0)
    a1, m1, c1 = stamps("t")
    true(a1 == a0 and m1 > m0 and c1 > c0, "write: mtime and ctime move, atime does not")
    tick()
    os.pread(fd, 3, 0)
    a2, m2, c2 = stamps("t")
    true(a2 > a1 and m2 == m1 and c2 == c1, "read: atime moves (relatime), nothing else")
    tick()
    eq(b"", os.pread(fd, 3, 100), "read at the end")
    os.pwrite(fd, b"", 0)
    eq((m2, c2), stamps("t")[1:], "mtime, ctime after nothing was written")
    quiet = os.open("t", os.O_RDONLY | os.O_NOATIME)
    os.pwrite(fd, b"y", 0)
    before = stamps("t")
    tick()
    os.read(quiet, 5)
    eq(before, stamps("t"), "times after a read with O_NOATIME")
    os.close(quiet)
    os.close(fd)


def write_for_ever():
    fd = os.open("killed", RDWR)
    while True:
        os.pwrite(fd, DATA[:9 * M], 0)
        os.pread(fd, 9 * M, 0)


def test_killed():
    for i in range(8):
        write("killed")
        child = multiprocessing.Process(target=write_for_ever)
        child.start()
        while os.stat("killed").st_size < (i + 1) * M:
            pass
        child.kill()
        child.join()
        # what he had under way may still end, and who reads waits for that; stat(2) does not
        left = read("killed")
        eq(len(left), os.stat("killed").st_size, "size that a killed writer left")
        true(left == DATA[:len(left)], "what a killed writer left")
    os.unlink("killed")


def test_fork():
    """Children that live and die do not divert what is read into the parent."""
    fd = os.open("fork", RDWR)
    os.pwrite(fd, DATA[:3 * M], 0)
    mem = Memory(4 * M, MAP_PRIVATE | MAP_ANON)
    wrong = []

    def reader():
        for i in range(25):
            mem.fill(0)
            if pread(fd, mem.addr + i, 3 * M, 0) != 3 * M or mem.get(i, 3 * M) != DATA[:3 * M]:
                wrong.append(i)

    thread = threading.Thread(target=reader)
    thread.start()
    while thread.is_alive():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    thread.join()
    eq([], wrong, "reads during fork")
    mem.close()
    os.close(fd)


def paint(letter, count):
    fd = os.open("shared", os.O_WRONLY)
    rng = random.Random(letter)
    for _ in range(count):
        n = rng.choice([100, PAGE, 70 * K, 600 * K, 1500 * K])
        os.pwrite(fd, letter.encode() * n, rng.randrange(3 * M))


def test_parallel():
    write("shared", b"a" * 3 * M)
    painters = [multiprocessing.Process(target=paint, args=(c, 40)) for c in "bcd"]
    for p in painters:
        p.start()
    while any(p.is_alive() for p in painters):
        if read("shared").translate(None, b"abcd"):
            fail("bytes that nobody wrote, or a hole")
    for p in painters:
        p.join()
        eq(0, p.exitcode, "a painter")
    true(not read("shared").translate(None, b"abcd"), "bytes that nobody wrote, or a hole")


def drain(sock, wanted, found):
    while len(found) < wanted:
        found.extend(sock.recv(M))


def test_sendfile():
    write("out", DATA)
    with open("out", "rb") as f:
        a, b = socket.socketpair()
        found = bytearray()
        thread = threading.Thread(target=drain, args=(b, len(DATA), found))
        thread.start()
        at = 0
        while at < len(DATA):
            at += os.sendfile(a.fileno(), f.fileno(), at, len(DATA) - at)
        thread.join()
        true(found == DATA, "sendfile to a socket differs")
        copy = os.open("copy", RDWR)
        at = 0
        while at < len(DATA):
            at += os.sendfile(copy, f.fileno(), at, len(DATA) - at)
        true(read("copy") == DATA, "sendfile to a file differs")


def test_splice():
    src, dst = os.open("out", os.O_RDONLY), os.open("copy", RDWR)
    r, w = os.pipe()
    moved = 0
    while True:
        n = os.splice(src, w, 64 * K - 5)
        if not n:
            break
        while n:
            got = os.splice(r, dst, n)
            true(got > 0, "splice into a file moved nothing")
            n -= got
            moved += got
    eq(len(DATA), moved, "spliced")
    true(read("copy") == DATA, "splice differs")
    os.ftruncate(dst, 0)
    moved = 0
    while moved < len(DATA):
        got = os.copy_file_range(src, dst, len(DATA) - moved, moved, moved)
        true(got > 0, "copy_file_range moved nothing")
        moved += got
    true(read("copy") == DATA, "copy_file_range differs")


def main():
    tests = [f for name, f in globals().items()
             if name.startswith("test_") and not lacks(name)]
    for test in tests:
        test()
    for name in os.listdir("."):
        os.unlink(name)
    print(f"{os.environ['way']}: {len(tests)} tests")


main()
