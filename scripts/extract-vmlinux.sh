#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Unpack the ELF vmlinux out of an x86 bzImage, so that a VM can start it
# directly and need not decompress itself at each boot. The place of the
# payload is read from the setup header (Documentation/arch/x86/boot.rst:
# setup_sects 0x1f1, magic 0x202, payload_offset 0x248, payload_length
# 0x24c); called by scripts/kernel.sh.
#
# usage: scripts/extract-vmlinux.sh BZIMAGE OUTPUT

set -eu
. "$(dirname "$0")/common.sh"

# number OFFSET BYTES: a little-endian number of the image.
number() {
	od -A n -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '
}

# payload: the compressed kernel. The last four bytes are its unpacked size,
# which only gzip has in its own format and unpackers of others refuse.
payload() {
	tail -c +$((start + 1)) "$image" | head -c "$1" || true
}

[ $# = 2 ] || die "usage: extract-vmlinux.sh BZIMAGE OUTPUT"
image=$1
output=$2
[ -r "$image" ] || die "cannot read $image"
[ "$(head -c $((0x206)) "$image" | tail -c 4)" = HdrS ] ||
	die "$image is not an x86 bzImage"

start=$((($(number 0x1f1 1) + 1) * 512 + $(number 0x248 4)))
length=$(number 0x24c 4)
magic=$(od -A n -t x1 -j "$start" -N 4 "$image" | tr -d ' ')
case $magic in
1f8b*)		payload "$length" | gzip -dc >"$output.new" ;;
fd377a58)	payload $((length - 4)) | xz -dc >"$output.new" ;;
28b52ffd)	payload $((length - 4)) | zstd -qdc >"$output.new" ;;
*)		die "$image: payload starts with $magic: not gzip, xz or zstd" ;;
esac
[ "$(head -c 4 "$output.new" | od -A n -t x1 | tr -d ' ')" = 7f454c46 ] ||
	die "$image: the payload is not an ELF file"
mv "$output.new" "$output"
