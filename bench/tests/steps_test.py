#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does steps.py follow an operation, and does report_wall.py hold ratios to their floors?

Run by "meson test": steps_test.py BENCH-FOLDER. Makes result folders by hand. Exits with 1 at the
first difference.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import steps  # noqa: E402 pylint: disable=wrong-import-position

KERNEL = sorted({name for _, how, names in steps.STEPS for name in names if how != "user"} -
                {"memofs_get_blocks", "zus_do_get_multy"})
ADDRESS = {name: 0xffffffff81000000 + 0x1000 * i for i, name in enumerate(KERNEL)}
ADDRESS.update(memofs_get_blocks=0x401000, zus_do_get_multy=0x402000)


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def expect(ok, what, done):
    if not ok:
        print(f"steps_test: {what}\n{done.stdout}{done.stderr}", file=sys.stderr)
        sys.exit(1)


def one_operation(leave_out=None):
    """Ten instructions more in each step than in the one before; 5 in what interrupts it."""
    lines = []
    for number, (_, how, names) in enumerate(steps.STEPS):
        if number == leave_out:
            continue
        at = ADDRESS[names[0]] + (0x10 if how == "in" else 0) if names else 0x400000
        lines += [f"{at:x} {10 * number + 1} 0", f"{ADDRESS['last']:x} 5 2"]
    return lines


def fill(directory, operations):
    functions = dict(ADDRESS)
    write(directory, "kallsyms", "".join(f"{functions[n]:x} T {n}\n" for n in KERNEL))
    write(directory, "server.one", "0 401000 T memofs_get_blocks [a]\n"
                                   "0 402000 T zus_do_get_multy [b]\n")
    write(directory, "trace", "\n".join(["order 3", *operations, "end", ""]))
    write(directory, "ops.jsonl", json.dumps({"fs": "one", "op": "pread 4k", "tag": 3, "count": 1}))


def run_steps(directory):
    return subprocess.run([sys.executable, os.path.join(sys.argv[1], "steps.py"), directory, "one",
                           "pread 4k"], check=False, capture_output=True, text=True)


def test_steps(directory):
    fill(directory, one_operation() * 3 + one_operation()[:2])
    done = run_steps(directory)
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    expect(done.returncode == 0 and len(rows) == len(steps.STEPS) + 2, "steps are missing", done)
    for number, row in enumerate(rows[1:-1]):
        expect(row[1:3] == [str(10 * number + 1 + 3), "2"], f"step {number} is {row}", done)
    fill(directory, one_operation(leave_out=9) * 3)
    done = run_steps(directory)
    expect(done.returncode == 1 and steps.STEPS[8][0] in done.stderr,
           "an operation that misses a step is taken for a whole one", done)


def run_floors(directory, iops):
    for name, value in iops.items():
        write(directory, f"{name}.randread.4k.json", json.dumps(
            {"jobs": [{"read": {"iops": value, "clat_ns": {"mean": 1000}}}]}))
    write(directory, "ops.jsonl", "")
    write(directory, "release", "6.1.0-test\n")
    return subprocess.run([sys.executable, os.path.join(sys.argv[1], "report_wall.py"), "--fio",
                           "--check", directory, *iops], check=False, capture_output=True,
                          text=True)


def test_floors(directory):
    done = run_floors(directory, {"fuse-direct": 100, "memofs-nio": 161})
    expect(done.returncode == 0, "a good ratio is refused", done)
    done = run_floors(directory, {"fuse-direct": 100, "memofs-nio": 150})
    expect(done.returncode == 1 and "1.50" in done.stderr, "a bad ratio passes", done)


def main():
    # what belongs to no step: schedule's neighbour
    KERNEL.append("last")
    ADDRESS["last"] = 0xffffffff81000000 + 0x1000 * len(KERNEL)
    for name in ("__switch_to_asm", "copy_page"):
        KERNEL.append(name)
        ADDRESS[name] = 0xffffffff81000000 + 0x1000 * len(KERNEL)
    for test in (test_steps, test_floors):
        with tempfile.TemporaryDirectory() as directory:
            test(directory)


if __name__ == "__main__":
    main()
