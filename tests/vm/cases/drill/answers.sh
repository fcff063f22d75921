#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# What a server may answer besides everything at once: flags, short answers, holes, errors,
# mappings to drop; and blocks that are none. Gets and puts balance, the puts of locked
# channels come through these.

. "$TOP/tests/vm/cases/drill/drill.bash"

beyond=0x2fffffffff00000
unknown=0x900000000000040

flags() {
	local flags pids=()

	for flags in 2 8 0x10 0x18 0x1a; do
		ctl only "op=GET count=0 do=flags:$flags"
		ctl rule "op=READ count=0 do=flags:$flags"
		ctl rule "op=WRITE count=0 do=flags:$flags"
		app write "$mnt/file" 0 300k
		app read "$mnt/file" 0 300k
		app write "$mnt/new" 1000 20k
		app read "$mnt/new" 1000 20k
		app append "$mnt/new" 5000
		app unlink "$mnt/new"
		wait_until 5 drill_balanced
	done
	# locked channels, several tasks at once
	ctl only "op=GET count=0 do=flags:0x10"
	for flags in 1 2 3 4; do
		"$scratch/rawapp" burst "$mnt" 30 &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# parts OP CALL...: in pieces of any size, the call gets everything.
parts() {
	local op=$1 max

	shift
	for max in 1 2 7; do
		[ "$way" = nio ] || max=$((max * 1000 + 1))
		try OK "op=$op count=0 do=short:$max" "$@"
	done
}

errors() {
	local code

	for code in "-11 EAGAIN" "-4 EINTR" "-28 ENOSPC" "-5 EIO" "-122 EDQUOT" \
		"-4095 EIO" "-4096 EIO" "-531 EIO" "-0x80000000 EIO"; do
		try "${code#* }" "op=$get count=2 do=ret:${code% *}" read "$mnt/file" 0 8k
		try "${code#* }" "op=$put count=2 do=ret:${code% *}" write "$mnt/file" 0 8k
		# what was done before counts
		try OK "op=$get nth=2 do=ret:${code% *}" read "$mnt/file" 0 5m
	done
	for code in "TRUNCATE truncate $mnt/other 102400" \
		"FALLOCATE fallocate $mnt/other 0 0 4096"; do
		# shellcheck disable=SC2086 # a call is several words
		try ENOSPC "op=${code%% *} count=2 do=ret:-28" ${code#* }
		# shellcheck disable=SC2086
		try EIO "op=${code%% *} do=ret:5" ${code#* }
	done
}

bad_blocks() {
	local word

	for word in $beyond $unknown 0x300000000000040 0x200000000000041; do
		try EIO "op=GET do=word:$word" readany "$mnt/file" 0 40k
		try EIO "op=GET do=word:$word" write "$mnt/file" 0 40k
		# good blocks come first: they count
		try OK "op=GET do=lastword:$word" read "$mnt/file" 0 40k
		try OK "op=GET do=lastword:$word" write "$mnt/file" 0 40k
		try OK "op=GET do=lastword:$word" read "$mnt/file" 1 40k
	done
	try EIO "op=GET do=hole" write "$mnt/file" 0 40k
}

more() {
	local before

	try OK "op=$get do=hole" readany "$mnt/file" 0 40k
	try OK "op=$put do=unmap:0:8192" write "$mnt/file" 0 40k
	try OK "op=$put do=unmap:4294963200:4294967295" write "$mnt/file" 0 40k
	app read "$mnt/file" 0 40k
	# more than there is
	before=$(value gets)
	try EIO "op=READ do=ret:8193" readany "$mnt/file" 0 8k
	try EIO "op=WRITE do=ret:8193" write "$mnt/file" 0 8k
	assert_eq "$before" "$(value gets)" "gets of the mapped way"
}

all() {
	flags
	parts "$get" read "$mnt/file" 100 100k
	parts "$put" write "$mnt/file" 100 100k
	errors
	if [ "$way" = nio ]; then
		bad_blocks
		try OK "op=GET do=hole" readany "$mnt/file" 0 40k
	else
		more
	fi
	app write "$mnt/file" 0 300k
}

drill_each_way all
