# SPDX-License-Identifier: BSD-2-Clause
"""dd with each flag and conversion, here and in $peer: the same files, words and status.

usage: dd.py, in the root of a mount; dd alone is a program, all else is done here.
"""

import os
import shutil
import subprocess
import sys

# dd's arguments, a line each; "in" and "out" are there before, out is shorter. Files before
# a | are written into dd.
COMMANDS = """
if=in of=out bs=4k
if=in of=out bs=1 count=2000
if=in of=new bs=777
if=in of=new bs=1M iflag=direct
if=in of=new bs=64k oflag=direct
if=in of=new bs=12345 iflag=direct oflag=direct
if=in of=new bs=4k iflag=sync oflag=sync
if=in of=new bs=4k iflag=dsync oflag=dsync
if=in of=new bs=9k iflag=nonblock oflag=nonblock
if=in of=new bs=9k iflag=noatime oflag=noatime
if=in of=new bs=9k iflag=nocache oflag=nocache
if=in iflag=nocache count=0
of=out oflag=nocache conv=notrunc,fdatasync count=0
if=in of=new bs=9k iflag=noctty oflag=noctty
if=in of=new bs=9k iflag=nofollow oflag=nofollow
if=link of=new iflag=nofollow
if=link of=link2 bs=10k
if=in of=new iflag=directory
if=. of=new iflag=directory
if=. of=new
if=in of=out bs=5k oflag=append conv=notrunc
if=in of=out bs=5k oflag=append
if=in of=out bs=5k oflag=append,direct,dsync conv=notrunc
if=in of=new bs=64k iflag=fullblock
if=in of=new bs=1k count=3000 iflag=count_bytes
if=in of=new bs=1k count=7 skip=5001 iflag=skip_bytes
if=in of=new bs=1k skip=3 seek=5
if=in of=out bs=1k seek=12345 oflag=seek_bytes
if=in of=out bs=1k seek=12345 oflag=seek_bytes conv=notrunc
if=in of=new bs=64k seek=30000001 count=1 oflag=seek_bytes
if=in of=new bs=4k skip=100
if=in of=out bs=4k seek=2 count=0
if=in of=out bs=4k conv=notrunc,fsync
if=in of=out bs=4k conv=notrunc,fdatasync
if=holes of=new bs=4k conv=sparse
if=holes of=new bs=1M conv=sparse
if=holes of=new bs=1000 conv=sparse,fsync
if=holes of=out bs=64k conv=sparse,notrunc
if=in of=out conv=excl
if=in of=new conv=excl
if=in of=new conv=nocreat
if=in of=out conv=nocreat
if=in of=new ibs=100 obs=10000
if=in of=new ibs=10000 obs=100
if=in of=new bs=4000 conv=sync
if=in of=new bs=4000 conv=sync,swab
if=in of=new bs=4000 conv=noerror,ucase
if=in of=new bs=4000 conv=lcase
if=in of=new bs=4000 conv=ebcdic
if=in of=new cbs=80 conv=block
if=in of=new cbs=80 conv=unblock
if=none of=new
if=in of=new bs=4k skip=1 count=2B
if=in of=in bs=4k conv=notrunc seek=1 count=3
in | bs=64k of=new
in | bs=64k of=new iflag=fullblock
in | bs=64k of=new iflag=fullblock oflag=direct
in in | bs=3333 of=out oflag=append conv=notrunc
"""

TEXT = b"".join(b"%06d is a line of text, and so long\n" % (i * 7919 % 999983)
                for i in range(1600))
SIZE = 3000000


def setup(folder):
    """The files that each command finds."""
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    for name, data in ("in", TEXT), ("out", TEXT[:30000].upper()):
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)
    with open(f"{folder}/holes", "wb") as f:
        f.truncate(SIZE)
        os.pwrite(f.fileno(), b"an island", 1234567)
        os.pwrite(f.fileno(), b"the shore", SIZE)
    os.symlink("in", f"{folder}/link")
    os.symlink("out", f"{folder}/link2")


def dd(folder, line):
    """Status and words of dd."""
    before, _, args = line.rpartition("|")
    feed = TEXT * before.count("in")
    run = subprocess.run(["dd", *args.split(), "status=noxfer"], cwd=folder, input=feed,
                         capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    words = run.stderr.decode()
    if feed and "fullblock" not in line:
        words = "a pipe gives what it has: how it is cut is no matter of ours"
    return run.returncode, words, run.stdout


def outcome(folder, line):
    setup(folder)
    result = dd(folder, line)
    files = {}
    for name in sorted(os.listdir(folder)):
        with open(f"{folder}/{name}", "rb") as f:
            files[name] = f.read()
    return result, files


def main():
    lines = COMMANDS.strip().split("\n")
    for line in lines:
        (wanted, wanted_files), (found, found_files) = (
            outcome(f"{top}/d", line) for top in (os.environ["peer"], "."))
        if wanted != found:
            sys.exit(f"failed: dd {line}: wanted {wanted}, found {found}")
        for name in sorted({*wanted_files, *found_files}):
            if wanted_files.get(name) != found_files.get(name):
                sys.exit(f"failed: dd {line}: {name} is not what it is elsewhere")
    setup("d")
    subprocess.run("dd if=holes of=new bs=64k conv=sparse status=none".split(), cwd="d",
                   check=True)
    sectors = os.stat("d/new").st_blocks
    if sectors > 1000:
        sys.exit(f"failed: conv=sparse leaves {sectors} sectors")
    shutil.rmtree("d")
    print(f"{os.environ['way']}: {len(lines)} commands")


main()
