# SPDX-License-Identifier: BSD-2-Clause
#
# Pages of 2 MiB: when they come, and what splits them. Counts page faults. Run by large.sh.

import os
import resource

from basic import (FALLOC_KEEP, FALLOC_PUNCH, PAGE, Map, block, eq, fallocate, libc, new, shared,
                   private, mmap)

HUGE = 2 << 20
N = HUGE // PAGE
pmem = os.environ["way"] != "none"
# from 7 on a page of 2 MiB of a pmem device is what fs/dax alone can map
large = pmem and int(os.uname().release.split(".")[0]) < 7


def faults(function):
    before = resource.getrusage(resource.RUSAGE_SELF)
    function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt


def touch(m, first=0, n=N):
    return lambda: [m[(first + i) * PAGE] for i in range(n)]


def store(m, first=0, n=N, byte=9):
    def run():
        for i in range(n):
            m[(first + i) * PAGE] = byte
    return run


def few(count, what):
    print(what, count)
    if large:
        assert count < 40, f"{what}: {count} faults"


def test_large():
    fd = new("large", data=bytes(range(256)) * (3 * HUGE // 256))
    a = shared(fd, 3 * HUGE)
    assert a.addr % HUGE == 0, hex(a.addr)
    few(faults(touch(a)), "load of 2 MiB")
    few(faults(store(a)), "store to 2 MiB")
    few(faults(store(a, N)), "store first")
    eq(os.pread(fd, 2, PAGE), b"\x09\1")
    # msync of a page of it, then stores again
    a.flush(5 * PAGE, PAGE)
    few(faults(store(a, byte=8)), "store after msync")
    # a punched page, a truncated one; the rest is there
    fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, 7 * PAGE, PAGE)
    assert a[7 * PAGE] == 0 and a[7 * PAGE + 1] == 0
    eq(a[6 * PAGE:6 * PAGE + 2], b"\x08\1")
    eq(a[8 * PAGE:8 * PAGE + 2], b"\x08\1")
    a[7 * PAGE] = 5
    eq(os.pread(fd, 2, 7 * PAGE), b"\5\0")
    os.ftruncate(fd, 2 * HUGE + 3 * PAGE)
    eq(a[2 * HUGE:2 * HUGE + 2], b"\0\1")
    # others see stores, copies do not
    b, p = shared(fd, 3 * HUGE), private(fd, 3 * HUGE)
    few(faults(touch(b, N)), "another mapping")
    few(faults(touch(p, N)), "a private one")
    p[HUGE] = 3
    p[HUGE + PAGE] = 4
    eq(b[HUGE:HUGE + 1], b"\x09")
    b[HUGE + 2 * PAGE] = 6
    eq(p[HUGE + 2 * PAGE:HUGE + 2 * PAGE + 1], b"\6")
    eq(p[HUGE:HUGE + 1], b"\3")
    # mprotect and munmap of a part
    b.call(libc.mprotect, HUGE, PAGE, 1)
    store(b, N + 1, 20, 7)()
    b.call(libc.munmap, HUGE + 30 * PAGE, PAGE)
    eq(b[HUGE + 31 * PAGE:HUGE + 31 * PAGE + 2], b"\x09\1")
    pid = os.fork()
    if not pid:
        b[HUGE + 40 * PAGE] = 77
        os._exit(0)
    os.waitpid(pid, 0)
    eq(a[HUGE + 40 * PAGE:HUGE + 40 * PAGE + 1], b"M")
    os.fsync(fd)


def test_futex():
    """futex(2) of what may only be read, mapped so or made so."""
    import ctypes
    import errno

    def wait(m, at):
        word = ctypes.c_void_p(m.addr + at)
        assert libc.syscall(202, word, 0, 77, None, None, 0) == -1
        found = ctypes.get_errno()
        assert found == errno.EAGAIN, errno.errorcode[found]

    fd = new("futex", data=bytes(2 * HUGE))
    m = shared(fd, 2 * HUGE, mmap.PROT_READ)
    assert m[PAGE] == 0
    wait(m, PAGE)
    wait(m, HUGE + PAGE)
    w = shared(fd, 2 * HUGE)
    assert w[0] == 0 and w[HUGE] == 0
    w.call(libc.mprotect, 0, None, mmap.PROT_READ)
    wait(w, PAGE)
    wait(w, HUGE + PAGE)
    other = new("futex2", data=bytes(HUGE))
    w = shared(other, HUGE)
    assert w[0] == 0
    w.call(libc.mprotect, 0, None, mmap.PROT_READ)
    wait(w, PAGE)


def test_small():
    """A store to a hole takes a page, not 2 MiB."""
    fd = new("sparse", 2 * HUGE)
    m = shared(fd, 2 * HUGE)
    assert m[HUGE] == 0
    m[HUGE + 5 * PAGE] = 1
    assert os.fstat(fd).st_blocks == 8, os.fstat(fd).st_blocks
    os.pwrite(fd, block(3) * N, 0)
    touch(m, 0, 2 * N)()
    eq(m[5 * PAGE:6 * PAGE], block(3))


def test_sync():
    """MAP_SYNC: of persistent memory only."""
    fd = new("map_sync", data=block(1))
    try:
        m = Map(fd, PAGE, 0x80003)	# MAP_SHARED_VALIDATE | MAP_SYNC
    except OSError as e:
        assert not pmem and e.errno == 95, e
        return
    assert pmem
    m[0] = 5
    hole = new("map_sync2", 8 * PAGE)
    m = Map(hole, 8 * PAGE, 0x80003)
    assert m[PAGE] == 0
    m[PAGE] = 6
    eq(os.pread(hole, 1, PAGE), b"\6")
    m.flush()


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(f"{os.environ['way']}: {name}", flush=True)
            test()
