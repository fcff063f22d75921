# SPDX-License-Identifier: BSD-2-Clause
"""usage: nfs.py FOLDER SERVER-FOLDER: a folder of an NFS client, and the same on the server."""

import errno
import fcntl
import os
import struct
import subprocess
import sys
import time

from nfs4 import Nfs4
from nstest import Dir, drop_caches, eq, read, refused, true, write

client, server = sys.argv[1:3]
os.chdir(client)


def forget():
    """Neither side has it in its cache; handles that the client holds go by number."""
    for _ in range(3):
        drop_caches()


def lock(fd, kind, start, length):
    fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack("hhqqi", kind, 0, start, length, 0))


def changed_at(when, data):
    """The server's file is written while the clock stands there; its ctime."""
    time.clock_settime(time.CLOCK_REALTIME, when)
    with open(f"{server}/tick", "r+b", buffering=0) as f:
        f.write(data)
    return os.stat(f"{server}/tick").st_ctime_ns


def same_tick():
    """Two changes that no clock tells apart: the client sees either."""
    write(f"{server}/tick", b"0000")
    when = time.clock_gettime(time.CLOCK_REALTIME) + 2
    for i in range(100):
        first = changed_at(when, b"a%03d" % i)
        eq(b"a%03d" % i, read("tick"), "the first change")
        # what somebody has looked at gets a ctime of its own
        if changed_at(when, b"b%03d" % i) - first in range(2):
            eq(b"b%03d" % i, read("tick"), "the second change")
            return
        eq(b"b%03d" % i, read("tick"), "a change at another time")
    sys.exit("never twice within a tick")


def never_back():
    """The number by which a client knows a directory rises with each change, and only then."""
    nfs = Nfs4()
    where = f"{server}/counted"
    names = [os.path.basename(server), "counted"]
    os.mkdir(where)
    when = time.clock_gettime(time.CLOCK_REALTIME) + 2
    last = nfs.change(*names)

    def changed(what):
        nonlocal last
        now = nfs.change(*names)
        true(now > last, f"{what}: from {last} to {now}")
        last = now

    for turn in range(4):
        for i in range(8):
            # all within a tick: no time tells them apart
            time.clock_settime(time.CLOCK_REALTIME, when)
            write(f"{where}/{turn}-{i}")
            changed("a name more")
        for i in range(4):
            time.clock_settime(time.CLOCK_REALTIME, when)
            os.unlink(f"{where}/{turn}-{i}")
            changed("a name less")
            os.chmod(where, 0o755 - i)
            changed("another mode")
            os.setxattr(where, "user.a", b"%d" % i)
            changed("an attribute")
        forget()
        eq(last, nfs.change(*names), "after it was in no cache")
    time.clock_settime(time.CLOCK_REALTIME, when - 10)
    write(f"{where}/earlier")
    changed("a clock that was set back")
    forget()
    true(nfs.change(*names) >= last, "and then it was in no cache")
    time.clock_settime(time.CLOCK_REALTIME, when + 60)
    nfs.close()


DATA = os.urandom(300000)

# data
write("f", DATA)
eq(DATA, read(f"{server}/f"), "what the client wrote")
fd = os.open("f", os.O_RDWR)
forget()
eq(DATA[100000:100100], os.pread(fd, 100, 100000), "by a handle that is in no cache")
os.pwrite(fd, b"new", 7)
os.fsync(fd)
eq(b"new", read(f"{server}/f")[7:10], "a change")
os.close(fd)
os.close(os.open("f", os.O_WRONLY | os.O_TRUNC))
eq(0, os.stat(f"{server}/f").st_size, "after O_TRUNC")
os.truncate("f", 5000)
eq(5000, os.stat(f"{server}/f").st_size, "after truncate")

# names
os.makedirs("a/b/c/d")
write("a/b/c/d/deep", b"deep")
deep = os.open("a/b/c/d", os.O_RDONLY)
forget()
eq(b"deep", read("a/b/c/d/deep"), "after all was forgotten")
eq(["deep"], os.listdir(deep), "a listing of an open directory")
os.rename("a/b/c", "moved")
forget()
eq(["deep"], os.listdir(deep), "the same, moved")
eq(b"deep", read("moved/d/deep"), "where it is now")
os.close(deep)
os.link("f", "hard")
os.symlink("f", "soft")
eq((2, "f"), (os.stat("f").st_nlink, os.readlink("soft")), "links")
os.chmod("f", 0o640)
os.utime("f", ns=(10**18, 10**18))
st = os.stat(f"{server}/f")
eq((0o100640, 10**18), (st.st_mode, st.st_mtime_ns), "attributes")
refused(errno.EEXIST, os.mkdir, "moved")
refused(errno.ENOTEMPTY, os.rmdir, "moved")
refused(errno.ENOENT, os.unlink, "none")
refused(errno.ENAMETOOLONG, write, "n" * 256)
write("over")
os.rename("over", "hard")
eq(1, os.stat("f").st_nlink, "links after a rename over one")
# open, then unlinked
fd = os.open("f", os.O_RDWR)
os.unlink("f")
eq(5000, len(os.pread(fd, 10000, 0)), "an unlinked file that is open")
os.close(fd)

# a long listing: by pieces, with names coming and going, from any position
os.mkdir("many")
for i in range(700):
    write(f"{server}/many/file-with-a-longer-name-{i:04}")
forget()
d = Dir("many", 4096)
seen, some = [], d.read()
while some:
    if len(seen) < 100:
        forget()
    seen += some
    some = d.read()
names = [e[0] for e in seen if e[0] not in (".", "..")]
eq(700, len(set(names)), "names of a long listing")
eq(len(names), len(set(names)), "a name came twice")
middle = seen[len(seen) // 2]
d.seek(middle[3])
rest = [e[0] for e in d.all()]
eq([e[0] for e in seen[len(seen) // 2 + 1:]], rest, "from the middle on")
d.close()
subprocess.run(["rm", "-r", "many"], check=True)

# locks: against another process of the client, and one on the server
write("lock", b"x" * 100)
fd = os.open("lock", os.O_RDWR)
lock(fd, fcntl.F_WRLCK, 0, 50)
for path in ("lock", f"{server}/lock"):
    pid = os.fork()
    if not pid:
        other = os.open(path, os.O_RDWR)
        refused_here = 0
        try:
            lock(other, fcntl.F_WRLCK, 10, 10)
        except OSError as e:
            refused_here = e.errno
        lock(other, fcntl.F_WRLCK, 60, 10)
        os._exit(0 if refused_here in (errno.EAGAIN, errno.EACCES) else 1)
    eq(0, os.waitpid(pid, 0)[1], f"a lock seen by {path}")
lock(fd, fcntl.F_UNLCK, 0, 0)
os.close(fd)
sfd = os.open(f"{server}/lock", os.O_RDWR)
lock(sfd, fcntl.F_WRLCK, 0, 0)
lock(sfd, fcntl.F_UNLCK, 0, 0)
os.close(sfd)
# times of version 3 are all that it has
if "v4" in client:
    same_tick()
    never_back()
os.chdir("/")
subprocess.run(["rm", "-r", client], check=True)
true(not os.path.exists(server), "all is gone")
