#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# make demo: pack a source tree of this machine, boot a VM with 1 GiB of persistent
# memory, mount a file system there and put it to work (scripts/demo-guest.sh). Changes
# nothing on the machine but build/ and .cache/ (and installs missing packages).
#
# usage: scripts/demo.sh [tierfs|memofs|ext4|tmpfs]     the last two only try the demo itself

set -eu
. "$(dirname "$0")/common.sh"

fs=${1:-tierfs}
kernel=6.1

# The headers of the kernel that the VM boots, and those of the C library: some 7,000
# real source files that are here already.
pack_tree() {
	local headers
	headers=$(echo "$KERNELS/$kernel"/root/usr/src/linux-headers-*-common)
	[ -d "$headers" ] || die "no kernel headers in $KERNELS/$kernel"
	tar --format=posix --exclude="*/arch/[!x]*" -C "${headers%/*}" \
		-cf "$share/tree.tar" "${headers##*/}" \
		-C /usr/include linux asm-generic
}

"$TOP/scripts/deps.sh" demo vm
"$TOP/scripts/kernel.sh" get "$kernel"
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
pack_tree
say "booting a VM (everything in it runs on an emulated CPU)"
"$TOP/tests/vm/run" --kernel "$kernel" --pmem 1024 --mem 1536 --share "$share" \
	--timeout 600 -- "$TOP/scripts/demo-guest.sh" "$fs"
