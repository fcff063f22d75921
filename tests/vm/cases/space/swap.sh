#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own --smp 2 --mem 448 --pmem 768
# timeout: 600
#
# A swap file: holes are refused, what would change it is too, memory that does not
# fit is swapped out and in with every byte right, also while swapping programs are
# killed; then the file is an ordinary one again. LONG=1: in both ways of I/O, more often.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need python3 mkswap swapon swapoff fallocate
hog=$TOP/tests/vm/cases/space/hog.py
pid=''

counter() {
	sed -n "s/^$1 //p" /proc/vmstat
}

total_mb() {
	awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo
}

# refused ERRNO FILE: the kernel's answer; swapon(8) has an opinion of its own.
refused() {
	PYTHONPATH=$TOP/tests/vm/cases/space:$PYTHONPATH python3 -c "
import errno, falloc, sys
try:
	falloc.swapon('$2')
except OSError as e:
	sys.exit(e.errno != errno.$1)
sys.exit(1)" || fail "swapon $2 is not $1"
}

make_file() {
	dmesg_mark "$way"
	truncate -s 64m holes
	chmod 600 holes
	mkswap holes >/dev/null 2>&1
	refused EINVAL holes
	dmesg_since "$way" | grep -q 'has a hole at 4096' || fail "holes are not in the log"
	rm holes
	fallocate -l $((want + 128))m swap
	chmod 600 swap
	# the second time it must see what was written meanwhile
	refused EINVAL swap
	mkswap swap >/dev/null
	swapon swap
}

is_protected() {
	refute_errno "Text file busy" dd if=/dev/zero of=swap bs=4k count=1 conv=notrunc
	refute_errno "Text file busy" truncate -s 0 swap
	refute_errno "Text file busy" fallocate -p -o 0 -l 4096 swap
	refute_errno "Text file busy" fallocate -l 4g swap
	refute_errno "Operation not permitted" rm -f swap
	refused EBUSY swap
}

# let_go: nobody swaps to a file system that is about to go away.
let_go() {
	[ -z "$pid" ] || kill -KILL "$pid"
	swapoff -a
}

swapping() {
	local out in

	on_exit let_go
	want=$(($(total_mb) + 100))
	make_file
	is_protected
	out=$(counter pswpout) in=$(counter pswpin)
	python3 "$hog" "$want" 1
	out=$(($(counter pswpout) - out)) in=$(($(counter pswpin) - in))
	echo "$way: $out pages out, $in in"
	[ "$out" -gt 10000 ] && [ "$in" -gt 10000 ] || fail "there was no pressure"
	for _ in 1 ${LONG:+2}; do
		out=$(counter pswpout)
		python3 "$hog" "$want" 100 &
		pid=$!
		wait_until 60 swapped_since "$out"
		kill -KILL "$pid"
		wait_until 30 process_gone "$pid"
		wait "$pid" || true
		pid=''
	done
	swapoff swap
	echo x | dd of=swap conv=notrunc status=none
	rm swap
}

swapped_since() {
	[ "$(counter pswpout)" -gt $(($1 + 5000)) ]
}

IO_WAYS="nio ${LONG:+mapped}" each_way swapping
