#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a server sees of an application: the data at offset and len of the header
# and nothing else, read-only when mapped for WRITE, at most 4 MiB at a time, and
# nothing at all after the operation.

. "$TOP/tests/rawserver/lib.sh"

# sent OP FIELD: that field of all messages of the operation, in order.
sent() {
	ctl record | sed -n "s/^$1 in .* $2 \([0-9]*\) .*/\1/p" | paste -sd' '
}

raw_setup copy_max=65536
raw_start
raw_mount

# mapped: pages of the application only, read-only for WRITE
rule op=WRITE do=look
app -m 100 write "$mnt/file" 0 1m
look=$(ctl record | grep '^look WRITE')
[[ $look == *"pages 0..257 writable 0 below 0 "* ]] || fail "a mapped WRITE: $look"
rule op=READ do=look
app readany "$mnt/file" 0 1m
look=$(ctl record | grep '^look READ')
[[ $look == *"pages 0..256 writable 1 below 0 "* ]] || fail "a mapped READ: $look"
# what is above the data: the 16 copy pages of the channel
[[ $look == *"above 16" || $look == *"above 0" ]] || fail "a mapped READ: $look"

# offset and len: the in-page start of a mapped buffer, and up to 4 MiB of pages
ctl clear
ctl forget
app -m 100 write "$mnt/file" 0 9m
app -m 100 read "$mnt/file" 0 9m
# of 9 MiB: up to 4 MiB are shown; less by copy, when the server changes its mappings just then
for op in WRITE READ; do
	read -ra lengths <<<"$(sent $op len)"
	read -ra offsets <<<"$(sent $op offset)"
	[ "${#lengths[@]}" -ge 3 ] || fail "messages of $op: ${#lengths[@]}"
	sum=0 mapped=0
	for i in "${!lengths[@]}"; do
		if [ "${lengths[i]}" -gt 65536 ]; then
			mapped=$((mapped + 1))
			assert_eq $(((100 + sum) % 4096)) "${offsets[i]}" "offset $i of $op"
			[ $((offsets[i] + lengths[i])) -le 4194304 ] ||
				fail "lengths of $op: ${lengths[*]}"
		fi
		sum=$((sum + lengths[i]))
	done
	assert_eq 9437184 "$sum" "bytes of $op"
	[ "$mapped" -ge 2 ] || fail "nothing is shown by $op: ${lengths[*]}"
done
raw_finish

# after writes alone not a byte of them is in any window
raw_setup copy_max=65536
raw_start
raw_mount
app write "$mnt/small" 0 3000
app -m 9 write "$mnt/file" 0 60k
app -m 9 write "$mnt/file" 0 5m
app longlink 4000 "$mnt/link"
ctl probe >"$scratch/probe"
[ "$(wc -l <"$scratch/probe")" -ge 3 ] || fail "not all windows were looked at"
assert_eq 0 "$(awk '{ sum += $NF } END { print sum + 0 }' "$scratch/probe")" \
	"bytes of applications in idle windows"
assert_eq 0 "$(awk '$6 > 16' "$scratch/probe" | wc -l)" \
	"windows that show more than the channel's own pages"
raw_finish
