#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Memory of a server that a list names and that does not come, because it is mapped from a
# file system that hangs: unmount and abort end, devices are free again, other mounts and
# other threads go on, who asked for the operation can be killed. When the memory comes at
# last nothing of the list is done to a mount that has ended.

. "$TOP/tests/vm/cases/abi/lists.bash"

need_pmem 2
need_disk 1
modprobe fuse || skip "there is no FUSE"
[ -c /dev/fuse ] || skip "there is no FUSE"

# hang: a new file system that hangs, mapped by the server.
hang() {
	hung=/run/hung
	mkdir -p "$hung"
	rm -f "$scratch/held"
	python3 "$TOP/tests/vm/cases/abi/hungfuse.py" "$hung" "$scratch/held" 4194304 &
	fuse=$!
	on_exit umount -l "$hung"
	on_exit kill -KILL "$fuse"
	wait_until 10 test -e "$scratch/held"
	memory=$(ctl memory "$hung/memory")
}

held() {
	[ "$(cat "$scratch/held")" -ge "$1" ]
}

let_go() {
	kill -USR1 "$fuse"
	wait_until 10 grep -qx 0 "$scratch/held"
}

away() {
	kill -KILL "$fuse"
	wait "$fuse" || true
	umount -l "$hung"
}

# words OP BLOCK PAGE: one page of the memory, as a rule's list.
words() {
	printf '0x%02x%014x,%d,4096' "$1" "$2" $((memory + $3 * 4096))
}

# others: what does not need that memory.
others() {
	app write "$scratch/other/file" 0 100k
	app read "$scratch/other/file" 0 100k
}

set_up /dev/vdb
mkdir "$scratch/other"
mount -t rawn -o size=32m none "$scratch/other"
# lists are of the file system that was mounted last
umount "$mnt"
mount -t rawf /dev/pmem1 "$mnt"
app write "$mnt/file" 0 100k

# a list of the server's own: the mount ends, and the next one gets the devices
for element in mw:100:8:1 mr:100:16:1; do
	hang
	fill t1:8192:1:7
	run OK w:100:8192
	run OK w:101:8192
	ctl list w:101:8193 "$element" >"$scratch/result" &
	list=$!
	wait_until 10 held 1
	app write "$mnt/file" 0 100k
	app read "$mnt/file" 0 100k
	others
	within 20 umount "$mnt" || fail "$element: unmount waits for the server's memory"
	within 20 mount -t rawf /dev/pmem1 "$mnt" || fail "$element: the devices are not free"
	app write "$mnt/file" 0 100k
	others
	let_go
	wait "$list"
	assert_eq "call EINVAL" "$(cat "$scratch/result")" "the list of the mount that has ended"
	run OK r:101:8200
	same t1:8200:1:7
	ctl memory own
	away
done

# a list in an answer: its application can be killed, its server aborted
hang
ctl only op=READ count=1 "do=retry:$(words 7 100 32)"
/run/rawapp -e any -t 60000 readany "$mnt/file" 0 8k &
pid=$!
wait_until 10 held 1
app write "$mnt/more" 0 100k
others
kill -KILL "$pid"
wait_until 10 process_gone "$pid"
wait "$pid" || true
others
let_go
ctl memory own
away
app read "$mnt/file" 0 8k

hang
ctl only op=READ count=1 "do=retry:$(words 8 100 48)"
/run/rawapp -e EIO -t 60000 readany "$mnt/file" 0 8k &
pid=$!
wait_until 10 held 1
within 20 zufs abort || fail "abort waits for the server's memory"
wait_until 10 process_gone "$pid"
wait "$pid" || fail "the application's result"
raw_umount || fail "a file system does not go away"
old=$raw_pid
raw_socket=/run/rawserver2.sock
raw_start
mount -t rawf /dev/pmem1 "$mnt"
app write "$mnt/file" 0 100k
kill -KILL "$old"
let_go
wait "$old" || true
away
raw_works
raw_finish
