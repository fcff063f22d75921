#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 180
#
# zufs top beside a load that runs, in batch mode; it leaves nothing switched on, however it
# ends. zufs debug and the file ddbg: list, enable and disable by each kind of word, malformed
# commands, small reads, positions.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need python3
dir=/tmp/dir
folder "$dir"
scratch=''
scratch
root=/sys/fs/zuf
zufs up -o size=64M,nio memofs none "$dir"

load() {
	if command -v fio >/dev/null; then
		exec fio --name=load --filename="$dir/data" --size=8m --rw=randread --bs=4k \
			--time_based --runtime=600 --output=/dev/null
	fi
	exec dd if=/dev/zero of="$dir/data" bs=4k count=100000000 conv=notrunc status=none
}

load &
load=$!
on_exit kill -KILL "$load"
is_loaded() {
	[ "$(sed -n 's/^op 29 GET_MULTY \([0-9]*\) .*/\1/p' "$root/stats" | head -n 1)" -gt 100 ]
}
wait_until 60 is_loaded
# the load may get no time in one of the intervals
top_shows_load() {
	local head='^/tmp/dir  server [0-9]+  at work [0-9]+  waiting [0-9]+  ops/s [1-9]'

	zufs top -n 2 -i 0.5 "$dir" >/tmp/told && grep -Eq "$head" /tmp/told &&
		grep -Eq '^GET_MULTY +[1-9][0-9]* +0 +[0-9.]+ +[0-9.]+ +[0-9.]+$' /tmp/told
}
wait_until 30 top_shows_load
assert_eq 2 "$(grep -c '^operation' /tmp/told)" "blocks"
awk '/^GET_MULTY/ { n++; if ($4 <= 0 || $5 > $6) bad = 1 } END { exit bad || !n }' /tmp/told ||
	fail "latencies of top"
tell 0 zufs top -b -n 1 -i 0.1
said "^$root  server"
assert_eq "latency 0" "$(grep ^latency "$root/stats")" "after top"
zufs top -i 0.2 >"$scratch/top" &
top=$!
is_timed() {
	grep -q '^latency 1' "$root/stats"
}
wait_until 10 is_timed
kill -KILL "$top"
wait "$top" || true
assert_eq "latency 0" "$(grep ^latency "$root/stats")" "after a killed top"
for wrong in "-i 0" "-i x" "-n 0" "-n 1x" "a b"; do
	# shellcheck disable=SC2086 # words
	tell 2 zufs top $wrong
done
tell 1 zufs top -n 1 -i 0.1 /proc
kill -KILL "$load"
wait "$load" || true

# ---- debug messages of the server ----
list() {
	zufs debug list >"$scratch/list"
}
# on REGEX...: just these lines are on
on() {
	zufs debug --on list >"$scratch/on"
	assert_eq "$1" "$(wc -l <"$scratch/on")" "lines that are on"
}
list
assert_grep '^[^ ]*plugin\.c:[0-9]+ \[memofs\] memofs_mount =_ "' "$scratch/list"
assert_grep ' \[zusd\] ' "$scratch/list"
assert_grep ' \[libzus\] ' "$scratch/list"
all=$(wc -l <"$scratch/list")
line=$(sed -n 's/^[^ ]*plugin\.c:\([0-9]*\) \[memofs\] memofs_mount .*/\1/p' "$scratch/list")
on 0
zufs debug enable
on "$all"
zufs debug disable module zusd
zufs debug disable module libzus
on "$(grep -c '\[memofs\]' "$scratch/list")"
zufs debug disable
for words in "func memofs_mount" "line $line module memofs" "module memofs func memofs_mount" \
	"format mounted module memofs" "file plugin.c line $line"; do
	# shellcheck disable=SC2086 # words
	zufs debug enable $words
	on 1
	assert_grep "\\[memofs\\] memofs_mount =p" "$scratch/on"
	# shellcheck disable=SC2086
	zufs debug disable $words
	on 0
done
zufs debug enable format "mounted with"
on 1
mkdir "$scratch/second"
mount -t memofs -o size=16M none "$scratch/second"
umount "$scratch/second"
assert_grep 'mounted with [0-9]+ blocks' /run/zufs/zusd.log
zufs debug disable
for wrong in "module" "bogus x" "line 0" "line abc" "+p"; do
	# shellcheck disable=SC2086 # words
	tell 1 zufs debug enable $wrong
	said 'not understood'
done
on 0
tell 2 zufs debug nonsense
tell 2 zufs debug list more
tell 1 zufs debug enable format "$(head -c 600 /dev/zero | tr '\0' x)"
said 'longer than'
refute_errno 'Argument list too long' dd if=/dev/zero of="$root/ddbg" bs=512 count=1

# small reads give the same text; a position is the number of a site
/usr/bin/python3 -I - "$root/ddbg" <<'PY'
import os, sys
whole = open(sys.argv[1], "rb", buffering=65536).read()
for size in 1, 7, 100, 4000, 70000:
    fd = os.open(sys.argv[1], os.O_RDONLY)
    text = b""
    while True:
        piece = os.read(fd, size)
        assert len(piece) <= size
        if not piece:
            break
        text += piece
    assert text == whole, size
    os.lseek(fd, 0, os.SEEK_SET)
    assert os.read(fd, 5) == whole[:5]
    os.lseek(fd, 1, os.SEEK_SET)
    second = whole.split(b"\n")[1]
    assert os.read(fd, len(second)) == second, "position 1"
    os.lseek(fd, 1 << 40, os.SEEK_SET)
    assert os.read(fd, 100) == b""
    os.close(fd)
PY

# the kernel's own
control=/sys/kernel/debug/dynamic_debug/control
if [ -e "$control" ]; then
	assert_grep ' \[zuf\]zuf_chan_create =_ ' "$control"
	echo "module zuf +p" >"$control"
	mount -t memofs -o size=16M none "$scratch/second"
	umount "$scratch/second"
	echo "module zuf -p" >"$control"
	kernel_said 'zuf: sb [0-9]+: mount of type memofs, options "": 0'
fi

# dead server
kill -KILL "$(pidof zusd)"
wait_until 10 eval '! pidof zusd'
tell 1 zufs debug list
said 'Input/output error'
zufs down "$dir"
assert_all_gone
