#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turn the counts of one benchmark run into a table.

Called by bench/run; by hand to look closer at a kept result folder:

    report.py [--json] [--check] [--limits FILE] [--profile FS:OP]
              [--against OLD.json [--median PERCENT] [--cell PERCENT]] DIR

DIR holds what the guest and the plugin left: counts (tcgcount), ops.jsonl (ops), kallsyms,
modules.FS, server.FS, release, cpus.
An instruction is a copy when the plugin said so (string iterations, user-space copy loops) or
when it lies in one of the kernel's copying functions. The timer tick is measured by a spinning
loop and taken out. Switches and migrations are the calls of the scheduler's own functions, on all
CPUs. The median of the repeats is shown. Exit status: 0, 1 = a limit is exceeded (--check), the run
is dearer than an older one (--against, see against.py) or an operation failed, 2 = usage.
"""
import argparse
import bisect
import collections
import json
import os
import re
import signal
import statistics
import sys

import against

COPY_SYMBOL = re.compile(
    r"(copy_user_\w+|__copy_user_\w+|copy_\w*_nontemporal|rep_(movs|stos)_alternative|copy_mc_\w+"
    r"|_*(memcpy|memmove|memset)(_\w+)?|clear_page(_rep|_orig|_erms)?|clear_user_\w+"
    r"|copy_page(_regs)?|arch_wb_cache_pmem|clean_cache_range)$")
TICK = "asm_sysvec_apic_timer_interrupt"
SWITCH = "__switch_to_asm"
MIGRATION = "set_task_cpu"
KERNEL_BASE = 1 << 63
PROFILE_LINES = 80
FUNCTION_MAX = 1 << 16


class Fatal(Exception):
    """Something is missing or broken in the input; the text says what."""


def read_symbols(path, by_address):
    """Add the functions of a kallsyms file to a dictionary of lists of names."""
    with open(path, encoding="ascii") as file:
        for line in file:
            word = line.split()
            address = int(word[0], 16)
            if word[1] in "tTwW" and address >= KERNEL_BASE and not word[2].startswith("__pfx_"):
                by_address.setdefault(address, []).append(" ".join(word[2:]))


def read_server_symbols(path, by_address):
    """The same for the functions of a user-space server: load address, address in file, ..."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            word = line.split()
            if word[2] in "tTwWi":
                address = int(word[0], 16) + int(word[1], 16)
                by_address.setdefault(address, []).append(f"{word[3].partition('@')[0]} {word[4]}")


class Symbols:
    """The guest's symbols by address, as they were while one file system was mounted."""

    def __init__(self, kernel, directory, fs):
        by_address = dict(kernel)
        for what, read in (("modules", read_symbols), ("server", read_server_symbols)):
            path = os.path.join(directory, f"{what}.{fs}")
            if os.path.exists(path):
                read(path, by_address)
        self.starts = sorted(by_address)
        self.names = [by_address[a][-1] for a in self.starts]
        self.copies = [any(COPY_SYMBOL.match(n) for n in by_address[a]) for a in self.starts]
        address = {name: a for a, names in by_address.items() for name in names}
        if SWITCH not in address:
            raise Fatal(f"kallsyms has no {SWITCH}; was it read by root?")
        self.tick = address.get(TICK)
        self.switch = address.get(SWITCH)
        self.migration = address.get(MIGRATION)

    def index(self, address):
        """The number of the symbol that holds an address, or -1."""
        return bisect.bisect_right(self.starts, address) - 1

    def user_name(self, vaddr):
        index = self.index(vaddr)
        if index >= 0 and vaddr - self.starts[index] < FUNCTION_MAX:
            return self.names[index]
        return f"{vaddr >> 12:x}000 [user space]"


class Interval:
    """What was executed between two markers."""

    def __init__(self):
        self.user = self.kernel = self.copies = 0
        self.ticks = self.switches = self.migrations = 0
        self.by_symbol = collections.Counter()
        self.copies_by_symbol = collections.Counter()

    def add(self, symbols, vaddr, insns, copies, execs):
        if vaddr < KERNEL_BASE:
            self.user += (insns - copies) * execs
            self.copies += copies * execs
            self.count_symbol(symbols.user_name(vaddr), insns, copies, execs)
            return
        if vaddr == symbols.tick:
            self.ticks += execs
        elif vaddr == symbols.switch:
            self.switches += execs
        elif vaddr == symbols.migration:
            self.migrations += execs
        index = symbols.index(vaddr)
        if index >= 0 and symbols.copies[index]:
            copies = insns
        self.kernel += (insns - copies) * execs
        self.copies += copies * execs
        name = symbols.names[index] if index >= 0 else "unknown"
        self.count_symbol(name, insns, copies, execs)

    def count_symbol(self, key, insns, copies, execs):
        self.by_symbol[key] += (insns - copies) * execs
        if copies:
            self.copies_by_symbol[key] += copies * execs


