#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A server that says that it has brought what it has not: nobody gets to see what the same
# memory showed to somebody else before, data of other files, names, texts of mounts.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2

# shows_none FILE SIZE: nothing of the other's is in what a lying server lets one read.
shows_none() {
	local found

	# nothing is executed, but the position moves on
	ctl only op=READ count=0 do=err:0 "do=lastpos:+$2"
	found=$(taskset -c 1 dd if="$1" bs="$2" count=1 status=none | tr -d '\0' | wc -c)
	ctl clear
	assert_eq 0 "$found" "bytes of somebody else's in ${1##*/}"
}

raw_setup
raw_start
raw_mount
app write "$mnt/secret" 0 1m
app write "$mnt/other" 0 1m
app mkdir "$mnt/dir"
for name in a b c; do
	app create "$mnt/dir/secret-$name"
done

for size in 100 4096 65536 1048576; do
	for lie in 4096 65536 1048576; do
		taskset -c 1 dd if="$mnt/secret" of=/dev/null bs="$size" count=1 status=none
		shows_none "$mnt/other" "$lie"
	done
done
# large, then small of a third, then large again: what the small one did not cover
taskset -c 1 dd if="$mnt/secret" of=/dev/null bs=1M count=1 status=none
shows_none "$mnt/other" 100
app write "$mnt/third" 0 1m
shows_none "$mnt/third" 1048576
# names
taskset -c 1 /run/rawapp readdir "$mnt/dir" 10
shows_none "$mnt/other" 65536
# what is written goes at once
taskset -c 1 /run/rawapp write "$mnt/secret" 0 1m
shows_none "$mnt/other" 1048576

# texts of the mounter: the options of a mount are not part of an answer to somebody else
mkdir "$scratch/options"
within 20 mount -t rawn -o size=32m,password=hunter2 none "$scratch/options"
ctl only op=DDBG_RD count=0 do=err:0 do=poke:32,3000 do=outlen:40
head -c 3000 "$raw_root/ddbg" >"$scratch/text" || true
if grep -aq hunter2 "$scratch/text"; then
	fail "the options of a mount are in the debug texts"
fi
raw_works
raw_finish
