# SPDX-License-Identifier: BSD-2-Clause
"""Devices, pipes, sockets: made, kept, used."""

import errno, os, socket, stat
from nstest import *

NODES = {
    "fifo": (stat.S_IFIFO | 0o640, 0),
    "sock": (stat.S_IFSOCK | 0o600, 0),
    "null": (stat.S_IFCHR | 0o666, os.makedev(1, 3)),
    "blk": (stat.S_IFBLK | 0o660, os.makedev(7, 200)),
    "big": (stat.S_IFCHR | 0o600, os.makedev(4095, 1048575)),
    "zero": (stat.S_IFCHR | 0o600, os.makedev(0, 0)),
    "reg": (stat.S_IFREG | 0o644, 0),
}

os.umask(0)
for name, (mode, dev) in NODES.items():
    os.mknod(name, mode, dev)
for again in (False, True):
    for name, (mode, dev) in NODES.items():
        st = os.lstat(name)
        eq(oct(mode), oct(st.st_mode), f"mode of {name}")
        eq(dev, st.st_rdev, f"device number of {name}")
        eq((1, 0), (st.st_nlink, st.st_size), f"links and size of {name}")
    types = {e.name: e for e in os.scandir(".")}
    true(types["reg"].is_file() and not types["fifo"].is_file(), "types in the listing")
    drop_caches()
refused(errno.EEXIST, os.mknod, "fifo", stat.S_IFIFO | 0o600)
refused(errno.EPERM, os.mknod, "dir", stat.S_IFDIR | 0o755)

# they work
with open("null", "wb", buffering=0) as f:
    eq(4, f.write(b"gone"), "written to a device")
pid = os.fork()
if pid == 0:
    fd = os.open("fifo", os.O_WRONLY)
    os.write(fd, b"through the pipe")
    os._exit(0)
eq(b"through the pipe", read("fifo"))
os.waitpid(pid, 0)
with socket.socket(socket.AF_UNIX) as server:
    server.bind("listening")
    server.listen(1)
    true(stat.S_ISSOCK(os.stat("listening").st_mode), "a bound socket")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("listening")

# and have attributes
os.chmod("fifo", 0o600)
os.chown("null", 5, 6)
drop_caches()
eq(0o600, stat.S_IMODE(os.stat("fifo").st_mode), "mode")
eq((5, 6), (os.stat("null").st_uid, os.stat("null").st_gid), "owner")


def others():
    refused(errno.EPERM, os.mknod, "dev", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod("pipe", stat.S_IFIFO | 0o600)
    refused(errno.EACCES, os.open, "fifo", os.O_RDONLY)


os.chmod(".", 0o777)
as_user(1000, 1000, others)
