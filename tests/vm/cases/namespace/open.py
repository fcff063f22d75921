# SPDX-License-Identifier: BSD-2-Clause
"""open(2) of names that are in no cache: results, and the messages that they cost.

Environment: mnt; how=excl: the server says itself that a name exists, plain: it does not.
"""

import errno
import os
import subprocess

from nstest import drop_caches, eq, refused

SERVER = ["/run/rawserver", "--socket", "/run/rawserver.sock", "--ctl"]
NAMES = ("LOOKUP", "NEW_INODE")
C, CX = os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_EXCL
MNT, EXCL = os.environ["mnt"], os.environ["how"] == "excl"
NEW, LOOKUP = ["NEW_INODE"], ["LOOKUP"]
# where a create of what is missing costs the one or the other
MADE = NEW if EXCL else LOOKUP + NEW
# what is there, by O_CREAT, and by O_EXCL
THERE = NEW + LOOKUP if EXCL else LOOKUP
REFUSED = NEW if EXCL else LOOKUP


def ctl(*words):
    return subprocess.run(SERVER + list(words), check=True, capture_output=True, text=True).stdout


def uncache():
    """A name that was used lately only loses its mark the first time."""
    for _ in range(3):
        drop_caches()


def messages():
    return [w for w in (line.split(" ")[0] for line in ctl("record").splitlines()) if w in NAMES]


def open_close(name, flags):
    fd = os.open(os.path.join(MNT, name), flags, 0o644)
    ino = os.fstat(fd).st_ino
    os.close(fd)
    return ino


def step(wanted, costs, name, flags, cached=False, uid=0):
    """@wanted: an errno, or None; returns the inode's number."""
    ino = None
    if not cached:
        uncache()
    ctl("forget")
    os.seteuid(uid)
    try:
        if wanted:
            refused(wanted, open_close, name, flags)
        else:
            ino = open_close(name, flags)
    finally:
        os.seteuid(0)
    eq(costs, messages(), f"messages of {name} {flags:#o}")
    return ino


def fresh():
    ino = step(None, MADE, "new", CX)
    eq(ino, step(None, [], "new", C, cached=True), "inode of the new name")
    eq(ino, step(None, THERE, "new", C), "inode, asked for")
    eq(ino, step(None, LOOKUP, "new", os.O_RDONLY), "inode, looked up")
    step(errno.EEXIST, REFUSED, "new", CX)
    step(None, MADE, "new2", C | os.O_TRUNC)
    step(errno.ENOENT, LOOKUP, "missing", os.O_RDONLY)
    step(errno.ENOENT, [], "missing", os.O_RDONLY, cached=True)
    step(None, NEW, "missing", C, cached=True)


def other_kinds():
    os.mkdir(f"{MNT}/dir")
    step(errno.EISDIR, THERE, "dir", C)
    step(errno.EEXIST, REFUSED, "dir", CX)
    step(errno.EISDIR, [], "new3/", C, cached=True)
    os.symlink("target", f"{MNT}/link")
    step(errno.EEXIST, REFUSED, "link", CX)
    step(errno.ELOOP, THERE, "link", C | os.O_NOFOLLOW)
    # a link into nowhere: its target is made
    ino = step(None, THERE + MADE, "link", C)
    eq(ino, os.stat(f"{MNT}/target").st_ino, "inode of the target")
    step(errno.ENAMETOOLONG, [], "n" * 256, C)


def rights():
    """Who may not create is told what there is, and asks for nothing else."""
    step(errno.EACCES, LOOKUP, "new", C, uid=1000)
    step(None, LOOKUP, "new", os.O_RDONLY | os.O_CREAT, uid=1000)
    step(errno.EACCES, LOOKUP, "other", C, uid=1000)
    step(errno.EEXIST, LOOKUP, "new", CX, uid=1000)


def full():
    """No room for a new inode matters to who wants one."""
    ctl("only", "op=NEW_INODE", "count=0", "do=err:-28")
    step(None, THERE, "new", C)
    step(errno.EEXIST, NEW + LOOKUP if EXCL else LOOKUP, "new", CX)
    for flags in (C, CX):
        step(errno.ENOSPC, NEW + LOOKUP if EXCL else LOOKUP + NEW, "other", flags)
    ctl("clear")
    step(errno.ENOENT, [] if EXCL else LOOKUP, "other", os.O_RDONLY, cached=True)


def liars():
    """It exists, it does not: an error, and no endless loop."""
    ctl("only", "op=NEW_INODE", "count=0", "do=err:-17")
    refused(errno.ESTALE if EXCL else errno.EEXIST, open_close, "other", C)
    ctl("only", "op=NEW_INODE", "count=0", "do=err:-5")
    refused(errno.EIO, open_close, "other2", C)
    ctl("only", "op=LOOKUP", "count=0", "do=err:-5")
    if EXCL:
        open_close("other3", C)
    else:
        refused(errno.EIO, open_close, "other3", C)
    ctl("clear")
    eq(open_close("other3", C), os.stat(f"{MNT}/other3").st_ino, "inode after all that")


os.umask(0)
os.chmod(MNT, 0o755)
fresh()
other_kinds()
rights()
full()
liars()
