# SPDX-License-Identifier: BSD-2-Clause
"""An idmapped mount: ids of the file system 0..9999 appear as 10000..19999. Called by idmap.sh
with the folder to show and the one to show it in; sets all of it up and takes it down."""

import ctypes
import struct
import sys

from xtest import *

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
OPEN_TREE_CLONE, AT_RECURSIVE, AT_EMPTY_PATH = 1, 0x8000, 0x1000
MOVE_MOUNT_F_EMPTY_PATH = 4
MOUNT_ATTR_IDMAP = 0x100000
CLONE_NEWUSER = 0x10000000
LIBC = ctypes.CDLL(None, use_errno=True)
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
CAP = "security.capability"


def check(ret):
    if ret < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return ret


def user_namespace(first, outside, count):
    """An fd of one with this map; nobody lives in it."""
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        check(LIBC.unshare(CLONE_NEWUSER))
        os.write(ready[1], b"x")
        os.close(go[1])
        os.read(go[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    for kind in "uid", "gid":
        with open(f"/proc/{pid}/{kind}_map", "w") as f:
            f.write(f"{first} {outside} {count}")
    fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    os.close(go[1])
    os.waitpid(pid, 0)
    return fd


def mount_idmapped(source, target, ns):
    tree = check(LIBC.syscall(OPEN_TREE, -100, source.encode(),
                              OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC))
    attr = struct.pack("<QQQQ", MOUNT_ATTR_IDMAP, 0, 0, ns)
    check(LIBC.syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, attr, len(attr)))
    check(LIBC.syscall(MOVE_MOUNT, tree, b"", -100, target.encode(), MOVE_MOUNT_F_EMPTY_PATH))
    os.close(tree)


def encode(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


def users_of(path, kind=ACCESS):
    data = os.getxattr(path, kind)
    return [(tag, perm, who) for tag, perm, who in struct.iter_unpack("<HHI", data[4:])
            if tag in (2, 8)]


def own(*paths):
    for path in paths:
        st = os.lstat(path)
        print(os.path.basename(path), st.st_uid, st.st_gid, oct(st.st_mode))


source, target = sys.argv[1:]
os.chdir("/")
plain = lambda name: f"{source}/{name}"
mapped = lambda name: f"{target}/{name}"
ns = user_namespace(0, 10000, 10000)
say("mount", mount_idmapped, source, target, ns)

# owners, both ways
touch(plain("a"))
os.chown(plain("a"), 1000, 1001)
own(plain("a"), mapped("a"))
os.chmod(source, 0o777)


def inside(uid):
    touch(mapped(f"made{uid}"), 0o640)
    os.mkdir(mapped(f"dir{uid}"))
    os.symlink("x", mapped(f"link{uid}"))
    fd = os.open(target, os.O_TMPFILE | os.O_RDWR, 0o600)
    st = os.fstat(fd)
    print("tmpfile", st.st_uid, st.st_gid)


for uid in 10000, 11000:
    as_user(uid, inside, uid)
    own(*(f(f"{kind}{uid}") for kind in ("made", "dir", "link") for f in (plain, mapped)))
# ids that are nobody there
for uid in 5, 20000:
    as_user(uid, lambda: say(f"{uid} makes", touch, mapped("no")))
    as_user(uid, lambda: say(f"{uid} makes", os.mkdir, mapped("no")))
say("exists", os.path.exists, plain("no"))
for ids in (11000, -1), (-1, 11000), (10000, 10000), (5, -1), (-1, 20000), (0, 0):
    say(f"chown {ids}", os.chown, mapped("a"), *ids)
    own(plain("a"), mapped("a"))
touch(plain("far"))
os.chown(plain("far"), 50000, 50000)
own(mapped("far"))
say("chmod of a stranger's", os.chmod, mapped("far"), 0o600)
say("write to a stranger's", lambda: open(mapped("far"), "a").close())

# s bits, setgid directories
os.chown(plain("a"), 1000, 1001)
os.chmod(plain("a"), 0o6777)


def write_it():
    with open(mapped("a"), "ab") as f:
        f.write(b"x")


as_user(11000, write_it)
own(plain("a"))
os.mkdir(plain("g"))
os.chown(plain("g"), 0, 500)
os.chmod(plain("g"), 0o2777)


def in_group(name):
    fd = os.open(mapped(f"g/{name}"), os.O_CREAT | os.O_WRONLY, 0o2755)
    os.close(fd)
    os.mkdir(mapped(f"g/{name}.d"))


as_user(11000, in_group, "stranger")
as_user(11000, in_group, "member", gids=(10500,))
for name in ("stranger", "stranger.d", "member", "member.d"):
    own(plain(f"g/{name}"), mapped(f"g/{name}"))

# ACLs: ids are those that the caller sees; permissions count so
one = encode((1, 6, 2**32 - 1), (2, 4, 11000), (4, 0, 2**32 - 1), (8, 6, 10500),
             (16, 6, 2**32 - 1), (32, 0, 2**32 - 1))
say("set", os.setxattr, mapped("a"), ACCESS, one)
say("plain", users_of, plain("a"))
say("mapped", users_of, mapped("a"))
say("of a stranger", os.setxattr, mapped("a"), ACCESS, one.replace(struct.pack("<I", 11000),
                                                                  struct.pack("<I", 7)))
os.chown(plain("a"), 3, 3)
for uid, gids in (11000, ()), (1000, ()), (12000, (10500,)), (12000, (500,)), (12000, ()):
    as_user(uid, lambda: say(f"{uid} {gids} mapped", lambda: [
        os.access(mapped("a"), how, effective_ids=True) for how in (4, 2)]), gids=gids)
say("default", os.setxattr, mapped("g"), DEFAULT, one)
as_user(11000, in_group, "inherits", gids=(10500,))
say("inherited, plain", users_of, plain("g/inherits"))
say("inherited, mapped", users_of, mapped("g/inherits"))
own(plain("g/inherits"), mapped("g/inherits"))
say("chmod", os.chmod, mapped("g/inherits"), 0o710)
own(plain("g/inherits"))

# capabilities, other attributes
os.chown(plain("a"), 0, 0)
data = struct.pack("<IIIII", 2 << 24 | 1, 1 << 13, 0, 0, 0)
say("capability", os.setxattr, mapped("a"), CAP, data)
say("the plain way", os.setxattr, plain("a"), CAP, data)
say("plain", os.getxattr, plain("a"), CAP)
say("mapped", os.getxattr, mapped("a"), CAP)
say("trusted", os.setxattr, mapped("a"), "trusted.x", b"1")
os.chown(plain("a"), 1000, 1000)
os.chmod(plain("a"), 0o644)
as_user(11000, lambda: say("its own", os.setxattr, mapped("a"), "user.x", b"1"))
as_user(11000, lambda: say("by the plain name", os.setxattr, plain("a"), "user.x", b"1"))
as_user(1000, lambda: say("the other way round", os.setxattr, mapped("a"), "user.x", b"1"))
check(LIBC.umount2(target.encode(), 0))
