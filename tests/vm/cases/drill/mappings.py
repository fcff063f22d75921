# SPDX-License-Identifier: BSD-2-Clause
#
# The server (drillfs) changes blocks of files that are mapped. Run by mappings.sh; $put is
# the operation that a write(2) is, $way how the file system does I/O.

import ctypes
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import sys
import time

from basic import PAGE, block, child, eq, libc, new, path, shared

HUGE = 2 << 20
FICLONE = 0x40049409
SECONDS = 0.7
SLOW = int(os.environ.get("SLOW") or 1)
put = os.environ["put"]


# ---- the remote control ----

def ctl(line):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0drillfs")
        s.sendall(line.encode() + b"\n")
        answer = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    assert not answer.startswith("error:"), f"{line}: {answer}"
    return answer.strip()


def stats():
    return {name: int(n) for name, n in map(str.split, ctl("stats").splitlines())}


def wait_until(condition, what):
    end = time.monotonic() + 20 * SLOW
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def balanced():
    """Nobody has a contract, and none was put otherwise than it was got."""
    now = stats()
    return now["open"] == 0 and now["bad_puts"] == 0


def gets(function):
    before = stats()["gets"]
    function()
    return stats()["gets"] - before


# ---- children ----

def ended_well(pid):
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"a child ended with {status:#x}"


class Running:
    """Children that work side by side until stop(), and how often each has gone round."""

    def __init__(self, *calls):
        self.shared = mmap.mmap(-1, 8 * (1 + len(calls)))
        self.words = memoryview(self.shared).cast("Q")
        self.begin = time.monotonic()
        self.pids = [child(self.turn, i + 1, *call) for i, call in enumerate(calls)]

    def turn(self, slot, generator, *args):
        for _ in generator(lambda: self.words[0], *args):
            self.words[slot] += 1
            if self.words[0]:
                return

    def goes_on(self):
        """For a while, and until all of them have done something meanwhile."""
        now = time.monotonic() - self.begin
        assert now < 30 * SLOW, f"nothing moves: {self.words.tolist()}"
        return now < SECONDS or min(self.words[1:]) < 20

    def stop(self):
        self.words[0] = 1
        for pid in self.pids:
            ended_well(pid)


class Viewer:
    """A process that has a page mapped and says what it sees there when it is asked."""

    def __init__(self, fd, page=0):
        self.asks, asked = os.pipe()
        self.asked, self.answer = asked, None
        self.answer, tell = os.pipe()
        self.pid = child(self.serve, fd, page, tell)
        os.close(tell)
        self.ask()
        self.first = self.told()

    def serve(self, fd, page, tell):
        m = shared(fd, (page + 1) * PAGE)
        while os.read(self.asks, 1) == b"?":
            os.write(tell, bytes([m[page * PAGE]]))

    def ask(self):
        os.write(self.asked, b"?")

    def is_silent(self):
        return not select.select([self.answer], [], [], 0.3)[0]

    def told(self):
        assert select.select([self.answer], [], [], 20 * SLOW)[0], "a load takes for ever"
        return os.read(self.answer, 1)[0]

    def see(self):
        self.ask()
        return self.told()

    def close(self):
        os.write(self.asked, b".")
        ended_well(self.pid)
        os.close(self.asked)
        os.close(self.asks)
        os.close(self.answer)


def file_of(name, pages):
    return new(name, data=b"".join(block(i % 250 + 1) for i in range(pages)))


# ---- moves ----

