#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Locks between processes that lie in mapped files, and mappings that grow.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need gcc
scratch
gcc -O1 -Wall -Wextra -Werror -pthread -o "$scratch/shared" "$TOP/tests/vm/cases/mmap/shared.c"

# Where memory of the kernel is mapped page by page, mremap(2) of some kernels cannot let it grow.
grows() {
	local version major minor

	[ "$way" = none ] || return 0
	version=$(uname -r)
	major=${version%%.*}
	minor=${version#*.}
	minor=${minor%%[!0-9]*}
	! ((major == 6 && minor >= 7 && minor <= 14))
}

in_mount() {
	local grow=grow

	grows || grow=
	(cd "$mnt" && "$scratch/shared" "$way" $grow)
}

mmap_each in_mount
