# SPDX-License-Identifier: BSD-2-Clause
"""make: a tree with everything that a file system keeps; list: all of it as a text."""

import hashlib
import os
import stat
import sys

mnt = os.environ["mnt"]
tree = mnt + "/tree"


def write(name, data, mode=0o644):
    with open(f"{tree}/{name}", "wb") as f:
        f.write(data)
    os.chmod(f"{tree}/{name}", mode)


def make():
    os.mkdir(tree)
    os.mkdir(tree + "/empty", 0o711)
    os.mkdir(tree + "/many")
    for i in range(2000):
        write(f"many/name-{i}-{'x' * (i % 60)}", b"%d" % i)
    write("small", b"a")
    write("blocks", bytes(range(256)) * 256)
    write("large", os.urandom(1 << 20) * 5)
    write("acl", b"acl")
    write("attr", b"attr")
    write("suid", b"#!", 0o4755)
    with open(tree + "/sparse", "wb") as f:
        for at in (0, 5 << 20, 1 << 32, 1 << 45):
            os.pwrite(f.fileno(), b"here", at)
        os.posix_fallocate(f.fileno(), 100 << 20, 1 << 20)
    os.link(tree + "/small", tree + "/second")
    os.symlink("short", tree + "/link")
    os.symlink("x" * 60, tree + "/link60")
    os.symlink("y" * 1000, tree + "/link1000")
    os.mkfifo(tree + "/fifo", 0o600)
    os.mknod(tree + "/null", 0o640 | stat.S_IFCHR, os.makedev(1, 3))
    os.setxattr(tree + "/small", "user.large", b"l" * 30000)
    for i in range(20):
        os.setxattr(tree + "/empty", f"user.{i}", b"%d" % i)
    os.chown(tree + "/blocks", 123, 456)
    os.utime(tree + "/blocks", ns=(1, 999999999))
    os.utime(tree + "/empty", ns=(10**18, 10**18 + 7))


def data_of(path):
    total = hashlib.sha256()
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, at, os.SEEK_HOLE)
        total.update(b"%d-%d" % (at, end))
        while at < end:
            piece = os.pread(fd, min(1 << 20, end - at), at)
            total.update(piece)
            at += len(piece)
    os.close(fd)
    return total.hexdigest()


def show(path):
    st = os.lstat(path)
    line = [path, oct(st.st_mode), st.st_uid, st.st_gid, st.st_nlink, st.st_size, st.st_blocks,
            st.st_ino, st.st_mtime_ns, st.st_ctime_ns, st.st_rdev]
    if stat.S_ISLNK(st.st_mode):
        line.append(os.readlink(path))
    if stat.S_ISREG(st.st_mode):
        line.append(data_of(path))
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, name, follow_symlinks=False)
        line.append(f"{name}={hashlib.sha256(value).hexdigest()}")
    print(*line)


def show_all():
    show(mnt)
    for folder, folders, files in sorted(os.walk(tree)):
        show(folder)
        for name in sorted(files + [f for f in folders if os.path.islink(f"{folder}/{f}")]):
            show(f"{folder}/{name}")


if sys.argv[1] == "make":
    make()
else:
    show_all()
