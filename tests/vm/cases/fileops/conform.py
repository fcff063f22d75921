# SPDX-License-Identifier: BSD-2-Clause
"""usage: conform.py FOLDER: what every system call says there, a line each.

Run on ext4 and on ours, the lines must be the same. They hold results and errnos, sizes,
modes, links: nothing that two file systems may decide for themselves.
"""

import array
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import stat
import struct
import sys
import time

from falloc import fallocate
from nstest import RENAME_EXCHANGE, RENAME_NOREPLACE, linkat_fd, read, renameat2, write

GETFLAGS, SETFLAGS = 0x80086601, 0x40086602
FSGETXATTR, FSSETXATTR = 0x801c581f, 0x401c5820
SYNC, IMMUTABLE, APPEND, NOATIME, DIRSYNC = 8, 0x10, 0x20, 0x80, 0x10000
KEEP, PUNCH, COLLAPSE, ZERO, INSERT = 1, 3, 8, 0x10, 0x20
USER = 1000
CLOCK_COARSE = 5
LONG, TOO_LONG = "n" * 255, "n" * 256
section = ""


def plain(value):
    if isinstance(value, os.stat_result):
        return f"{oct(value.st_mode)} {value.st_nlink} {value.st_uid} {value.st_gid}"
    if isinstance(value, list):
        return sorted(value)
    return value


def t(label, func, *args, **kwargs):
    """One call: its line."""
    try:
        value = plain(func(*args, **kwargs))
        print(f"{section}: {label}: {'ok' if value is None else value}", flush=True)
    except OSError as e:
        print(f"{section}: {label}: {errno.errorcode[e.errno]}", flush=True)


