#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What is installed is enough for a plugin outside of the tree: installs into a folder of its own,
# copies the example from there, builds it and its unit tests with ASan and UBSan by pkg-config
# alone, runs them, installs the plugin. And a mistake in the example is seen by its tests.
#
# usage: test_installed.sh BUILD PREFIX LIBDIR DATADIR

set -eu
build=$1 prefix=$2 libdir=$3 datadir=$4
unset DESTDIR MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS

for program in make cc pkg-config; do
	command -v "$program" >/dev/null || { echo "there is no $program"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
dest=$dir/dest

fail() {
	echo "failed: $*" >&2
	exit 1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$dest" >"$dir/log" 2>&1 ||
	fail "meson install: $(tail -n 5 "$dir/log")"
export PKG_CONFIG_PATH=$dest$prefix/$libdir/pkgconfig
export LD_LIBRARY_PATH=$dest$prefix/$libdir
# the folder stands in for the prefix that the files were made for
pc=(pkg-config "--define-variable=prefix=$dest$prefix")

example() {
	make -s -C "$dir/hellofs" PKG_CONFIG="${pc[*]}" "$@"
}

cp -r "$dest$prefix/$datadir/doc/zufs/examples/hellofs" "$dir/hellofs"
plugins=$("${pc[@]}" --variable=plugindir libzus)
[ -e "$plugins/libmemofs.so" ] || fail "plugindir is $plugins, and there is no libmemofs.so"
for package in libzus libzufake; do
	[[ " $("${pc[@]}" --cflags --libs "$package") " != *"$build"* ]] ||
		fail "$package.pc names the build folder"
done

example all
example check
example install
nm -D --defined-only "$plugins/libhellofs.so" | grep -q ' zus_plugin$' ||
	fail "libhellofs.so has no zus_plugin"

# ASan is on: it sees stores behind a super-block that is too small
sed -i 's/\.sb_size = sizeof(struct hello_sb)/.sb_size = sizeof(struct zus_sb)/' \
	"$dir/hellofs/hellofs.c"
if example check >"$dir/log" 2>&1; then
	fail "stores behind the super-block were not seen"
fi
grep -q 'AddressSanitizer' "$dir/log" || fail "no word of AddressSanitizer: $(tail "$dir/log")"
echo "ok"
