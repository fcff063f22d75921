#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# Data that is moved without being looked at: sendfile, splice, vmsplice and tee in odd pieces
# (copies.py), and the tools that copy: cat, cp, head, tail, tee, split, sort, gzip.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need python3 gzip

pieces() {
	python3 "$TOP/tests/vm/cases/real/copies.py"
}

tools() {
	local data=$scratch/data

	cat "$data" >a
	same "$data" a cat
	# shellcheck disable=SC2002 # that is what it is about
	cat a | cat >b
	same "$data" b "cat through a pipe"
	: >b
	for _ in 1 2 3; do
		cat a >>b
	done
	cat "$data" "$data" "$data" >"$scratch/three"
	same "$scratch/three" b "cat, appending"
	for flags in --reflink=auto --reflink=never --sparse=always --sparse=never; do
		cp "$flags" a c
		same "$data" c "cp $flags"
		cp "$flags" a "$scratch/c"
		same "$data" "$scratch/c" "cp $flags to tmpfs"
	done
	tee <a d >e
	same "$data" d tee
	same "$data" e "tee's output"
	{ head -c 700001 a; tail -c +700002 a; } >f
	same "$data" f "head and tail"
	split -b 133333 a part.
	cat part.* >g
	same "$data" g split
	gzip -1 <a >h.gz
	gzip -dc h.gz >h
	same "$data" h gzip
	base64 a >i
	base64 -d i >j
	same "$data" j base64
	sort -S 200k -T . i >k
	sort i | cmp - k || fail "$way: sort with files in between"
	install -m 4711 a l
	same "$data" l install
	truncate -s /4096 l
	head -c $(($(stat -c %s "$data") / 4096 * 4096)) "$data" | cmp - l ||
		fail "$way: truncate"
	shred -n 1 -z l
	[ -z "$(tr -d '\0' <l | head -c 1)" ] || fail "$way: shred -z"
}

copying() {
	part pieces tools
}

scratch
head -c 1200017 /dev/urandom >"$scratch/data"
each_way copying
