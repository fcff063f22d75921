# SPDX-License-Identifier: BSD-2-Clause
#
# What a killed program has left at the server, which hangs before the work or behind it:
# run by settled.sh in each $way, whose message of a write is $put.

import fcntl
import os
import signal
import subprocess
import time

from basic import (FALLOC_COLLAPSE, FALLOC_INSERT, FALLOC_KEEP, PAGE, block, fallocate, new, path,
                   shared)

FICLONE = 0x40049409
PUT = os.environ["put"]


def ctl(*words):
    subprocess.check_call([os.environ["ctl"], "drillfs", *words], stdout=subprocess.DEVNULL)


def short(value):
    return value[:16] + b"..." if isinstance(value, bytes) else value


def eq(found, wanted, what=""):
    assert found == wanted, f"{what}: found {short(found)!r}, wanted {short(wanted)!r}"


def waits_in_call(pid):
    """Asleep, and not for the code of this program."""
    with open(f"/proc/{pid}/stat") as f:
        state = f.read().rsplit(")", 1)[1].split()[0]
    with open(f"/proc/{pid}/syscall") as f:
        return state in "SD" and f.read().split()[0] not in ("-1", "running")


def started(function):
    pid = os.fork()
    if not pid:
        function()
        os._exit(0)
    return pid


def killed(op, function, meanwhile=None):
    """
    The server has the call when its program is killed; then it goes on. What is to come
    meanwhile waits for it.
    """
    how = ("hang", "linger")[killed.calls % 2]
    killed.calls += 1
    ctl("only", f"op={op}", f"do={how}")
    pid = started(function)
    ctl("hung", "1")
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    ctl("clear")
    if meanwhile:
        pid = started(meanwhile)
        end = time.monotonic() + 30 * int(os.environ.get("SLOW") or 1)
        while not waits_in_call(pid):
            assert time.monotonic() < end, "it does not wait"
            time.sleep(0.001)
    ctl("release")
    if meanwhile:
        status = os.waitpid(pid, 0)[1]
        assert status == 0, f"who came meanwhile: status {status:#x}"
    print(f"  {op} {how}", flush=True)


killed.calls = 0


def content(name):
    with open(path(name), "rb", buffering=0) as f:
        data = os.pread(f.fileno(), 1 << 22, 0)
        eq(os.fstat(f.fileno()).st_size, len(data), "size")
        eq(os.lseek(f.fileno(), 0, os.SEEK_END), len(data), "SEEK_END")
        return data


def append(name, data):
    fd = os.open(path(name), os.O_WRONLY | os.O_APPEND)
    os.write(fd, data)
    os.close(fd)


def from_server(name):
    """The inode as it is made anew."""
    def inode():
        return os.stat(path(name))

    before = inode()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("2")
    after = inode()
    for what in "st_mode", "st_size", "st_blocks", "st_nlink", "st_mtime_ns", "st_uid":
        eq(getattr(after, what), getattr(before, what), f"{what} of the server")


