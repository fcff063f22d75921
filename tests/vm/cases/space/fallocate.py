# SPDX-License-Identifier: BSD-2-Clause
"""fallocate, truncate, lseek: memofs beside ext4."""

import errno
import multiprocessing
import os
import random
import resource
import signal
import stat

from falloc import COLLAPSE, INSERT, KEEP_SIZE, PUNCH, UNSHARE, ZERO, fallocate
from nstest import as_user, eq, fail, lacks, read, refused, tick, true, write

K, M = 1 << 10, 1 << 20
RDWR = os.O_RDWR | os.O_CREAT | os.O_TRUNC
REF = os.environ["ref"]
MAX = 400 * K
DATA = os.urandom(MAX)
MODES = 0, KEEP_SIZE, PUNCH | KEEP_SIZE, ZERO, ZERO | KEEP_SIZE, COLLAPSE, INSERT, UNSHARE


def outcome(func, *args):
    """0 or an errno."""
    try:
        func(*args)
    except OSError as e:
        return e.errno
    return 0


def supported(mode):
    fd = os.open("probe", RDWR)
    os.pwrite(fd, bytes(64 * K), 0)
    code = outcome(fallocate, fd, mode, 4 * K, 4 * K)
    os.close(fd)
    os.unlink("probe")
    true(code in (0, errno.EOPNOTSUPP), f"mode {mode:#x}: {errno.errorcode.get(code)}")
    return not code


def data_map(fd):
    """Ranges that are no holes, by lseek."""
    found, end = [], 0
    while True:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as e:
            eq(errno.ENXIO, e.errno, "SEEK_DATA")
            return found
        end = os.lseek(fd, start, os.SEEK_HOLE)
        true(end > start, f"data from {start} to {end}")
        found.append((start, end))


def same(a, b, what):
    eq(os.fstat(b).st_size, os.fstat(a).st_size, f"size after {what}")
    ours, right = os.pread(a, 8 * M, 0), os.pread(b, 8 * M, 0)
    if ours != right:
        at = next(i for i in range(len(right)) if ours[i] != right[i])
        fail(f"byte {at} of {len(right)} after {what}")
    shown = bytearray(len(ours))
    for start, end in data_map(a):
        shown[start:end] = ours[start:end]
    true(shown == ours, f"data in what is said to be a hole after {what}")


