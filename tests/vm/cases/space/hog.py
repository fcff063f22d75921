# SPDX-License-Identifier: BSD-2-Clause
"""usage: hog.py MB ROUNDS: fill memory with a pattern, check it, change it, again."""

import mmap
import sys

PAGE = 4096


def pattern(page, turn):
    return ((page * 2654435761 + turn) & 0xffffffffffffffff).to_bytes(8, "little") * 512


def main():
    pages, turns = int(sys.argv[1]) * 256, int(sys.argv[2])
    memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for turn in range(turns):
        for page in range(pages):
            memory[page * PAGE:(page + 1) * PAGE] = pattern(page, turn)
        for page in range(pages):
            if memory[page * PAGE:(page + 1) * PAGE] != pattern(page, turn):
                sys.exit(f"failed: page {page} is wrong in turn {turn}")


main()
