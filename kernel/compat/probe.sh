#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Find out what the kernel that the module is built for offers: every file of
# probes/ is compiled with that kernel's own flags and becomes ZUF_HAVE_<NAME>,
# 1 or 0, in the header OUT. One make for all of them. Two controls must behave:
# control_true compiles, control_false does not. A header that was made for the
# same kernel, compiler and probes is left alone.
# Called by Kbuild; CC, LLVM and ARCH come from there.
#
# usage: probe.sh KERNEL-BUILD-FOLDER KERNEL-RELEASE OUT

set -eu

die() {
	echo "probe.sh: $*" >&2
	exit 1
}

[ $# -eq 3 ] || die "usage: probe.sh KERNEL-BUILD-FOLDER KERNEL-RELEASE OUT"
kdir=$1
release=$2
out=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc}

key="$release $($cc --version | head -n 1) $(cat "$0" "$here"/probes/*.c | cksum)"
if [ -e "$out" ] && grep -qxF "/* $key */" "$out"; then
	exit 0
fi

work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp "$here"/probes/*.c "$work/"
names=$(cd "$work" && printf "%s\n" *.c | sed "s/\.c\$//")

{
	echo "ccflags-y := -Werror -Wno-error=unused-function"
	echo "OBJECT_FILES_NON_STANDARD := y"
	echo "obj-m := $(echo "$names" | sed 's/$/.o/' | tr '\n' ' ')"
} >"$work/Kbuild"

# A make of its own: what the calling one exports (flags, folders) would mislead it.
# shellcheck disable=SC2046 # one word per object
env -i PATH="$PATH" HOME="${HOME:-/}" LANG=C \
	make -k -s -C "$kdir" M="$work" CC="$cc" ${LLVM:+"LLVM=$LLVM"} \
	${ARCH:+"ARCH=$ARCH"} ${CROSS_COMPILE:+"CROSS_COMPILE=$CROSS_COMPILE"} \
	$(echo "$names" | sed 's/$/.o/') >"$work/log" 2>&1 || true

if [ ! -e "$work/control_true.o" ]; then
	cat "$work/log" >&2
	die "a program that must compile does not (kernel $release in $kdir)"
fi
[ ! -e "$work/control_false.o" ] ||
	die "a program that cannot compile does (kernel $release in $kdir)"

{
	echo "/* SPDX-License-Identifier: GPL-2.0-only */"
	echo "/* Made by probe.sh for: */"
	echo "/* $key */"
	for name in $names; do
		case $name in
		control_*) continue ;;
		esac
		have=1
		if [ ! -e "$work/$name.o" ]; then
			# a compiler that was killed has not said no
			grep -qE "(^|/)$name\.c:[0-9:]+ (fatal )?error:" "$work/log" ||
				die "probe $name: neither compiled nor refused"
			have=0
		fi
		echo "#define ZUF_HAVE_$(echo "$name" | tr '[:lower:]' '[:upper:]') $have"
	done
} >"$work/config.h"
mv "$work/config.h" "$out"
