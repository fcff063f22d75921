# SPDX-License-Identifier: BSD-2-Clause
"""fallocate and truncate of a process that gets a signal every 400 us."""

import os
import signal

from falloc import COLLAPSE, INSERT, KEEP_SIZE, PUNCH, UNSHARE, ZERO, fallocate
from nstest import eq

LENGTH = 48 << 20
signals = 0


def on_alarm(*_):
    global signals
    signals += 1


os.chdir(os.environ["mnt"])
fd = os.open("timer", os.O_RDWR | os.O_CREAT)
# not SA_RESTART: a call that a signal ends fails
signal.signal(signal.SIGALRM, on_alarm)
signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.0004, 0.0004)
rounds = 0
# a fast machine needs more of them to be interrupted at all
while rounds < 3 or signals <= 20:
    rounds += 1
    fallocate(fd, KEEP_SIZE, 0, LENGTH)
    eq(0, os.fstat(fd).st_size, "size with KEEP_SIZE")
    fallocate(fd, PUNCH | KEEP_SIZE, 0, LENGTH)
    fallocate(fd, 0, 0, LENGTH)
    eq((LENGTH, LENGTH // 512), (os.fstat(fd).st_size, os.fstat(fd).st_blocks), "allocated")
    fallocate(fd, ZERO, 0, LENGTH)
    fallocate(fd, UNSHARE, 0, LENGTH)
    fallocate(fd, COLLAPSE, 0, LENGTH // 2)
    fallocate(fd, INSERT, 0, LENGTH // 2)
    os.ftruncate(fd, 0)
eq(0, os.fstat(fd).st_blocks, "blocks at the end")
signal.setitimer(signal.ITIMER_REAL, 0)
os.close(fd)
os.unlink("timer")
