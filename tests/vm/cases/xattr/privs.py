# SPDX-License-Identifier: BSD-2-Clause
"""Privileges of files go with their change: s bits and capabilities."""

import fcntl
import struct

from falloc import fallocate
from xtest import *

CAP = "security.capability"
MODES = (0o6755, 0o2745, 0o6777, 0o2775)


def capability(version=2, root=0):
    """cap_net_raw=ep"""
    data = struct.pack("<IIIII", version << 24 | 1, 1 << 13, 0, 0, 0)
    return data + (struct.pack("<I", root) if version == 3 else b"")


def with_file(path, func, flags=os.O_RDWR):
    fd = os.open(path, flags)
    try:
        return func(fd)
    finally:
        os.close(fd)


def pipe_to(fd):
    r, w = os.pipe()
    os.write(w, b"spliced")
    os.splice(r, fd, 7)
    os.close(r)
    os.close(w)


def copied_from(fd):
    src = os.open("source", os.O_RDONLY)
    try:
        return os.copy_file_range(src, fd, 4096)
    finally:
        os.close(src)


def aio_append(path):
    return with_file(path, lambda fd: os.write(fd, b"appended"), os.O_WRONLY | os.O_APPEND)


CHANGES = {
    "write": lambda p: with_file(p, lambda fd: os.pwrite(fd, b"x", 10)),
    "write nothing": lambda p: with_file(p, lambda fd: os.pwrite(fd, b"", 10)),
    "append": aio_append,
    "writev": lambda p: with_file(p, lambda fd: os.writev(fd, [b"a", b"b"])),
    "splice": lambda p: with_file(p, pipe_to),
    "copy_file_range": lambda p: with_file(p, copied_from),
    "truncate": lambda p: os.truncate(p, 100),
    "same size": lambda p: os.truncate(p, os.stat(p).st_size),
    "O_TRUNC": lambda p: os.close(os.open(p, os.O_WRONLY | os.O_TRUNC)),
    "fallocate": lambda p: with_file(p, lambda fd: fallocate(fd, 0, 0, 20000)),
    "punch": lambda p: with_file(p, lambda fd: fallocate(fd, 3, 0, 4096)),
    "zero": lambda p: with_file(p, lambda fd: fallocate(fd, 16, 0, 4096)),
    "chmod": lambda p: os.chmod(p, 0o6700),
    "chown": lambda p: os.chown(p, os.getuid(), -1),
    "chgrp": lambda p: os.chown(p, -1, 500),
    "chown to nobody new": lambda p: os.chown(p, -1, -1),
    "utimes": lambda p: os.utime(p, (1, 1)),
    "read": lambda p: with_file(p, lambda fd: os.read(fd, 10), os.O_RDONLY),
    "link": lambda p: os.link(p, p + ".link"),
    "setxattr": lambda p: os.setxattr(p, "user.x", b"y"),
}


def fresh(path, m, owner):
    if os.path.exists(path):
        os.unlink(path)
    touch(path, 0o644, b"\0" * 8192)
    os.chown(path, owner, 20)
    os.chmod(path, m)


def each(owner):
    """As the user who runs it: every change on a file with s bits."""
    for name, change in CHANGES.items():
        for m in MODES:
            path = f"s{owner}/{name} {m:o}"
            say(f"{os.getuid()} {name} {m:o}", change, path)
            print("   ", mode(path))


touch("source", 0o644, b"s" * 8192)
for owner in 0, 1000:
    os.mkdir(f"s{owner}")
    os.chmod(f"s{owner}", 0o777)
    for name in CHANGES:
        for m in MODES:
            fresh(f"s{owner}/{name} {m:o}", m, owner)
as_user(1000, each, 1000, gids=(500,))
each(0)

# twice in a row: what was looked at once is not taken for granted
fresh("twice", 0o755, 0)
with_file("twice", lambda fd: os.pwrite(fd, b"1", 0))
for again in range(2):
    os.chmod("twice", 0o4777)
    as_user(1000, lambda: CHANGES["write"]("twice"))
    print("twice", mode("twice"))
    os.setxattr("twice", CAP, capability())
    with_file("twice", lambda fd: os.pwrite(fd, b"1", 0))
    say("twice", os.getxattr, "twice", CAP)

# capabilities: whoever changes the file, root too
for name, change in CHANGES.items():
    fresh("c", 0o755, 0)
    os.setxattr("c", CAP, capability())
    say(f"capability, {name}", change, "c")
    say("   ", os.getxattr, "c", CAP)
    if os.path.exists("c.link"):
        os.unlink("c.link")
fresh("c", 0o777, 0)
os.setxattr("c", CAP, capability())
as_user(1000, lambda: CHANGES["write"]("c"))
say("written by 1000", os.getxattr, "c", CAP)
as_user(1000, lambda: say("1000 sets one", os.setxattr, "s1000", CAP, capability()))
for bad in (b"", b"x", capability()[:-1], capability(3, 1000), struct.pack("<I", 0x7f000000)):
    say(f"bad {len(bad)}", os.setxattr, "c", CAP, bad)
os.setxattr("c", CAP, capability())
drop_caches()
say("after eviction", os.getxattr, "c", CAP)
CHANGES["write"]("c")
say("written after eviction", os.getxattr, "c", CAP)

# directories with setgid hand their group on
os.mkdir("g")
os.chown("g", 0, 500)
os.chmod("g", 0o2777)


def in_group(name):
    touch(f"g/{name}", 0o755)
    os.chmod(f"g/{name}", 0o2755)
    os.mkdir(f"g/{name}.d", 0o755)
    touch(f"g/{name}.x", 0o755)
    fd = os.open(f"g/{name}.s", os.O_CREAT | os.O_WRONLY, 0o2755)
    os.close(fd)
    for path in (name, name + ".d", name + ".x", name + ".s"):
        st = os.stat("g/" + path)
        print(path, oct(st.st_mode), st.st_gid)


in_group("root")
as_user(1000, in_group, "stranger")
as_user(1000, in_group, "member", gids=(500,))
