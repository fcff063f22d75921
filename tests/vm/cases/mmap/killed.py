# SPDX-License-Identifier: BSD-2-Clause
"""Killed waits for pins; see killed.sh.

usage: killed.py MOUNT CTL...	the server's remote control
"""

import atexit
import ctypes
import fcntl
import mmap
import os
import re
import select
import signal
import subprocess
import sys
import time

import falloc
from patience import SECONDS, patient

PAGE, PAGES = 4096, 16
FICLONE = 0x40049409
mnt, CTL = sys.argv[1], sys.argv[2:]
libc = falloc.LIBC


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def ctl(*words):
    subprocess.run([*CTL, *words], check=True, stdout=subprocess.DEVNULL)


def data(fd):
    return os.pread(fd, PAGES * PAGE, 0)


class Held:
    """A file of which page 4 is in a pipe."""

    def __init__(self):
        self.fd = os.open(f"{mnt}/held", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.clone = os.open(f"{mnt}/clone", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.pwrite(self.fd, b"".join(bytes([65 + i]) * PAGE for i in range(PAGES)), 0)
        os.pwrite(self.clone, b"c" * PAGES * PAGE, 0)
        subprocess.run(["mkswap", "-q", f"{mnt}/held"], check=True, stderr=subprocess.DEVNULL)
        self.map = mmap.mmap(self.fd, PAGES * PAGE)
        self.r, self.w = os.pipe()
        at = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        iov = Iovec(at + 4 * PAGE, PAGE)
        assert libc.vmsplice(self.w, ctypes.byref(iov), ctypes.c_ulong(1), 0) == PAGE
        self.before = data(self.fd)

    def let_go(self):
        assert os.read(self.r, PAGE) == b"E" * PAGE

    def close(self):
        for fd in self.r, self.w, self.fd, self.clone:
            os.close(fd)


def child(function, *args):
    pid = os.fork()
    if not pid:
        try:
            function(*args)
        except BaseException as e:  # whatever it is, it shall not go on as the parent
            print("child:", e, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    atexit.register(end, pid)
    return pid


def end(pid):
    """When something has failed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def stack(pid):
    with open(f"/proc/{pid}/stack", encoding="ascii") as frames:
        return frames.read()


def wait_until(what, is_there):
    end = time.monotonic() + SECONDS
    while not is_there():
        assert time.monotonic() < end, what


def kill(pid):
    """It goes at once."""
    os.kill(pid, signal.SIGKILL)
    poll = select.poll()
    pidfd = os.pidfd_open(pid)
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(SECONDS * 1000), stack(pid)
    os.close(pidfd)
    status = os.waitpid(pid, 0)[1]
    assert status == signal.SIGKILL, hex(status)


def swap(_):
    falloc.swapon(f"{mnt}/held")
    assert libc.swapoff(os.fsencode(f"{mnt}/held")) == 0


# the last one waits because there was a clone: what it writes to may be shared
HOLE = falloc.PUNCH | falloc.KEEP_SIZE
CALLS = {
    "truncate": lambda h: os.ftruncate(h.fd, PAGE),
    "swapon": lambda h: patient(swap, h),
    "punch": lambda h: falloc.fallocate(h.fd, HOLE, 3 * PAGE, 3 * PAGE),
    "collapse": lambda h: falloc.fallocate(h.fd, falloc.COLLAPSE, PAGE, 2 * PAGE),
    "clone to it": lambda h: patient(fcntl.ioctl, h.fd, FICLONE, h.clone),
    "clone of it": lambda h: patient(fcntl.ioctl, h.clone, FICLONE, h.fd),
    "write": lambda h: os.pwrite(h.fd, b"new" * PAGE, 4 * PAGE),
}


def place(pid):
    """Where in our functions it waits for a pin, or for the lock afterwards."""
    found = re.match(r"\[<0>\] ((?:let_unpin|zuf_mapped_\w+|remap_once|zuf_remap_\w+)[^+]*\+\w+)",
                     stack(pid))
    return found and found[1]


def waits(pid, what):
    wait_until(f"{what}: it does not wait for the pin", lambda: place(pid))
    return place(pid)


def killed_at_pin(what):
    h = Held()
    pid = child(CALLS[what], h)
    waits(pid, what)
    kill(pid)
    # no lock is left
    assert data(h.fd) == h.before, what
    falloc.fallocate(h.fd, falloc.KEEP_SIZE, PAGE, PAGE)
    h.let_go()
    CALLS[what](h)
    h.close()


def killed_at_lock(what):
    h = Held()
    pid = child(CALLS[what], h)
    at_pin = waits(pid, what)
    ctl("only", "op=GET_MULTY", "do=hang")
    # a page without an entry: what waits for the pin has taken all away
    fault = child(lambda: h.map[6 * PAGE])
    ctl("hung", "1")
    h.let_go()
    # functions of the scheduler and of locks are not shown
    wait_until(f"{what}: it does not wait for the lock",
               lambda: place(pid) not in (None, at_pin))
    kill(pid)
    ctl("release")
    assert os.waitpid(fault, 0)[1] == 0, what
    ctl("clear")
    assert data(h.fd) == h.before, what
    CALLS[what](h)
    h.close()


for name in CALLS:
    for kind in killed_at_pin, killed_at_lock:
        print(kind.__name__, name, flush=True)
        kind(name)