def read_counts(path, symbols_of):
    """The intervals, by tag, whose tags have symbols; the others are warm-up runs."""
    intervals, current, symbols = {}, None, None
    with open(path, encoding="ascii") as file:
        for line in file:
            word = line.split()
            if word[0] == "interval":
                symbols = symbols_of.get(int(word[1]))
                current = Interval() if symbols else None
                if current:
                    intervals[int(word[1])] = current
            elif word[0] != "end" and current:
                current.add(symbols, int(word[0], 16), *map(int, word[1:]))
    return intervals


def read_intervals(directory, runs):
    kernel, of_fs, of_tag = {}, {}, {}
    read_symbols(os.path.join(directory, "kallsyms"), kernel)
    for run in runs:
        if "tag" in run:
            name = run["fs"]
            if name not in of_fs:
                of_fs[name] = Symbols(kernel, directory, name)
            of_tag[run["tag"]] = of_fs[name]
    return read_counts(os.path.join(directory, "counts"), of_tag)


def read_ops(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def tick_cost(runs, intervals):
    """Kernel instructions per timer tick, from the spinning loop."""
    ticks = kernel = 0
    for run in runs:
        if run["op"] == "spin" and run.get("tag") in intervals:
            ticks += intervals[run["tag"]].ticks
            kernel += intervals[run["tag"]].kernel
    return kernel / ticks if ticks else 0.0


def measure_run(run, interval, per_tick):
    count = run["count"]
    ticks = interval.ticks * per_tick
    return {
        "kinsns": (interval.user + interval.kernel - ticks) / count / 1000,
        "user_kinsns": interval.user / count / 1000,
        "kernel_kinsns": (interval.kernel - ticks) / count / 1000,
        "copies_kinsns": interval.copies / count / 1000,
        "switches": interval.switches / count,
        "migrations": interval.migrations / count,
    }


def combine(measured):
    """The median of the repeats of each figure, and how far those of kinsns lie apart."""
    cell = {key: round(statistics.median(m[key] for m in measured), 4) for key in measured[0]}
    main = [m["kinsns"] for m in measured]
    cell["spread"] = round((max(main) - min(main)) / max(cell["kinsns"], 0.001), 4)
    return cell


def build_cells(runs, intervals, per_tick):
    """{fs: {op: cell}} in the order of the run; a cell may be {"na": why} or {"error": why}."""
    cells = {}
    for run in runs:
        if run.get("op") == "spin":
            continue
        row = cells.setdefault(run["fs"], {})
        if "absent" in run:
            row["absent"] = run["absent"]
        elif "na" in run or "error" in run:
            row[run["op"]] = {key: run[key] for key in ("na", "error") if key in run}
        elif run["tag"] not in intervals:
            raise Fatal(f"the plugin has no interval {run['tag']} ({run['fs']}, {run['op']})")
        else:
            row.setdefault(run["op"], []).append(
                measure_run(run, intervals[run["tag"]], per_tick))
    for row in cells.values():
        for op, value in row.items():
            if isinstance(value, list):
                row[op] = combine(value)
    return cells


def cell_text(cell, with_switches):
    if cell is None:
        return "-"
    if "na" in cell:
        return "n/a"
    if "error" in cell:
        return "FAILED"
    if with_switches:
        return f"{cell['switches']:.1f} / {cell['migrations']:.1f}"
    digits = 1 if cell["kinsns"] >= 0.1 else 2
    text = f"{cell['kinsns']:.{digits}f}"
    if cell["copies_kinsns"] >= 0.05:
        text += f" + {cell['copies_kinsns']:.1f}"
    return text


def print_table(cells, with_switches):
    names = list(cells)
    ops = []
    for row in cells.values():
        ops += [op for op in row if op not in ops and op != "absent"]
    print("| operation | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for op in ops:
        texts = []
        for name in names:
            if "absent" in cells[name]:
                texts.append("absent")
            else:
                texts.append(cell_text(cells[name].get(op), with_switches))
        print(f"| {op} | " + " | ".join(texts) + " |")


def print_report(result):
    print(f"Kernel {result['release']}, {result['cpus']} CPUs, pinned to one except in -free "
          f"columns. A timer tick costs {result['tick_kinsns']:.1f} k and is taken out.\n")
    print("Thousands of guest instructions per operation, without copies (+ copies):\n")
    print_table(result["cells"], False)
    print("\nContext switches / migrations per operation, whole system:\n")
    print_table(result["cells"], True)
    for name, row in result["cells"].items():
        if "absent" in row:
            print(f"\n{name} is absent: {row['absent']}")


def read_limits(path):
    """Rows of: file system, kernel, operation, figure, limit."""
    limits = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            word = line.rstrip("\n").split("\t")
            if len(word) != 5:
                raise Fatal(f"{path}:{number}: not five columns")
            limits.append((word[0], word[1], word[2], word[3], float(word[4])))
    return limits


def check_limit(result, limit):
    """A sentence when the limit does not hold, else None."""
    fs, kernel, op, figure, most = limit
    row = result["cells"].get(fs)
    if row is None or not result["release"].startswith(kernel + "."):
        return None
    if "absent" in row:
        return f"{fs}: absent, nothing to compare with its limits"
    cell = row.get(op)
    if cell is None or figure not in cell:
        return f"{fs}: {op}: no {figure} was measured"
    if cell[figure] > most:
        return f"{fs}: {op}: {figure} {cell[figure]:.2f} is above {most:g}"
    return None


def check(result, limits):
    broken = []
    for limit in limits:
        sentence = check_limit(result, limit)
        if sentence and sentence not in broken:
            broken.append(sentence)
    for name, row in result["cells"].items():
        for op, cell in row.items():
            if op != "absent" and "error" in cell:
                broken.append(f"{name}: {op} failed: {cell['error']}")
    return broken


def add_up(runs, intervals, table):
    """Instructions per operation, mean of the runs: by symbol, and by part of the system."""
    by_symbol, by_part = collections.Counter(), collections.Counter()
    for run in runs:
        for name, insns in getattr(intervals[run["tag"]], table).items():
            per_op = insns / run["count"] / len(runs)
            by_symbol[name] += per_op
            by_part[name.partition(" ")[2] or "[kernel]"] += per_op
    return by_symbol, by_part


def print_profile(runs, intervals, which):
    """Where the instructions of one operation went."""
    fs, _, op = which.partition(":")
    chosen = [r for r in runs if r["fs"] == fs and r.get("op") == op and "tag" in r]
    if not chosen:
        raise Fatal(f"no run of {op!r} on {fs!r}")
    for title, table in (("without copies, ticks included", "by_symbol"),
                         ("copies", "copies_by_symbol")):
        by_symbol, by_part = add_up(chosen, intervals, table)
        print(f"{'insns/op':>10}  where ({fs}, {op}, {title})")
        for name, insns in by_part.most_common() + by_symbol.most_common(PROFILE_LINES):
            print(f"{insns:10.1f}  {name}")


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def parse_args():
    parser = argparse.ArgumentParser(description="tables from a benchmark result folder")
    parser.add_argument("dir")
    parser.add_argument("--json", action="store_true", help="JSON instead of markdown")
    parser.add_argument("--check", action="store_true", help="compare with the limits")
    parser.add_argument("--limits", default=os.path.join(os.path.dirname(__file__), "limits.tsv"))
    parser.add_argument("--against", metavar="OLD.json", help="compare with an earlier run")
    parser.add_argument("--median", type=float, default=2.0, metavar="PERCENT",
                        help="most that the median of our cells may rise with --against (2)")
    parser.add_argument("--cell", type=float, default=4.0, metavar="PERCENT",
                        help="most that any of our cells may rise with --against (4)")
    parser.add_argument("--profile", metavar="FS:OP", help="where the instructions went")
    return parser.parse_args()


def judge(result, args):
    """(lines of a comparison, sentences about what is broken)."""
    broken = check(result, read_limits(args.limits) if args.check else [])
    if not args.against:
        return [], broken
    lines, worse = against.compare(against.read_result(args.against), result, args.median,
                                   args.cell)
    return lines, broken + worse


def main():
    args = parse_args()
    runs = read_ops(os.path.join(args.dir, "ops.jsonl"))
    intervals = read_intervals(args.dir, runs)
    if args.profile:
        print_profile(runs, intervals, args.profile)
        return 0
    per_tick = tick_cost(runs, intervals)
    result = {
        "release": read_text(os.path.join(args.dir, "release")),
        "cpus": int(read_text(os.path.join(args.dir, "cpus"))),
        "tick_kinsns": per_tick / 1000,
        "cells": build_cells(runs, intervals, per_tick),
    }
    lines, broken = judge(result, args)
    if args.json:
        result["broken"] = broken
        if args.against:
            result["against"] = lines
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        print_report(result)
        if lines:
            print("\nAgainst the older run:\n\n    " + "\n    ".join(lines))
    for sentence in broken:
        print(f"report: {sentence}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        sys.exit(main())
    except (Fatal, OSError, ValueError) as problem:
        print(f"report: {problem}", file=sys.stderr)
        sys.exit(1)
