#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Inodes that the kernel has done with: the messages that say so ride along with others where the
# server takes them there, are executed before anything that needs it, and none is lost.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2

rides=$((1 << 28))

calls() {
	ctl record | sed -n 's/^\([A-Z_]*\) in .* out \([0-9]*\) start .*/\1 \2/p'
}

# told OPERATION [OUT]: how often the server was told so; OUT: 0 behind a message, 40 alone
told() {
	calls | grep -c "^$1 ${2:-}" || true
}

is_told() {
	[ "$(told FREE_INODE)" = "$1" ]
}

# before OPERATION: the last FREE_INODE came before the first of these
before() {
	calls | awk -v op="$1" '
		$1 == "FREE_INODE" { if (seen) exit 1; freed = 1 }
		$1 == op { seen = 1 }
		END { exit !(seen && freed) }' || fail "no FREE_INODE before $1: $(calls)"
}

make_files() {
	local i

	for ((i = 0; i < $1; i++)); do
		: >"$mnt/f$i"
	done
}

raw_setup

# a server of 2019 gets a message for each, at once
raw_start --caps 6
raw_mount
make_files 3
ctl forget
for i in 0 1 2; do
	rm "$mnt/f$i"
	assert_eq $((i + 1)) "$(told FREE_INODE 40)" "messages of their own"
done
raw_kernel_was_right
raw_umount
raw_end

raw_start --caps $((rides | 6))
raw_mount

# nothing follows: the deadline
app create "$mnt/one"
ctl forget
app unlink "$mnt/one"
wait_until 5 is_told 1
assert_eq 1 "$(told FREE_INODE 0)" "behind a message"

# many in a row, of one program: not one goes alone
make_files 200
ctl forget
(cd "$mnt" && taskset -c 1 rm -f f*)
wait_until 5 is_told 200
assert_eq 200 "$(told FREE_INODE 0)" "behind a message"

# the whole cache at once: some messages of their own take all others with them
make_files 200
ctl forget
drop_caches
all_evicted() {
	[ "$(told EVICT_INODE)" -ge 200 ]
}
wait_until 5 all_evicted
[ "$(told EVICT_INODE 40)" -le 10 ] || fail "$(told EVICT_INODE 40) messages for 200 inodes"
(cd "$mnt" && rm -f f*)

# event NAME: how often
event() {
	sed -n "s/^event $1 //p" "$raw_root/stats"
}

# what needs the space sees it, from any CPU; false: the 10 ms were over before, it went by itself
asked_in_time() {
	local over

	: >"$mnt/one"
	ctl forget
	over=$(event put_deadline)
	taskset -c 1 python3 -c 'import os, sys
os.chdir(sys.argv[1])
os.unlink("one")
os.sched_setaffinity(0, {0})
os.statvfs(".")' "$mnt"
	[ "$(event put_deadline)" = "$over" ]
}
for _ in {1..5}; do
	wait_until 40 asked_in_time
	before STATFS
done
# in one program: what waits goes alone after 10 ms, then nothing is asked again
try_again() {
	: >"$mnt/one"
	ctl forget
	ctl only op=NEW_INODE count=1 do=err:-28
	taskset -c 1 python3 -c 'import os, sys
os.chdir(sys.argv[1])
os.unlink("one")
os.sched_setaffinity(0, {0})
os.mknod("two")
os.unlink("two")' "$mnt" && [ "$(told NEW_INODE)" = 2 ]
}
wait_until 20 try_again
# freed in the last second: asked once more, later on not
asked_twice() {
	: >"$mnt/one"
	ctl forget
	ctl only op=NEW_INODE count=2 do=err:-28
	python3 -c 'import errno, os, sys
os.chdir(sys.argv[1])
os.unlink("one")
os.statvfs(".")
try:
    os.mknod("three")
except OSError as e:
    assert e.errno == errno.ENOSPC, e
else:
    raise AssertionError("no error")' "$mnt" || touch "$scratch/wrong"
	ctl clear
	[ "$(told NEW_INODE)" = 2 ]
}
wait_until 20 asked_twice
[ ! -e "$scratch/wrong" ] || fail "two refusals are no ENOSPC"
asked_once() {
	ctl forget
	ctl only op=NEW_INODE count=2 do=err:-28
	app -e ENOSPC create "$mnt/three"
	[ "$(told NEW_INODE)" = 1 ]
}
wait_until 10 asked_once
ctl clear

# one that is under way with a message in which the server hangs: statfs sends what waits, and
# does not wait for the other; remount does, can be killed, and is in nobody's way meanwhile
hang_with_rider() {
	app create "$mnt/one"
	ctl forget
	ctl only op=LOOKUP count=1 do=hang
	taskset -c 1 python3 -c 'import os, sys
os.chdir(sys.argv[1])
os.unlink("one")
try: os.stat("folder/none")
except FileNotFoundError: pass' "$mnt" &
	rider=$!
	ctl hung 1
	# unless the 10 ms were over before
	! calls | grep -q "^NOOP" && return
	ctl release
	wait "$rider"
	return 1
}
app create "$mnt/two"
app mkdir "$mnt/folder"
wait_until 20 hang_with_rider
app -t $((10000 * ${SLOW:-1})) statfs "$mnt"
taskset -c 0 /run/rawapp unlink "$mnt/two"
app -t $((10000 * ${SLOW:-1})) statfs "$mnt"
# it waits for 100 ms at most for what has left before it
wait_until 5 is_told 2
mount -o remount,ro "$mnt" &
remount=$!
wait_until 5 grep -qE "zuf_tag_wait|zuf_puts_send" "/proc/$remount/stack"
app -t $((10000 * ${SLOW:-1})) statfs "$mnt"
kill -KILL "$remount"
wait_until 5 process_gone "$remount"
ctl release
wait "$rider"
wait "$remount" || true

# a file system that becomes read-only, or is unmounted, is told before
app create "$mnt/one"
ctl forget
app unlink "$mnt/one"
mount -o remount,ro "$mnt"
is_told 1 || fail "remounted read-only with an inode to be freed"
mount -o remount,rw "$mnt"
make_files 20
ctl forget
taskset -c 1 rm "$mnt"/f?
taskset -c 0 rm "$mnt"/f1?
within 20 umount "$mnt"
is_told 20 || fail "unmounted with inodes to be freed: $(told FREE_INODE)"
assert_eq 0 "$(stat_of refs)" "cookies that the kernel owns after the unmount"
raw_mount

# the CPU goes away
for _ in {1..3}; do
	app create "$mnt/one"
	ctl forget
	taskset -c 1 /run/rawapp unlink "$mnt/one"
	cpu_online 1 0
	wait_until 5 is_told 1
	cpu_online 1 1
done

# lookups on one CPU of what is evicted on the other
make_files 100
(cd "$mnt" && for _ in {1..40}; do taskset -c 0 stat -c '' f* || exit; done) &
looker=$!
while kill -0 $looker; do
	taskset -c 1 sh -c 'echo 2 >/proc/sys/vm/drop_caches'
done
wait $looker
raw_kernel_was_right

# the server dies with some that wait
taskset -c 1 rm "$mnt"/f?
raw_end
within 20 umount "$mnt"
raw_start --caps $((rides | 6))
raw_mount
raw_works
raw_finish
