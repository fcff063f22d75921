# SPDX-License-Identifier: BSD-2-Clause
"""
usage: pageout.py MIB TURNS [lost]

Fill memory, have it swapped out, look at every byte; again. With "lost" wait for a line on
stdin once it is out; then to touch it must be a SIGBUS.
"""
import mmap
import os
import signal
import sys

MADV_PAGEOUT = 21
PAGE = mmap.PAGESIZE


def pattern(page, turn):
    return ((page * 2654435761 + turn) & 0xffffffffffffffff).to_bytes(8, "little") * (PAGE // 8)


def swapped_kib():
    with open("/proc/self/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("VmSwap")))


def fill_and_drop(memory, pages, turn):
    for page in range(pages):
        memory[page * PAGE:(page + 1) * PAGE] = pattern(page, turn)
    memory.madvise(MADV_PAGEOUT)
    found = swapped_kib() * 1024
    if found < pages * PAGE // 2:
        sys.exit(f"failed: only {found} bytes were swapped out")


def touch_lost(memory, pages):
    print("out", flush=True)
    sys.stdin.readline()
    child = os.fork()
    if not child:
        for page in range(pages):
            memory[page * PAGE]
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGBUS:
        sys.exit(f"failed: wait status {status:#x}, wanted a SIGBUS")


def main():
    pages, turns = int(sys.argv[1]) * 256, int(sys.argv[2])
    memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for turn in range(turns):
        fill_and_drop(memory, pages, turn)
        if sys.argv[-1] == "lost":
            touch_lost(memory, pages)
            return
        for page in range(pages):
            if memory[page * PAGE:(page + 1) * PAGE] != pattern(page, turn):
                sys.exit(f"failed: page {page} is wrong in turn {turn}")


main()
