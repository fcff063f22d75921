#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Extended attributes: values of all sizes, names, flags, lists, namespaces and rights, as on
# ext4; when there is no room; with attr(1)'s programs.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
need setfattr getfattr
ext4_up
memofs_up -o size=32M
same values.py

# the programs; a dump that is restored
cd "$mnt"
echo x >file
setfattr -n user.text -v 'some text' file
setfattr -n user.bin -v 0x00ff00 file
setfattr -n trusted.t -v 1 file
assert_eq 'some text' "$(getfattr --only-values -n user.text file)"
getfattr -d -m - file >"$scratch/dump"
assert_eq 3 "$(grep -c = "$scratch/dump")" "attributes in the dump"
rm file
echo y >file
# it sets all of them and then, on any file system, one without a name
setfattr --restore="$scratch/dump" file || true
diff "$scratch/dump" <(getfattr -d -m - file)
setfattr -x user.text file
refute_errno 'No such attribute' getfattr -n user.text file

# no room: 4 MiB of attributes here, 256 KiB of an inode; what is there stays
python3 - <<'PYTHON'
import errno, os

def fill(path):
    for i in range(100):
        try:
            os.setxattr(path, f"user.{i}", b"v" * 65536)
        except OSError as e:
            assert e.errno == errno.ENOSPC, e
            return i
    raise SystemExit(f"{path} takes anything")

assert fill("file") == 3, "an inode's share"
total = 3
for n in range(40):
    open(f"f{n}", "w").close()
    total += fill(f"f{n}")
assert 55 <= total < 64, total
assert os.getxattr("file", "user.2") == b"v" * 65536
assert os.getxattr("f0", "user.2") == b"v" * 65536
for n in range(40):
    os.unlink(f"f{n}")
open("again", "w").close()
assert fill("again") == 3
PYTHON
cd /
