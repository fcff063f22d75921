#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every GET_MULTY gets its one put: at the latest a moment later although nothing follows on its
# CPU, though the CPU goes away, at once when the server asks for it, and before a truncate.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2

balanced() {
	ctl stats | grep -qx 'contracts 0'
}

# calls: operations in their order, with the channel that each went through; a ride-along stands
# behind the message that carried it.
calls() {
	ctl record | sed -n 's/^\([A-Z_]*\) in .* zt \([0-9.]*\) .*/\1 \2/p'
}

# own_puts: puts that were messages of their own.
own_puts() {
	local carried

	carried=$(ctl stats | sed -n 's/^puts //p')
	echo $(($(calls | grep -c PUT_MULTY) - carried + carried_before))
}

mark() {
	ctl forget
	carried_before=$(ctl stats | sed -n 's/^puts //p')
}

raw_setup
raw_start --caps 6
raw_mount
app write "$mnt/file" 0 64k
wait_until 5 balanced

# nothing follows: the deadline sends it
mark
taskset -c 1 /run/rawapp readany "$mnt/file" 0 4k
wait_until 5 balanced
assert_eq 0 "$(own_puts)" "puts of their own after a read"
calls | grep -q '^NOOP 1\.' || calls | grep -q '^PUT_MULTY 1\.' || fail "no put on CPU 1"

# many in a row: all of them ride along
mark
taskset -c 1 dd if="$mnt/file" of=/dev/null bs=4k status=none
wait_until 5 balanced
gets=$(calls | grep -c '^GET_MULTY')
# one more if the buffer had to be faulted in
[[ $gets == 1[67] ]] || fail "$gets gets for 16 reads"
assert_eq "$gets" "$(calls | grep -c '^PUT_MULTY')" "puts"
assert_eq 0 "$(own_puts)" "puts of their own"

# the server wants it at once: the next message of that CPU, with LOCKED_PUT of that channel
for flag in 2 8 16; do
	ctl only op=GET_MULTY count=0 "do=retflags:$flag"
	mark
	taskset -c 1 /run/rawapp readany "$mnt/file" 0 64k
	balanced || fail "ret_flags $flag: no put when the read was over"
	assert_eq 1 "$(own_puts)" "ret_flags $flag: puts of their own"
	if [ "$flag" = 16 ]; then
		assert_eq "$(calls | sed -n 's/^GET_MULTY //p')" \
			"$(calls | sed -n 's/^PUT_MULTY //p')" "channel of a locked put"
	fi
done
ctl clear

# a truncate comes after the puts of its file, whatever CPU they wait on
for round in {1..10}; do
	taskset -c 1 /run/rawapp readany "$mnt/file" 0 4k
	mark
	taskset -c 0 /run/rawapp truncate "$mnt/file" $((65536 - round * 100))
	last=$(calls | grep -E 'PUT_MULTY|FALLOCATE' | tail -n 1)
	[[ $last == FALLOCATE* ]] || fail "round $round: a put after the truncate: $(calls)"
	balanced || fail "round $round: the truncate did not wait for a put"
done

# the CPU goes away with a put that waits
for round in {1..5}; do
	taskset -c 1 /run/rawapp readany "$mnt/file" 0 4k
	cpu_online 1 0
	wait_until 5 balanced
	cpu_online 1 1
done
raw_finish
