# SPDX-License-Identifier: BSD-2-Clause
"""What the Python parts of the namespace cases share."""

import ctypes
import errno
import os
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
AT_SYMLINK_FOLLOW = 0x400
CLOCK_REALTIME_COARSE = 5
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4


def fail(text):
    frame = sys._getframe(2)
    sys.exit(f"failed: line {frame.f_lineno}: {text}")


def eq(wanted, found, what="value"):
    if wanted != found:
        fail(f"{what}: wanted {wanted!r}, found {found!r}")


def true(cond, what):
    if not cond:
        fail(what)


def refused(code, func, *args, **kwargs):
    """func must fail with this errno."""
    try:
        func(*args, **kwargs)
    except OSError as e:
        if e.errno == code:
            return
        fail(f"wanted {errno.errorcode[code]}, got {e}")
    fail(f"wanted {errno.errorcode[code]}, but it succeeded")


def _check(ret):
    if ret < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return ret


def renameat2(old, new, flags):
    return _check(LIBC.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD,
                                 os.fsencode(new), flags))


def linkat_fd(fd, new):
    """Give an open file a name."""
    return _check(LIBC.linkat(AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD,
                              os.fsencode(new), AT_SYMLINK_FOLLOW))


def lacks(what):
    """Whether the file system under test is said not to have it (LACKS, a list of names)."""
    return what in os.environ.get("LACKS", "").split()


def write(path, data=b""):
    with open(path, "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def tick():
    """Until the clock that time stamps are taken from has moved on."""
    start = time.clock_gettime(CLOCK_REALTIME_COARSE)
    while time.clock_gettime(CLOCK_REALTIME_COARSE) == start:
        pass


def until(cond, what):
    """A moment later at the latest, which is longer on a slow machine: statfs(2) waits for 100 ms
    at most for what was freed."""
    end = time.monotonic() + 20 * int(os.environ.get("SLOW", "1"))
    while not cond():
        if time.monotonic() > end:
            fail(what)
        time.sleep(0.02)


def drop_caches():
    os.sync()
    write("/proc/sys/vm/drop_caches", b"2")


def as_user(uid, gid, func, groups=()):
    """Run func as another user in a child; its failure is ours."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups(list(groups))
            os.setgid(gid)
            os.setuid(uid)
            func()
            status = 0
        except SystemExit as e:
            print(e, file=sys.stderr)
        except BaseException as e:
            print(f"failed: as user {uid}: {e!r}", file=sys.stderr)
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if status:
        sys.exit(1)


class Dir:
    """A directory read by getdents64, a buffer at a time."""

    NR_GETDENTS64 = 217

    def __init__(self, path, size=32768):
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.buf = ctypes.create_string_buffer(size)

    def read(self):
        """Entries (name, ino, type, where the next is) of one call; [] at the end."""
        n = _check(LIBC.syscall(self.NR_GETDENTS64, self.fd, self.buf,
                                len(self.buf)))
        raw, entries = self.buf.raw[:n], []
        while raw:
            ino = int.from_bytes(raw[0:8], "little")
            off = int.from_bytes(raw[8:16], "little")
            reclen = int.from_bytes(raw[16:18], "little")
            entries.append((os.fsdecode(raw[19:reclen].split(b"\0")[0]), ino,
                            raw[18], off))
            raw = raw[reclen:]
        return entries

    def seek(self, off):
        os.lseek(self.fd, off, os.SEEK_SET)

    def all(self):
        found = []
        while True:
            some = self.read()
            if not some:
                return found
            found += some

    def close(self):
        os.close(self.fd)
