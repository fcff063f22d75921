# SPDX-License-Identifier: BSD-2-Clause
"""Attributes: names, values, flags, lists, namespaces, who may do what."""

from xtest import *

CREATE, REPLACE = os.XATTR_CREATE, os.XATTR_REPLACE


def value(size):
    return bytes((i * 7 + i // 251) & 255 for i in range(size))


def get_with(path, name, size):
    """getxattr(2) with a buffer of this size."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    buf = ctypes.create_string_buffer(max(size, 1))
    n = libc.getxattr(path.encode(), name.encode(), buf, ctypes.c_size_t(size))
    if n < 0:
        raise OSError(ctypes.get_errno(), "getxattr")
    return n, buf.raw[:min(n, size)] == value(n)[:min(n, size)]


def list_with(path, size):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    buf = ctypes.create_string_buffer(max(size, 1))
    n = libc.listxattr(path.encode(), buf, ctypes.c_size_t(size))
    if n < 0:
        raise OSError(ctypes.get_errno(), "listxattr")
    return n


touch("f")
os.mkdir("d")
os.symlink("f", "l")
os.mkfifo("p")
os.mknod("c", 0o20644, os.makedev(1, 3))

# flags
say("none", os.getxattr, "f", "user.a")
say("list of none", os.listxattr, "f")
say("remove none", os.removexattr, "f", "user.a")
say("replace none", os.setxattr, "f", "user.a", b"1", REPLACE)
say("create", os.setxattr, "f", "user.a", b"1", CREATE)
say("create again", os.setxattr, "f", "user.a", b"2", CREATE)
say("get", os.getxattr, "f", "user.a")
say("replace", os.setxattr, "f", "user.a", b"three", REPLACE)
say("get", os.getxattr, "f", "user.a")
say("both flags", os.setxattr, "f", "user.a", b"x", CREATE | REPLACE)
say("empty", os.setxattr, "f", "user.e", b"")
say("get empty", os.getxattr, "f", "user.e")
say("get empty", get_with, "f", "user.e", 0)
say("list", os.listxattr, "f")
say("remove empty", os.removexattr, "f", "user.e")
say("list", os.listxattr, "f")
say("remove", os.removexattr, "f", "user.a")
say("list", os.listxattr, "f")

# sizes
for size in (0, 1, 255, 256, 257, 511, 512, 513, 4000, 4096, 4097, 20000, 65000, 65400,
             65480, 65488, 65489, 65535, 65536, 65537):
    if size > 20000 and "large-values" in os.environ.get("LACKS", "").split():
        continue
    say(f"set {size}", os.setxattr, "d", "user.size", value(size))
    say(f"get {size}", os.getxattr, "d", "user.size")
    for room in (0, 1, size - 1, size, size + 1, 65536, 70000):
        if room >= 0:
            say(f"get {size} with {room}", get_with, "d", "user.size", room)
os.removexattr("d", "user.size")

# names
for n in (1, 249, 250, 251, 300):
    say(f"name of 5 and {n}", os.setxattr, "f", "user." + "n" * n, b"v")
    say(f"name of 5 and {n}", os.getxattr, "f", "user." + "n" * n)
say("list", os.listxattr, "f")
for name in ("user.", "user", "", "nobody.x", "system.x", "system.posix_acl", "osx.x", "trusted.",
             "security.", "user.\xff\x01", "user.user.user.x", "USER.x"):
    say(f"name {name!r}", os.setxattr, "f", name, b"v")
    say(f"name {name!r}", os.getxattr, "f", name)
    say(f"name {name!r}", os.removexattr, "f", name)
for name in os.listxattr("f"):
    os.removexattr("f", name)

# lists: of one name, of many, too large for the buffer, and of as many as can be
for i in range(20):
    os.setxattr("f", f"user.{i:0100}", b"x")
say("list", lambda: [n.lstrip("user.0") for n in os.listxattr("f")])
say("size", list_with, "f", 0)
for room in (1, 105, 106, 106 * 20 - 1, 106 * 20, 65536, 100000):
    say(f"list with {room}", list_with, "f", room)

# namespaces
for name in ("user.n", "trusted.n", "security.n"):
    say(name, os.setxattr, "d", name, name.encode())
say("list of root", os.listxattr, "d")
for name in ("user.n", "trusted.n", "security.n"):
    say(name, os.getxattr, "d", name)


def stranger():
    say("list of 1000", os.listxattr, "d")
    for name in ("user.n", "trusted.n", "security.n"):
        say(f"1000 gets {name}", os.getxattr, "d", name)
        say(f"1000 sets {name}", os.setxattr, "d", name, b"x")
        say(f"1000 removes {name}", os.removexattr, "d", name)
        say(f"1000 sets new {name}", os.setxattr, "own", name + "2", b"x")
        say(f"1000 gets new {name}", os.getxattr, "own", name + "2")


touch("own", 0o644)
os.chown("own", 1000, 1000)
as_user(1000, stranger)
os.chmod("f", 0o200)
os.chown("f", 1000, 1000)
as_user(1000, lambda: say("unreadable", os.getxattr, "f", f"user.{1:0100}"))
os.chmod("f", 0o400)
as_user(1000, lambda: say("unwritable", os.setxattr, "f", "user.x", b""))
os.mkdir("sticky")
os.chmod("sticky", 0o1777)
as_user(1000, lambda: say("sticky directory", os.setxattr, "sticky", "user.x", b"x"))

# kinds of files
for path in ("l", "p", "c"):
    for name in ("user.x", "trusted.x", "security.x"):
        say(f"{path} {name}", os.setxattr, path, name, b"1", follow_symlinks=False)
        say(f"{path} {name}", os.getxattr, path, name, follow_symlinks=False)
    say(path, os.listxattr, path, follow_symlinks=False)
say("through the link", os.setxattr, "l", "user.x", b"1")
say("through the link", os.getxattr, "f", "user.x")

# they belong to the inode: names, the cache, time
drop_caches()
os.link("own", "own2")
os.setxattr("own", "user.shared", b"yes")
say("other name", os.getxattr, "own2", "user.shared")
drop_caches()
say("after eviction", os.getxattr, "own2", "user.shared")
say("large, after eviction", os.listxattr, "d")
st = os.stat("own")
tick()
os.setxattr("own", "user.t", b"1")
new = os.stat("own")
print("set: ctime", new.st_ctime_ns > st.st_ctime_ns, "mtime", new.st_mtime_ns > st.st_mtime_ns)
tick()
os.removexattr("own", "user.t")
print("remove: ctime", os.stat("own").st_ctime_ns > new.st_ctime_ns)
new = os.stat("own")
tick()
say("refused", os.removexattr, "own", "user.t")
print("refused: ctime", os.stat("own").st_ctime_ns > new.st_ctime_ns)
fd = os.open("own", os.O_RDONLY)
os.unlink("own")
os.unlink("own2")
say("unlinked", os.setxattr, fd, "user.late", b"1")
say("unlinked", os.getxattr, fd, "user.late")
os.close(fd)
