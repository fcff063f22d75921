# SPDX-License-Identifier: BSD-2-Clause
"""POSIX ACLs: set, shown, obeyed, inherited; what they and the mode do to each other."""

import socket
import struct

from xtest import *

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
TAGS = {"u": 1, "U": 2, "g": 4, "G": 8, "m": 16, "o": 32}


def encode(text):
    """u:7 U:1000:6 g:5 m:7 o:0, the header of the system call first."""
    out = struct.pack("<I", 2)
    for entry in text.split():
        tag, *who, perm = entry.split(":")
        out += struct.pack("<HHI", TAGS[tag], int(perm, 16), int(who[0]) if who else 0xffffffff)
    return out


def decode(data):
    names = {v: k for k, v in TAGS.items()}
    words = []
    for tag, perm, who in struct.iter_unpack("<HHI", data[4:]):
        words.append(names[tag] + (f":{who}" if names[tag] in "UG" else "") + f":{perm:o}")
    return " ".join(words)


def acl(path, kind=ACCESS):
    return result(lambda: decode(os.getxattr(path, kind))).strip("'")


def show(what, path):
    print(f"{what}: {mode(path)} access {acl(path)} default {acl(path, DEFAULT)} "
          f"list {result(os.listxattr, path)}")


def set_acl(path, text, kind=ACCESS):
    return os.setxattr(path, kind, encode(text))


def ctime(path):
    return os.stat(path).st_ctime_ns


touch("f", 0o640)
os.mkdir("d", 0o750)
os.mkfifo("p")
os.symlink("f", "l")

# set and shown; what is the mode alone is not kept
show("none", "f")
before = ctime("f")
tick()
say("named user", set_acl, "f", "u:6 U:1000:7 g:4 m:7 o:0")
show("named user", "f")
print("ctime moved", ctime("f") > before)
say("only a mode", set_acl, "f", "u:7 g:5 o:1")
show("only a mode", "f")
say("mask below the group", set_acl, "f", "u:6 g:7 G:500:7 m:4 o:0")
show("mask below the group", "f")
say("removed", os.removexattr, "f", ACCESS)
show("removed", "f")
say("removed again", os.removexattr, "f", ACCESS)
say("empty", os.setxattr, "f", ACCESS, struct.pack("<I", 2))
say("no value", os.setxattr, "f", ACCESS, b"")
for bad in ("u:6 U:1000:7 g:4 o:0", "u:6", "u:6 g:4 o:8", "g:4 u:6 o:0", "u:6 u:6 g:0 o:0",
            "u:6 U:2:1 U:1:1 g:0 m:0 o:0", "u:6 G:1:1 g:0 m:0 o:0"):
    say(f"bad {bad!r}", set_acl, "f", bad)
say("bad header", os.setxattr, "f", ACCESS, struct.pack("<I", 1) + encode("u:6 g:4 o:0")[4:])
say("cut", os.setxattr, "f", ACCESS, encode("u:6 g:4 o:0")[:-3])
show("after the bad ones", "f")
say("default of a file", set_acl, "f", "u:7 g:7 o:7", DEFAULT)
say("no default of a file", os.removexattr, "f", DEFAULT)
say("of a link", os.setxattr, "l", ACCESS, encode("u:7 g:7 o:7"), follow_symlinks=False)
say("of a pipe", set_acl, "p", "u:6 U:7:6 g:6 m:6 o:6")
show("of a pipe", "p")
many = " ".join(f"U:{uid}:5" for uid in range(1000, 1300))
say("300 users", set_acl, "d", f"u:7 {many} g:0 m:5 o:0")
show("300 users", "d")
drop_caches()
show("300 users, read again", "d")
os.removexattr("d", ACCESS)

# the mode
set_acl("f", "u:6 U:1000:7 g:4 m:7 o:0")
for m in (0o700, 0o070, 0o007, 0o6755, 0o600):
    say(f"chmod {m:o}", os.chmod, "f", m)
    show(f"chmod {m:o}", "f")
