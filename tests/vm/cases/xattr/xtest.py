# SPDX-License-Identifier: BSD-2-Clause
"""What the Python parts of the xattr cases share: they say what happens, in text that is the
same on every file system that behaves the same."""

import errno
import os
import sys
import time


def result(func, *args, **kwargs):
    try:
        value = func(*args, **kwargs)
    except OSError as e:
        return errno.errorcode[e.errno]
    if isinstance(value, (bytes, bytearray)) and len(value) > 60:
        return f"{len(value)} bytes, sum {sum(value)}"
    return repr(sorted(value) if isinstance(value, list) else value)


def say(what, func, *args, **kwargs):
    """One line: what was done, and what came of it."""
    print(f"{what}: {result(func, *args, **kwargs)}")
    sys.stdout.flush()


def as_user(uid, func, *args, gids=()):
    """Run func as this user in a process of its own; it says things itself."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0, "the child failed"
        return
    try:
        os.setgroups(list(gids))
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        func(*args)
        sys.stdout.flush()
        os._exit(0)
    except BaseException as e:
        print(f"child: {e!r}")
        sys.stdout.flush()
        os._exit(1)


def touch(path, mode=0o644, data=b""):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, mode)
    os.write(fd, data)
    os.close(fd)


def mode(path):
    return oct(os.lstat(path).st_mode)


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("2")


def tick():
    """Until the clock that time stamps are taken from has moved on."""
    start = time.clock_gettime(5)
    while time.clock_gettime(5) == start:
        pass
