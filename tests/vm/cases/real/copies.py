# SPDX-License-Identifier: BSD-2-Clause
"""sendfile, splice, vmsplice and tee with a file of the mount at either end, in odd pieces."""

import ctypes
import errno
import fcntl
import os
import random
import threading

from nstest import LIBC, eq, read, refused, true, write

K, M = 1 << 10, 1 << 20
RDWR = os.O_RDWR | os.O_CREAT | os.O_TRUNC
SPLICE_F_NONBLOCK, SPLICE_F_GIFT = 2, 8
DATA = os.urandom(3 * M + 77)
PIECES = [1, 2, 511, 4095, 4096, 4097, 8191, 65535, 65536, 65537, 300 * K + 3, M]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def call(name, *args):
    n = getattr(LIBC, name)(*args)
    if n < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return n


def vmsplice(fd, segments, flags):
    vec = (Iovec * len(segments))(*segments)
    return call("vmsplice", fd, vec, ctypes.c_ulong(len(segments)), ctypes.c_uint(flags))


def tee(src, dst, n):
    return call("tee", src, dst, ctypes.c_size_t(n), ctypes.c_uint(0))


def pipe(size):
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, size)
    return r, w


def close(*fds):
    for fd in fds:
        os.close(fd)


def test_sendfile():
    write("src", DATA)
    src, dst = os.open("src", os.O_RDONLY), os.open("dst", RDWR)
    rng = random.Random(1)
    for piece in PIECES[3:]:
        os.ftruncate(dst, 0)
        os.lseek(dst, 0, os.SEEK_SET)
        at, end = 0, min(len(DATA), piece * 30)
        while at < end:
            n = os.sendfile(dst, src, at, rng.randrange(1, piece + 1))
            true(n > 0, f"sendfile ends at {at}")
            at += n
        true(read("dst") == DATA[:at], f"sendfile in pieces of {piece}")
    # the file's own position, the middle of the target, and the end of the source
    os.lseek(src, len(DATA) - 100, os.SEEK_SET)
    os.lseek(dst, 50, os.SEEK_SET)
    wanted = bytearray(read("dst"))
    eq(100, os.sendfile(dst, src, None, M), "sendfile across the end")
    eq(0, os.sendfile(dst, src, None, M), "sendfile at the end")
    wanted[50:150] = DATA[-100:]
    true(read("dst") == wanted, "sendfile into the middle")
    close(src, dst)
    refused(errno.EINVAL, os.sendfile, os.open("dst", os.O_WRONLY | os.O_APPEND),
            os.open("src", os.O_RDONLY), 0, 10)


def test_splice():
    """file -> pipe -> file, both at positions of their own; pipes of several sizes."""
    write("src", DATA)
    rng = random.Random(2)
    for size in 4 * K, 64 * K, M:
        r, w = pipe(size)
        src, dst = os.open("src", os.O_RDONLY), os.open("dst", RDWR)
        os.pwrite(dst, b"\xEE" * (len(DATA) + 5), 0)
        at = 0
        while at < len(DATA):
            got = os.splice(src, w, rng.choice(PIECES), offset_src=at)
            true(0 < got <= size, f"splice into a pipe of {size}: {got}")
            done = 0
            while done < got:
                n = os.splice(r, dst, rng.choice(PIECES), offset_dst=5 + at + done)
                true(n > 0, "splice into a file moves nothing")
                done += n
            at += got
        true(read("dst") == b"\xEE" * 5 + DATA, f"splice through a pipe of {size}")
        eq(0, os.splice(src, w, 10, offset_src=at), "splice at the end")
        refused(errno.EAGAIN, os.splice, r, dst, 10, flags=SPLICE_F_NONBLOCK)
        close(src, dst, r, w)


def test_full_pipe():
    """A pipe that has little room left takes what fits, and no byte more than it says."""
    write("src", DATA[:M])
    src = os.open("src", os.O_RDONLY)
    r, w = pipe(64 * K)
    for filled in 1, 4096, 30 * K + 1, 60 * K:
        os.write(w, bytes(filled))
        n = os.splice(src, w, M, offset_src=3, flags=SPLICE_F_NONBLOCK)
        true(0 < n <= 64 * K, f"splice behind {filled}: {n}")
        refused(errno.EAGAIN, os.splice, src, w, M, offset_src=3, flags=SPLICE_F_NONBLOCK)
        eq(bytes(filled), os.read(r, filled), "what was in the pipe")
        eq(DATA[3:3 + n], os.read(r, M), f"what came behind {filled}")
    close(src, r, w)


def test_stays():
    """What is in a pipe is what the file was, whatever becomes of it."""
    write("src", DATA[:M])
    src = os.open("src", os.O_RDWR)
    r, w = pipe(M)
    n = os.splice(src, w, M - 7, offset_src=7)
    os.pwrite(src, b"changed" * 1000, 0)
    os.ftruncate(src, 10)
    got = b""
    while len(got) < n:
        got += os.read(r, M)
    true(got == DATA[7:7 + n], "a pipe's content changes with its file")
    close(src, r, w)


def test_vmsplice():
    """Pages of the program go into a file through a pipe."""
    buf = ctypes.create_string_buffer(DATA, len(DATA))
    base = ctypes.addressof(buf)
    dst = os.open("dst", RDWR)
    r, w = pipe(M)
    rng = random.Random(3)
    at = 0
    while at < len(DATA):
        segments, n = [], 0
        for _ in range(rng.randrange(1, 9)):
            size = min(rng.choice(PIECES[:10]), len(DATA) - at - n)
            segments.append(Iovec(base + at + n, size))
            n += size
        n = vmsplice(w, segments, rng.choice([0, SPLICE_F_GIFT]))
        done = 0
        while done < n:
            done += os.splice(r, dst, n - done)
        at += n
    true(read("dst") == DATA, "vmsplice")
    close(dst, r, w)


def test_tee():
    """One pipe, two files."""
    write("src", DATA[:M])
    src = os.open("src", os.O_RDONLY)
    one, two = os.open("one", RDWR), os.open("two", RDWR)
    r, w = pipe(64 * K)
    r2, w2 = pipe(64 * K)
    while True:
        n = os.splice(src, w, 50001)
        if not n:
            break
        n = tee(r, w2, n)
        for pipe_end, file in (r, one), (r2, two):
            done = 0
            while done < n:
                done += os.splice(pipe_end, file, n - done)
    true(read("one") == read("two") == DATA[:M], "tee")
    close(src, one, two, r, w, r2, w2)


def test_parallel():
    """Eight loops at once, each with its pipe, on one source."""
    data = DATA[:M + 77]
    write("src", data)
    wrong = []

    def loop(i):
        src, dst = os.open("src", os.O_RDONLY), os.open(f"dst{i}", RDWR)
        r, w = pipe(64 * K)
        at = 0
        while at < len(data):
            n = os.splice(src, w, 64 * K - i, offset_src=at)
            at += n
            while n:
                n -= os.splice(r, dst, n)
        if read(f"dst{i}") != data:
            wrong.append(i)
        close(src, dst, r, w)

    threads = [threading.Thread(target=loop, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    eq([], wrong, "loops whose copy differs")


def main():
    tests = [f for name, f in globals().items() if name.startswith("test_")]
    for test in tests:
        test()
    print(f"{os.environ['way']}: {len(tests)} tests")


main()
