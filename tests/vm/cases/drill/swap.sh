#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Swap space in a file whose server wants lists and restarts: now and then, and many of them
# at once; slow answers; a kill of who waits for a page; at last the server dies: SIGBUS for
# who touches what was out, and nothing else is lost.

. "$TOP/tests/vm/cases/drill/drill.bash"
need python3 mkswap swapon swapoff fallocate

pageout() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/vm/cases/drill/pageout.py" "$@"
}

restarted() {
	[ "$(value restarts)" -gt "$1" ]
}

swap_on() {
	fallocate -l 64m "$mnt/swap"
	chmod 600 "$mnt/swap"
	mkswap "$mnt/swap" >/dev/null
	swapon "$mnt/swap"
}

# let_go: nobody swaps to a file system that is about to go away.
let_go() {
	[ ! -e "$scratch/plugctl" ] || ctl clear
	swapoff -a
}

lists() {
	local before op

	on_exit let_go
	swap_on
	before=$(value restarts)
	ctl only "op=$get count=0 every=3 do=retry:t2read:100:s0:8"
	ctl rule "op=WRITE count=0 every=3 do=retry:t2write:100:s0:8"
	pageout 16 2
	restarted $((before + 100)) || fail "$way: hardly a list: $(value restarts)"
	# as often as it likes, of one page that goes out, and of one that comes in
	for op in "$put" "$get"; do
		before=$(value restarts)
		ctl only "op=$op count=300 do=retry:t2read:100:s0:8"
		pageout 4 1
		restarted $((before + 299)) || fail "$way: not all of the lists: $(value restarts)"
	done
	killed
	swapoff "$mnt/swap"
	rm "$mnt/swap"
}

# killed: who waits for a page that is out, which the server does not give.
killed() {
	local pid

	ctl only "op=$get ino=$(stat -c %i "$mnt/swap") do=hang nth=20"
	pageout 4 100 &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	ctl release
	wait "$pid" && fail "$way: it ended by itself"
	ctl clear
}

drill_each_way lists

# the server dies
plug_up drillfs nio /dev/pmem0 /dev/vda
swap_on
mkfifo "$scratch/go"
pageout 16 1 lost <"$scratch/go" >"$scratch/out" &
pid=$!
exec {go}>"$scratch/go"
wait_until 60 grep -q out "$scratch/out"
kill -KILL "$plug_pid"
wait "$plug_pid" || true
plug_pid=''
echo >&"$go"
wait "$pid" || fail "who touches a lost page: $?"
swapoff "$mnt/swap"
umount "$mnt"
umount "$plug_root"
wait_until 5 rmmod zuf
