#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
# suite: short
#
# The counters of a known sequence of operations, of one mount and of the root; puts add up
# with gets; histograms are kept exactly while somebody wants them; what an unmounted file
# system has counted stays in the root's counts.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need python3 jq
dir=/tmp/dir
other=/tmp/other
folder "$dir"
folder "$other"
file=/sys/fs/zuf/stats

# of OP FIELD [ID]: a counter now, of the root or of a mount; 0 if the line is not there.
# shellcheck disable=SC2034 # named by FIELD
of() {
	local key number name count errors timed rest section=root value=0

	while read -r key number name count errors timed rest; do
		case $key in
		mount)	section=$number ;;
		op)	[ "$name" != "$1" ] || [ "$section" != "${3:-root}" ] || value=${!2} ;;
		esac
	done <"$file"
	echo "$value"
}

event() {
	local key name value

	while read -r key name value; do
		[ "$key $name" != "event $1" ] || echo "$value"
	done <"$file"
}

# grows OP COUNT ERRORS COMMAND...: by just that, of the mount and of the root.
grows() {
	local op=$1 count=$2 errors=$3 before after

	shift 3
	before=("$(of "$op" count 1)" "$(of "$op" errors 1)" "$(of "$op" count)")
	"$@" || true
	after=("$(of "$op" count 1)" "$(of "$op" errors 1)" "$(of "$op" count)")
	assert_eq "$count" $((after[0] - before[0])) "$op of the mount by '$*'"
	assert_eq "$errors" $((after[1] - before[1])) "$op that failed by '$*'"
	assert_eq "$count" $((after[2] - before[2])) "$op of the root by '$*'"
}

many() {
	/usr/bin/python3 -I -c '
import os, sys
fd = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
for i in range(int(sys.argv[3])):
    os.pwrite(fd, b"x" * 4096, 0) if sys.argv[1] == "write" else os.pread(fd, 4096, 0)
' "$@"
}

zufs up -o size=64M,nio memofs none "$dir"
zufs up -o size=16M,nio memofs none "$other"
assert_eq 600 "$(stat -c %a "$file")" "mode of stats"
assert_eq 200 "$(stat -c %a /sys/fs/zuf/control)" "mode of control"
assert_eq "zuf-stats 1" "$(head -n 1 "$file")" "version"
assert_eq end "$(tail -n 1 "$file")" "last line"
assert_eq 2 "$(of M_MOUNT count)" "mounts"

grows NEW_INODE 3 0 touch "$dir/a" "$dir/b" "$dir/c"
assert_eq "$(of NEW_INODE count 1)" "$(zufs stat --json "$dir" |
	jq '.operations[] | select(.name == "NEW_INODE") | .count')" "NEW_INODE of zufs stat"
grows NEW_INODE 1 0 mkdir "$dir/folder"
grows RENAME 1 0 mv "$dir/a" "$dir/folder/a"
grows REMOVE_DENTRY 2 0 rm "$dir/b" "$dir/c"
grows LOOKUP 3 3 stat "$dir/none1" "$dir/none2" "$dir/none3"
grows ADD_DENTRY 1 0 ln "$dir/folder/a" "$dir/link"
grows STATFS 2 0 /usr/bin/python3 -I -c "import os; os.statvfs('$dir'); os.statvfs('$dir')"
# nothing of the neighbour's
assert_eq 0 "$(of RENAME count 2)" "RENAME of the other mount"

# each get has its put, sooner or later
many write "$dir/data" 1
gets=$(of GET_MULTY count) queued=$(event put_queued) alone=$(event put_alone)
grows GET_MULTY 100 0 many read "$dir/data" 100
grows GET_MULTY 50 0 many write "$dir/data" 50
queued=$(($(event put_queued) - queued)) alone=$(($(event put_alone) - alone))
assert_eq $(($(of GET_MULTY count) - gets)) $((queued + alone)) "puts"
all_rode() {
	[ "$(event put_queued)" = $(($(event put_rode) + $(event put_dropped))) ]
}
wait_until 5 all_rode

# times: only while they are wanted
timed() {
	of GET_MULTY timed 1
}
assert_eq 0 "$(timed)" "timed without need"
assert_eq "latency 0" "$(grep ^latency "$file")" "latency"
exec 5<>"$file"
assert_eq "latency 1" "$(grep ^latency "$file")" "latency"
many read "$dir/data" 20
exec 6<>"$file" 5>&-
many read "$dir/data" 20
exec 6>&-
many read "$dir/data" 20
assert_eq 40 "$(timed)" "timed"
echo 1 >/sys/module/zuf/parameters/latency
echo Y >/sys/module/zuf/parameters/latency
many read "$dir/data" 5
echo 0 >/sys/module/zuf/parameters/latency
many read "$dir/data" 5
assert_eq 45 "$(timed)" "timed by the parameter"
zufs stat --json "$dir" | jq -e '.operations[] | select(.name == "GET_MULTY") |
	.timed == ([.histogram[].count] | add) and .p50_ns <= .p99_ns and .mean_ns > 0' ||
	fail "the histogram: $(grep GET_MULTY "$file")"
tell 0 zufs stat "$dir"
said '^GET_MULTY +[0-9]+ +0 +[0-9.]+ +[0-9.]+ +[0-9.]+$'
tell 0 zufs stat
said '^put_rode +[1-9]'

# errors of the tools
tell 1 zufs stat /proc
said 'is no file system of the root'
tell 1 zufs stat /usr/bin
said 'nothing is mounted there'
tell 1 zufs stat --root /tmp
said 'no root is mounted there'
tell 2 zufs stat "$dir" "$other"
refute_errno 'Invalid argument' dd if=/dev/zero of="$file" bs=1 count=1 conv=notrunc

# read while mounts come and go; the counts of those that went stay
was=$(of NEW_INODE count)
(while [ ! -e /tmp/stop ]; do cat "$file"; done >/tmp/read) &
reader=$!
on_exit rm -f /tmp/stop /tmp/read
for _ in 1 2 3; do
	umount "$other"
	mount -t memofs -o size=16M none "$other"
	touch "$other/file"
done
umount "$other"
touch /tmp/stop
wait "$reader" || fail "a reader failed"
assert_eq "$(grep -c ^zuf-stats /tmp/read)" "$(grep -c '^end$' /tmp/read)" "whole texts"
assert_eq 3 $(($(of NEW_INODE count) - was)) "operations of mounts that have ended"
assert_eq 4 "$(of M_UMOUNT count)" "unmounts"
zufs down "$dir"
assert_all_gone
