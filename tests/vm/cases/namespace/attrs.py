# SPDX-License-Identifier: BSD-2-Clause
"""Attributes: who may change what, how they are inherited, kept, shown."""

import errno, os, stat, time
from nstest import *


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def everything(path):
    st = os.lstat(path)
    return tuple(getattr(st, f) for f in (
        "st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks",
        "st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_rdev"))


# umask, chmod, chown
os.umask(0o027)
write("f", b"x" * 5000)
os.mkdir("d")
eq((0o640, 0o750), (mode("f"), mode("d")), "modes under umask 027")
os.umask(0o022)
for m in (0, 0o7777, 0o4755, 0o2750, 0o1777, 0o644):
    os.chmod("f", m)
    eq(oct(m), oct(mode("f")), "mode")
os.chmod("f", 0o6755)
os.chown("f", 1000, 1001)
eq((1000, 1001), (os.stat("f").st_uid, os.stat("f").st_gid), "owner")
eq(oct(0o755), oct(mode("f")), "a change of owner takes the s bits away")
os.chown("f", -1, 4294967294)
eq((1000, 4294967294), (os.stat("f").st_uid, os.stat("f").st_gid), "a large group")

# times
for t in ((0, 1), (1, 10**9 - 1), (-1, -1500000000), (1700000000123456789, 4102444800987654321)):
    os.utime("f", ns=t)
    eq(t, (os.stat("f").st_atime_ns, os.stat("f").st_mtime_ns), "times")
before = time.time_ns() - 10**9
os.utime("f")
true(before < os.stat("f").st_mtime_ns <= time.time_ns(), "utime to now")

# all of it is kept
os.utime("d", ns=(123456789, 987654321))
st = everything("f"), everything("d"), everything(".")
drop_caches()
eq(st, (everything("f"), everything("d"), everything(".")), "attributes, asked again")

# ctime says that something changed
for change in (lambda: os.chmod("f", 0o600), lambda: os.chown("f", 0, 0),
               lambda: os.utime("f", ns=(1, 2)), lambda: os.truncate("f", 10)):
    ctime = os.stat("f").st_ctime_ns
    tick()
    change()
    true(os.stat("f").st_ctime_ns > ctime, "ctime after a change")
mtime = os.stat("d").st_mtime_ns
tick()
write("d/x")
true(os.stat("d").st_mtime_ns > mtime, "mtime of a directory after create")
mtime = os.stat("d").st_mtime_ns
tick()
os.unlink("d/x")
true(os.stat("d").st_mtime_ns > mtime, "mtime of a directory after unlink")

# reading changes atime by the rules of relatime
os.utime("f", ns=(10**9, 2 * 10**9))
tick()
read("f")
first = os.stat("f").st_atime_ns
tick()
true(first > 2 * 10**9, "first read after a change")
read("f")
eq(first, os.stat("f").st_atime_ns, "second read")
fd = os.open("f", os.O_RDONLY | os.O_NOATIME)
os.utime("f", ns=(10**9, 2 * 10**9))
os.read(fd, 1)
eq(10**9, os.stat("f").st_atime_ns, "with O_NOATIME")
os.close(fd)

# setgid directories
os.mkdir("sg")
os.chown("sg", 0, 777)
os.chmod("sg", 0o2775)
os.mkdir("sg/d")
write("sg/f")
eq((777, 0o2755), (os.stat("sg/d").st_gid, mode("sg/d")), "directory below setgid")
eq((777, 0o644), (os.stat("sg/f").st_gid, mode("sg/f")), "file below setgid")
os.chmod("sg", 0o2777)


def member():
    os.umask(0)
    fd = os.open("sg/in", os.O_CREAT | os.O_WRONLY, 0o2775)
    eq(777, os.fstat(fd).st_gid, "group")


def stranger():
    os.umask(0)
    fd = os.open("sg/out", os.O_CREAT | os.O_WRONLY, 0o2775)
    eq(0o775, stat.S_IMODE(os.fstat(fd).st_mode), "a stranger gets no setgid file")


as_user(1000, 1000, member, groups=[777])
as_user(1000, 1000, stranger)
eq(oct(0o2775), oct(mode("sg/in")), "a member gets one")

# who may
os.chmod("f", 0o640)
os.chown("f", 1000, 1000)
write("mine")
os.chmod("mine", 0o600)
os.mkdir("sticky")
os.chmod("sticky", 0o1777)
write("sticky/root")
os.chmod("sticky/root", 0o666)
os.mkdir("locked")
os.chmod("locked", 0o700)


def owner():
    os.chmod("f", 0o600)
    os.utime("f", ns=(1, 1))
    refused(errno.EPERM, os.chown, "f", 0, -1)
    refused(errno.EPERM, os.chown, "f", -1, 50)
    os.chown("f", -1, 60)
    refused(errno.EPERM, os.chmod, "mine", 0o777)
    refused(errno.EPERM, os.utime, "mine", ns=(1, 1))
    refused(errno.EACCES, os.utime, "mine")
    refused(errno.EACCES, read, "mine")
    refused(errno.EACCES, os.truncate, "mine", 0)
    refused(errno.EACCES, os.listdir, "locked")
    refused(errno.EACCES, os.stat, "locked/x")
    refused(errno.EACCES, os.rmdir, "d")
    refused(errno.EPERM, os.unlink, "sticky/root")
    refused(errno.EPERM, os.rename, "sticky/root", "sticky/r")
    write("sticky/own")
    os.rename("sticky/own", "sticky/own2")
    os.unlink("sticky/own2")


def other():
    refused(errno.EACCES, read, "f")
    refused(errno.EPERM, os.chmod, "f", 0o777)


as_user(1000, 1000, owner, groups=[60])
as_user(1001, 1001, other)
st = os.stat("f")
eq((0o600, 60, 1), (mode("f"), st.st_gid, st.st_mtime_ns), "what the owner changed")
eq((0o600, 0), (mode("mine"), os.stat("mine").st_size), "what nobody changed")

# writing takes the s bits away
os.chown("f", 1000, 1000)
os.chmod("f", 0o6777)


def writer():
    with open("f", "r+b") as f:
        f.write(b"x")


as_user(1001, 1001, writer)
eq(oct(0o777), oct(mode("f")), "mode after another's write")
