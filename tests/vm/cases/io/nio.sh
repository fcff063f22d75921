#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# The kernel copies (-o nio): data verified by fio and across truncate, unlink and
# reuse of blocks; the server is killed while puts are pending.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
need fio
fs_up memofs -o nio
assert_grep "$mnt memofs .*\\bnio\\b" /proc/mounts

verify() {
	fio --name=v --directory="$mnt" --size=4m --numjobs=2 --ioengine="$1" --bsrange="$2" \
		--rw=randrw --verify=crc32c --do_verify=1 --verify_fatal=1 --minimal >/dev/null ||
		fail "fio $1 $2"
	rm -f v.*
}

verify psync 4k-4k
verify psync 1k-300k
verify libaio 64k-64k
verify psync 1m-1m

# Blocks that come back must show nothing of their former owner.
for round in {1..20}; do
	head -c 3000000 < <(yes "secret $round") >old
	truncate -s 100 old
	truncate -s 3000000 old
	[ "$(tail -c +101 old | tr -d '\0' | wc -c)" = 0 ] || fail "stale data after truncate"
	rm old
	truncate -s 5000 new
	printf x | dd of=new bs=1 seek=4500 conv=notrunc status=none
	[ "$(tr -d 'x\0' <new | wc -c)" = 0 ] || fail "stale data in a new block"
	rm new
done

# Appends and reads by several at once: nothing is lost, nothing mixes.
for i in {1..4}; do
	for n in {1..200}; do
		printf '%d %04d\n' "$i" "$n"
	done >>log &
done
wait
assert_eq 800 "$(sort -u log | wc -l)" "lines of four writers"

# puts: how many there were
puts() {
	sed -n 's/^event put_queued //p' /sys/fs/zuf/stats
}

at_work() {
	[ "$(puts)" -gt $((before + 500)) ]
}

# An overwrite's put is pending for a moment: a killed server must not matter.
dd if=/dev/zero of=file bs=64k count=16 status=none
before=$(puts)
fio --name=k --filename="$mnt/file" --size=1m --rw=randrw --bs=4k --time_based --runtime=30 \
	--numjobs=2 --minimal >/dev/null 2>&1 &
load=$!
wait_until 30 at_work
kill -9 "$(cat /run/zufs/zusd.pid)"
wait "$load" && fail "fio went on without a server"
refute_errno "Input/output error" cat file
