#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turn the fio results of "bench/run --wall" into a table of ratios.

Called by bench/run:    report_wall.py [--json] DIR FS...

DIR holds FS.RW.BS.json of each fio job, and ops.jsonl with notes on file systems that are absent or
failed. Every figure is the throughput relative to the first file system that was measured, beside
its mean latency in microseconds: under emulation only the ratios of one run say anything. Exit
status: 0, 1 = a file system failed or nothing was measured.
"""
import argparse
import json
import os
import sys

JOBS = [(rw, bs) for rw in ("randread", "randwrite") for bs in ("4k", "64k", "1m")]
CAVEAT = """\
Emulated CPUs: copies look dearer and cache misses and TLB shoot-downs cheaper than they are, a
hand-off between CPUs costs what the host's scheduler makes of it, and other work on the host moves
every figure. Compare columns of this one table; use the instruction counts to compare runs."""


def read_job(path, rw):
    """(operations per second, mean latency in us), or None when the job did not run."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        text = file.read()
    job = json.loads(text[text.index("{"):])["jobs"][0]
    side = job["read" if rw == "randread" else "write"]
    return side["iops"], side["clat_ns"]["mean"] / 1000


def read_notes(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def collect(directory, systems):
    result = {}
    for name in systems:
        jobs = {}
        for rw, bs in JOBS:
            measured = read_job(os.path.join(directory, f"{name}.{rw}.{bs}.json"), rw)
            if measured:
                jobs[f"{rw} {bs}"] = {"iops": measured[0], "mean_us": measured[1]}
        result[name] = jobs
    return result


def add_ratios(result, base):
    for jobs in result.values():
        for key, job in jobs.items():
            job["ratio"] = job["iops"] / result[base][key]["iops"] if key in result[base] else None


def text_of(job):
    if job is None:
        return "-"
    ratio = "?" if job["ratio"] is None else f"{job['ratio']:.2f}"
    return f"{ratio} ({job['mean_us']:.0f} us)"


def print_table(result, base, release):
    print(f"Kernel {release}. Throughput relative to {base} (mean latency):\n")
    print("| fio psync, 1 job | " + " | ".join(result) + " |")
    print("|---|" + "---|" * len(result))
    for rw, bs in JOBS:
        key = f"{rw} {bs}"
        print(f"| {key} | " + " | ".join(text_of(jobs.get(key)) for jobs in result.values()) + " |")
    print("\n" + CAVEAT)


def main():
    parser = argparse.ArgumentParser(description="ratios from fio results")
    parser.add_argument("--json", action="store_true", help="JSON instead of markdown")
    parser.add_argument("dir")
    parser.add_argument("fs", nargs="+")
    args = parser.parse_args()
    notes = read_notes(os.path.join(args.dir, "ops.jsonl"))
    result = collect(args.dir, args.fs)
    measured = [name for name in args.fs if result[name]]
    if not measured:
        print("report_wall: no fio job left a result", file=sys.stderr)
        return 1
    add_ratios(result, measured[0])
    with open(os.path.join(args.dir, "release"), encoding="ascii") as file:
        release = file.read().strip()
    if args.json:
        json.dump({"release": release, "base": measured[0], "notes": notes, "jobs": result},
                  sys.stdout, indent=1)
        print()
    else:
        print_table(result, measured[0], release)
    failed = [note for note in notes if "error" in note]
    for note in notes:
        word = f"failed: {note['error']}" if "error" in note else f"is absent: {note['absent']}"
        print(f"report_wall: {note['fs']} {word}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as problem:
        print(f"report_wall: cannot read the results: {problem!r}", file=sys.stderr)
        sys.exit(1)
