# SPDX-License-Identifier: BSD-2-Clause
"""Size changes: zeros appear, old data never does, limits hold."""

import errno, mmap, os, resource, signal
from nstest import *

SIZES = (0, 1, 100, 4095, 4096, 4097, 8192, 100000, 2 * 1024 * 1024 + 5)

# down and up again: what was cut off reads as zeros
for cut in SIZES:
    for up in SIZES:
        write("f", b"\xaa" * 200000)
        os.truncate("f", cut)
        eq(cut, os.stat("f").st_size, "size after cutting")
        os.truncate("f", up)
        data = read("f")
        eq(up, len(data), f"bytes after {cut}, {up}")
        keep = min(cut, up, 200000)
        true(data[:keep] == b"\xaa" * keep, f"kept bytes after {cut}, {up}")
        true(not any(data[keep:]), f"zeros after {cut}, {up}")
os.truncate("f", 0)
eq(0, os.stat("f").st_blocks, "blocks of an empty file")

# an extending write after a cut leaves zeros between
write("f", b"\xaa" * 10000)
with open("f", "r+b") as f:
    f.truncate(5000)
    f.seek(7000)
    f.write(b"end")
eq(b"\xaa" * 5000 + b"\0" * 2000 + b"end", read("f"), "a write behind the end")
drop_caches()
eq(b"\xaa" * 5000 + b"\0" * 2000 + b"end", read("f"), "the same, asked again")

# holes take no room
os.truncate("f", 0)
os.truncate("f", 1 << 30)
true(os.stat("f").st_blocks < 64, "a hole takes no blocks")
fd = os.open("f", os.O_RDWR)
eq(b"\0" * 10, os.pread(fd, 10, 1 << 29), "bytes of a hole")
eq(b"", os.pread(fd, 10, 1 << 30), "behind the end")

# times: a change of size changes them, ftruncate to the same size too
os.utime("f", ns=(1, 1))
os.ftruncate(fd, 5)
true(os.stat("f").st_mtime_ns != 1, "mtime after ftruncate")
os.utime("f", ns=(1, 1))
os.ftruncate(fd, 5)
true(os.stat("f").st_mtime_ns != 1, "mtime after ftruncate to the same size")
os.utime("f", ns=(1, 1))
os.close(os.open("f", os.O_TRUNC | os.O_WRONLY))
true(os.stat("f").st_mtime_ns != 1, "mtime after O_TRUNC")
eq(0, os.fstat(fd).st_size, "size after O_TRUNC")

# limits
refused(errno.EINVAL, os.truncate, "f", -1)
if os.environ.get("CASE_FS", "memofs") not in ("tmpfs", "tierfs"):
    refused(errno.EFBIG, os.truncate, "f", (1 << 63) - 1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100000, resource.RLIM_INFINITY))
refused(errno.EFBIG, os.truncate, "f", 100001)
os.truncate("f", 100000)
refused(errno.EFBIG, os.pwrite, fd, b"x", 100000)
eq(10, os.pwrite(fd, b"x" * 20, 99990), "a write up to the limit")
eq(100000, os.fstat(fd).st_size, "size at the limit")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
rfd = os.open("f", os.O_RDONLY)
refused(errno.EINVAL, os.ftruncate, rfd, 0)
refused(errno.EISDIR, os.truncate, ".", 0)
refused(errno.ENOENT, os.truncate, "no", 0)
os.symlink("f", "l")
os.truncate("l", 7)
eq(7, os.stat("f").st_size, "through a link")
os.mkfifo("p")
refused(errno.EINVAL, os.truncate, "p", 0)

# room comes back
free = os.statvfs(".").f_bfree
with open("big", "wb") as f:
    f.write(b"x" * (8 << 20))
true(os.statvfs(".").f_bfree <= free - 2048, "8 MiB take room")
os.truncate("big", 4096)
true(os.statvfs(".").f_bfree >= free - 64, "and give it back")
