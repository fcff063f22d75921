#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# FIEMAP, IOCTL, IGET and the steps of a whiteout, answered by a server that lies, refuses,
# hangs or dies: an errno, in time, and nothing is left behind.

. "$TOP/tests/rawserver/lib.sh"
need python3

py() {
	local cases=$TOP/tests/vm/cases name=$1

	shift
	PYTHONPATH=$cases/fileops:$PYTHONPATH \
		python3 "$cases/fileops/$name.py" "$@"
}

# handle WANTED RULE: the saved handle, asked for by number.
handle() {
	local found

	drop_caches
	ctl clear
	# shellcheck disable=SC2086 # a rule is several words
	[ -z "$2" ] || ctl only $2
	found=$(within 60 python3 "$scratch/open.py")
	assert_eq "$1" "$found" "handle with $2"
}

open_script() {
	cat >"$scratch/open.py" <<-TEXT
	import sys
	sys.path[:0] = ["$TOP/tests/vm/cases/fileops", "$TOP/tests/vm/cases/namespace"]
	sys.dont_write_bytecode = True
	sys.argv = ["fh", "open", "$scratch/handles", "$mnt"]
	import fh
	fh.main()
	TEXT
}

fiemap_lies() {
	local kind

	app write "$mnt/file" 0 40k
	app fiemap "$mnt/file" 64
	app fiemap "$mnt/file" 0
	for kind in many empty same behind wraps; do
		try EIO "op=FIEMAP count=0 do=extents:$kind" fiemap "$mnt/file" 10
	done
	try EIO "op=FIEMAP count=0 do=extents:before" fiemap "$mnt/file" 1
	# legal, if odd: an extent per byte, and flags that nobody knows
	try OK "op=FIEMAP count=0 do=extents:bytes" fiemap "$mnt/file" 64
	try OK "op=FIEMAP count=0 do=extents:flags" fiemap "$mnt/file" 64
	for kind in err:-9999 err:7 err:-531 outlen:65535 outlen:8; do
		try EIO "op=FIEMAP count=0 do=$kind" fiemap "$mnt/file" 10
	done
	try EOPNOTSUPP "op=FIEMAP do=err:-95" fiemap "$mnt/file" 10
}

ioctl_lies() {
	local request

	app ioctl "$mnt/file" 1
	app ioctl "$mnt/dir" 1
	app -e ENOTTY ioctl "$mnt/file" 9
	for request in 0,0 4,0 3,200 0x80000000,100; do
		try EINVAL "op=IOCTL count=0 do=request:$request" ioctl "$mnt/file" 1
	done
	for request in 1,0 1,55 1,70000 1,0xffffffff; do
		try E2BIG "op=IOCTL count=0 do=request:$request" ioctl "$mnt/file" 1
	done
	try EBUSY "op=IOCTL count=0 do=request:1,100" ioctl "$mnt/file" 1
	try EBUSY "op=IOCTL count=0 do=request:2,0" ioctl "$mnt/file" 1
	try OK "op=IOCTL count=1 do=request:2,0" ioctl "$mnt/file" 1
	try OK "op=IOCTL count=1 do=request:1,120" ioctl "$mnt/file" 1
	for request in outlen:65 outlen:65535 err:7 err:-9999; do
		try EIO "op=IOCTL count=0 do=$request" ioctl "$mnt/file" 1
	done
	# it is thawed again, whatever the server has said
	app write "$mnt/file" 0 4k
	# what is about the whole file system is handed on, too
	ctl clear
	ctl forget
	refute_errno "not supported" fstrim "$mnt"
	assert_grep "^IOCTL " <(ctl record)
	# 32-bit programs: flags and generation, in both directions; else nothing
	grep -q ' entry_INT80_compat$' /proc/kallsyms || return 0
	ctl forget
	app ioctl32 "$mnt/file" 0x40047602 77
	app ioctl32 "$mnt/file" 0x80047601 77
	app ioctl32 "$mnt/file" 0x40046602 0x80
	app ioctl32 "$mnt/file" 0x80046601 0x80
	app ioctl32 "$mnt/file" 0x40046602 0
	app -e ENOTTY ioctl32 "$mnt/file" 0xc0407201 0
	refute grep "^IOCTL " <(ctl record)
}

