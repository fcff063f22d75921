#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Values and lists that no message holds: a server that knows the window for them, and then
# answers with nonsense; one that does not; one that only says so. Callers that are killed while
# the server is at work: nothing waits for it but who wants the same attributes.

. "$TOP/tests/rawserver/lib.sh"

window=0x40000001	# with ACLs

prepare() {
	raw_mount
	app write "$mnt/file" 0 4k
	app setxattr "$mnt/file" user.a 10
	app write "$mnt/many" 0 4k
	app fillxattr "$mnt/many" "$1"
	app write "$mnt/big" 0 4k
	ctl forget
}

# killed OP RESULTS CALL...: it is killed while the server is in OP for it; then RESULTS are
# right for the same call of somebody else.
killed() {
	local op=$1 results=$2 second

	shift 2
	hang_and_kill "op=$op" "$@"
	ctl forget
	/run/rawapp -e "$results" "$@" >>"$scratch/out" 2>&1 &
	second=$!
	# who wants something else of the inode does not wait
	app stat "$2"
	[ "$op" != XATTR_SET ] || refute eval "ctl record | grep -q ^XATTR"
	ctl release
	wait "$second" || fail "$op after the killed '$*': $(tail -n 2 "$scratch/out")"
}

raw_setup
raw_start --caps "$window"
prepare 200
killed XATTR_SET OK setxattr "$mnt/big" user.a 65536
assert_eq 0 "$(ctl probe | awk '{ n += $8 } END { print n }')" "bytes of a value in idle windows"
killed XATTR_SET OK setxattr "$mnt/file" user.a 10
killed XATTR_SET OK setxattr "$mnt/file" user.b 300
killed XATTR_SET ENODATA removexattr "$mnt/file" user.b
killed XATTR_GET OK getxattr "$mnt/file" user.a 10
killed XATTR_GET OK getxattr "$mnt/big" user.a 0
killed XATTR_GET OK getxattr "$mnt/big" user.a 65536
killed XATTR_LIST OK listxattr "$mnt/file"
killed XATTR_LIST OK listxattr "$mnt/many"
# the second message, the one with the window
for call in "XATTR_GET getxattr $mnt/big user.a 65536" "XATTR_LIST listxattr $mnt/many"; do
	read -r op call <<<"$call"
	ctl only "op=$op" nth=2 do=hang
	# shellcheck disable=SC2086 # several words
	/run/rawapp -e any $call >>"$scratch/out" &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait_until 5 process_gone "$pid"
	ctl release
	# shellcheck disable=SC2086 # several words
	app $call
done

# nonsense in the answer to that message
for answer in err:-9999 err:7 err:-531 outlen:65535 outlen:0 outlen:8 xsize:65537 xsize:-1; do
	try EIO "op=XATTR_GET nth=2 do=$answer" getxattr "$mnt/big" user.a 65536
	try EIO "op=XATTR_LIST nth=2 do=$answer" listxattr "$mnt/many"
done
try EIO "op=XATTR_LIST nth=2 do=xsize:65000" listxattr "$mnt/many"
try OK "op=XATTR_GET nth=2 do=xsize:0" getxattr "$mnt/big" user.a 65536
for answer in err:-9999 err:7 err:-531 outlen:65535; do
	try EIO "op=XATTR_SET do=$answer" setxattr "$mnt/big" user.a 65536
done
try E2BIG "op=XATTR_GET count=2 do=err:-7" getxattr "$mnt/big" user.a 65536
try ENOSPC "op=XATTR_SET count=2 do=err:-28" setxattr "$mnt/big" user.a 65536
ctl clear
app getxattr "$mnt/big" user.a 65536
app removexattr "$mnt/big" user.a
app -e ENODATA getxattr "$mnt/big" user.a 65536
rm "$mnt/big" "$mnt/many" "$mnt/file"
drop_caches
assert_eq 1 "$(stat_of refs)" "cookies that the kernel owns"
raw_works
raw_finish

# a server of 2019: what fits a message works, the rest is refused
raw_setup
raw_start --caps 1
prepare 100
app setxattr "$mnt/big" user.a 30000
app getxattr "$mnt/big" user.a 30000
app listxattr "$mnt/many"
for call in "setxattr $mnt/big user.a 32768" "setxattr $mnt/big user.a 65536"; do
	# shellcheck disable=SC2086 # several words
	app -e E2BIG $call
done
app getxattr "$mnt/big" user.a 65536
try E2BIG "op=XATTR_GET do=err:-7" getxattr "$mnt/big" user.a 65536
try E2BIG "op=XATTR_LIST do=err:-7" listxattr "$mnt/many"
ctl clear
app fillxattr "$mnt/many" 200
app -e E2BIG listxattr "$mnt/many"
killed XATTR_SET OK setxattr "$mnt/big" user.a 30000
killed XATTR_GET OK getxattr "$mnt/big" user.a 30000
refute eval "ctl record | grep -q 'len 65536'"
raw_finish

# one that only says that it knows the window: it takes these messages for usual ones
raw_setup
raw_start --caps 1
ctl only "op=M_MOUNT do=caps:$window"
prepare 200
app -e EINVAL setxattr "$mnt/big" user.a 65536
app setxattr "$mnt/file" user.c 1000
app -e any getxattr "$mnt/file" user.c 1000
try EIO "op=XATTR_GET count=1 do=err:-7" getxattr "$mnt/file" user.c 1000
try EIO "op=XATTR_GET count=1 do=err:-7" getxattr "$mnt/file" user.a 1000
ctl clear
app -e E2BIG listxattr "$mnt/many"
try EIO "op=XATTR_LIST count=1 do=err:-7" listxattr "$mnt/file"
ctl clear
app getxattr "$mnt/file" user.a 10
raw_works
raw_finish