def test_list():
    """UNMAP outside of operations and in the middle of one; what is near stays mapped."""
    fd = file_of("list", 16)
    ino = os.fstat(fd).st_ino
    m = shared(fd, 16 * PAGE)
    touch = lambda: [m[i * PAGE] for i in range(16)]
    touch()
    assert gets(touch) == 0
    eq(ctl(f"move {ino} 5 1"), "OK")
    assert gets(touch) == 1, "one page was moved"
    eq(m[5 * PAGE:6 * PAGE], block(6), "the moved page")
    m[5 * PAGE] = 99
    eq(os.pread(fd, 1, 5 * PAGE), b"c")
    # a list in an answer: of a write, and of the fault of the very page that it takes away
    viewer = Viewer(fd, 7)
    ctl(f"only op={put} ino={ino} do=retry:unmap:7:2")
    os.pwrite(fd, b"x", 0)
    eq(ctl("results"), "OK")
    assert gets(touch) == 2
    assert viewer.see() == 8
    ctl("clear")
    ctl(f"exec unmap:7:1:{ino}")
    ctl(f"only op=GET ino={ino} count=1 do=retry:unmap:7:1")
    assert m[7 * PAGE] == 8
    eq(ctl("results"), "OK")
    viewer.close()
    # a page that somebody has pinned stays where it is
    r, w = os.pipe()
    iov = (ctypes.c_uint64 * 2)(m.addr + 9 * PAGE, PAGE)
    assert libc.vmsplice(w, iov, ctypes.c_ulong(1), 0) == PAGE
    eq(ctl(f"move {ino} 9 1"), "EBUSY")
    m[9 * PAGE] = 44
    eq(os.read(r, 1), b"\x2c", "what was stored to a pinned page")
    os.read(r, PAGE)
    wait_until(lambda: ctl(f"move {ino} 9 1") == "OK", "the pin does not go")
    assert m[9 * PAGE] == 44
    os.close(r)
    os.close(w)
    ctl("clear")


def test_answer():
    """A write whose answer says which mappings are stale: another page has moved."""
    fd = file_of("answer", 600)
    ino = os.fstat(fd).st_ino
    m = shared(fd, 600 * PAGE)
    for page in 3, 590:
        seen = m[page * PAGE]
        viewer = Viewer(fd, page)
        for n in range(1, 4):
            ctl(f"only op={put} ino={ino} do=move:{page} do=unmap:{page * PAGE}:{PAGE}")
            os.pwrite(fd, b"x", 8 * PAGE)
            ctl("clear")
            assert m[page * PAGE] == viewer.see() == seen + n, (m[page * PAGE], seen + n)
            eq(os.pread(fd, 1, page * PAGE), bytes([seen + n]))
        viewer.close()
    # bytes, not pages, and behind the end of the file
    for offset, length in (PAGE - 1, 2), (600 * PAGE, 1 << 31), (0xffffffff, 0xffffffff):
        m[0], m[PAGE]
        ctl(f"only op={put} ino={ino} do=unmap:{offset}:{length}")
        os.pwrite(fd, b"x", 8 * PAGE)
        ctl("clear")
        assert gets(lambda: (m[0], m[PAGE])) == (2 if offset == PAGE - 1 else 0), offset


def test_late_answer():
    """A fault's answer is on its way while the page moves: the fault asks once more."""
    fd = file_of("late", 8)
    ino = os.fstat(fd).st_ino
    for page in 3, 0:
        ctl(f"only op=GET ino={ino} do=linger")
        if page:
            ctl(f"rule op={put} ino={ino} do=move:{page} do=unmap:{page * PAGE}:{PAGE}")

        def load():
            assert shared(fd, 8 * PAGE)[page * PAGE] == (page + 2 if page else 88)
        pid = child(load)
        ctl("hung 1")
        if page:
            os.pwrite(fd, b"x", 6 * PAGE)
        else:
            # no block has moved, but a list has said so
            ctl(f"exec unmap:0:1:{ino}")
            os.pwrite(fd, b"\x58", 0)
        assert gets(lambda: (ctl("release"), ended_well(pid))) == 1, "it was not asked again"
        ctl("clear")


