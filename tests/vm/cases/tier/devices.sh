#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own --pmem 64 --disk 16 --nvme 16
# timeout: 400
#
# T2 of four kinds of block devices at once, one linear array: NVMe, device-mapper on virtio,
# loop, NBD. All of them hold data of the same files; one fails for every other second;
# at last one is gone for good: EIO for what lies there, all else goes on.

. "$TOP/tests/vm/cases/tier/tier.bash"
need fio python3 losetup nbd-server nbd-client
modprobe -a nvme nbd loop 2>/dev/null || skip "there is no NVMe or NBD"
wait_until 10 test -b /dev/nvme0n1
tier_device linear
images=$(mktemp -d /tmp/t2.XXXXXX)
on_exit rm -rf "$images"
truncate -s 16m "$images/loop" "$images/nbd"
loop=$(losetup --find --show "$images/loop")
on_exit losetup -d "$loop"

cat >"$images/nbd.conf" <<TEXT
[generic]
	unixsock = $images/socket
[t2]
	exportname = $images/nbd
TEXT
nbd-server -C "$images/nbd.conf" -d 2>"$images/log" &
nbd=$!
on_exit pkill -KILL -x nbd-server
wait_until 10 test -S "$images/socket"
# the socket is there before somebody listens
wait_until 10 nbd-client -unix "$images/socket" -name t2 /dev/nbd0
on_exit nbd-client -d /dev/nbd0

devices=(/dev/nvme0n1 "$cold" "$loop" /dev/nbd0)
tier_up nio 8 "${devices[@]}"

# sectors_written DEVICE
sectors_written() {
	awk '{ print $7 }' "/sys/dev/block/$(stat -c %Hr:%Lr "$1")/stat"
}

# more than three of the devices hold
before=()
for dev in "${devices[@]}"; do
	before+=("$(sectors_written "$dev")")
done
fio --name=v --directory="$mnt" --size=7m --numjobs=8 --ioengine=psync --bsrange=1k-128k \
	--rw=randrw --verify=crc32c --verify_fatal=1 --fallocate=none --minimal \
	>/dev/null || fail "fio"
tier_moved 10000 5000
for i in "${!devices[@]}"; do
	written=$(($(sectors_written "${devices[i]}") - before[i]))
	[ "$written" -gt 16384 ] || fail "${devices[i]}: only $written sectors were written"
done
ctl down
cksum "$mnt"/v.* >"$scratch/before"
ctl down
cksum "$mnt"/v.* | cmp - "$scratch/before"
rm "$mnt"/v.*

# one of them works for a second and fails for the next
mkfifo "$scratch/go"
tier_python mixed "$mnt" 2 60 400 eio <"$scratch/go" &
load=$!
exec {go}>"$scratch/go"
tier_device flakey 1 1
met() {
	[ -e "$scratch/done" ] || ! kill -0 "$load" || {
		[ "$(value up_errors)" -gt 5 ] && [ "$(value down_errors)" -gt 0 ]
	}
}
wait_until 120 met
tier_device linear
echo >&"$go"
wait "$load" || fail "the checker ended with $?"
[ "$(value up_errors)" -gt 5 ] || fail "hardly a tier-up met the flakey device"
rm "$mnt"/mixed.*

# the server of the NBD dies
tier_python fill "$mnt" 14
ctl down
kill -KILL "$nbd"
pkill -KILL -x nbd-server || true
wait "$nbd" || true
tier_python rest "$mnt" 14
rm "$mnt"/fill.*
app write "$mnt/new" 0 1m
app read "$mnt/new" 0 1m
assert_eq 0 "$(value held)" "blocks held"
plug_down
