#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# Lists that nobody waits for: how many, their errors, IOM_DONE and its place before
# UMOUNT; lists while the server mounts and unmounts, also when who asked for that was
# killed; a device that fails, one that is slow; a server that is killed meanwhile.

. "$TOP/tests/vm/cases/abi/lists.bash"

need_pmem 2
need_disk 2
need dmsetup
# vdb in three parts: good, failing from block 4096 on, slow from block 8192 on
modprobe dm-delay || skip "there is no dm-delay"
dm zufbad "0 32768 linear /dev/vdb 0
32768 32768 error
65536 32768 delay /dev/vdb 65536 500
98304 32768 linear /dev/vdb 98304"
set_up /dev/mapper/zufbad
slow=8192 bad=4096

# each is told of once
fill t1:8192:8:1
result=$(ctl flood 1000 w:100:8192:8)
[[ $result == "taken 1000 again "*" OK" ]] || fail "flood: $result"
told 1000
assert_eq 0 "$(stat_of failed_lists)" "failed lists"
run OK r:100:8300:8
same t1:8300:8:1

# the error of a list is its own
ctl flood 10 w:$bad:8192
ctl flood 10 w:100:8192
told 1020
assert_eq 10 "$(stat_of failed_lists)" "failed lists"
run EIO r:$bad:8300
run EIO w:100:8192 r:$((bad - 1)):8300:2
run EIO flush w:$bad:8192
run OK flush w:100:8192
app write "$mnt/file" 0 1m
app read "$mnt/file" 0 1m

# slow ones hold nothing up
start=$SECONDS
ctl flood 50 w:$slow:8192
run OK r:100:8300:8
app read "$mnt/file" 0 1m
told 1070
[ $((SECONDS - start)) -lt $((20 * ${SLOW:-1})) ] || fail "it took $((SECONDS - start)) s"

# not more than 256 until the server has heard of some
rule op=IOM_DONE count=0 do=hang
assert_eq "taken 256 again 0 EAGAIN" "$(ctl flood 300 full w:100:8192)" "a full house"
run EAGAIN async w:100:8192
run OK w:100:8192
ctl clear
ctl release
told 1326
run OK async w:100:8192
told 1327

# UMOUNT comes after IOM_DONE
ctl forget
rule op=IOM_DONE nth=3 count=1 do=delay:1000
ctl flood 100 w:$slow:8192 w:100:8192
umount "$mnt"
ctl record >"$scratch/record"
assert_eq 100 "$(grep -c '^IOM_DONE' "$scratch/record")" "IOM_DONEs"
assert_eq M_UMOUNT "$(grep -E '^(IOM_DONE|M_UMOUNT)' "$scratch/record" |
	tail -n 1 | cut -d' ' -f1)" "the last message"
run 'call EINVAL' sb=1 w:100:8192

# while the server mounts and unmounts it may run lists
ctl clear
rule op=M_MOUNT count=1 do=hang
mount -t rawf /dev/pmem1 "$mnt" &
mounting=$!
ctl hung 1
run OK r:100:8400:8
same t1:8400:8:1
run OK async r:100:8400:8
ctl release
wait "$mounting"
told 1428
sb="sb=$(stat_of sb_id) sbi=$(stat_of sbi)"
rule op=M_UMOUNT count=1 do=hang
umount "$mnt" &
unmounting=$!
ctl hung 1
# shellcheck disable=SC2086 # two words
run OK $sb r:100:8400:8
kill -KILL "$unmounting"
wait "$unmounting" || true
# shellcheck disable=SC2086
run OK $sb r:100:8400:8
ctl release
no_more() {
	# shellcheck disable=SC2086
	[ "$(ctl list $sb r:100:8400:8)" = "call EINVAL" ]
}
wait_until 10 no_more
raw_kernel_was_right

# the mount was killed, the server does not know
rule op=M_MOUNT count=1 do=hang
mount -t rawf /dev/pmem1 "$mnt" &
mounting=$!
ctl hung 1
kill -KILL "$mounting"
wait "$mounting" || true
run OK r:100:8400:8
sb="sb=$(stat_of sb_id) sbi=$(stat_of sbi)"
ctl release
wait_until 10 no_more
free_again() {
	mount -t rawf /dev/pmem1 "$mnt"
}
wait_until 10 free_again

# killed in the middle of them, and the next server
for _ in 1 2 3; do
	ctl flood 100 w:$slow:8192:8 w:100:8192 mw:200:0:16
	raw_end
	umount "$mnt"
	raw_start
	wait_until 20 free_again
	run OK r:100:8500:8
done
raw_works
raw_finish
