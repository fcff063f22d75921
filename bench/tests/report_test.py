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


def main():
    for test in (test_figures, test_limits, test_failures, test_profile):
        with tempfile.TemporaryDirectory() as directory:
            test(directory)


if __name__ == "__main__":
    main()
