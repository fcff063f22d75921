#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 180
#
# With a stopped server /proc/mounts, mount, zufs status, stat and top answer at once; the
# options are those of the last mount or remount. A thread of the server that ends alone
# does not leave its application waiting. Another process cannot add threads to a server.

. "$TOP/tests/rawserver/lib.sh"

# at_once COMMAND...: it does not wait for the server.
at_once() {
	timeout $((10 * ${SLOW:-1})) "$@" >"$scratch/out" ||
		fail "'$*' with a stopped server ended with $?"
}

raw_setup
raw_start
raw_mount
assert_grep " $mnt rawn .*rawtext" /proc/mounts
ctl clear
app create "$mnt/file"
stop_process "$raw_pid"
for file in mounts self/mountinfo self/mountstats; do
	at_once cat "/proc/$file"
done
at_once mount
at_once cat "$raw_root/stats" "$raw_root/state" "$raw_root/registered_fs"
at_once grep " $mnt rawn .*rawtext" /proc/mounts
at_once zufs status
assert_grep "server live, T1 32 MiB" "$scratch/out"
at_once zufs stat "$mnt"
assert_grep "^NEW_INODE +1 " "$scratch/out"
at_once zufs top -b -n 1 -i 0.1 "$mnt"
kill -CONT "$raw_pid"

# only a mount and a remount ask the server
asked() {
	sed -n 's/^op 3 SHOW_OPTIONS \([0-9]*\) .*/\1/p' "$raw_root/stats" | head -n 1
}
before=$(asked)
cat /proc/mounts /proc/mounts >/dev/null
assert_eq "$before" "$(asked)" "SHOW_OPTIONS"
if app remount "$mnt" rw; then
	assert_eq $((before + 1)) "$(asked)" "SHOW_OPTIONS after a remount"
fi

# one thread ends in the middle: just its channel is lost
ctl only op=LOOKUP do=leave
before=$(sed -n 's/^event zt_lost //p' "$raw_root/stats")
timeout $((20 * ${SLOW:-1})) /run/rawapp -e EIO stat "$mnt/none" ||
	fail "an application whose server thread has ended: $?"
assert_eq $((before + 1)) "$(sed -n 's/^event zt_lost //p' "$raw_root/stats")" "zt_lost"
raw_works
# a role of a live server's root is not for others
refute /run/rawserver --root "$raw_root" --socket /run/second.sock
raw_works
raw_umount
raw_end
raw_start
raw_mount
raw_works
raw_finish
