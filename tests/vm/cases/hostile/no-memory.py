# SPDX-License-Identifier: BSD-2-Clause
"""Fail the Nth allocation of system calls, N = 1, 2 ... until one has fewer (no-memory.sh)."""

import errno
import os
import struct
import sys

FAIL_NTH = "/proc/thread-self/fail-nth"
MOST = 400  # no operation of ours has so many allocations
ALLOWED = {errno.ENOMEM, errno.EIO}
# owner, user 1000, group, mask, others
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in (
    (1, 7, 2**32 - 1), (2, 7, 1000), (4, 5, 2**32 - 1), (16, 7, 2**32 - 1), (32, 0, 2**32 - 1)))


def injected(nth, call):
    """Run call with its nth allocation failing: (did it fail one?, errno or 0)."""
    fd = os.open(FAIL_NTH, os.O_RDWR)
    err = 0
    try:
        os.write(fd, str(nth).encode())
        try:
            call()
        except OSError as e:
            err = e.errno
        left = int(os.pread(fd, 32, 0))
        os.write(fd, b"0")
    finally:
        os.close(fd)
    return left == 0, err


def every_nth(name, call, undo):
    failed = 0
    for nth in range(1, MOST):
        hit, err = injected(nth, call)
        if err and (not hit or err not in ALLOWED):
            sys.exit(f"{name}: allocation {nth}: {os.strerror(err)}")
        failed += err != 0
        undo()
        if not hit:
            print(f"{name}: {nth - 1} allocations, {failed} made it fail")
            return nth - 1
    sys.exit(f"{name}: no end after {MOST} allocations")


def gone(path):
    try:
        os.unlink(path)
    except IsADirectoryError:
        os.rmdir(path)
    except FileNotFoundError:
        pass


def nothing():
    pass


def write_file(path, data):
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def main():
    data = os.urandom(3 << 20)
    write_file("file", data)
    os.mkdir("dir")
    for i in range(100):
        write_file(f"dir/{i:03}", b"x")
    fd = os.open("file", os.O_RDWR)

    def check_file():
        if os.pread(fd, len(data), 0) != data:
            sys.exit("the file is not what it was")

    total = every_nth("create", lambda: write_file("new", b"1"), lambda: gone("new"))
    total += every_nth("mkdir", lambda: os.mkdir("d"), lambda: gone("d"))
    total += every_nth("symlink", lambda: os.symlink("t" * 100, "s"), lambda: gone("s"))
    total += every_nth("link", lambda: os.link("file", "l"), lambda: gone("l"))
    total += every_nth("read 4k", lambda: os.pread(fd, 4096, 0), nothing)
    total += every_nth("read 3m", lambda: os.pread(fd, len(data), 0), nothing)
    total += every_nth("write 4k", lambda: os.pwrite(fd, data[:4096], 0), check_file)
    total += every_nth("write 3m", lambda: os.pwrite(fd, data, 0), check_file)
    total += every_nth("list", lambda: os.listdir("dir"), nothing)
    total += every_nth("statfs", lambda: os.statvfs("."), nothing)
    total += every_nth("chmod", lambda: os.chmod("file", 0o600), nothing)
    total += every_nth("truncate", lambda: os.truncate("dir/000", 100), nothing)
    total += every_nth("setxattr", lambda: os.setxattr("file", "user.a", data[:60000]), nothing)
    total += every_nth("getxattr", lambda: os.getxattr("file", "user.a"), nothing)
    total += every_nth("listxattr", lambda: os.listxattr("file"), nothing)
    total += every_nth("ACL", lambda: os.setxattr("file", "system.posix_acl_access", ACL), nothing)
    os.setxattr("dir", "system.posix_acl_default", ACL)
    total += every_nth("inherit", lambda: os.mkdir("dir/new"), lambda: gone("dir/new"))
    os.removexattr("dir", "system.posix_acl_default")

    def drop():
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("2")

    drop()
    total += every_nth("lookup", lambda: os.stat("dir/001"), drop)
    check_file()
    if sorted(os.listdir(".")) != ["dir", "file"] or len(os.listdir("dir")) != 100:
        sys.exit("names are lost or too many")
    if not total:
        sys.exit("no allocation failed: this tests nothing")


main()
