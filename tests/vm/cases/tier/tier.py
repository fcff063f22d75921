# SPDX-License-Identifier: BSD-2-Clause
"""
Work on files that are larger than T1, and a look at every byte afterwards.

tier.py mixed DIR FILES MIB OPS [eio]   several processes, each with files of its own
tier.py hot COLD HOT CPU...             how long reads of HOT take while COLD comes up
tier.py beside HOT COLD...             the rate of reads of HOT with and without a reader of each
                                        COLD, all on one CPU
tier.py fill DIR FILES                  files of 4 MiB
tier.py rest DIR FILES                  each piece of them is right or EIO; some of both

In `mixed` each process keeps a model of its files. With "eio" calls may fail with EIO, which
must not have changed anything; when all are through DIR/../done appears, and after a line on
stdin, when the devices are right again, all files are compared.
"""
import errno
import os
import random
import struct
import sys
import threading
import time

PROCESSES = 4


class Model:
    """A file and what must be in it."""

    def __init__(self, path, rng, size):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.path = path
        self.rng = rng
        self.max = size
        self.data = bytearray()
        self.failed = 0

    def call(self, function, *args):
        """The result, or None for an EIO that is allowed."""
        try:
            return function(self.fd, *args)
        except OSError as error:
            if error.errno != errno.EIO or not allow_eio:
                raise
            self.failed += 1
            return None

    def piece(self):
        pos = self.rng.randrange(self.max)
        length = self.rng.choice((1, 100, 4096, 5000, 65536, 300000))
        if self.rng.random() < 0.5:
            pos &= ~4095
        return pos, min(length, self.max - pos)

    def write(self, pos, data):
        done = self.call(os.pwrite, data, pos)
        if done is None:
            return
        if pos > len(self.data):
            self.data += bytes(pos - len(self.data))
        self.data[pos:pos + done] = data[:done]

    def check(self, pos, length):
        found = self.call(os.pread, length, pos)
        if found is not None and found != self.data[pos:pos + len(found)]:
            sys.exit(f"{self.path}: wrong data between {pos} and {pos + length}")

    def truncate(self, size):
        try:
            os.ftruncate(self.fd, size)
        except OSError as error:
            if error.errno != errno.EIO or not allow_eio:
                raise
            self.failed += 1
            return
        self.data = self.data[:size] + bytes(max(0, size - len(self.data)))

    def fill(self):
        step = 256 * 1024
        for pos in range(0, self.max, step):
            self.write(pos, self.rng.randbytes(min(step, self.max - pos)))

    def step(self):
        pos, length = self.piece()
        what = self.rng.random()
        if what < 0.5:
            self.check(pos, length)
        elif what < 0.97:
            self.write(pos, self.rng.randbytes(length))
        else:
            self.truncate(pos)
            self.write(pos, self.rng.randbytes(length))

    def check_all(self):
        size = os.fstat(self.fd).st_size
        if size != len(self.data):
            sys.exit(f"{self.path}: has {size} bytes, wanted {len(self.data)}")
        for pos in range(0, size, 1 << 18):
            found = os.pread(self.fd, 1 << 18, pos)
            if found != self.data[pos:pos + (1 << 18)]:
                sys.exit(f"{self.path}: wrong data behind {pos}")


def work(directory, number, files, size, steps, through, go):
    rng = random.Random(number)
    models = [Model(f"{directory}/mixed.{number}.{i}", rng, size) for i in range(files)]
    for model in models:
        model.fill()
    for _ in range(steps):
        rng.choice(models).step()
    if allow_eio:
        print(f"process {number}: {sum(m.failed for m in models)} calls failed", flush=True)
        os.write(through, b"x")
        os.read(go, 1)
    for model in models:
        model.check_all()


def wait_for_line(directory, through, go):
    """All are through: say so, wait until the caller has mended the devices."""
    for _ in range(PROCESSES):
        os.read(through, 1)
    with open(f"{directory}/../done", "w", encoding="ascii"):
        sys.stdin.readline()
    os.write(go, b"x" * PROCESSES)


def mixed(directory, files, mib, steps):
    size = int(mib) * (1 << 20) // PROCESSES // int(files)
    through, go = os.pipe(), os.pipe()
    children = []
    for number in range(PROCESSES):
        pid = os.fork()
        if not pid:
            os.close(go[1])
            work(directory, number, int(files), size, int(steps), through[1], go[0])
            os._exit(0)
        children.append(pid)
    os.close(through[1])
    if allow_eio:
        wait_for_line(directory, through[0], go[1])
    failed = [pid for pid in children if os.waitpid(pid, 0)[1]]
    if failed:
        sys.exit(f"{len(failed)} processes failed")


def read_cold(path, cpu, times):
    os.sched_setaffinity(0, {cpu})
    fd = os.open(path, os.O_RDONLY)
    # each of them far behind what the last one has brought up
    for pos in range(0, os.fstat(fd).st_size, 1 << 20):
        start = time.monotonic()
        if not os.pread(fd, 100, pos):
            sys.exit(f"{path}: empty at {pos}")
        times.append(time.monotonic() - start)