def blocks_fit(name):
    st = os.stat(path(name))
    eq(st.st_blocks, -(-st.st_size // PAGE) * (PAGE // 512), "blocks behind the end")


def ends_as(name, data):
    """It is that; what is appended follows it; the server says so too."""
    eq(content(name), data)
    append(name, b"appended")
    eq(content(name), data + b"appended")
    from_server(name)
    eq(content(name), data + b"appended")
    os.unlink(path(name))


def filled(name, pages=16):
    data = b"".join(block(i + 1) for i in range(pages))
    return new(name, data=data), data


def test_truncate():
    fd, data = filled("cut")
    killed("TRUNCATE", lambda: os.ftruncate(fd, 0))
    ends_as("cut", b"")
    fd, data = filled("cut")
    killed("TRUNCATE", lambda: os.ftruncate(fd, 5000))
    ends_as("cut", data[:5000])
    fd, data = filled("longer")
    killed("TRUNCATE", lambda: os.ftruncate(fd, 20 * PAGE))
    ends_as("longer", data + bytes(4 * PAGE))


def test_append_first():
    """The next call is the one that would go wrong."""
    fd, data = filled("cut")
    killed("TRUNCATE", lambda: os.ftruncate(fd, PAGE), lambda: append("cut", b"appended"))
    eq(content("cut"), data[:PAGE] + b"appended")
    fd, data = filled("read")
    killed("TRUNCATE", lambda: os.ftruncate(fd, PAGE), lambda: eq(content("read"), data[:PAGE]))


def test_shift():
    fd, data = filled("shift")
    killed("FALLOCATE", lambda: fallocate(fd, FALLOC_COLLAPSE, PAGE, 4 * PAGE))
    ends_as("shift", data[:PAGE] + data[5 * PAGE:])
    fd, data = filled("shift")
    killed("FALLOCATE", lambda: fallocate(fd, FALLOC_INSERT, PAGE, PAGE))
    ends_as("shift", data[:PAGE] + bytes(PAGE) + data[PAGE:])
    fd, data = filled("grown")
    killed("FALLOCATE", lambda: fallocate(fd, 0, 0, 20 * PAGE))
    ends_as("grown", data + bytes(4 * PAGE))


def test_clone():
    source, data = filled("source")
    fd = new("clone")
    killed("CLONE", lambda: fcntl.ioctl(fd, FICLONE, source))
    found = content("clone")
    assert found in (b"", data), found[:8]
    ends_as("clone", found)
    ends_as("source", data)


def test_write():
    fd = new("log", data=b"line1\n")
    killed(PUT, lambda: os.pwrite(fd, b"X" * 100000, 6))
    found = content("log")
    assert found in (b"line1\n", b"line1\n" + b"X" * 100000), found[:20]
    append("log", b"line2\n")
    eq(content("log"), found + b"line2\n")
    blocks_fit("log")
    from_server("log")
    eq(content("log"), found + b"line2\n")
    # nobody writes to it again
    fd = new("quiet", data=b"line1\n")
    killed(PUT, lambda: os.pwrite(fd, b"X" * 100000, 6))
    found = content("quiet")
    os.close(fd)
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("2")
    eq(content("quiet"), found)
    blocks_fit("quiet")


def test_preallocated():
    """What fallocate has put behind the end is not given back."""
    fd = new("ahead", data=b"line1\n")
    fallocate(fd, FALLOC_KEEP, 0, 64 * PAGE)
    blocks = os.fstat(fd).st_blocks
    killed(PUT, lambda: os.pwrite(fd, b"X" * 100000, 6))
    append("ahead", b"line2\n")
    eq(os.fstat(fd).st_blocks, blocks, "blocks")
    # until the file is cut
    os.ftruncate(fd, 5)
    blocks_fit("ahead")
    # nor when the kernel has not seen it happen
    fallocate(fd, FALLOC_KEEP, 0, 64 * PAGE)
    os.close(fd)
    from_server("ahead")
    fd = os.open(path("ahead"), os.O_RDWR)
    killed(PUT, lambda: os.pwrite(fd, b"X" * 100000, 6))
    append("ahead", b"line2\n")
    eq(os.fstat(fd).st_blocks, blocks, "blocks of an inode that was read")


def test_attributes():
    fd, data = filled("attr")
    killed("SETATTR", lambda: os.fchmod(fd, 0o600))
    eq(os.fstat(fd).st_mode & 0o7777, 0o600)
    # the next change tells it once more
    os.fchmod(fd, 0o600)
    killed("SETATTR", lambda: os.fchown(fd, 3, 4))
    os.fchmod(fd, 0o600)
    killed("SETATTR", lambda: os.utime(fd, ns=(10**9, 2 * 10**9)))
    st = os.fstat(fd)
    eq((st.st_uid, st.st_gid, st.st_mtime_ns), (3, 4, 2 * 10**9))
    os.close(fd)
    from_server("attr")
    st = os.stat(path("attr"))
    eq((st.st_mode & 0o7777, st.st_uid, st.st_gid), (0o600, 3, 4))
    ends_as("attr", data)


def test_names():
    fd, _ = filled("name")
    os.link(path("name"), path("another"))
    killed("UNLINK", lambda: os.unlink(path("another")))
    # a lookup waits for it
    assert not os.path.exists(path("another"))
    eq(os.fstat(fd).st_nlink, 1, "links")
    killed("LINK", lambda: os.link(path("name"), path("another")))
    assert os.path.exists(path("another"))
    eq(os.fstat(fd).st_nlink, 2, "links")
    os.unlink(path("another"))
    os.mkdir(path("dir"))
    os.mkdir(path("dir/in"))
    killed("UNLINK", lambda: os.rmdir(path("dir/in")))
    eq(os.listdir(path("dir")), [])
    eq(os.stat(path("dir")).st_nlink, 2, "links of a directory")
    os.rmdir(path("dir"))


def bus_error(m, page):
    """A child's status after a load."""
    pid = os.fork()
    if not pid:
        m[page * PAGE]
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def test_mapped():
    fd, data = filled("mapped")
    m = shared(fd, 16 * PAGE)
    eq(m[3 * PAGE:4 * PAGE], data[3 * PAGE:4 * PAGE])
    killed("TRUNCATE", lambda: os.ftruncate(fd, 2 * PAGE))
    eq(bus_error(m, 3), signal.SIGBUS, "a load behind the end")
    eq(m[PAGE:2 * PAGE], data[PAGE:2 * PAGE])
    killed("TRUNCATE", lambda: os.ftruncate(fd, 8 * PAGE))
    eq(m[3 * PAGE:4 * PAGE], bytes(PAGE))
    m[3 * PAGE] = 7
    m.close()
    ends_as("mapped", data[:2 * PAGE] + bytes(PAGE) + b"\7" + bytes(5 * PAGE - 1))


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            print(f"{os.environ['way']}: {name}", flush=True)
            test()