def as_user(func, uid=USER, gid=USER):
    """func in a child of another user; its lines come here."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            func()
            sys.stdout.flush()
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(pid, 0)[1]:
        sys.exit(f"{section}: a part of another user's failed")


def opened(path, flags, mode=0o644):
    os.close(os.open(path, flags, mode))


def with_fd(path, flags, func):
    fd = os.open(path, flags)
    try:
        return func(fd)
    finally:
        os.close(fd)


def get_flags(path):
    word = array.array("I", [0])
    with_fd(path, os.O_RDONLY | os.O_NONBLOCK, lambda fd: fcntl.ioctl(fd, GETFLAGS, word))
    return word[0]


def set_flags(path, flags):
    """Those that ext4 has of its own stay."""
    word = array.array("I", [flags | (get_flags(path) & 0x80000)])
    with_fd(path, os.O_RDONLY | os.O_NONBLOCK, lambda fd: fcntl.ioctl(fd, SETFLAGS, word))


def visible_flags(path):
    return hex(get_flags(path) & ~0x80000)


# ---- append, immutable and the others ----

def set_xattr(path):
    """Whether it is EPERM: not every file system has them."""
    try:
        os.setxattr(path, "user.a", b"b")
    except OSError as e:
        return e.errno == errno.EPERM
    return False


def flagged_file(flags):
    write("f", b"0123456789" * 1000)
    os.chmod("f", 0o644)
    write("other")
    rw = os.open("f", os.O_RDWR)
    ap = os.open("f", os.O_RDWR | os.O_APPEND)
    t("set", set_flags, "f", flags)
    t("get", visible_flags, "f")
    for how in ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_WRONLY|O_APPEND", "O_RDONLY|O_TRUNC",
                "O_RDWR|O_APPEND|O_TRUNC", "O_RDONLY|O_NOATIME", "O_WRONLY|O_CREAT"):
        t(f"open {how}", opened, "f", sum(getattr(os, w) for w in how.split("|")))
    t("write to an old descriptor", os.pwrite, rw, b"x", 0)
    t("append to an old descriptor", os.write, ap, b"x")
    t("ftruncate of an old descriptor", os.ftruncate, rw, 5000)
    t("growing ftruncate", os.ftruncate, rw, 20000)
    t("truncate", os.truncate, "f", 4000)
    for mode in (0, KEEP, PUNCH, COLLAPSE, ZERO, INSERT):
        t(f"fallocate {mode}", fallocate, rw, mode, 0, 4096)
    t("copy_file_range", os.copy_file_range, ap, rw, 10, 0, 100)
    t("sendfile", os.sendfile, rw, ap, 0, 100)
    for name, call in (("chmod", lambda: os.chmod("f", 0o600)),
                       ("fchmod", lambda: os.fchmod(rw, 0o640)),
                       ("chown", lambda: os.chown("f", 1, 1)),
                       ("utime", lambda: os.utime("f", ns=(1, 1))),
                       ("utime now", lambda: os.utime("f")),
                       ("link", lambda: os.link("f", "f2")),
                       ("linkat", lambda: linkat_fd(rw, "f3")),
                       ("rename", lambda: os.rename("f", "g")),
                       ("rename over it", lambda: os.rename("other", "f")),
                       ("exchange", lambda: renameat2("f", "other", RENAME_EXCHANGE)),
                       ("unlink", lambda: os.unlink("f")),
                       ("xattr is EPERM", lambda: set_xattr("f"))):
        t(name, call)
    t("size", lambda: os.fstat(rw).st_size)
    t("stat", os.fstat, rw)
    for name in ("f", "f2", "f3", "g", "other"):
        if os.path.exists(name):
            set_flags(name, 0)
    t("write afterwards", os.pwrite, rw, b"x", 0)
    t("names", os.listdir, ".")
    os.close(rw)
    os.close(ap)
    wipe()


def flagged_dir(flags):
    os.makedirs("d/sub")
    write("d/old", b"x")
    write("f", b"y")
    os.mkdir("e")
    t("set", set_flags, "d", flags)
    t("get", visible_flags, "d")
    for name, call in (("create", lambda: write("d/new")),
                       ("mkdir", lambda: os.mkdir("d/newdir")),
                       ("symlink", lambda: os.symlink("x", "d/newlink")),
                       ("mkfifo", lambda: os.mkfifo("d/newfifo")),
                       ("tmpfile", lambda: opened("d", os.O_TMPFILE | os.O_RDWR)),
                       ("link into", lambda: os.link("f", "d/f2")),
                       ("rename into", lambda: os.rename("f", "d/f")),
                       ("rename out of", lambda: os.rename("d/old", "old")),
                       ("rename inside", lambda: os.rename("d/old", "d/older")),
                       ("rename over", lambda: os.rename("f", "d/old")),
                       ("exchange", lambda: renameat2("e", "d/sub", RENAME_EXCHANGE)),
                       ("write inside", lambda: write("d/old", b"new")),
                       ("unlink", lambda: os.unlink("d/old")),
                       ("rmdir inside", lambda: os.rmdir("d/sub")),
                       ("chmod", lambda: os.chmod("d", 0o700)),
                       ("chown", lambda: os.chown("d", 1, 1)),
                       ("utime", lambda: os.utime("d", ns=(1, 1))),
                       ("utime now", lambda: os.utime("d")),
                       ("rename it", lambda: os.rename("d", "d2")),
                       ("rmdir", lambda: os.rmdir("d")),
                       ("rename over it", lambda: os.rename("e", "d")),
                       ("xattr is EPERM", lambda: set_xattr("d"))):
        t(name, call)
    for name in ("d/new", "d/newdir", "d/old"):
        if os.path.exists(name):
            t(f"flags of {name}", visible_flags, name)
    top = "d2" if os.path.exists("d2") else "d"
    if os.path.exists(top):
        set_flags(top, 0)
    t("names", lambda: sorted(os.path.join(p, n) for p, ds, fs in os.walk(".") for n in ds + fs))
    wipe()


def who_may_flag():
    for name, owner in (("mine", USER), ("roots", 0)):
        write(name)
        os.chown(name, owner, owner)

    def user():
        for name in ("mine", "roots"):
            for flags in (0, NOATIME, SYNC, APPEND, IMMUTABLE, APPEND | NOATIME):
                t(f"{name} {flags:#x}", set_flags, name, flags)
            t(f"flags of {name}", visible_flags, name)
    as_user(user)
    set_flags("mine", IMMUTABLE)

    def cannot_unset():
        t("take immutable away", set_flags, "mine", 0)
    as_user(cannot_unset)
    set_flags("mine", 0)
    for name in ("mine", "roots"):
        t(f"unknown flags of {name}", set_flags, name, 0x1000000)
        t(f"dirsync of {name}", set_flags, name, DIRSYNC)
        os.unlink(name)


def xflags():
    write("f")
    fa = bytearray(28)

    def get():
        with_fd("f", os.O_RDONLY, lambda fd: fcntl.ioctl(fd, FSGETXATTR, fa))
        return fa.hex()

    def put(word, index=0):
        arg = bytearray(28)
        struct.pack_into("=I", arg, 4 * index, word)
        with_fd("f", os.O_RDONLY, lambda fd: fcntl.ioctl(fd, FSSETXATTR, arg))
    t("get", get)
    for bit in (0x8, 0x10, 0x20, 0x40, 0x8 | 0x40, 0):
        t(f"set {bit:#x}", put, bit)
        t("get", get)
        t("flags", visible_flags, "f")
    t("extent size hint without a size", put, 0x800)
    set_flags("f", 0)
    os.unlink("f")


def flags():
    global section
    for name, bits in (("none", 0), ("append", APPEND), ("immutable", IMMUTABLE),
                       ("both", APPEND | IMMUTABLE), ("noatime", NOATIME), ("sync", SYNC),
                       ("dirsync", DIRSYNC), ("several", SYNC | NOATIME | DIRSYNC)):
        section = f"flags of a file, {name}"
        flagged_file(bits)
        section = f"flags of a directory, {name}"
        flagged_dir(bits)
    section = "who may set flags"
    who_may_flag()
    section = "xflags"
    xflags()


# ---- names ----

MAKE = {
    "file": write,
    "dir": os.mkdir,
    "full": lambda p: os.makedirs(p + "/x"),
    "fifo": os.mkfifo,
    "sock": lambda p: os.mknod(p, stat.S_IFSOCK | 0o644),
    "dev": lambda p: os.mknod(p, stat.S_IFCHR | 0o644, os.makedev(1, 3)),
    "link": lambda p: os.symlink("nowhere", p),
    "tofile": lambda p: (write("target"), os.symlink("target", p))[1],
    "todir": lambda p: (os.makedirs("tdir", exist_ok=True), os.symlink("tdir", p))[1],
    "loop": lambda p: os.symlink(os.path.basename(p), p),
}


def wipe(path="."):
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                wipe(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


def kinds():
    """Every call on every kind of file, with and without a slash at the end."""
    for kind, make in MAKE.items():
        for path in ("a", "a/", "a/.", "a/..", "a/b", "a/b/", "./a", "a//"):
            for name, call in (
                    ("open", lambda p: opened(p, os.O_RDONLY | os.O_NONBLOCK)),
                    ("open to write", lambda p: opened(p, os.O_RDWR | os.O_NONBLOCK)),
                    ("open nofollow",
                     lambda p: opened(p, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)),
                    ("open directory", lambda p: opened(p, os.O_RDONLY | os.O_DIRECTORY)),
                    ("open excl", lambda p: opened(p, os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
                    ("open creat", lambda p: opened(p, os.O_CREAT | os.O_RDWR | os.O_NONBLOCK)),
                    ("open path", lambda p: opened(p, os.O_PATH)),
                    ("truncate", lambda p: os.truncate(p, 10)),
                    ("mkdir", os.mkdir), ("rmdir", os.rmdir), ("unlink", os.unlink),
                    ("mkfifo", os.mkfifo), ("symlink", lambda p: os.symlink("x", p)),
                    ("readlink", os.readlink), ("lstat", os.lstat), ("listdir", os.listdir),
                    ("link from", lambda p: os.link(p, "z")),
                    ("link from, follow", lambda p: os.link(p, "z", follow_symlinks=True)),
                    ("rename from", lambda p: os.rename(p, "z")),
                    ("chdir", os.chdir), ("access", lambda p: os.access(p, os.X_OK)),
                    ("chmod", lambda p: os.chmod(p, 0o700)),
                    ("lchown", lambda p: os.chown(p, 3, 4, follow_symlinks=False))):
                make("a")
                t(f"{kind} {path} {name}", call, path)
                os.chdir(top)
                if path == "a" and os.path.lexists("a"):
                    t(f"{kind} {path} {name}: then", os.lstat, "a")
                wipe()


def renames():
    """Every kind over every kind, with every flag."""
    for old, make_old in MAKE.items():
        for new in ("nothing", *MAKE):
            if "loop" in (old, new) or "to" in old + new:
                continue
            for flags in (0, RENAME_NOREPLACE, RENAME_EXCHANGE):
                make_old("a")
                os.mkdir("sub")
                if new != "nothing":
                    MAKE[new]("sub/b")
                t(f"{old} over {new}, {flags}", renameat2, "a", "sub/b", flags)
                t("names", lambda: sorted(os.path.join(p, n) + " " + str(
                    plain(os.lstat(os.path.join(p, n)))) for p, ds, fs in os.walk(".")
                    for n in ds + fs))
                wipe()
    os.makedirs("a/b/c")
    os.mkdir("x")
    for old, new in (("a", "a/b"), ("a", "a/b/c/d"), ("a/b", "a"), ("a/b/c", "a"), ("a", "a"),
                     (".", "z"), ("..", "z"), ("a/.", "z"), ("a/..", "z"), ("a", "."),
                     ("a", "x/."), ("a", "x/.."), ("a", "a/."), ("a", "x/y/"), ("x/y", "a/")):
        t(f"rename {old} to {new}", os.rename, old, new)
    wipe()


def lengths():
    deep = "/".join(["d" * 250] * 16)
    write("f")
    os.mkdir("d")
    for name in (LONG, TOO_LONG, "d/" + LONG, "d/" + TOO_LONG, TOO_LONG + "/x", LONG + "/x",
                 "./" * 2046 + "fff", "./" * 2047 + "f", "./" * 2047 + "ff", deep):
        short = name if len(name) < 20 else f"{name[:3]}..{len(name)}"
        for what, call in (("create", lambda: opened(name, os.O_CREAT | os.O_WRONLY)),
                           ("stat", lambda: os.stat(name)), ("unlink", lambda: os.unlink(name)),
                           ("mkdir", lambda: os.mkdir(name)), ("rmdir", lambda: os.rmdir(name)),
                           ("symlink", lambda: os.symlink("x", name)),
                           ("readlink", lambda: os.readlink(name)),
                           ("rename from", lambda: os.rename(name, "g")),
                           ("rename to", lambda: os.rename("f", name)),
                           ("back", lambda: os.rename(name, "f")),
                           ("link to", lambda: os.link("f", name)),
                           ("mkfifo", lambda: os.mkfifo(name)),
                           ("truncate", lambda: os.truncate(name, 1)),
                           ("chmod", lambda: os.chmod(name, 0o600)),
                           ("rmtree", lambda: os.unlink(name))):
            t(f"{short} {what}", call)
    for n in (1, 31, 32, 4094, 4095, 4096):
        t(f"symlink of {n}", os.symlink, "x" * n, f"s{n}")
        t(f"readlink of {n}", lambda: len(os.readlink(f"s{n}")))
    wipe()
    # 40 symbolic links are followed, not one more
    write("l0")
    for i in range(1, 43):
        os.symlink(f"l{i - 1}", f"l{i}")
    for i in (1, 39, 40, 41, 42):
        t(f"{i} links", os.stat, f"l{i}")
        t(f"{i} links, open", opened, f"l{i}", os.O_RDWR)
        t(f"{i} links, nofollow", opened, f"l{i}", os.O_RDONLY | os.O_NOFOLLOW)
    wipe()


def sticky():
    for mode in (0o1777, 0o777, 0o1775, 0o755):
        os.mkdir("s", 0o777)
        os.chmod("s", mode)
        for name in ("root", "mine", "his"):
            write(f"s/{name}")
            os.mkdir(f"s/{name}dir")
        for name, uid in (("mine", USER), ("his", USER + 1)):
            os.chown(f"s/{name}", uid, uid)
            os.chown(f"s/{name}dir", uid, uid)

        def user():
            for name in ("root", "his", "mine"):
                for what, call in (("rename", lambda: os.rename(f"s/{name}", "s/z")),
                                   ("over", lambda: os.rename("s/own", f"s/{name}")),
                                   ("exchange", lambda: renameat2("s/own2", f"s/{name}",
                                                                  RENAME_EXCHANGE)),
                                   ("rmdir", lambda: os.rmdir(f"s/{name}dir")),
                                   ("unlink", lambda: os.unlink(f"s/{name}")),
                                   ("link", lambda: os.link(f"s/{name}", "s/l")),
                                   ("chmod", lambda: os.chmod(f"s/{name}", 0o600))):
                    try:
                        write("s/own")
                        write("s/own2")
                    except OSError:
                        pass
                    t(f"{mode:o} {name} {what}", call)
            t("names", os.listdir, "s")
        as_user(user)
        wipe()


def names():
    global section
    for section, part in (("kinds", kinds), ("renames", renames), ("lengths", lengths),
                          ("sticky", sticky)):
        part()


# ---- permissions ----

def permissions():
    for mode in (0, 0o111, 0o222, 0o333, 0o444, 0o555, 0o666, 0o777):
        os.mkdir("d")
        write("d/f", b"x")
        os.chmod("d/f", 0o666)
        os.chmod("d", mode)
        os.chmod(".", 0o755)

        def user():
            for what, call in (("list", lambda: os.listdir("d")), ("stat", lambda: os.stat("d/f")),
                               ("read", lambda: len(read("d/f"))), ("write", lambda: write("d/f")),
                               ("create", lambda: write("d/g")), ("mkdir", lambda: os.mkdir("d/h")),
                               ("rename", lambda: os.rename("d/f", "d/i")),
                               ("link", lambda: os.link("d/f", "d/j")),
                               ("unlink", lambda: os.unlink("d/f")),
                               ("chdir", lambda: os.chdir("d")),
                               ("access", lambda: [os.access("d", m) for m in (1, 2, 4, 7)])):
                t(f"directory {mode:o}: {what}", call)
        as_user(user)
        wipe()
        write("f", b"#!/bin/true\n")
        os.chmod("f", mode)

        def user2():
            for what in ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_WRONLY|O_TRUNC"):
                t(f"file {mode:o}: {what}", opened, "f",
                  sum(getattr(os, w) for w in what.split("|")))
            t(f"file {mode:o}: truncate", os.truncate, "f", 3)
            t(f"file {mode:o}: utime now", os.utime, "f")
            t(f"file {mode:o}: utime", os.utime, "f", ns=(1, 1))
            t(f"file {mode:o}: access", lambda: [os.access("f", m) for m in (1, 2, 4)])
        as_user(user2)
        wipe()
    # what is made: by whom, with which bits
    os.chmod(".", 0o777)
    for bits in (0o777, 0o2777, 0o1777, 0o6777):
        os.mkdir("d")
        os.chown("d", 5, 6)
        os.chmod("d", bits)

        def maker():
            os.umask(0o002)
            for name, call in (("file", lambda: opened("d/f", os.O_CREAT | os.O_RDWR, 0o7777)),
                               ("dir", lambda: os.mkdir("d/d", 0o7777)),
                               ("fifo", lambda: os.mkfifo("d/p", 0o7777)),
                               ("device", lambda: os.mknod("d/c", stat.S_IFCHR | 0o600,
                                                           os.makedev(1, 3)))):
                t(f"in {bits:o}: {name}", call)
            for name in sorted(os.listdir("d")):
                t(f"in {bits:o}: {name} is", os.lstat, f"d/{name}")
                t(f"in {bits:o}: {name} chmod", os.chmod, f"d/{name}", 0o7777)
                t(f"in {bits:o}: {name} is", os.lstat, f"d/{name}")
        as_user(maker)
        wipe()


# ---- data ----

def transfers():
    """copy_file_range, sendfile, splice: lengths and bytes."""
    data = bytes(i * 7 & 255 for i in range(100000))
    write("a", data)
    write("b", b"z" * 5000)
    a, b = os.open("a", os.O_RDWR), os.open("b", os.O_RDWR)
    for count, src, dst in ((10, 0, 0), (10, 99995, 0), (10, 100000, 0), (10, 200000, 7),
                            (0, 0, 0), (4096, 4096, 8192), (100000, 0, 0), (8192, 1, 3),
                            (1 << 40, 50000, 1), (100, 0, 300000)):
        t(f"copy {count} from {src} to {dst}", os.copy_file_range, a, b, count, src, dst)
        t("size", lambda: os.fstat(b).st_size)
        t("sum", lambda: sum(os.pread(b, 1 << 20, 0)))
    t("copy within, overlapping", os.copy_file_range, a, a, 100, 0, 50)
    t("copy within", os.copy_file_range, a, a, 100, 0, 70000)
    t("copy at the positions", os.copy_file_range, a, b, 1000)
    t("positions", lambda: [os.lseek(a, 0, 1), os.lseek(b, 0, 1)])
    t("negative", os.copy_file_range, a, b, 10, -1, 0)
    with_fd("b", os.O_RDONLY, lambda fd: t("to read-only", os.copy_file_range, a, fd, 10, 0, 0))
    with_fd("b", os.O_WRONLY, lambda fd: t("from write-only", os.copy_file_range, fd, a, 10, 0, 0))
    with_fd("b", os.O_WRONLY | os.O_APPEND,
            lambda fd: t("to append", os.copy_file_range, a, fd, 10, 0, 0))
    with_fd(".", os.O_RDONLY, lambda fd: t("from a directory", os.copy_file_range, fd, b, 10, 0, 0))
    other = os.open("/dev/shm/other", os.O_CREAT | os.O_RDWR)
    t("to another file system", os.copy_file_range, a, other, 10, 0, 0)
    t("from another file system", os.copy_file_range, other, a, 10, 0, 0)
    for count, offset in ((10, 0), (100000, 3), (100, 99990), (10, 100000)):
        os.ftruncate(other, 0)
        os.lseek(other, 0, 0)
        t(f"sendfile {count} from {offset}", os.sendfile, other, a, offset, count)
        t("sum", lambda: sum(os.pread(other, 1 << 20, 0)))
    os.lseek(other, 0, 0)
    os.lseek(b, 100, 0)
    t("sendfile into", os.sendfile, b, other, 0, 50)
    r, w = os.pipe()
    t("splice to a pipe", os.splice, a, w, 30000, 17)
    t("splice from a pipe", os.splice, r, b, 30000, None, 123)
    t("splice at the end", os.splice, a, w, 30, 100000)
    t("sum", lambda: sum(os.pread(b, 1 << 20, 0)))
    for fd in (a, b, other, r, w):
        os.close(fd)
    os.unlink("/dev/shm/other")
    wipe()


def limits():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
    fd = os.open("f", os.O_CREAT | os.O_RDWR)
    for name, call in (("write to the limit", lambda: os.pwrite(fd, b"x" * 10000, 15000)),
                       ("write behind it", lambda: os.pwrite(fd, b"x", 20000)),
                       ("truncate", lambda: os.ftruncate(fd, 20001)),
                       ("truncate to it", lambda: os.ftruncate(fd, 20000)),
                       ("fallocate", lambda: fallocate(fd, 0, 0, 20001)),
                       ("fallocate keep", lambda: fallocate(fd, KEEP, 0, 30000))):
        t(name, call)
        t("size", lambda: os.fstat(fd).st_size)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    top_byte = (1 << 63) - 1
    for name, call in (("write at the end of time", lambda: os.pwrite(fd, b"x", top_byte)),
                       ("truncate to it", lambda: os.ftruncate(fd, top_byte)),
                       ("negative size", lambda: os.ftruncate(fd, -1)),
                       ("fallocate over it", lambda: fallocate(fd, 0, top_byte, 1)),
                       ("fallocate of nothing", lambda: fallocate(fd, 0, 0, 0)),
                       ("negative fallocate", lambda: fallocate(fd, 0, -1, 10)),
                       ("unknown fallocate", lambda: fallocate(fd, 0x100, 0, 10)),
                       ("punch without keep", lambda: fallocate(fd, 2, 0, 10)),
                       ("seek", lambda: os.lseek(fd, -1, 0)),
                       ("seek data", lambda: os.lseek(fd, 1 << 40, 3)),
                       ("read behind the end", lambda: os.pread(fd, 10, 1 << 40))):
        t(name, call)
    os.close(fd)
    wipe()


# ---- locks ----

def lock_word(kind, start, length, whence=0):
    return struct.pack("hhqqi", kind, whence, start, length, 0)


def seen_lock(raw):
    kind, whence, start, length = struct.unpack("hhqqi", raw)[:4]
    return f"{kind} {whence} {start} {length}"


def child_says(func):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        func()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)


def locks():
    ofd_get, ofd_set = 36, 37
    write("f", b"x" * 100)
    a, b = os.open("f", os.O_RDWR), os.open("f", os.O_RDWR)
    ro = os.open("f", os.O_RDONLY)

    def other():
        for kind in (fcntl.F_RDLCK, fcntl.F_WRLCK):
            for start, length in ((0, 10), (10, 10), (50, 0), (5, 20)):
                t(f"test {kind} {start} {length}", lambda: seen_lock(
                    fcntl.fcntl(b, fcntl.F_GETLK, lock_word(kind, start, length))))
                t(f"take {kind} {start} {length}", lambda: seen_lock(
                    fcntl.fcntl(b, fcntl.F_SETLK, lock_word(kind, start, length))))
    for kind, start, length in ((fcntl.F_WRLCK, 0, 15), (fcntl.F_RDLCK, 5, 10),
                                (fcntl.F_UNLCK, 7, 3), (fcntl.F_WRLCK, 60, 0)):
        t(f"lock {kind} {start} {length}",
          lambda: seen_lock(fcntl.fcntl(a, fcntl.F_SETLK, lock_word(kind, start, length))))
        child_says(other)
    t("a write lock of read-only", lambda: fcntl.fcntl(ro, fcntl.F_SETLK,
                                                      lock_word(fcntl.F_WRLCK, 0, 1)) and None)
    os.close(os.open("f", os.O_RDONLY))
    child_says(other)
    # of open files
    for fd, kind in ((a, fcntl.F_RDLCK), (b, fcntl.F_RDLCK), (b, fcntl.F_WRLCK),
                     (a, fcntl.F_UNLCK), (b, fcntl.F_WRLCK), (a, fcntl.F_RDLCK)):
        t(f"ofd {kind}", lambda: seen_lock(fcntl.fcntl(fd, ofd_set, lock_word(kind, 0, 0))))
        t("ofd test", lambda: seen_lock(fcntl.fcntl(fd, ofd_get, lock_word(fcntl.F_WRLCK, 0, 0))))
    for fd, how in ((a, fcntl.LOCK_SH), (b, fcntl.LOCK_SH), (b, fcntl.LOCK_EX),
                    (a, fcntl.LOCK_UN), (b, fcntl.LOCK_EX), (a, fcntl.LOCK_SH),
                    (b, fcntl.LOCK_UN), (a, fcntl.LOCK_EX)):
        t(f"flock {how}", fcntl.flock, fd, how | fcntl.LOCK_NB)
    for fd in (a, b, ro):
        os.close(fd)
    wipe()


def leases():
    write("f")
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    a = os.open("f", os.O_RDWR)
    ro = os.open("f", os.O_RDONLY)
    for fd, kind in ((a, fcntl.F_RDLCK), (a, fcntl.F_WRLCK), (ro, fcntl.F_RDLCK)):
        t(f"lease {kind} of one of two", fcntl.fcntl, fd, fcntl.F_SETLEASE, kind)
    os.close(ro)
    t("write lease", fcntl.fcntl, a, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    t("which", fcntl.fcntl, a, fcntl.F_GETLEASE)
    child_says(lambda: t("open it", opened, "f", os.O_RDONLY | os.O_NONBLOCK))
    t("which", fcntl.fcntl, a, fcntl.F_GETLEASE)
    t("give it back", fcntl.fcntl, a, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os.close(a)
    ro = os.open("f", os.O_RDONLY)
    t("read lease", fcntl.fcntl, ro, fcntl.F_SETLEASE, fcntl.F_RDLCK)

    def break_it():
        t("open to read", opened, "f", os.O_RDONLY | os.O_NONBLOCK)
        t("open to write", opened, "f", os.O_WRONLY | os.O_NONBLOCK)
    child_says(break_it)
    t("which", fcntl.fcntl, ro, fcntl.F_GETLEASE)
    t("give it back", fcntl.fcntl, ro, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os.mkdir("d")
    with_fd("d", os.O_RDONLY, lambda fd: t("of a directory", fcntl.fcntl, fd, fcntl.F_SETLEASE,
                                           fcntl.F_RDLCK))
    os.close(ro)
    wipe()


# ---- what leaves which mark ----

def moved(path, call):
    """What the call says, and which times of the file it moved."""
    os.utime(path, (1, 1), follow_symlinks=False)
    before = os.lstat(path).st_ctime_ns
    # the clock that files go by ticks
    while time.clock_gettime_ns(CLOCK_COARSE) <= before:
        pass
    said = "ok"
    try:
        call()
    except OSError as e:
        said = errno.errorcode[e.errno]
    st = os.lstat(path)
    marks = (("a", st.st_atime_ns != 10 ** 9), ("m", st.st_mtime_ns != 10 ** 9),
             ("c", st.st_ctime_ns != before))
    return f"{said} {''.join(name for name, is_new in marks if is_new)}"


def bad_call(name, fd, length, pos):
    """pread or pwrite whose memory is not there."""
    from nstest import LIBC
    if getattr(LIBC, name)(fd, ctypes.c_void_p(4096), ctypes.c_size_t(length),
                           ctypes.c_long(pos)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def store_behind_end(memory):
    """In a child, which a SIGBUS ends."""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        memory[2 * mmap.PAGESIZE] = 1
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGBUS:
        raise OSError(errno.ECHILD, "no SIGBUS")


def transfer_marks(fd):
    os.ftruncate(fd, 3 * mmap.PAGESIZE)
    memory = mmap.mmap(fd, 3 * mmap.PAGESIZE)
    os.ftruncate(fd, 5000)
    for label, call in (
            ("read", lambda: os.pread(fd, 10, 0)),
            ("read at the end", lambda: os.pread(fd, 10, 5000)),
            ("read of nothing", lambda: os.pread(fd, 0, 0)),
            ("read to nowhere", lambda: bad_call("pread", fd, 10, 0)),
            ("write", lambda: os.pwrite(fd, b"x", 0)),
            ("write of nothing", lambda: os.pwrite(fd, b"", 0)),
            ("write from nowhere", lambda: bad_call("pwrite", fd, 10, 0)),
            ("store behind the end", lambda: store_behind_end(memory))):
        t(label, moved, "f", call)
    memory.close()


def size_marks(fd):
    for label, call in (
            ("truncate", lambda: os.truncate("f", 4000)),
            ("truncate to what it is", lambda: os.truncate("f", 4000)),
            ("ftruncate to what it is", lambda: os.ftruncate(fd, 4000)),
            ("truncate of nothing", lambda: (os.truncate("f", 0), os.truncate("f", 0))),
            ("truncate an empty one", lambda: os.truncate("f", 0)),
            ("O_TRUNC an empty one", lambda: opened("f", os.O_WRONLY | os.O_TRUNC)),
            ("allocate", lambda: fallocate(fd, 0, 0, 9000)),
            ("allocate behind", lambda: fallocate(fd, KEEP, 20000, 9000)),
            # not behind the end: there ext4 is of two minds from kernel to kernel
            ("punch", lambda: fallocate(fd, PUNCH, 4096, 100))):
        t(label, moved, "f", call)


def privilege_marks():
    """The s bits after a user has punched."""
    def user():
        fd = os.open("s", os.O_RDWR)
        t("s bits", os.stat, "s")
        t("punch", fallocate, fd, PUNCH, 0, 4096)
        t("s bits", os.stat, "s")
        os.close(fd)
    write("s", b"x" * 9000)
    os.chown("s", USER, USER)
    os.chmod("s", 0o6755)
    as_user(user)


def copy_marks():
    for size, length in ((9000, 8999), (9000, 9000), (4097, 4097), (8192, 8192), (100, 200)):
        write("from", os.urandom(size))
        write("to", b"")
        src, dst = os.open("from", os.O_RDONLY), os.open("to", os.O_RDWR)
        t(f"copy {length} of {size}", os.copy_file_range, src, dst, length, 0, 0)
        t(f"copied {length} of {size}", lambda: read("from")[:length] == read("to"))
        t("source", moved, "from", lambda: os.copy_file_range(src, dst, length, 0, 0))
        t("target", moved, "to", lambda: os.copy_file_range(src, dst, length, 0, 0))
        os.close(src)
        os.close(dst)


def attribute_marks():
    for label, call in (
            ("no ACL to take away", lambda: os.removexattr("f", "system.posix_acl_access")),
            ("chmod to what it is", lambda: os.chmod("f", 0o644)),
            ("chown to what it is", lambda: os.chown("f", 0, 0)),
            ("chattr", lambda: set_flags("f", NOATIME)),
            ("link and unlink", lambda: (os.link("f", "h"), os.unlink("h"))),
            ("rename", lambda: (os.rename("f", "g"), os.rename("g", "f")))):
        t(label, moved, "f", call)


def blocks_of_nothing():
    fd = os.open("f", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    t("write from nowhere", bad_call, "pwrite", fd, 30000, 0)
    t("its blocks", lambda: os.fstat(fd).st_blocks)
    os.ftruncate(fd, 1 << 20)
    t("into a hole", bad_call, "pwrite", fd, 30000, 8192)
    t("data", os.lseek, fd, 0, os.SEEK_DATA)
    os.close(fd)


def fixed():
    """What is immutable stays so and nothing else comes or goes with it."""
    write("i", b"")
    set_flags("i", IMMUTABLE)
    for label, flags in (("the same", IMMUTABLE), ("and append", IMMUTABLE | APPEND),
                         ("and noatime", IMMUTABLE | NOATIME), ("another", APPEND)):
        t(f"immutable: {label}", set_flags, "i", flags)
        t(f"immutable: {label}: flags", visible_flags, "i")
    set_flags("i", 0)


def marks():
    write("f", b"x" * 5000)
    fd = os.open("f", os.O_RDWR)
    transfer_marks(fd)
    size_marks(fd)
    os.close(fd)
    attribute_marks()
    wipe()
    privilege_marks()
    copy_marks()
    blocks_of_nothing()
    fixed()
    wipe()


# ---- ioctl ----

def ioctls():
    write("f", b"x" * 1000)
    os.mkdir("d")
    for name in ("f", "d"):
        fd = os.open(name, os.O_RDONLY)
        word = bytearray(8)
        for what, number in (("isatty", 0x5401), ("window size", 0x5413), ("FIGETBSZ", 2),
                             ("FIONREAD", 0x541b), ("unknown", 0x80047a7a), ("FIOQSIZE", 0x5460),
                             ("nothing", 0x7a7a), ("GETVERSION, bad", 0x80087601)):
            t(f"{name} {what}", fcntl.ioctl, fd, number, word)
        t(f"{name} isatty", os.isatty, fd)
        os.close(fd)

    def user():
        with_fd("d", os.O_RDONLY, lambda fd: t("trim as a user", fcntl.ioctl, fd, 0xc0185879,
                                               bytearray(24)))
    as_user(user)
    wipe()


PARTS = {"flags": flags, "names": names, "permissions": permissions, "transfers": transfers,
         "limits": limits, "locks": locks, "leases": leases, "ioctls": ioctls, "marks": marks}
os.umask(0o022)
os.chdir(sys.argv[1])
top = os.getcwd()
for part in sys.argv[2:] or PARTS:
    section = part
    PARTS[part]()
