#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Answers to GET_MULTY and PUT_MULTY that make no sense: blocks that are not there,
# counts, positions and lengths that contradict each other. The application gets EIO
# and no byte of anything else, every contract is ended by its put.

. "$TOP/tests/rawserver/lib.sh"

# words of an answer: op in the top byte, then block << 3 | pool
beyond=0x200000000010000	# block 8192 of 32 MiB
far=0x2fffffffffffff8
table=0x200000000000000
pool=0x200000000000043
write_op=0x300000000000040
unknown=0xff00000000000040

# balanced: what the server gave it has back.
balanced() {
	[ "$(stat_of contracts)" = 0 ]
}

# get RESULTS RULE CALL...: with an answer of GET_MULTY that the rule spoils.
get() {
	local results=$1 rule=$2

	shift 2
	try "$results" "op=GET_MULTY $rule" "$@"
	wait_until 5 balanced
}

raw_setup
raw_start --caps 6
raw_mount
app write "$mnt/file" 0 1m
app write "$mnt/other" 0 100k

for size in 100 8k 200k; do
	for word in $beyond $far $pool $write_op $unknown 0 0xffffffffffffffff; do
		get EIO "do=word:$word" readany "$mnt/file" 0 "$size"
		get EIO "do=word:$word" write "$mnt/file" 0 "$size"
	done
	# the block of the device table is a hole to who reads
	get OK "do=word:$table" readany "$mnt/file" 0 "$size"
	get EIO "do=word:$table" write "$mnt/file" 0 "$size"

	for n in 0 65536 0xffffffff; do
		get EIO "do=iomn:$n" readany "$mnt/file" 0 "$size"
		get EIO "do=iomn:$n" write "$mnt/file" 0 "$size"
	done
	for pos in +100 +0x7fffffffffffffff =0x8000000000000000 =-1; do
		get EIO "do=lastpos:$pos" readany "$mnt/file" 0 "$size"
		get EIO "do=lastpos:$pos" write "$mnt/file" 0 "$size"
	done
	get EIO "do=lastpos:=4095" readany "$mnt/file" 4096 "$size"
	get EIO "do=lastpos:=0" write "$mnt/file" 4096 "$size"
	# one byte less is a short answer, the rest is asked for again
	get OK "do=lastpos:-1" readany "$mnt/file" 0 "$size"
	get OK "do=lastpos:-1" write "$mnt/file" 0 "$size"
	# nothing at all, for ever: the call must end
	get any "count=0 do=lastpos:=4096" readany "$mnt/file" 4096 "$size"
	get any "count=0 do=lastpos:=4096" write "$mnt/file" 4096 "$size"

	for len in 0 23 119; do
		get EIO "do=outlen:$len" readany "$mnt/file" 0 "$size"
	done
	# the room is the kernel's own business
	get OK "do=iommax:0" readany "$mnt/file" 0 "$size"
	get OK "do=iommax:0xffffffff" write "$mnt/file" 0 "$size"
	for flags in 0x10 0x18 0xffffffff; do
		get OK "do=retflags:$flags" readany "$mnt/file" 0 "$size"
		get OK "do=retflags:$flags" write "$mnt/file" 0 "$size"
		# a channel that is to be kept for a put of nothing
		get EIO "do=retflags:$flags do=iomn:0" readany "$mnt/file" 0 "$size"
		get EIO "do=retflags:$flags do=word:$far" write "$mnt/file" 0 "$size"
	done
	get OK "do=wrunmap:0" write "$mnt/file" 0 "$size"
	get OK "do=wrunmap:-1" write "$mnt/file" 0 "$size"
done

# fewer blocks than the position says
get EIO "do=iomn:1" readany "$mnt/file" 0 8k
get EIO "do=iomn:1" write "$mnt/file" 4000 4096
# the header of the answer; without a contract there is no put
for err in 5 -515 -531 -4096 0x7fffffff -0x80000000; do
	get EIO "do=err:$err" readany "$mnt/file" 0 8k
	get EIO "do=err:$err" write "$mnt/file" 0 8k
done
for code in "-11 EAGAIN" "-4 EINTR" "-512 EINTR" "-28 ENOSPC" "-524 EOPNOTSUPP" \
	"-95 EOPNOTSUPP"; do
	get "${code#* }" "count=2 do=err:${code% *}" readany "$mnt/file" 0 8k
	get "${code#* }" "count=2 do=err:${code% *}" write "$mnt/file" 0 8k
done
# a fault of the server's is none of the application's: nothing is sent again
for call in readany write; do
	ctl forget
	get EIO "count=0 do=err:-14" "$call" "$mnt/file" 0 8k
	assert_eq 1 "$(ctl record | grep -c '^GET_MULTY ')" "messages until EIO"
done
for action in inlen:0 inlen:65535 operation:30 operation:0 flags:255 outmax:65535 \
	outstart:65535; do
	get OK "do=$action" read "$mnt/other" 0 8k
	get OK "do=$action" write "$mnt/other" 0 8k
done

# what a put is answered does not count, now or riding along
for flags in 0 8; do
	for action in err:-5 err:-531 fail:5 outlen:65535 fill:255; do
		ctl clear
		rule "op=GET_MULTY count=0 do=retflags:$flags"
		rule "op=PUT_MULTY count=0 do=$action"
		app -e OK write "$mnt/other" 0 8k
		app -e OK read "$mnt/other" 0 8k
	done
done

# flags that only NIO has, where nobody is asked for blocks
raw_umount
raw_end
raw_start
raw_mount
app write "$mnt/file" 0 100k
for flags in 0x10 0x18 0xffffffff; do
	try OK "op=READ do=retflags:$flags" read "$mnt/file" 0 8k
	try OK "op=WRITE do=retflags:$flags" write "$mnt/file" 0 8k
done
raw_works
raw_finish
