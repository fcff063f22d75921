#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of one operation go, step by step.

Called by "bench/run --steps":    steps.py DIR FS OP...

DIR holds what the guest and the plugin left, as for report.py, and the file trace: the blocks that
the CPU of the program executed, in order. A step begins where the path of the operation enters a
function, or comes back into one; each begins only after the one before. What interrupts an
operation counts in the step that it interrupts, so the median of all operations is shown. Exit
status: 0, 1 = no operation went through all steps.
"""
import collections
import os
import statistics
import sys

import report

# (what is done, how the step begins, the functions): "enter" = at the head of one of them, "in" =
# anywhere in one, "user" = anywhere in user space.
STEPS = [
    ("system call, VFS, security hooks", "enter", ["entry_SYSCALL_64"]),
    ("zuf.ko: checks, inode lock", "enter", ["zuf_read_iter", "zuf_write_iter"]),
    ("zuf.ko: the GET message", "enter", ["zuf_direct_chunk"]),
    ("zuf.ko: claim a channel", "enter", ["zuf_chan_claim"]),
    ("zuf.ko: message and the waiting put into the command buffer", "enter", ["zuf_call"]),
    ("zuf.ko: hand over; wake the server", "enter", ["zuf_chan_call"]),
    ("scheduler: give way, switch to the server", "enter", ["schedule"]),
    ("return from the server's ioctl", "in", ["zuf_chan_wait"]),
    ("zusd, libzus: the put, then the message", "user", []),
    ("memofs: the blocks", "enter", ["memofs_get_blocks"]),
    ("libzus, zusd: the answer", "in", ["zus_do_get_multy"]),
    ("the server's ioctl, security hooks", "enter", ["entry_SYSCALL_64"]),
    ("zuf.ko: answered", "enter", ["zuf_chan_wait"]),
    ("scheduler: sleep, switch to the program", "enter", ["schedule"]),
    ("zuf.ko: take the answer, release the channel", "in", ["zuf_chan_call"]),
    ("zuf.ko: check the words, copy", "in", ["zuf_direct_chunk"]),
    ("zuf.ko: the put waits", "enter", ["zuf_puts_queue"]),
    ("zuf.ko, VFS: unlock, times, return", "in", ["rw_chunks"]),
    ("the program", "user", []),
]
MOST_SHOWN = 3


class Path:
    """The operations of one trace, each as counts per step."""

    def __init__(self, symbols):
        self.symbols = symbols
        self.step = None
        self.current = None
        self.operations = []
        self.by_symbol = [collections.Counter() for _ in STEPS]

    def begins(self, step, vaddr, index, name):
        _, how, names = STEPS[step]
        if how == "user":
            return vaddr < report.KERNEL_BASE
        if name not in names:
            return False
        return how == "in" or vaddr == self.symbols.starts[index]

    def start_operation(self):
        if self.step == len(STEPS) - 1:
            self.operations.append(self.current)
        self.step = 0
        self.current = [[0, 0] for _ in STEPS]

    def add(self, vaddr, insns, copies):
        index = self.symbols.index(vaddr)
        if vaddr < report.KERNEL_BASE:
            name = self.symbols.user_name(vaddr).partition(" ")[0]
        else:
            name = self.symbols.names[index].partition(" ")[0].partition(".")[0]
        if self.step in (None, len(STEPS) - 1):
            if self.begins(0, vaddr, index, name):
                self.start_operation()
        elif self.step and self.begins(1, vaddr, index, name):
            self.step = None    # the next one has begun: this one has missed a step
        elif self.begins(self.step + 1, vaddr, index, name):
            self.step += 1
        if self.step is None:
            return
        if vaddr >= report.KERNEL_BASE and self.symbols.copies[index]:
            copies = insns
        self.current[self.step][0] += insns - copies
        self.current[self.step][1] += copies
        self.by_symbol[self.step][name] += insns - copies

    def medians(self, step):
        return [statistics.median(op[step][i] for op in self.operations) for i in (0, 1)]


def read_trace(path, wanted):
    """{tag: Path} of the intervals that are wanted: {tag: Symbols}."""
    paths, current = {}, None
    with open(path, encoding="ascii") as file:
        for line in file:
            word = line.split()
            if word[0] == "order":
                tag = int(word[1])
                current = Path(wanted[tag]) if tag in wanted else None
                if current:
                    paths[tag] = current
            elif word[0] != "end" and current:
                current.add(int(word[0], 16), int(word[1]), int(word[2]))
    return paths


def most_of(path, step):
    count = len(path.operations)
    texts = [f"{name} {insns / count:.0f}" for name, insns in
             path.by_symbol[step].most_common(MOST_SHOWN) if insns / count >= 20]
    return ", ".join(texts)


def print_steps(path, fs, op):
    total = [0, 0]
    print(f"{fs}, {op}: instructions of an operation, median of {len(path.operations)}\n")
    print("| step | instructions | copies | most of it |")
    print("|---|---|---|---|")
    for step, (text, _, _) in enumerate(STEPS):
        insns, copies = path.medians(step)
        total = [total[0] + insns, total[1] + copies]
        print(f"| {text} | {insns:.0f} | {copies:.0f} | {most_of(path, step)} |")
    print(f"| all | {total[0]:.0f} | {total[1]:.0f} | |\n")


def main():
    directory, fs, ops = sys.argv[1], sys.argv[2], sys.argv[3:]
    runs = [r for r in report.read_ops(os.path.join(directory, "ops.jsonl"))
            if r["fs"] == fs and r.get("op") in ops and "tag" in r]
    kernel = {}
    report.read_symbols(os.path.join(directory, "kallsyms"), kernel)
    symbols = report.Symbols(kernel, directory, fs)
    paths = read_trace(os.path.join(directory, "trace"), {r["tag"]: symbols for r in runs})
    for run in runs:
        path = paths.get(run["tag"])
        if not path or not path.operations:
            far = STEPS[path.step][0] if path and path.step is not None else "nothing"
            raise report.Fatal(f"{run['op']}: no operation went through all steps, only to: {far}")
        print_steps(path, fs, run["op"])
    return 0 if runs else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (report.Fatal, OSError, ValueError, IndexError) as problem:
        print(f"steps: {problem}", file=sys.stderr)
        sys.exit(1)
