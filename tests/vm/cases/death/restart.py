# SPDX-License-Identifier: BSD-2-Clause
"""Called by restart.sh.

restart.py server ROOT	threads of a server wait, signals that no handler takes come and go
restart.py app PATH READY	a read; the pid goes to READY, the result to stdout
"""
import ctypes
import mmap
import os
import select
import signal
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
BUF, WINDOW = 32768, 4 << 20


def iowr(nr, size):
    return 3 << 30 | size << 16 | ord('Z') << 8 | nr


def result(ret):
    return ret if ret >= 0 else -ctypes.get_errno()


# ---- a server's waits ----

def server(root, kind, pipe):
    fd = os.open(root, os.O_TMPFILE | os.O_RDWR, 0o600)
    if kind == 'MOUNT':
        buf = ctypes.addressof(ctypes.create_string_buffer(8192))
        request = iowr(11, 104)
    else:
        os.sched_setaffinity(0, {0})
        init = ctypes.create_string_buffer(struct.pack('<24xII', 0, BUF), 32)
        assert not libc.ioctl(fd, iowr(15, 32), ctypes.addressof(init))
        libc.mmap(None, WINDOW, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
        buf = libc.mmap(None, BUF, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, WINDOW)
        request = iowr(18, 24)
    os.write(pipe, b'.')
    got = result(libc.ioctl(fd, request, buf))
    operation = struct.unpack_from('<H', ctypes.string_at(buf, 24), 12)[0]
    os.write(pipe, f'ioctl {got} operation {operation}'.encode())
    os._exit(0)


def state(pid):
    with open(f'/proc/{pid}/stat') as f:
        return f.read().rsplit(')', 1)[1].split()[0]


def asleep(pid):
    """In the wait: ioctl is 16, and "running" means that it is not asleep."""
    while True:
        with open(f'/proc/{pid}/syscall') as f:
            if f.read().startswith('16 '):
                return
        os.sched_yield()


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    while state(pid) != 'T':
        os.sched_yield()
    os.kill(pid, signal.SIGCONT)


def trace(pid):
    assert not libc.ptrace(PTRACE_SEIZE, pid, None, None)
    assert not libc.ptrace(PTRACE_INTERRUPT, pid, None, None)
    os.waitpid(pid, WALL)
    assert not libc.ptrace(PTRACE_DETACH, pid, None, None)


def freeze(pid):
    group = '/sys/fs/cgroup/restart'
    os.makedirs(group, exist_ok=True)

    def store(name, what):
        with open(f'{group}/{name}', 'w') as f:
            f.write(str(what))

    def frozen():
        with open(f'{group}/cgroup.events') as f:
            return 'frozen 1' in f.read()
    store('cgroup.procs', pid)
    store('cgroup.freeze', 1)
    while not frozen():
        os.sched_yield()
    store('cgroup.freeze', 0)


def handler(pid):
    os.kill(pid, signal.SIGUSR1)


def restarting_handler(pid):
    os.kill(pid, signal.SIGUSR2)


def check_server(root):
    bad = 0
    for kind in 'MOUNT', 'WAIT_OPT':
        for how in stop, trace, freeze, restarting_handler, handler:
            r, w = os.pipe()
            pid = os.fork()
            if not pid:
                signal.signal(signal.SIGUSR1, lambda *_: None)
                signal.signal(signal.SIGUSR2, lambda *_: None)
                signal.siginterrupt(signal.SIGUSR2, False)
                server(root, kind, w)
            os.close(w)
            assert os.read(r, 1) == b'.'
            asleep(pid)
            how(pid)
            # it waits again, or has ended
            if how is handler:
                got = os.read(r, 200).decode()
                wanted = 'ioctl -4 operation 1'
            else:
                asleep_or_ended(pid, r)
                got = os.read(r, 200).decode() if select.select([r], [], [], 0)[0] else 'waits'
                wanted = 'waits'
            if got != wanted:
                bad = 1
                print(f'BAD {kind} {how.__name__}: wanted {wanted}, found {got}')
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(r)
    return bad


def asleep_or_ended(pid, pipe):
    while not select.select([pipe], [], [], 0)[0]:
        with open(f'/proc/{pid}/syscall') as f:
            if f.read().startswith('16 ') and not pending(pid):
                return
        os.sched_yield()


def pending(pid):
    """A signal that has not been delivered, or a stop that has not ended."""
    with open(f'/proc/{pid}/status') as f:
        lines = dict(line.split(':', 1) for line in f)
    return any(int(lines[name], 16) for name in ('SigPnd', 'ShdPnd')) or state(pid) in 'Tt'


# ---- an application ----

def app(path, ready):
    fd = os.open(path, os.O_RDONLY)
    buf = ctypes.create_string_buffer(100)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    with open(ready + '.new', 'w') as f:
        f.write(str(os.getpid()))
    os.rename(ready + '.new', ready)
    print(result(libc.pread(fd, buf, ctypes.c_size_t(100), ctypes.c_long(0))))
    return 0


sys.exit({'server': check_server, 'app': app}[sys.argv[1]](*sys.argv[2:]))