drop_caches()
show("read again", "f")
os.chmod("f", 0o666)


# obeyed
def access(*paths):
    for path in paths:
        say(f"{os.getuid()} {path}", lambda: "".join(
            c if os.access(path, b, effective_ids=True) else "-"
            for c, b in (("r", 4), ("w", 2), ("x", 1))))
        say(f"{os.getuid()} opens {path}", lambda: os.close(os.open(path, os.O_RDONLY)))


touch("x", 0o600)
set_acl("x", "u:0 U:1000:7 U:1001:4 g:2 G:500:1 G:501:4 m:5 o:7")
os.chown("x", 10, 20)
drop_caches()
for uid, gids in ((10, ()), (1000, ()), (1001, (500,)), (1002, (20,)), (1002, (500,)),
                  (1002, (500, 501)), (1002, ())):
    as_user(uid, access, "x", gids=gids)
os.mkdir("in")
touch("in/f", 0o644)
set_acl("in", "u:7 U:1000:5 g:7 m:7 o:0")
for uid in (1000, 1001):
    as_user(uid, access, "in", "in/f")


# who may set them; setgid of one who is not in the group
def strangers():
    say("1000 sets", set_acl, "f", "u:7 g:7 o:7")
    say("1000 removes", os.removexattr, "f", ACCESS)
    say("1000 sets its own", set_acl, "own", "u:7 U:5:5 g:5 m:5 o:1")
    show("1000's own", "own")


touch("own")
os.chown("own", 1000, 20)
os.chmod("own", 0o2755)
as_user(1000, strangers)
show("own", "own")

# inherited
def make(where, mask):
    old = os.umask(mask)
    touch(f"{where}/f666", 0o666)
    touch(f"{where}/f640", 0o640)
    os.mkdir(f"{where}/d777", 0o777)
    os.mkdir(f"{where}/d700", 0o700)
    os.mkfifo(f"{where}/p", 0o666)
    os.mknod(f"{where}/c", 0o20666, os.makedev(1, 3))
    os.symlink("f", f"{where}/l")
    s = socket.socket(socket.AF_UNIX)
    s.bind(f"{where}/s")
    s.close()
    fd = os.open(where, os.O_TMPFILE | os.O_RDWR, 0o666)
    os.link(f"/proc/self/fd/{fd}", f"{where}/tmp", src_dir_fd=fd)
    os.close(fd)
    os.umask(old)
    for again in "", ", read again":
        for name in sorted(os.listdir(where)):
            if name != "l":
                show(f"{where}/{name}{again}", f"{where}/{name}")
        link = f"{where}/l"
        print(f"{link}{again}: {mode(link)}", os.listxattr(link, follow_symlinks=False))
        drop_caches()


for i, default in enumerate((None, "u:7 U:1000:7 g:5 m:7 o:0", "u:6 g:4 o:1",
                             "u:7 U:1000:2 U:1001:7 g:7 G:500:7 m:3 o:7")):
    for mask in (0, 0o027, 0o777):
        where = f"inherit{i}-{mask:o}"
        os.mkdir(where, 0o2755)
        os.chown(where, 0, 500)
        os.chmod(where, 0o2755)
        if default:
            set_acl(where, default, DEFAULT)
        show(where, where)
        make(where, mask)
os.mkdir("inherit1-0/d777/deep")
touch("inherit1-0/d777/deep/f", 0o600)
show("deep", "inherit1-0/d777/deep")
show("deep", "inherit1-0/d777/deep/f")
say("default removed", os.removexattr, "inherit1-0/d777", DEFAULT)
touch("inherit1-0/d777/plain")
show("without default", "inherit1-0/d777/plain")

# names that move and links keep them
os.rename("inherit1-0/f666", "moved")
os.link("moved", "linked")
show("moved", "linked")
os.chmod("linked", 0)
show("the other name", "moved")
