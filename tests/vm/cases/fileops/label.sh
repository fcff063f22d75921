#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The label of a file system, by mkfs, FS_IOC_GETFSLABEL and SETFSLABEL; its uuid; servers that
# have no label, or answer what is none.

. "$TOP/tests/rawserver/lib.sh"
need python3 xfs_io mkfs.memofs
need_pmem 1

# answer DIR: what FS_IOC_GETFSLABEL says.
answer() {
	python3 - "$1" <<-'PYTHON'
	import errno, fcntl, os, sys
	label = bytearray(256)
	try:
	    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x81009431, label)
	    print(bytes(label).rstrip(b"\0"))
	except OSError as e:
	    print(errno.errorcode[e.errno])
	PYTHON
}

label() {
	xfs_io -c label "$1" | sed -n 's/^label = "\(.*\)"$/\1/p'
}

raw_setup
raw_start
raw_mount
assert_eq ENOTTY "$(answer "$mnt")" "a server without labels"
if ctl record | grep '_LABEL '; then
	fail "it got messages that it does not know"
fi
raw_finish
raw_setup
raw_start --caps $((1 << 21))
raw_mount
assert_eq "b''" "$(answer "$mnt")" "a label of zeros"
for rule in outlen:65535=EIO err:-5=EIO err:-95=ENOTSUP err:7=EIO; do
	ctl only op=GET_LABEL count=0 "do=${rule%=*}"
	assert_eq "${rule#*=}" "$(answer "$mnt")" "$rule"
done
raw_works
raw_finish

memofs=$scratch/memofs
mkdir "$memofs"
mkfs.memofs -f -L 'one label' /dev/pmem0 >"$scratch/made"
zufs probe /dev/pmem0 >"$scratch/probed"
assert_grep '^label +one_label$' "$scratch/probed"
zufs probe --udev /dev/pmem0 >"$scratch/probed"
assert_grep '^ID_FS_LABEL=one_label$' "$scratch/probed"
assert_grep '^ID_FS_LABEL_ENC=one\\x20label$' "$scratch/probed"
zufs up memofs /dev/pmem0 "$memofs"
on_exit zufs down "$memofs"
assert_eq 'one label' "$(label "$memofs")" "the label that mkfs gave"
xfs_io -c 'label -s second' "$memofs" >"$scratch/said"
assert_eq second "$(label "$memofs")" "a new label"

python3 - "$memofs" "$(sed -n 's/^set //p' "$scratch/made")" <<'PYTHON'
import errno, fcntl, os, sys, uuid

GET, SET, UUID = 0x81009431, 0x41009432, 0x80111500

def refused(code, number, arg):
    try:
        fcntl.ioctl(fd, number, arg)
    except OSError as e:
        assert e.errno == code, e
        return
    sys.exit(f"{number:#x} succeeded")

open(f"{sys.argv[1]}/file", "w").close()
for path in sys.argv[1], f"{sys.argv[1]}/file":
    fd = os.open(path, os.O_RDONLY)
    label = bytearray(b"\xff" * 256)
    fcntl.ioctl(fd, GET, label)
    assert label == b"second".ljust(256, b"\0"), label
    raw = bytearray(17)
    fcntl.ioctl(fd, UUID, raw)
    assert raw[0] == 16 and uuid.UUID(bytes=bytes(raw[1:])) == uuid.UUID(sys.argv[2]), raw
    refused(errno.EINVAL, SET, b"x" * 256)
    os.seteuid(1000)
    refused(errno.EPERM, SET, b"mine".ljust(256, b"\0"))
    fcntl.ioctl(fd, GET, label)
    os.seteuid(0)
    fcntl.ioctl(fd, SET, (b"y" * 255 + b"\0"))
    fcntl.ioctl(fd, GET, label)
    assert label == b"y" * 255 + b"\0"
    fcntl.ioctl(fd, SET, b"second\0secret".ljust(256, b"\0"))
    os.close(fd)
PYTHON
mount -o remount,ro "$memofs"
refute xfs_io -rc 'label -s third' "$memofs" 2>"$scratch/said" ||
	assert_grep 'Read-only' "$scratch/said"
mount -o remount,rw "$memofs"
assert_eq second "$(label "$memofs")" "the label of a read-only mount"
umount "$memofs"
mount -t memofs /dev/pmem0 "$memofs"
assert_eq second "$(label "$memofs")" "the label of another mount"
