#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 180
#
# Every tracepoint, seen through tracefs while the thing happens that it is for.

. "$TOP/tests/plugins/lib.sh"
need_pmem 1
need_disk 1

tracing=/sys/kernel/tracing
[ -e "$tracing/trace" ] || mount -t tracefs tracefs "$tracing" || skip "there is no tracefs"

# traced REGEX COMMAND...: the command leaves such a line.
traced() {
	local regex=$1

	shift
	echo >"$tracing/trace"
	"$@"
	assert_grep "$regex" "$tracing/trace"
}

trace_off() {
	[ ! -e "$tracing/events/zuf/enable" ] || echo 0 >"$tracing/events/zuf/enable"
	echo >"$tracing/trace"
}

# The put waits on this CPU; then the inode's size changes.
put_and_cut() {
	/usr/bin/python3 -I -c '
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
os.sched_setaffinity(0, {0})
for i in range(20):
    os.pread(fd, 4096, 0)
    os.ftruncate(fd, 200000 - i)
' "$mnt/file"
}

plug_up drillfs nio /dev/pmem0 /dev/vda
app write "$mnt/file" 0 300k
for event in dispatch answer fault put goose retry iomap_start iomap_done server_up server_down; do
	[ -e "$tracing/events/zuf/zuf_$event/enable" ] || fail "no tracepoint zuf_$event"
done
echo 1 >"$tracing/events/zuf/enable"
on_exit trace_off
inode=$(stat -c %i "$mnt/file")
traced "zuf_dispatch: sb=1 op=LOOKUP ino=[0-9]+ in=[0-9]+ len=0 puts=[0-9]+ chan=[0-9]+\.[0-9]" \
	app -e ENOENT stat "$mnt/none"
traced "zuf_answer: sb=1 op=LOOKUP ino=[0-9]+ err=-2 out=" app -e ENOENT stat "$mnt/none2"
traced "zuf_dispatch: sb=1 op=GET_MULTY ino=$inode in=224 len=4096" app read "$mnt/file" 0 4k
traced "zuf_put: queued cpu=[0-9]+ puts=1" app read "$mnt/file" 0 4k
traced "zuf_put: rode cpu=[0-9]+ puts=[1-6]" put_and_cut
traced "zuf_goose: sb=1 tag=.* pending=[1-9]" put_and_cut
app write "$mnt/file" 0 300k
ctl only op=GET do=retry:t2write:100:s0
traced "zuf_retry: sb=1 op=GET_MULTY ino=$inode words=2" app read "$mnt/file" 0 8k
ctl only op=GET do=retry:t2write:100:s0
traced "zuf_iomap_start: list=.* words=2 flags=0" app read "$mnt/file" 0 8k
ctl only op=GET do=retry:t2write:100:s0
traced "zuf_iomap_done: list=.* err=0" app read "$mnt/file" 0 8k
ctl clear

# off they say nothing
trace_off
app read "$mnt/file" 0 8k
refute grep -q " zuf_" "$tracing/trace"

echo 1 >"$tracing/events/zuf/enable"
plug_umount
kill -TERM "$plug_pid"
wait "$plug_pid" || fail "the server ended with $?"
assert_grep "zuf_server_down: gen=1 pid=$plug_pid" "$tracing/trace"
plug_serve
assert_grep "zuf_server_up: gen=2 pid=$plug_pid" "$tracing/trace"
plug_mount
plug_down
