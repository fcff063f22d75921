#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An application is killed and leaves its message with a server that is slow: the inode that
# the message is about is neither cut nor freed before the server has done with it, nor before
# the blocks that it gave are put.

. "$TOP/tests/rawserver/lib.sh"

# abandon OP CALL...: the call is killed while it hangs in OP.
abandon() {
	local op=$1 pid

	shift
	ctl forget
	ctl only "op=$op" count=1 do=hang
	/run/rawapp -e any "$@" &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait "$pid" || true
}

# recorded OP: the server has got such a message.
recorded() {
	ctl record | grep -q "^$1 "
}

# order OP: of the messages that are recorded.
order() {
	ctl record | grep -oE "^($1) " | tr -d '\n'
}

# waits COMMAND...: it does not end, and is killed.
waits() {
	local status=0

	timeout -s KILL 2 "$@" || status=$?
	assert_eq 137 "$status" "status of '$*'"
}

# let_go: the server goes on.
let_go() {
	ctl clear
	ctl release
}

# ends_inode PID: it is at the end of the inode of which it has removed the last name.
ends_inode() {
	grep -q zuf_evict_end "/proc/$1/stack"
}

# data OP CALL: reads or writes of a file.
data() {
	local pid status=0

	app write "$mnt/file" 0 20k
	abandon "$1" "$2" "$mnt/file" 0 20k
	waits truncate -s 100 "$mnt/file"
	refute recorded FALLOCATE
	let_go
	within 20 truncate -s 50 "$mnt/file" || fail "$1: the file stays locked"

	app write "$mnt/file" 0 20k
	abandon "$1" "$2" "$mnt/file" 0 20k
	rm "$mnt/file" &
	pid=$!
	wait_until 10 ends_inode "$pid"
	kill -KILL "$pid"
	wait "$pid" || status=$?
	assert_eq 137 "$status" "$1: status of an rm that waits"
	recorded REMOVE_DENTRY || fail "$1: the name is still there"
	refute recorded FREE_INODE
	let_go
	wait_until 10 recorded FREE_INODE
}

# folder OP CALL NAME [ARG...]: something in a folder, which is then removed.
folder() {
	local op=$1 call=$2

	shift 2
	app mkdir "$mnt/dir"
	abandon "$op" "$call" "$mnt/dir$1" "${@:2}"
	waits rmdir "$mnt/dir"
	refute recorded REMOVE_DENTRY
	let_go
	within 20 rmdir "$mnt/dir" || fail "$op: the folder stays locked"
	wait_until 10 recorded FREE_INODE
}

# excluded OP CALL...: what the lock of the killed one excludes is not sent meanwhile.
excluded() {
	waits /run/rawapp -e any "${@:2}"
	refute recorded "$1"
}

# locks: the inode lock is gone with its owner, but it still counts.
locks() {
	app write "$mnt/file" 0 20k
	app write "$mnt/other" 0 20k
	abandon WRITE write "$mnt/file" 0 20k
	excluded READ readany "$mnt/file" 0 4k
	excluded SETATTR chmod "$mnt/file" 0600
	app read "$mnt/other" 0 20k
	let_go
	app write "$mnt/file" 0 20k

	abandon READ readany "$mnt/file" 0 20k
	app readany "$mnt/file" 0 4k
	excluded SETATTR chmod "$mnt/file" 0600
	let_go
	app chmod "$mnt/file" 0600

	app mkdir "$mnt/dir"
	abandon NEW_INODE create "$mnt/dir/a"
	waits /run/rawapp -e any stat "$mnt/dir/none"
	excluded READDIR readdir "$mnt/dir" 100
	app create "$mnt/new"
	let_go
	app create "$mnt/dir/b"
	rm -r "$mnt/dir" "$mnt/new"
}

raw_setup
raw_start
raw_mount
locks
data WRITE write
data READ read
folder READDIR readdir "" 100
folder LOOKUP stat /none
raw_finish

raw_setup
raw_start --caps 6
raw_mount
data GET_MULTY write
assert_eq "GET_MULTY PUT_MULTY FREE_INODE " "$(order 'GET_MULTY|PUT_MULTY|FREE_INODE')" "order"
data GET_MULTY read
raw_finish
