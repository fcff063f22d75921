#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# A T2 device that takes 500 ms for a read, and readers of cold files that are on it, all on one
# CPU with one who reads what is in T1: he keeps his rate. When the server can have its messages
# back on any thread it is a file of the same mount; when it keeps its thread meanwhile
# (kept) it is one of another mount, and more cold readers than the CPU has threads.

. "$TOP/tests/vm/cases/tier/tier.bash"
need python3
# shellcheck disable=SC2034 # lib.sh uses it
plug_more=memofs

# cold_files NUMBER: each 4 MiB, and down.
cold_files() {
	local i

	cold_list=()
	for ((i = 0; i < $1; i++)); do
		app write "$mnt/cold.$i" 0 4m
		cold_list+=("$mnt/cold.$i")
	done
	ctl down
	ctl pause
}

tier_device linear
for way in nio mapped; do
	tier_up "$way" 32 "$cold"
	cold_files 2
	app write "$mnt/hot" 0 64k
	tier_device delay 500
	tier_python beside "$mnt/hot" "${cold_list[@]}" || fail "$way: hot reads"
	tier_device linear
	ctl resume
	assert_eq "0 0" "$(value held) $(value up_errors)" "held, errors"
	plug_down
done

tier_up nio,kept 32 "$cold"
cold_files 5
mkdir "$scratch/other"
mount -t memofs -o size=8m none "$scratch/other"
on_exit umount "$scratch/other"
app write "$scratch/other/hot" 0 64k
tier_device delay 500
# it has one thread of the CPU instead of two
KEPT=0.3 tier_python beside "$scratch/other/hot" "${cold_list[@]}" ||
	fail "another mount's hot reads"
tier_device linear
ctl resume
umount "$scratch/other"
plug_down