iget_lies() {
	local zi before

	# in the cache only directories that are in use may stay
	app write "$mnt/dir/deep" 0 4k
	py fh save "$scratch/handles" "$mnt/dir/deep"
	open_script
	handle OK ""
	# an answer without a cookie: the server keeps its own
	handle ESTALE "op=IGET do=outlen:0"
	handle ESTALE "op=IGET do=outlen:65535"
	drop_caches
	before=$(stat_of refs)
	for zi in zi:wild zi:huge zi:pool zi:unaligned zi:0 err:-9999 err:7 err:-531 ino:77 \
		mode:0 nlink:0 generation:9 size:-1; do
		handle ESTALE "op=IGET count=0 do=$zi"
		ctl heal
	done
	drop_caches
	assert_eq "$before" "$(stat_of refs)" "cookies that the kernel owns"
	handle OK ""
	assert_grep "^IGET " <(ctl record)
}

# whiteout_lies: each step is refused: nothing has changed; or the server lies, and dies.
whiteout_lies() {
	local nth code

	app write "$mnt/old" 0 4k
	for nth in 1 2; do
		for code in -122:EDQUOT -1:EPERM -95:ENOTSUP; do
			ctl only "op=RENAME" "nth=$nth" "do=err:${code%:*}"
			assert_eq "${code#*:}" "$(whiteout)" "step $nth refused"
			assert_eq "dir file old" "$(names)" "names after step $nth"
			app read "$mnt/old" 0 4k
		done
	done
	ctl only op=NEW_INODE count=2 do=err:-28
	assert_eq ENOSPC "$(whiteout)" "no whiteout"
	for nth in 1 2; do
		ctl only op=RENAME "nth=$nth" count=1 do=err:7
		assert_eq EIO "$(whiteout)" "an answer that makes no sense"
		ctl clear
		rm -rf "$mnt/old" "$mnt/new" "$mnt"/.zuf-*
		app write "$mnt/old" 0 4k
	done
	ctl clear
	assert_eq OK "$(whiteout)" "a whiteout"
	assert_eq "dir file new old" "$(names)" "names after a whiteout"
	app read "$mnt/new" 0 4k
	[ -c "$mnt/old" ] || fail "no whiteout"
	rm "$mnt/old" "$mnt/new"
}

names() {
	find "$mnt" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

whiteout() {
	within 60 python3 -c '
import errno, sys
from nstest import renameat2
try:
    renameat2(sys.argv[1] + "/old", sys.argv[1] + "/new", 4)
    print("OK")
except OSError as e:
    print(errno.errorcode[e.errno])' "$mnt"
}

# killed: callers that do not wait any longer; what they asked for is given back, or ends.
killed() {
	local pid before

	drop_caches
	ctl clear
	before=$(stat_of refs)
	ctl only op=IGET do=hang
	timeout $((60 * ${SLOW:-1})) python3 "$scratch/open.py" >/dev/null &
	pid=$!
	wait_until 10 hangs
	kill -KILL "$(pgrep -P "$pid")"
	wait "$pid" || true
	ctl release
	wait_until 10 refs_are "$before"
	app write "$mnt/old" 0 4k
	ctl only op=RENAME nth=2 do=hang
	whiteout &
	pid=$!
	wait_until 10 hangs
	pkill -KILL -P "$(pgrep -P "$pid" timeout)"
	ctl release
	wait "$pid" || true
	assert_eq "dir file new old" "$(names)" "names after a kill"
	[ -c "$mnt/old" ] || fail "no whiteout after a kill"
	rm "$mnt/old" "$mnt/new"
}

hangs() {
	[ "$(stat_of hangs)" != 0 ]
}

refs_are() {
	drop_caches
	[ "$(stat_of refs)" = "$1" ]
}

# a server that dies in the middle of each
death() {
	local what pid

	for what in FIEMAP:fiemap:"$mnt/file":10 IOCTL:ioctl:"$mnt/file":1; do
		IFS=: read -r op call path arg <<<"$what"
		ctl only "op=$op" do=hang
		app -e EIO,EINTR "$call" "$path" "$arg" &
		pid=$!
		wait_until 10 hangs
		kill -KILL "$raw_pid"
		wait "$pid" || fail "$call did not end with EIO"
		raw_end
		raw_umount
		raw_start --caps 0x80000000
		raw_mount
		app write "$mnt/file" 0 40k
	done
}

raw_setup
raw_start --caps 0x80000000
raw_mount
app mkdir "$mnt/dir"
fiemap_lies
ioctl_lies
ctl clear
iget_lies
ctl clear
whiteout_lies
killed
raw_works
raw_kernel_was_right
death
raw_works
raw_finish

# an old server: what is cached can be opened by handle, nothing else is asked for
raw_setup
raw_start
raw_mount
app write "$mnt/file" 0 4k
py fh save "$scratch/handles" "$mnt/file"
exec {held}<"$mnt/file"
handle OK ""
exec {held}<&-
handle ESTALE ""
refute grep -q "^IGET " <(ctl record)
raw_finish
