#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A server dies while a list that it wanted for an operation is with a slow device. The
# application and umount(8) can go, the devices are not free before the list has ended: it would
# write into the next mount of them.

. "$TOP/tests/plugins/lib.sh"

need dmsetup
need_pmem 1
need_disk 1
modprobe -a dm_mod dm_delay 2>/dev/null || skip "there is no device-mapper"

# table DELAY: of /dev/mapper/zufslow; blocks from 4096 on take so many milliseconds.
table() {
	echo "0 32768 linear /dev/vda 0"
	echo "32768 32768 delay /dev/vda 32768 $1"
	echo "65536 32768 linear /dev/vda 65536"
}

slow() {
	dmsetup suspend zufslow
	table "$1" | dmsetup reload zufslow
	dmsetup resume zufslow
}

# in_flight: reads are with the slow part.
in_flight() {
	dmsetup status zufslow | grep -q 'delay [1-9]'
}

event() {
	sed -n "s/^event $1 //p" "$plug_root/stats"
}

not_mounted() {
	! mountpoint -q "$mnt"
}

mount_again() {
	mount -t drillfs -o "ctl=drillfs,$way" /dev/pmem0 "$mnt"
}

# died_in_list: the server, while the list of a reader is under way.
died_in_list() {
	local bad reader

	bad=$(event bad_answer)
	ctl only op=GET do=retry:t2read:5000:s0:8
	"$scratch/rawapp" -e EIO read "$mnt/file" 0 8k &
	reader=$!
	wait_until 10 in_flight
	kill -KILL "$plug_pid"
	wait "$plug_pid" || true
	plug_pid=''
	wait "$reader" || fail "$way: the result of the reader"
	assert_eq "$bad" "$(event bad_answer)" "$way: answers that make no sense"
	in_flight || fail "$way: the list has ended too early"
}

table 0 | dmsetup create zufslow
on_exit dmsetup remove --retry zufslow

for way in nio nio,kept; do
	plug_up drillfs "$way" /dev/pmem0 /dev/mapper/zufslow
	on_exit slow 0
	app write "$mnt/file" 0 64k
	slow $((60000 * ${SLOW:-1}))
	died_in_list
	umount "$mnt" &
	umount=$!
	wait_until 20 not_mounted
	plug_serve
	kill -KILL "$umount" || true
	wait "$umount" || true
	refute_errno busy mount_again
	in_flight || fail "$way: the list has ended too early"
	slow 0
	wait_until 20 mount_again
	refute in_flight
	app write "$mnt/file" 0 64k
	plug_down
done