def test_answer_race():
    """Another CPU loads all the time: what it sees never goes back."""
    fd = file_of("answers", 8)
    ino = os.fstat(fd).st_ino
    os.pwrite(fd, b"\0", 3 * PAGE)
    looked = mmap.mmap(-1, PAGE)

    def load(stopped):
        """Goes round when it sees a move."""
        os.sched_setaffinity(0, {1})
        m = shared(fd, 8 * PAGE)
        last = m[3 * PAGE]
        while True:
            seen = m[3 * PAGE]
            looked[0] = seen
            if (seen - last) % 256 > 128:
                raise AssertionError(f"{last}, then {seen}")
            if seen != last or stopped():
                yield
            last = seen

    def map_and_unmap(stopped):
        while True:
            m = shared(fd, 8 * PAGE)
            m[3 * PAGE]
            m.close()
            yield

    m = shared(fd, 8 * PAGE)
    ctl(f"only op={put} ino={ino} count=0 do=move:3 do=unmap:{3 * PAGE}:{PAGE}")
    running = Running((load,), (map_and_unmap,))
    n = 0
    while running.goes_on():
        # of a byte one can say what comes later as long as it has not gone half way round
        wait_until(lambda: (n - looked[0]) % 256 < 100, "nobody looks")
        os.pwrite(fd, b"x", 6 * PAGE)
        n += 1
        assert m[3 * PAGE] == n % 256, (m[3 * PAGE], n % 256)
    running.stop()
    ctl("clear")


def test_list_race():
    """Pages move under stores of another CPU, while others map and unmap: no store is lost."""
    pages = 520
    fd = file_of("lists", pages)
    ino = os.fstat(fd).st_ino
    moved = 2, 513, 514

    def count(stopped, slot, cpu):
        os.sched_setaffinity(0, {cpu})
        m = shared(fd, pages * PAGE)
        words = (ctypes.c_uint64 * (pages * 512)).from_address(m.addr)
        n = 0
        while True:
            n += 1
            for page in moved:
                words[page * 512 + slot] = n
                if words[page * 512 + slot] != n:
                    raise AssertionError(f"page {page}: not what was stored")
            if n % 50 == 0:
                for page in moved:
                    got = int.from_bytes(os.pread(fd, 8, page * PAGE + slot * 8), "little")
                    if got != n or words[page * 512 + slot] != n:
                        raise AssertionError(f"page {page}: read {got}, stored {n}")
                yield

    def map_and_unmap(stopped):
        while True:
            m = shared(fd, pages * PAGE)
            for page in moved:
                m[page * PAGE + 100] = 1
            m.close()
            yield

    running = Running((count, 1, 0), (count, 2, 1), (map_and_unmap,))
    n = 0
    while running.goes_on() or n < 12:
        for page in moved:
            eq(ctl(f"move {ino} {page} 2"), "OK")
            n += 2
    running.stop()


# ---- 2 MiB ----

def faults(function):
    before = resource.getrusage(resource.RUSAGE_SELF)
    function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt


def test_large():
    """One word and 512 say the same; nonsense, and what is too little, is page by page."""
    # from 7 on such a page of a pmem device is what fs/dax alone can map
    large = int(os.uname().release.split(".")[0]) < 7
    fd = file_of("large", 512)
    ino = os.fstat(fd).st_ino
    good, bad = ("", "words", "flags:0x10", "flags:2"), (
        "ret:-5", "ret:-12", "short:0", "hole", "word:0x200000000000048",
        "word:0x200000000100000", "word:0x2fffffffffffff8", "word:0x300000000000040")
    tail = "do=words do=lastword:0x200000000000048", "do=words do=lastword:0x200000000000000"
    for does in (*good, *bad, *tail):
        for store in False, True:
            m = shared(fd, HUGE)
            assert m.addr % HUGE == 0
            if does:
                # as often as it is asked: that is the kernel's affair
                ctl(f"only op=LARGE ino={ino} count=0 do=" + does.removeprefix("do="))

            def touch():
                for i in range(0, 512, 7):
                    assert m[i * PAGE + 1] == i % 250 + 1, (does, i)
                    if store:
                        m[i * PAGE + 2] = 7
            n = faults(touch)
            few = n < 20
            assert few == (large and does in good) and (few or n > 70), f"{does}: {n} faults"
            ctl("clear")
            m.close()
            wait_until(balanced, does)
    # a page in the middle of it moves
    m = shared(fd, HUGE)
    m[0] = 1
    for page in 0, 77, 511:
        eq(ctl(f"move {ino} {page} 1"), "OK")
        m[page * PAGE + 3] = 9
        seven = 7 if page % 7 == 0 else page % 250 + 1
        eq(os.pread(fd, 4, page * PAGE)[1:], bytes([page % 250 + 1, seven, 9]))
    assert faults(lambda: [m[i * PAGE] for i in range(0, 512, 7)]) >= 70


