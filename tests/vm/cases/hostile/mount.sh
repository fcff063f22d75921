#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Answers to mount messages that make no sense, and a mounter that does not come
# back. A mount that fails leaves nothing, and the next one works.

. "$TOP/tests/rawserver/lib.sh"

# bad_mount RESULTS ACTION...: mount with such an answer, then mount well.
bad_mount() {
	local results=$1 actions='' action

	shift
	for action in "$@"; do
		actions+=" do=$action"
	done
	try "$results" "op=M_MOUNT$actions" mount rawn none "$mnt" size=16m
	ctl only op=STATFS do=err:-5
	raw_mount
	app create "$mnt/file"
	umount "$mnt"
}

umounts() {
	ctl record | grep -c '^M_UMOUNT in'
}

need python3
raw_setup
raw_start
raw_mount
app create "$mnt/file"
# nobody's business, also of a server without ACLs
ln -s nowhere "$mnt/link"
python3 - "$mnt/link" <<-'PYTHON'
	import errno, os, sys

	fd = os.open(sys.argv[1], os.O_PATH | os.O_NOFOLLOW)
	try:
	    os.chmod(f"/proc/self/fd/{fd}", 0o600)
	    sys.exit("the mode of a symbolic link was changed")
	except OSError as e:
	    assert e.errno == errno.EOPNOTSUPP, e
PYTHON
umount "$mnt"

bad_mount EBADRQC err:5
bad_mount EINVAL err:-22
bad_mount EIO err:-9999
bad_mount EIO err:-531
bad_mount EIO err:-2147483648
bad_mount EIO sbi:0
before=$(umounts)
for answer in bits:99 bits:3 zi:0 zi:wild zi:huge zi:pool zi:unaligned zi:8 nlink:0 \
	nlink:4000000000 mode:0 mode:0100644 ino:0 size:-1 uid:-1 blocks:-1; do
	bad_mount EIO,ESTALE "$answer"
done
# the server was told of the end of each of these, and of those that worked
assert_eq $((before + 2 * 16)) "$(umounts)" "umount messages"
try OK "op=M_MOUNT do=caps:-1 do=outlen:65535" mount rawn none "$mnt" size=16m
app -e any write "$mnt/file" 0 4k
app -e any read "$mnt/file" 0 4k
umount "$mnt"

# a list of ioctls that makes no sense is none
for answer in err:-5 "outlen:8 do=fill:255" "outlen:65535 do=fill:1" outlen:0 outlen:7; do
	ctl only op=M_MOUNT do=caps:0x800000
	# shellcheck disable=SC2086 # several words
	ctl rule op=IOCTLS do=err:0 do=$answer
	mount -t rawn -o size=16m none "$mnt"
	app create "$mnt/file"
	app ioctl "$mnt/file" 2
	umount "$mnt"
done

# blocks of any size, but programs make buffers as large as they are told
for answer in bits:30=2097152 bits:21=2097152 bits:20=1048576 bits:9=512; do
	try OK "op=M_MOUNT do=${answer%=*}" mount rawn none "$mnt" size=16m
	app create "$mnt/file"
	assert_eq "${answer#*=}" "$(stat -c %o "$mnt/file")" "size of a buffer with $answer"
	umount "$mnt"
done

# remount is refused and changes nothing, umount cannot be refused
raw_mount
try EACCES "op=M_REMOUNT do=err:-13" remount "$mnt" ro
try EBADRQC "op=M_REMOUNT do=err:5" remount "$mnt" ro
app create "$mnt/writable"
ctl only op=M_UMOUNT do=err:5
umount "$mnt"
for answer in err:-5 err:7 err:-9999 fill:255; do
	try OK "op=STATFS do=$answer" mount rawn none "$mnt" size=16m
	ctl only op=DDBG_RD "do=$answer"
	within 10 head -c 100 "$raw_root/ddbg" >"$scratch/out" || true
	umount "$mnt"
done

# the mounter hangs: mount waits, and can be killed; its late answer is taken back
ctl forget
ctl only op=M_MOUNT do=hang
/run/rawapp mount rawn none "$mnt" size=16m &
pid=$!
ctl hung 1
kill -KILL "$pid"
wait_until 5 process_gone "$pid"
wait "$pid" || true
ctl release
wait_until 5 eval 'ctl record | grep -q "^M_UMOUNT in"'
ctl clear
raw_works_mounted() {
	raw_mount
	raw_works
	umount "$mnt"
}
raw_works_mounted

# the server dies in a mount, an umount
ctl only op=M_MOUNT do=kill
app -e EIO -t 5000 mount rawn none "$mnt" size=16m
raw_end
raw_start
raw_mount
ctl only op=M_UMOUNT do=kill
within 10 umount "$mnt"
raw_end
raw_start
raw_works_mounted
raw_finish
