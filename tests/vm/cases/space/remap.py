# SPDX-License-Identifier: BSD-2-Clause
"""usage: remap.py FOLDER RAWSERVER SOCKET: clone and dedupe, and what they send."""

import errno
import os
import subprocess
import sys

from nstest import eq, read, refused, true, write
from share import DIFFERS, clone, dedupe

K, M = 1 << 10, 1 << 20
DATA = os.urandom(200 * K)


def ctl(*words):
    out = subprocess.run([sys.argv[2], "--socket", sys.argv[3], "--ctl", *words], check=True,
                         stdout=subprocess.PIPE, text=True)
    return out.stdout


def sent():
    """The CLONE messages since the last call."""
    found = [line.partition(" from ")[2] for line in ctl("record").splitlines()
             if line.startswith("CLONE ")]
    ctl("forget")
    return found


def test_clone():
    write("a", DATA)
    write("b")
    sent()
    clone("a", "b")
    eq(["0 to 0 length 204800 up 0"], sent(), "a whole file")
    true(read("b") == DATA, "the clone differs")
    clone("a", "b", 8 * K, 16 * K, 400 * K)
    eq(["8192 to 409600 length 16384 up 16384"], sent(), "a range beyond the end")
    eq(416 * K, os.stat("b").st_size, "size of the clone")
    true(read("b")[400 * K:] == DATA[8 * K:24 * K], "the range differs")
    os.truncate("a", 9 * K)
    write("b", b"x" * 5 * K)
    sent()
    clone("a", "b", 4 * K, 0, 8 * K)
    eq(["4096 to 8192 length 5120 up 8192"], sent(), "a last block that is not whole")
    eq(13 * K, os.stat("b").st_size, "size with such a block")
    true(read("b") == b"x" * 5 * K + bytes(3 * K) + DATA[4 * K:9 * K], "its data")
    clone("b", "b", 8 * K, 4 * K, 0)
    true(read("b")[:4 * K] == DATA[4 * K:8 * K], "a clone within a file")
    sent()


def test_refused():
    write("a", DATA)
    write("b", DATA)
    sent()
    for span in (1, 4 * K, 0), (0, 4 * K, 1), (0, 5, 0), (400 * K, 4 * K, 0), (0, 4 * K + 1, 0):
        refused(errno.EINVAL, clone, "a", "b", *span)
    refused(errno.EINVAL, clone, "a", "a", 0, 8 * K, 4 * K)
    refused(errno.EFBIG, clone, "a", "b", 0, 4 * K, (1 << 63) - 8 * K)
    for span in (1, 4 * K, 0), (0, 4 * K, 1), (196 * K, 8 * K, 0):
        try:
            eq("EINVAL", dedupe("a", "b", *span), f"dedupe {span}")
        except OSError as e:
            eq(errno.EINVAL, e.errno, f"dedupe {span}")
    eq("EINVAL", dedupe("a", "b", 0, 8 * K, 196 * K), "dedupe beyond the end")
    eq("EINVAL", dedupe("a", "a", 0, 8 * K, 4 * K), "dedupe of what overlaps")
    eq([], sent(), "messages of what is refused")
    ctl("only", "op=CLONE", "do=err:-28")
    refused(errno.ENOSPC, clone, "a", "b")
    ctl("clear")


def test_dedupe():
    write("a", DATA)
    write("b", DATA)
    before = os.stat("b").st_mtime_ns
    sent()
    eq(200 * K, dedupe("a", "b", 0, 200 * K, 0), "dedupe")
    eq(["0 to 0 length 204800 up 0"], sent(), "the same files")
    eq(8 * K, dedupe("a", "b", 4 * K, 8 * K, 4 * K), "dedupe of a range")
    eq(["4096 to 4096 length 8192 up 8192"], sent(), "a range")
    eq(before, os.stat("b").st_mtime_ns, "mtime after dedupe")
    for at in 0, 70 * K, 200 * K - 1:
        with open("b", "r+b") as f:
            f.seek(at)
            f.write(bytes([DATA[at] ^ 1]))
        eq(DIFFERS, dedupe("a", "b", 0, 200 * K, 0), f"byte {at} differs")
        eq([], sent(), "messages of what differs")
        write("b", DATA)
    # a hole is as good as zeros
    write("a", bytes(64 * K))
    write("b")
    os.truncate("b", 64 * K)
    eq(64 * K, dedupe("a", "b", 0, 64 * K, 0), "zeros and a hole")
    sent()
    # a tail that is not whole
    write("a", DATA[:5000])
    write("b", DATA[:5000] + b"more")
    eq(5000, dedupe("a", "b", 0, 5000, 0), "a tail that only one has")
    eq(["0 to 0 length 4096 up 4096"], sent(), "what is shared of it")


def test_copy():
    """copy_file_range shares what it can."""
    write("a", DATA)
    write("b")
    sent()
    with open("a", "rb") as s, open("b", "r+b") as d:
        eq(200 * K, os.copy_file_range(s.fileno(), d.fileno(), M, 0, 0), "copy_file_range")
    eq(["0 to 0 length 204800 up 0"], sent(), "a copy")
    true(read("b") == DATA, "the copy differs")


os.chdir(sys.argv[1])
for test in test_clone, test_refused, test_dedupe, test_copy:
    test()
for name in "a", "b":
    os.unlink(name)
