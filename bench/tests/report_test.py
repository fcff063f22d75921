#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does report.py add up, attribute and judge as it should?

Run by "meson test": report_test.py REPORT. Makes a result folder by hand, small enough to add up in
one's head, and looks at the JSON and the exit status. Exits with 1 at the first difference.
"""
import json
import os
import subprocess
import sys
import tempfile

KALLSYMS = """\
ffffffff81000000 T entry
ffffffff81001000 T copy_user_generic_unrolled
ffffffff81002000 T __switch_to_asm
ffffffff81003000 T set_task_cpu
ffffffff81004000 T asm_sysvec_apic_timer_interrupt
ffffffff81005000 T last
"""
MODULES = "ffffffffc0000000 t of_a_module\t[zuf]\n"
SERVER = "400000 10 t of_a_server [zusd]\n"
# One tick of 10 instructions in the loop; in the operation 100 times 8 in user space (2 of them
# copies), 20 of the kernel's, 3 of a module's, 50 copying, 2 switches; half a migration and one
# tick of 10 overall.
COUNTS = """\
interval 1
400000 3 0 1000
ffffffff81004000 10 0 1
end
interval 7
400018 8 2 100
ffffffff81000010 20 0 100
ffffffff81001008 50 0 100
ffffffff81002000 1 0 200
ffffffff81003000 1 0 50
ffffffffc0000004 3 0 100
ffffffff81004000 10 0 1
end
interval 8
400000 1 0 1
end
"""
OPS = [
    {"fs": "none", "op": "spin", "tag": 1, "count": 1},
    {"fs": "one", "op": "pread 4k", "tag": 7, "count": 100},
    {"fs": "one", "op": "mmap", "na": "No such device"},
    {"fs": "two", "op": "mount", "absent": "no two here"},
]
EXPECTED = {"kinsns": 0.0315, "user_kinsns": 0.006, "kernel_kinsns": 0.0255,
            "copies_kinsns": 0.052, "switches": 2, "migrations": 0.5}


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def fill(directory, ops):
    write(directory, "kallsyms", KALLSYMS)
    write(directory, "modules.one", MODULES)
    write(directory, "server.one", SERVER)
    write(directory, "counts", COUNTS)
    write(directory, "ops.jsonl", "".join(json.dumps(op) + "\n" for op in ops))
    write(directory, "release", "6.1.0-test\n")
    write(directory, "cpus", "2\n")


def run(directory, *args):
    return subprocess.run([sys.executable, sys.argv[1], *args, directory], check=False,
                          capture_output=True, text=True)


def expect(ok, what, done):
    if not ok:
        print(f"report_test: {what}\n{done.stdout}{done.stderr}", file=sys.stderr)
        sys.exit(1)


def test_figures(directory):
    fill(directory, OPS)
    done = run(directory, "--json")
    expect(done.returncode == 0, "a good run is refused", done)
    cells = json.loads(done.stdout)["cells"]
    for key, value in EXPECTED.items():
        got = cells["one"]["pread 4k"][key]
        expect(abs(got - value) < 1e-4, f"{key} is {got}, not {value}", done)
    expect(cells["one"]["mmap"] == {"na": "No such device"}, "n/a is lost", done)
    expect(cells["two"]["absent"] == "no two here", "absence is lost", done)


def test_limits(directory):
    fill(directory, OPS)
    for most, status in (("0.033", 0), ("0.031", 1)):
        write(directory, "limits", f"# comment\none\t6.1\tpread 4k\tkinsns\t{most}\n")
        done = run(directory, "--check", "--limits", os.path.join(directory, "limits"))
        expect(done.returncode == status, f"a limit of {most} gives {done.returncode}", done)
    write(directory, "limits", "one\t6.12\tpread 4k\tkinsns\t0\n")
    done = run(directory, "--check", "--limits", os.path.join(directory, "limits"))
    expect(done.returncode == 0, "a limit of another kernel is applied", done)
    write(directory, "limits", "two\t6.1\tpread 4k\tkinsns\t9\n")
    done = run(directory, "--check", "--limits", os.path.join(directory, "limits"))
    expect(done.returncode == 1, "an absent file system keeps its limits", done)


def test_failures(directory):
    fill(directory, OPS + [{"fs": "one", "op": "stat", "error": "Input/output error"}])
    done = run(directory)
    expect(done.returncode == 1, "a failed operation goes unnoticed", done)
    fill(directory, OPS + [{"fs": "one", "op": "stat", "tag": 99, "count": 1}])
    done = run(directory)
    expect(done.returncode == 1 and "99" in done.stderr, "a lost interval goes unnoticed", done)


def test_profile(directory):
    fill(directory, OPS)
    done = run(directory, "--profile", "one:pread 4k")
    lines = [line.split() for line in done.stdout.splitlines()]
    expect(["20.0", "entry"] in lines, "the profile does not name the function", done)
    expect(["3.0", "of_a_module", "[zuf]"] in lines, "a module's function is lost", done)
    expect(["6.0", "of_a_server", "[zusd]"] in lines, "a server's function is lost", done)
    expect(["3.0", "[zuf]"] in lines, "the module is not added up", done)


def result_of(cells, **more):
    return {"release": "6.1.0-test", "cpus": 2, "broken": [], **more, "cells": {
        fs: {op: cell if isinstance(cell, dict) else {"kinsns": cell} for op, cell in row.items()}
        for fs, row in cells.items()}}


def against(directory, old, *args):
    write(directory, "old.json", json.dumps(old))
    return run(directory, "--against", os.path.join(directory, "old.json"), *args)


def measured(directory, insns):
    """A run in which the cells of memofs-nio have cost so many instructions each."""
    fill(directory, [OPS[0]] + [{"fs": "memofs-nio", "op": f"op {n}", "tag": 10 + n, "count": 1}
                                for n in range(len(insns))] +
         [{"fs": "ext4-dax", "op": "op 0", "tag": 7, "count": 100}])
    with open(os.path.join(directory, "counts"), "a", encoding="ascii") as file:
        for n, count in enumerate(insns):
            file.write(f"interval {10 + n}\nffffffff81000010 {count} 0 1\nend\n")


def test_against(directory):
    for insns, args, status in (((10000, 20000, 30000), (), 0),
                                ((10150, 20300, 30450), (), 0),
                                ((10000, 20000, 31100), (), 0),
                                ((9000, 19000, 29000), (), 0),
                                ((10250, 20500, 30000), (), 1),
                                ((10000, 20000, 31300), (), 1),
                                ((10150, 20300, 30450), ("--median", "1"), 1),
                                ((10000, 20000, 31100), ("--cell", "3"), 1),
                                ((10250, 20500, 30000), ("--median", "3"), 0)):
        measured(directory, insns)
        old = result_of({"memofs-nio": {"op 0": 10, "op 1": 20, "op 2": 30, "op 3": 7},
                         "ext4-dax": {"op 0": 0.001}})
        done = against(directory, old, *args)
        expect(done.returncode == status, f"{insns} {args} ends with {done.returncode}", done)
        expect("3 cells of ours" in done.stdout and "1 cells of peers" in done.stdout,
               "the comparison is not shown", done)


def test_against_what(directory):
    measured(directory, (10000,))
    cells = {"memofs-nio": {"op 0": 10}}
    for old, status in ((result_of(cells), 0), (result_of(cells, cpus=4), 1),
                        (result_of(cells, release="6.12.1"), 1),
                        (result_of({"memofs-mapped": {"op 0": 10}}), 1),
                        (result_of({"memofs-nio": {"op 0": {"error": "no"}}}), 1), ({}, 1),
                        ([], 1)):
        done = against(directory, old)
        expect(done.returncode == status, f"{old} ends with {done.returncode}", done)
    fill(directory, OPS[:1] + [{"fs": "memofs-nio", "op": "op 0", "na": "No such device"}])
    done = against(directory, result_of({"memofs-nio": {"op 0": 10}}))
    expect(done.returncode == 1 and "not any more" in done.stderr, "a lost cell is good", done)
    measured(directory, (20000,))
    done = against(directory, result_of(cells), "--json")
    broken = json.loads(done.stdout)["broken"]
    expect(len(broken) == 2 and done.returncode == 1, "JSON does not say what is worse", done)


def main():
    for test in (test_figures, test_limits, test_failures, test_profile, test_against,
                 test_against_what):
        with tempfile.TemporaryDirectory() as directory:
            test(directory)


if __name__ == "__main__":
    main()
