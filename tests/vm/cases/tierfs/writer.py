# SPDX-License-Identifier: BSD-2-Clause
"""write DIR LOG: make, rename, append, remove files until the server dies; each call that has
returned is noted in LOG before the next one. check DIR LOG: everything noted is there, and of the
call under way all or nothing."""

import os
import sys

command, folder, log = sys.argv[1:4]


def path(name):
    return f"{folder}/{name}"


def content(i):
    return (b"%06d " % i) * (1 + i * 37 % 900)


def step(i):
    """One call after the other; the names say what is done."""
    name = path(f"f{i}")
    with open(name + ".new", "wb", buffering=0) as f:
        yield "made"
        f.write(content(i))
        yield "written"
        os.setxattr(f.fileno(), "user.i", b"%d" % i)
        yield "attributed"
    os.rename(name + ".new", name)
    yield "renamed"
    if i % 3 == 0:
        with open(name, "ab", buffering=0) as f:
            f.write(b"tail")
        yield "appended"
    if i % 5 == 0:
        os.unlink(name)
        yield "removed"


def write():
    i = 0
    with open(log, "w", buffering=1) as acked:
        try:
            while True:
                for what in step(i):
                    acked.write(f"{i} {what}\n")
                i += 1
        except OSError:
            pass


ORDER = ["made", "written", "attributed", "renamed", "appended", "removed"]


def steps_of(i):
    return [s for s in ORDER if (s != "appended" or i % 3 == 0) and (s != "removed" or i % 5 == 0)]


def matches(i, state):
    """Is file i as it is after `state` (None: before it was made)?"""
    new, old = path(f"f{i}.new"), path(f"f{i}")
    if state in (None, "removed"):
        return not os.path.exists(new) and not os.path.exists(old)
    renamed = ORDER.index(state) >= ORDER.index("renamed")
    name, other = (old, new) if renamed else (new, old)
    if os.path.exists(other) or not os.path.exists(name):
        return False
    wanted = b"" if state == "made" else content(i)
    if state == "appended":
        wanted += b"tail"
    with open(name, "rb") as f:
        if f.read() != wanted:
            return False
    names = os.listxattr(name)
    return ("user.i" in names) == (ORDER.index(state) >= ORDER.index("attributed"))


def check():
    last = {}
    with open(log) as acked:
        for line in acked:
            i, what = line.split()
            last[int(i)] = what
    newest = max(last)
    for i, what in last.items():
        steps = steps_of(i)
        allowed = [what]
        if i == newest and what != steps[-1]:
            allowed.append(steps[steps.index(what) + 1])
        if not any(matches(i, a) for a in allowed):
            sys.exit(f"file {i}: acknowledged was '{what}', found is something else")
    if last[newest] == steps_of(newest)[-1]:
        following = newest + 1
        if not matches(following, None) and not matches(following, "made"):
            sys.exit(f"file {following}: neither there nor just made")
    print(f"{len(last)} files are as they were acknowledged")


write() if command == "write" else check()