# ---- shared blocks ----

def store(fd):
    shared(fd, PAGE)[0] = 77


def write(fd):
    os.pwrite(fd, b"M", 0)


def free_blocks():
    return os.statvfs(os.path.dirname(path(""))).f_bfree


def test_killed():
    """
    The program is killed while the server takes a copy of a shared block for its store: the
    other file keeps its data, nobody looks at the old block any more, nothing is left behind.
    """
    for how, operation in (store, "GET"), (store, "PUT"), (write, put):
        killed(how, operation)


def killed(how, operation):
    what = f"{how.__name__}, {operation}: "
    free = free_blocks()
    a = file_of("a", 8)
    b = new("b")
    fcntl.ioctl(b, FICLONE, a)
    ino = os.fstat(b).st_ino
    ma, mb = shared(a, 8 * PAGE), shared(b, 8 * PAGE)
    viewer, other = Viewer(b), Viewer(a)
    assert ma[0] == mb[0] == viewer.first == other.first == 1
    wait_until(balanced, "contracts before")

    ctl(f"only op={operation} ino={ino} do=hang")
    pid = child(how, b)
    ctl("hung 1")
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    if operation != "PUT":
        # what it may replace is mapped no more, and who looks waits for the server
        viewer.ask()
        assert viewer.is_silent(), what + "a load of what is being replaced"
        eq(os.pread(a, PAGE, 0), block(1), what)
        ctl("release")
        seen = viewer.told()
    else:
        ctl("release")
        seen = viewer.see()
    ctl("clear")
    allowed = (1,) if (how, operation) == (store, "GET") else (1, 77)
    assert seen in allowed, what + f"sees {seen}"
    wait_until(balanced, what + "a contract is left")

    # all that have b mapped see what is written to b, and nobody of a does
    os.pwrite(b, b"\x55", 0)
    assert mb[0] == viewer.see() == 0x55, what + "an old block is mapped"
    mb[0] = 0x56
    assert viewer.see() == 0x56
    eq(os.pread(b, 1, 0), b"\x56")
    assert ma[0] == other.see() == 1
    eq(os.pread(a, 8 * PAGE, 0), b"".join(block(i + 1) for i in range(8)), what + "the source")
    # nothing is pinned, nothing is lost
    start = time.monotonic()
    os.ftruncate(b, 0)
    os.ftruncate(a, PAGE)
    assert time.monotonic() - start < 10 * SLOW, what + "somebody has pages"
    for v in viewer, other:
        v.close()
    for m in ma, mb:
        m.close()
    for name, fd in ("a", a), ("b", b):
        os.unlink(path(name))
        os.close(fd)
    wait_until(lambda: free_blocks() == free, what + f"blocks are lost: {free}, {free_blocks()}")


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_") and (len(sys.argv) < 2 or name in sys.argv[1:]):
            begin = time.monotonic()
            test()
            wait_until(balanced, name)
            print(f"{os.environ['way']}: {name} {time.monotonic() - begin:.1f} s", flush=True)
