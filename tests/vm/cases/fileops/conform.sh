#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# What ext4 says to some thousand system calls memofs says too: attributes, names,
# permissions, transfers, limits, locks, leases, ioctls.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need_pmem 1
reference
scratch

# The output takes a pipe: one part limits the size of files.
conform() {
	local cases=$TOP/tests/vm/cases

	mkdir "$1/conform"
	python3 "$cases/fileops/conform.py" "$1/conform" | cat >"$2"
}

conform "$ref" "$scratch/ext4"
[ "$(wc -l <"$scratch/ext4")" -gt 3000 ] || fail "few lines: $(wc -l <"$scratch/ext4")"

compare() {
	conform "$mnt" "$scratch/$way"
	diff -U 2 "$scratch/ext4" "$scratch/$way" >"$scratch/differ" ||
		fail "$way is not as ext4: $(head -n 60 "$scratch/differ")"
}

IO_WAYS=${IO_WAYS:-nio} each_way compare