def place(rng, mode):
    unit = 4 * K if mode in (COLLAPSE, INSERT) else rng.choice([1, 4 * K])
    return rng.randrange(MAX // unit) * unit, rng.randrange(1, 80 * K // unit + 1) * unit


def step(rng, modes, fds):
    """One operation on all files; what it was."""
    what = rng.choice(["write", "write", "truncate", "fallocate", "fallocate", "fallocate"])
    mode = rng.choice(modes)
    offset, length = place(rng, mode)
    if what == "fallocate":
        args = (fallocate, mode, offset, length)
    elif what == "write":
        args = (lambda fd: os.pwrite(fd, DATA[:length], offset),)
    else:
        args = (os.ftruncate, offset)
    codes = [outcome(args[0], fd, *args[1:]) for fd in fds]
    text = f"{what} mode {mode:#x} offset {offset} length {length}"
    eq(codes[1], codes[0], f"errno of {text}")
    return text


def test_random():
    modes = [mode for mode in MODES if supported(mode)]
    for needed in 0, KEEP_SIZE, PUNCH | KEEP_SIZE, ZERO, ZERO | KEEP_SIZE:
        true(needed in modes, f"memofs has no mode {needed:#x}")
    # ext4 has no UNSHARE, but it changes nothing that can be seen
    modes = [mode for mode in modes if mode != UNSHARE]
    for seed in range(8):
        rng = random.Random(seed)
        fds = os.open("r", RDWR), os.open(f"{REF}/r", RDWR)
        for i in range(60):
            text = step(rng, modes, fds)
            same(*fds, f"seed {seed} step {i}: {text}")
        for fd in fds:
            os.close(fd)
    print(f"modes {[hex(mode) for mode in modes]}")


def errors(folder):
    """(what, errno) of calls that are wrong in some way."""
    fd = os.open(f"{folder}/e", RDWR)
    os.pwrite(fd, DATA[:100 * K + 5], 0)
    top = (1 << 63) - 1
    calls = [(0x80, 0, K), (-1, 0, K), (0, -1, K), (0, 0, 0), (0, 0, -5), (0, top, 1),
             (PUNCH, 0, K), (PUNCH | KEEP_SIZE | ZERO, 0, K), (COLLAPSE | KEEP_SIZE, 0, 4 * K),
             (INSERT | KEEP_SIZE, 0, 4 * K), (PUNCH | KEEP_SIZE, top - K, K),
             (COLLAPSE, 1, 4 * K), (COLLAPSE, 4 * K, 5), (COLLAPSE, 0, 104 * K),
             (COLLAPSE, 96 * K, 8 * K), (COLLAPSE, 200 * K, 4 * K), (INSERT, 5, 4 * K),
             (INSERT, 4 * K, 5), (INSERT, 104 * K, 4 * K), (INSERT, 1 << 40, 4 * K),
             (INSERT, 4 * K, (1 << 62) + (1 << 61))]
    found = [(call, outcome(fallocate, fd, *call)) for call in calls]
    eq(DATA[:100 * K + 5], os.pread(fd, M, 0), "data after calls that failed")
    os.close(fd)
    fd = os.open(f"{folder}/e", os.O_RDONLY)
    found.append(("read-only", outcome(fallocate, fd, 0, 0, K)))
    os.close(fd)
    fd = os.open(folder, os.O_RDONLY)
    found.append(("directory", outcome(fallocate, fd, 0, 0, K)))
    os.close(fd)
    return found


def test_errors():
    for (what, ours), (_, right) in zip(errors("."), errors(REF)):
        true(ours, f"{what} succeeded")
        eq(errno.errorcode[right], errno.errorcode[ours], f"{what}")


def test_holes():
    fd = os.open("h", RDWR)
    os.ftruncate(fd, M)
    eq([], data_map(fd), "data of an empty file")
    eq(5, os.lseek(fd, 5, os.SEEK_HOLE), "a hole where one is")
    refused(errno.ENXIO, os.lseek, fd, 0, os.SEEK_DATA)
    os.pwrite(fd, b"x", 100 * K)
    os.pwrite(fd, DATA[:64 * K], 512 * K)
    eq([(100 * K, 104 * K), (512 * K, 576 * K)], data_map(fd), "data")
    eq(513 * K + 7, os.lseek(fd, 513 * K + 7, os.SEEK_DATA), "data in the middle of data")
    eq(513 * K + 7, os.lseek(fd, 0, os.SEEK_CUR), "position after lseek")
    fallocate(fd, PUNCH | KEEP_SIZE, 520 * K, 16 * K)
    eq([(100 * K, 104 * K), (512 * K, 520 * K), (536 * K, 576 * K)], data_map(fd), "punched")
    for pos in M, 2 * M, -1:
        for whence in os.SEEK_DATA, os.SEEK_HOLE:
            refused(errno.ENXIO, os.lseek, fd, pos, whence)
    os.ftruncate(fd, 540 * K + 1)
    eq(540 * K + 1, os.lseek(fd, 537 * K, os.SEEK_HOLE), "the hole at the end")
    blocks = os.fstat(fd).st_blocks
    fallocate(fd, KEEP_SIZE, 540 * K, 460 * K)
    st = os.fstat(fd)
    eq(540 * K + 1, st.st_size, "size after KEEP_SIZE")
    true(st.st_blocks * 512 >= blocks * 512 + 452 * K, "KEEP_SIZE allocated nothing")
    os.ftruncate(fd, M)
    true(not os.pread(fd, M, 540 * K + 1).strip(b"\0"), "what KEEP_SIZE allocated is not zeros")
    os.close(fd)


def stamps(fd):
    st = os.fstat(fd)
    return st.st_mtime_ns, st.st_ctime_ns


def free_bytes():
    fs = os.statvfs(".")
    return fs.f_bfree * fs.f_bsize


def test_times():
    fd = os.open("t", RDWR)
    os.pwrite(fd, DATA[:64 * K], 0)
    for mode in 0, KEEP_SIZE, PUNCH | KEEP_SIZE, ZERO:
        before = stamps(fd)
        tick()
        fallocate(fd, mode, 4 * K, 8 * K)
        after = stamps(fd)
        true(after[0] > before[0] and after[1] > before[1], f"times of mode {mode:#x}")
    before = stamps(fd)
    tick()
    refused(errno.ENOSPC, fallocate, fd, 0, 0, free_bytes() + 16 * M)
    eq(before, stamps(fd), "times after ENOSPC")
    eq(64 * K, os.fstat(fd).st_size, "size after ENOSPC")
    os.close(fd)


def test_privileges():
    for mode in 0, PUNCH | KEEP_SIZE, ZERO:
        write("s", b"program")
        os.chmod("s", 0o6777)

        def change():
            fd = os.open("s", os.O_WRONLY)
            fallocate(fd, mode, 0, 100)

        as_user(1234, 1234, change)
        eq(0o777, stat.S_IMODE(os.stat("s").st_mode), f"set-id bits after mode {mode:#x}")


def limited():
    fd = os.open("l", RDWR)
    os.pwrite(fd, DATA[:K], 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * K, 64 * K))
    fallocate(fd, 0, 0, 64 * K)
    refused(errno.EFBIG, fallocate, fd, 0, 0, 64 * K + 1)
    fallocate(fd, KEEP_SIZE, 0, 80 * K)
    eq(64 * K, os.fstat(fd).st_size, "size at RLIMIT_FSIZE")
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    fallocate(fd, ZERO, 64 * K, 1)


def test_rlimit():
    child = multiprocessing.Process(target=limited)
    child.start()
    child.join()
    eq(-signal.SIGXFSZ, child.exitcode, "fallocate beyond RLIMIT_FSIZE")


def test_parallel():
    """Readers see old bytes or zeros while holes come and go."""
    write("p", b"a" * 256 * K)
    fd = os.open("p", os.O_RDWR)

    def reader():
        while True:
            if read("p").translate(None, b"a\0"):
                os._exit(1)

    child = multiprocessing.Process(target=reader)
    child.start()
    rng = random.Random(7)
    for _ in range(300):
        pos = rng.randrange(250 * K)
        if rng.randrange(2):
            fallocate(fd, PUNCH | KEEP_SIZE, pos, 1 + rng.randrange(60 * K))
            # blocks that are free again may go to another file
            write("other", b"b" * 64 * K)
        else:
            os.pwrite(fd, b"a" * 5000, pos)
    true(child.is_alive(), "a reader saw bytes of another file")
    child.kill()
    child.join()
    os.close(fd)


def main():
    tests = [f for name, f in globals().items()
             if name.startswith("test_") and not lacks(name)]
    for test in tests:
        test()
    for name in os.listdir("."):
        os.unlink(name)
    print(f"{os.environ['way']}: {len(tests)} tests")


main()
