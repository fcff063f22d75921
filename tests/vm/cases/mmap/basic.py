# SPDX-License-Identifier: BSD-2-Clause
#
# Mappings of files in $mnt ($way: how the file system does I/O): what they show, what
# they leave behind, when they are refused. Run by basic.sh; compares with plain I/O.

import ctypes
import errno
import mmap
import os
import signal
import subprocess
import sys

from falloc import fallocate

PAGE = 4096
mnt = os.environ["mnt"]
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
FALLOC_KEEP, FALLOC_PUNCH, FALLOC_COLLAPSE, FALLOC_ZERO, FALLOC_INSERT = 1, 2, 8, 16, 32


def path(name):
    return os.path.join(mnt, name)


def new(name, size=0, data=None):
    fd = os.open(path(name), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    if data is not None:
        os.pwrite(fd, data, 0)
    if size:
        os.ftruncate(fd, size)
    return fd


class Map:
    """A mapping that may be longer than its file."""

    def __init__(self, fd, size, flags, prot=3):
        addr = libc.mmap(None, size, prot, flags, fd, 0)
        if addr == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        self.addr, self.size = addr, size
        self.view = memoryview((ctypes.c_ubyte * size).from_address(addr)).cast("B")

    def __getitem__(self, what):
        found = self.view[what]
        return found if isinstance(what, int) else bytes(found)

    def __setitem__(self, what, value):
        self.view[what] = value

    def call(self, function, offset=0, size=None, *args):
        """msync, madvise, mprotect ... of a part."""
        if function(ctypes.c_void_p(self.addr + offset),
                    ctypes.c_size_t(size or self.size - offset), *args):
            raise OSError(ctypes.get_errno(), function.__name__)

    def flush(self, offset=0, size=None):
        self.call(libc.msync, offset, size, 4)

    def close(self):
        self.call(libc.munmap)


def shared(fd, size, prot=3):
    return Map(fd, size, mmap.MAP_SHARED, prot)


def private(fd, size):
    return Map(fd, size, mmap.MAP_PRIVATE)


def block(byte):
    return bytes([byte]) * PAGE


def eq(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what}: found {found[:16]!r}..., wanted {wanted[:16]!r}...")


def child(function, *args):
    """A process that calls it, and is killed with us; 0, or 1 after an exception."""
    pid = os.fork()
    if not pid:
        libc.prctl(1, signal.SIGKILL)	# PR_SET_PDEATHSIG
        try:
            function(*args)
        except BaseException as e:
            print(f"{function.__name__}: {e!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return pid


def sigbus(function, *args):
    """What a child that calls it dies of must be SIGBUS."""
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        try:
            function(*args)
        finally:
            os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGBUS:
        raise AssertionError(f"status {status:#x}, not SIGBUS")


def test_shared():
    fd = new("shared", data=block(1) + block(2) + b"tail")
    m = shared(fd, 3 * PAGE)
    eq(m[:PAGE], block(1))
    eq(m[2 * PAGE:], b"tail" + bytes(PAGE - 4), "zeros behind the end")
    m[10:14] = b"abcd"
    eq(os.pread(fd, 4, 10), b"abcd", "stored, read")
    os.pwrite(fd, b"wxyz", PAGE)
    eq(m[PAGE:PAGE + 4], b"wxyz", "written, loaded")
    # a read fault first, then a store
    m2 = shared(fd, 3 * PAGE)
    eq(m2[PAGE:PAGE + 4], b"wxyz")
    m2[PAGE] = 7
    eq(m[PAGE:PAGE + 2], b"\7x")
    m.flush()
    m2.flush(PAGE, PAGE)
    os.fsync(fd)
    os.fdatasync(fd)
    m[0] = 9
    eq(os.pread(fd, 1, 0), b"\x09", "a store after fsync")


def test_hole():
    fd = new("hole", 64 * PAGE)
    a, b = shared(fd, 64 * PAGE), shared(fd, 64 * PAGE)
    p = private(fd, 64 * PAGE)
    eq(a[5 * PAGE:6 * PAGE], bytes(PAGE))
    eq(p[5 * PAGE:6 * PAGE], bytes(PAGE))
    assert os.fstat(fd).st_blocks == 0, "a read fault has allocated"
    b[5 * PAGE + 1] = 3
    eq(a[5 * PAGE:5 * PAGE + 2], b"\0\3", "the zero page is replaced in other mappings")
    eq(p[5 * PAGE:5 * PAGE + 2], b"\0\3", "and in private ones")
    assert os.fstat(fd).st_blocks == 8, os.fstat(fd).st_blocks
    # a hole that write(2) fills, whole and in part
    for i, part in (7, block(4)), (8, b"x"):
        eq(a[i * PAGE:(i + 1) * PAGE], bytes(PAGE))
        os.pwrite(fd, part, i * PAGE)
        eq(a[i * PAGE:(i + 1) * PAGE], part + bytes(PAGE - len(part)), "write into a hole")
    # and fallocate
    eq(a[9 * PAGE:10 * PAGE], bytes(PAGE))
    fallocate(fd, 0, 9 * PAGE, PAGE)
    b[9 * PAGE] = 5
    eq(a[9 * PAGE:9 * PAGE + 1], b"\5")


def test_private():
    fd = new("private", data=block(1) * 4)
    p = private(fd, 4 * PAGE)
    s = shared(fd, 4 * PAGE)
    p[0] = 2
    eq(s[:1], b"\1")
    eq(os.pread(fd, 1, 0), b"\1")
    s[PAGE] = 3
    eq(p[PAGE:PAGE + 1], b"\3", "not yet copied: the file's")
    p[PAGE + 1] = 4
    eq(p[PAGE:PAGE + 3], b"\3\4\1")
    s[PAGE + 2] = 5
    eq(p[PAGE:PAGE + 3], b"\3\4\1", "copied")
    os.fsync(fd)
    eq(p[:2], b"\2\1", "fsync leaves copies alone")
    pid = os.fork()
    if not pid:
        ok = p[:2] == b"\2\1"
        p[0] = 9
        s[3 * PAGE] = 8
        os._exit(0 if ok else 1)
    assert os.waitpid(pid, 0)[1] == 0
    eq(p[:2], b"\2\1", "a child's store")
    eq(s[3 * PAGE:3 * PAGE + 1], b"\x08", "what a child has stored to the file")
    # of the private copies behind the new end nothing stays
    p[2 * PAGE] = 6
    os.ftruncate(fd, 2 * PAGE)
    sigbus(lambda: p[2 * PAGE])
    eq(p[:2], b"\2\1")


def test_sigbus():
    fd = new("end", data=block(1) * 3)
    m = shared(fd, 8 * PAGE)
    assert m[2 * PAGE] == 1
    sigbus(lambda: m[3 * PAGE])
    sigbus(lambda: m.__setitem__(3 * PAGE, 1))
    os.ftruncate(fd, PAGE + 1)
    assert m[PAGE] == 1 and m[PAGE + 1] == 0
    sigbus(lambda: m[2 * PAGE])
    os.ftruncate(fd, 5 * PAGE)
    assert m[2 * PAGE] == 0 and m[4 * PAGE] == 0
    m[4 * PAGE] = 7
    eq(os.pread(fd, 1, 4 * PAGE), b"\7")
    # what is stored behind the end in the last page is not seen later
    os.ftruncate(fd, PAGE + 1)
    m[PAGE + 5] = 9
    os.ftruncate(fd, 2 * PAGE)
    assert m[PAGE + 5] == 0 and os.pread(fd, 6, PAGE) == b"\1\0\0\0\0\0"
    # the kernel meets it too
    r, w = os.pipe()
    assert libc.write(w, ctypes.c_void_p(m.addr + 6 * PAGE), 10) == -1
    assert ctypes.get_errno() == errno.EFAULT
    # msync knows addresses, not ends of files
    m.flush()
    m.close()


def test_space():
    n = 16
    fd = new("space", data=b"".join(block(i + 1) for i in range(n)))
    a, b = shared(fd, n * PAGE), shared(fd, n * PAGE)
    for i in range(n):
        a[i * PAGE + 1] = 0x80 + i

    def check(*pages):
        for m in a, b:
            found = [m[i * PAGE] for i in range(len(pages))]
            assert found == list(pages), (found, pages)
        eq(os.pread(fd, len(pages) * PAGE, 0), a[:len(pages) * PAGE])

    pages = list(range(1, n + 1))
    check(*pages)
    fallocate(fd, FALLOC_PUNCH | FALLOC_KEEP, 2 * PAGE, 2 * PAGE)
    pages[2:4] = [0, 0]
    check(*pages)
    fallocate(fd, FALLOC_COLLAPSE, 4 * PAGE, 3 * PAGE)
    del pages[4:7]
    check(*pages)
    assert a[4 * PAGE + 1] == 0x80 + 7, "what was stored moves, too"
    fallocate(fd, FALLOC_INSERT, PAGE, 3 * PAGE)
    pages[1:1] = [0, 0, 0]
    check(*pages)
    fallocate(fd, FALLOC_ZERO, 7 * PAGE, PAGE + 100)
    pages[7] = pages[8] = 0
    check(*pages)
    assert a[8 * PAGE + 100] != 0


def test_protection():
    fd = new("prot", data=block(1) * 2)
    ro = os.open(path("prot"), os.O_RDONLY)
    try:
        shared(ro, PAGE)
        raise AssertionError("writable mapping of what is open for reading")
    except PermissionError:
        pass
    m = shared(ro, 2 * PAGE, mmap.PROT_READ)
    eq(m[:PAGE], block(1))
    p = shared(fd, 2 * PAGE, 1)
    assert p[0] == 1
    p.call(libc.mprotect, 0, None, 3)
    p[1] = 5
    p.call(libc.mprotect, 0, PAGE, 1)
    p[PAGE + 1] = 6
    eq(os.pread(fd, 2, 0), b"\1\5")
    eq(os.pread(fd, 2, PAGE), b"\1\6")
    p.call(libc.mlock)
    p.call(libc.munlock)
    for advice in 0, 1, 2, 3, 4, 22:	# .. DONTNEED, POPULATE_READ
        p.call(libc.madvise, 0, None, advice)
    p.call(libc.madvise, PAGE, PAGE, 23)
    assert p[1] == 5 and p[PAGE + 1] == 6
    libc.mremap.restype = ctypes.c_void_p
    moved = libc.mremap(ctypes.c_void_p(p.addr + PAGE), ctypes.c_size_t(PAGE),
                        ctypes.c_size_t(4 * PAGE), 1)
    q = (ctypes.c_ubyte * PAGE).from_address(moved)
    assert q[1] == 6
    q[2] = 7
    eq(os.pread(fd, 3, PAGE), b"\1\6\7")
    # what MADV_REMOVE takes is a hole
    assert libc.madvise(ctypes.c_void_p(moved), ctypes.c_size_t(PAGE), 9) == 0
    eq(os.pread(fd, PAGE, PAGE), bytes(PAGE))


def test_own_buffer():
    """read and write whose memory is a mapping of the same file (or of another)."""
    n = 300
    fd = new("own", data=b"".join(block(i % 250 + 1) for i in range(n)))
    m = shared(fd, n * PAGE)
    m.call(libc.madvise, 0, None, 4)
    os.pwrite(fd, m.view[100 * PAGE:200 * PAGE], 0)
    eq(os.pread(fd, PAGE, 0), block(101))
    eq(m[99 * PAGE:100 * PAGE], block(200))
    assert os.preadv(fd, [m.view[200 * PAGE:300 * PAGE]], 0) == 100 * PAGE
    eq(m[200 * PAGE:201 * PAGE], block(101))
    other = new("other", n * PAGE)
    o = shared(other, n * PAGE)
    assert os.preadv(fd, [o.view], 0) == n * PAGE
    eq(os.pread(other, n * PAGE, 0), m[:])
    assert os.pwrite(other, m.view[5:-7], 1) == n * PAGE - 12
    eq(o[1:n * PAGE - 11], m[5:-7])
    # sendfile and splice
    r, w = os.pipe()
    os.splice(fd, w, 10000, 0)
    eq(os.read(r, 10000), m[:10000])


def test_unlinked():
    fd = new("gone", data=block(5) * 3)
    m = shared(fd, 3 * PAGE)
    os.unlink(path("gone"))
    os.close(fd)
    eq(m[:PAGE], block(5))
    m[PAGE] = 6
    m.flush()
    eq(m[PAGE:PAGE + 2], b"\6\5")
    m.close()


def test_freed():
    """What is freed is space at once, also if its puts, or what is dirty, have to go before."""
    fill, n = new("fill"), 64
    fd = new("dirty", data=block(1) * n)
    try:
        fallocate(fill, 0, 0, os.statvfs(mnt).f_bfree * PAGE)
    except OSError as e:
        assert e.errno == errno.ENOSPC
    for pages in 256, 1:
        try:
            while True:
                os.pwrite(fill, bytes(pages * PAGE), os.fstat(fill).st_size)
        except OSError as e:
            assert e.errno == errno.ENOSPC
    # a new inode may take one for its table, before the old one has gone
    n -= 2
    for _ in range(20):
        m = shared(fd, n * PAGE)
        for i in range(n):
            m[i * PAGE] = 3
        m.close()
        os.unlink(path("dirty"))
        os.close(fd)
        fd = new("dirty")
        done = 0
        while done < n * PAGE:
            done += os.pwrite(fd, bytes(n * PAGE - done), done)
    for name in "fill", "dirty":
        os.unlink(path(name))
    os.close(fill)
    os.close(fd)


def test_program():
    source = path("hello.c")
    with open(source, "w") as f:
        f.write('#include <stdio.h>\nstatic char big[100000] = "hello";\n'
                'int main(void) { big[5000] = 1; puts(big); return big[5000] + 41; }\n')
    program = path("hello")
    subprocess.run(["gcc", "-o", program, source], check=True)
    done = subprocess.run([program], stdout=subprocess.PIPE)
    assert done.returncode == 42 and done.stdout == b"hello\n", done
    subprocess.run(["cp", "/bin/sleep", path("sleep")], check=True)
    running = subprocess.Popen([path("sleep"), "100"])
    while b"sleep" not in open(f"/proc/{running.pid}/cmdline", "rb").read().split(b"\0")[0]:
        pass
    try:
        os.open(path("sleep"), os.O_WRONLY)
        raise AssertionError("a running program can be written")
    except OSError as e:
        assert e.errno == errno.ETXTBSY or os.readlink(f"/proc/{running.pid}/exe") != path("sleep")
    running.kill()
    running.wait()


def test_times():
    fd = new("times", data=block(1))
    os.utime(fd, ns=(10**9, 10**9))
    m = shared(fd, PAGE)
    assert m[0] == 1 and os.fstat(fd).st_mtime_ns == 10**9
    m[0] = 2
    assert os.fstat(fd).st_mtime_ns > 10**18


def main():
    for name, test in list(globals().items()):
        if name in os.environ.get("LACKS", "").split():
            continue
        if name.startswith("test_") and (len(sys.argv) < 2 or name in sys.argv[1:]):
            print(f"{os.environ['way']}: {name}", flush=True)
            test()


if __name__ == "__main__":
    main()
