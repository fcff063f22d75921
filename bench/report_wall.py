#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turn the fio results of "bench/run --wall" and "bench/run --fio" into a table of ratios.

Called by bench/run:    report_wall.py --wall|--fio [--json] [--check] DIR FS...

DIR holds FS.RW.BS.json of each fio job, and ops.jsonl with notes on file systems that are absent or
failed. Every figure is the throughput relative to the first file system that was measured, beside
its mean latency: microseconds with --wall, where only the ratios of one run say anything, and
thousands of instructions with --fio. Exit status: 0, 1 = a file system failed, nothing was
measured, or a ratio is below that of limits_fio.tsv (--check).
"""
import argparse
import json
import os
import sys

LIMITS = os.path.join(os.path.dirname(__file__), "limits_fio.tsv")
JOBS = [(rw, bs) for rw in ("randread", "randwrite") for bs in ("4k", "64k", "1m")]
CAVEAT = """\
Emulated CPUs: copies look dearer and cache misses and TLB shoot-downs cheaper than they are, a
hand-off between CPUs costs what the host's scheduler makes of it, and other work on the host moves
every figure. Compare columns of this one table; use the instruction counts to compare runs."""

CAVEAT_FIO = """\
One CPU on which an instruction takes a nanosecond, whatever it does: copies, cache misses and
TLB shoot-downs are not what they are on hardware, but two runs agree."""


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


def read_limits(path):
    """Rows of: file system, kernel, job, peer, least ratio to it."""
    limits = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, kernel, key, peer, least = line.rstrip("\n").split("\t")
                limits.append((name, kernel, key, peer, float(least)))
    return limits


def check(result, release, limits):
    """Sentences about the ratios that are too small; what was not measured is not judged."""
    broken = []
    for name, kernel, key, peer, least in limits:
        jobs = [result.get(which, {}).get(key) for which in (name, peer)]
        if None in jobs or not release.startswith(kernel + "."):
            continue
        ratio = jobs[0]["iops"] / jobs[1]["iops"]
        if ratio < least:
            broken.append(f"{name}: {key}: {ratio:.2f} of {peer}, at least {least:g} is wanted")
    return broken


def text_of(job, unit):
    if job is None:
        return "-"
    ratio = "?" if job["ratio"] is None else f"{job['ratio']:.2f}"
    return f"{ratio} ({job['mean_us']:.{1 if unit == 'k' else 0}f} {unit})"


def print_table(result, base, release, is_fio):
    unit = "k" if is_fio else "us"
    what = "thousands of instructions" if is_fio else "mean latency"
    print(f"Kernel {release}. Throughput relative to {base} ({what}):\n")
    print("| fio psync, 1 job | " + " | ".join(result) + " |")
    print("|---|" + "---|" * len(result))
    for rw, bs in JOBS:
        key = f"{rw} {bs}"
        cells = [text_of(jobs.get(key), unit) for jobs in result.values()]
        print(f"| {key} | " + " | ".join(cells) + " |")
    print("\n" + (CAVEAT_FIO if is_fio else CAVEAT))


def main():
    parser = argparse.ArgumentParser(description="ratios from fio results")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--wall", action="store_true", help="the clock is that of the host")
    mode.add_argument("--fio", action="store_true", help="the clock counts instructions")
    parser.add_argument("--json", action="store_true", help="JSON instead of markdown")
    parser.add_argument("--check", action="store_true", help="with --fio: compare with the limits")
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
    limits = read_limits(LIMITS) if args.check and args.fio else []
    broken = check(result, release, limits)
    if args.json:
        json.dump({"release": release, "base": measured[0], "notes": notes, "jobs": result,
                   "broken": broken}, sys.stdout, indent=1)
        print()
    else:
        print_table(result, measured[0], release, args.fio)
    for sentence in broken:
        print(f"report_wall: {sentence}", file=sys.stderr)
    failed = [note for note in notes if "error" in note]
    for note in notes:
        word = f"failed: {note['error']}" if "error" in note else f"is absent: {note['absent']}"
        print(f"report_wall: {note['fs']} {word}", file=sys.stderr)
    return 1 if failed or broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as problem:
        print(f"report_wall: cannot read the results: {problem!r}", file=sys.stderr)
        sys.exit(1)