def hot(cold_path, hot_path, cpus):
    """On each of the CPUs in turn; the slow reader stays on the first one."""
    fd = os.open(hot_path, os.O_RDONLY)
    slow, fast = [], []
    thread = threading.Thread(target=read_cold, args=(cold_path, int(cpus[0]), slow))
    thread.start()
    turn = 0
    while thread.is_alive():
        os.sched_setaffinity(threading.get_native_id(), {int(cpus[turn // 50 % len(cpus)])})
        start = time.monotonic()
        if len(os.pread(fd, 4096, turn % 16 * 4096)) != 4096:
            sys.exit("a short read of the hot file")
        fast.append(time.monotonic() - start)
        turn += 1
    thread.join()
    fast.sort()
    median, high = fast[len(fast) // 2] * 1000, fast[len(fast) * 99 // 100] * 1000
    print(f"cold: {len(slow)} reads, shortest {min(slow) * 1000:.0f} ms; hot: {len(fast)} reads, "
          f"median {median:.2f} ms, 99 % {high:.2f} ms, longest {fast[-1] * 1000:.1f} ms")
    if high > min(slow) * 1000 / 4:
        sys.exit("reads of the hot file wait for the cold one")
    if len(fast) < 20 * len(slow):
        sys.exit("hardly any read of the hot file")


ROUNDS, SLICES, SLICE_SECONDS = 3, 4, 2
# the share of its rate; a machine with other work moves single rounds by a third
KEPT = float(os.environ.get("KEPT") or (0.9 if os.environ.get("LONG") else 0.7))
ORDER = struct.Struct("dQ")


def count_reads(path, end, step=0, start=0):
    """So many reads until `end`; step 0: of the first 64 KiB again and again."""
    fd = os.open(path, os.O_RDONLY)
    done = 0
    while time.monotonic() < end:
        pos = start + done * step if step else done % 16 * 4096
        if len(os.pread(fd, 4096, pos)) != 4096:
            sys.exit(f"{path}: a short read at {pos}")
        done += 1
    os.close(fd)
    return done


def cold_reader(path, orders, results):
    """A process that costs nothing but its reads; each order is a slice with blocks of its own."""
    while order := os.read(orders, ORDER.size):
        end, number = ORDER.unpack(order)
        os.write(results, bytes([count_reads(path, end, 4096, number << 16)]))


def start_readers(paths):
    readers = []
    for path in paths:
        orders, results = os.pipe(), os.pipe()
        if not os.fork():
            os.close(orders[1])
            cold_reader(path, orders[0], results[1])
            os._exit(0)
        os.close(orders[0])
        os.close(results[1])
        readers.append((orders[1], results[0]))
    return readers


def one_slice(hot_path, readers, number):
    """Reads of the hot file and of all cold ones."""
    end = time.monotonic() + SLICE_SECONDS
    for orders, _ in readers:
        os.write(orders, ORDER.pack(end, number))
    hot_reads, cold_reads = count_reads(hot_path, end), 0
    for _, results in readers:
        got = os.read(results, 1)
        if not got:
            sys.exit("a reader of a cold file failed")
        cold_reads += got[0]
    return hot_reads, cold_reads


def beside(hot_path, cold_paths):
    """In short slices in turn: what else the machine does meets both alike."""
    os.sched_setaffinity(0, {0})
    readers = start_readers(cold_paths)
    shares = []
    for number in range(ROUNDS):
        alone = together = cold_reads = 0
        for turn in range(SLICES):
            before = one_slice(hot_path, [], 0)[0]
            hot_reads, done = one_slice(hot_path, readers, number * SLICES + turn)
            shares.append(hot_reads / max(before, 1))
            alone += before
            together += hot_reads
            cold_reads += done
        print(f"hot reads: {alone} alone, {together} beside {len(cold_paths)} cold readers with "
              f"{cold_reads} reads: {together * 100 // alone} %")
        if cold_reads < SLICES:
            sys.exit("hardly anything came up")
    # of each two slices: where the machine stands still for seconds few of these are hit
    if sorted(shares)[len(shares) // 2] < KEPT:
        sys.exit("reads of the hot file wait for the cold ones")


FILE_SIZE = 4 << 20
PIECE = 64 << 10


def fill(directory, files):
    for number in range(int(files)):
        with open(f"{directory}/fill.{number}", "wb", buffering=0) as file:
            file.write(random.Random(number).randbytes(FILE_SIZE))


def rest(directory, files):
    good = bad = 0
    for number in range(int(files)):
        wanted = random.Random(number).randbytes(FILE_SIZE)
        fd = os.open(f"{directory}/fill.{number}", os.O_RDONLY)
        for pos in range(0, FILE_SIZE, PIECE):
            try:
                found = os.pread(fd, PIECE, pos)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                bad += 1
                continue
            if found != wanted[pos:pos + len(found)] or not found:
                sys.exit(f"file {number}: wrong data behind {pos}")
            good += 1
        os.close(fd)
    print(f"{good} pieces are right, {bad} cannot be read")
    if not good or not bad:
        sys.exit("wanted some of both")


allow_eio = sys.argv[-1] == "eio"
if sys.argv[1] == "mixed":
    mixed(*sys.argv[2:6])
elif sys.argv[1] == "beside":
    beside(sys.argv[2], sys.argv[3:])
elif sys.argv[1] == "fill":
    fill(*sys.argv[2:])
elif sys.argv[1] == "rest":
    rest(*sys.argv[2:])
else:
    hot(sys.argv[2], sys.argv[3], sys.argv[4:])
