# SPDX-License-Identifier: BSD-2-Clause
"""Compare the cells of two benchmark runs: is the new one dearer than the old one?

Used by report.py --against. Both are what `bench/run --json` printed, of one sitting: the same
machine, guest kernel and number of CPUs, one run after the other. Only cells of ours that both have
are judged; those of the peers, which no change of ours can move, say how well the runs agree.
A cell is thousands of instructions per operation without copies. Less is never wrong.
"""
import json
import statistics

OURS = "memofs"
FIGURE = "kinsns"


def read_result(path):
    """The result of an earlier run; ValueError: it is none."""
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    if not isinstance(result, dict) or not {"release", "cpus", "cells"} <= set(result):
        raise ValueError(f"{path} is not what bench/run --json prints")
    return result


def changes(old, new, ours):
    """[(change in per cent, file system, operation, old, new)] of the cells that both have."""
    found = []
    for fs, row in new["cells"].items():
        if fs.startswith(OURS) != ours:
            continue
        for op, cell in row.items():
            before = old["cells"].get(fs, {}).get(op)
            if op == "absent" or not isinstance(before, dict):
                continue
            if before.get(FIGURE, 0) > 0 and FIGURE in cell:
                percent = (cell[FIGURE] / before[FIGURE] - 1) * 100
                found.append((percent, fs, op, before[FIGURE], cell[FIGURE]))
    return sorted(found, key=lambda change: change[0], reverse=True)


def lost(old, new):
    """Sentences about cells that the old run has, and the new one tried in vain."""
    return [f"{fs}: {op}: was measured, and is not any more"
            for fs, row in new["cells"].items() if fs.startswith(OURS)
            for op, before in old["cells"].get(fs, {}).items()
            if op != "absent" and FIGURE in before and
            ("absent" in row or (op in row and FIGURE not in row[op]))]


def median_of(found):
    return statistics.median(change[0] for change in found)


def describe(found, peers):
    """What is to be read of it, line by line: the dearest and the cheapest cells."""
    lines = [f"{len(found)} cells of ours, median {median_of(found):+.2f} %"]
    if peers:
        lines.append(f"{len(peers)} cells of peers, median {median_of(peers):+.2f} %, "
                     f"from {peers[-1][0]:+.2f} % to {peers[0][0]:+.2f} %")
    shown = found if len(found) <= 10 else found[:5] + found[-5:]
    lines += [f"{percent:+7.2f} %  {fs}: {op}: {before:.3f} -> {after:.3f}"
              for percent, fs, op, before, after in shown]
    return lines


def compare(old, new, most_median, most_cell):
    """(lines to show, sentences about what is worse than allowed)."""
    for key in ("release", "cpus"):
        if old[key] != new[key]:
            return [], [f"not one sitting: {key} was {old[key]} and is {new[key]}"]
    found = changes(old, new, True)
    broken = lost(old, new)
    if not found:
        return [], broken + ["the two runs have no cell of ours in common"]
    if median_of(found) > most_median:
        broken.append(f"the median of our cells rose by {median_of(found):.2f} %, "
                      f"more than {most_median:g} %")
    broken += [f"{fs}: {op}: rose by {percent:.2f} %, more than {most_cell:g} %"
               for percent, fs, op, _, _ in found if percent > most_cell]
    return describe(found, changes(old, new, False)), broken
