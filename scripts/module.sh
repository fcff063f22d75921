#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Build zuf.ko for one of the kernels of scripts/kernel.sh. kbuild writes its
# outputs beside the sources, so kernel/ and include/ are copied (changed files
# only) to build/kernel-VERSION/ first and several kernels can be built side by
# side. Called by the Makefile and by tests/vm/run --build.
#
# usage: scripts/module.sh VERSION [--out NAME] [MAKE-ARGUMENT...]
#        the module is build/NAME/zuf.ko (NAME: kernel-VERSION); the VERSION
#        `host` is the running kernel with its installed headers

set -eu
. "$(dirname "$0")/common.sh"

[ $# -ge 1 ] || die "usage: module.sh VERSION [--out NAME] [MAKE-ARGUMENT...]"
version=$1
shift
out=$TOP/build/kernel-$version
if [ "${1:-}" = --out ]; then
	need_value "$@"
	out=$TOP/build/$2
	shift 2
fi
[ -e "$TOP/kernel/Kbuild" ] || die "there is no kernel/Kbuild"

if [ "$version" = host ]; then
	dir=/lib/modules/$(uname -r)/build
	[ -e "$dir/Makefile" ] ||
		die "no headers of the running kernel: install linux-headers-$(uname -r)"
else
	"$TOP/scripts/kernel.sh" get "$version"
	dir=$("$TOP/scripts/kernel.sh" dir "$version")
fi

mkdir -p "$out"
exec 8>"$out.lock"
flock 8
# A file that vanished from the sources must vanish from the copy, what kbuild
# made there stays.
for part in kernel include; do
	mkdir -p "$out/src/$part"
	(cd "$TOP/$part" && find . -type f ! -name '*.o' ! -name '*.cmd' \
		! -name '*.ko' ! -name '*.mod*' ! -path ./compat/config.h | sort) >"$out/$part.list"
	if [ -e "$out/$part.old" ]; then
		comm -13 "$out/$part.list" "$out/$part.old" |
			(cd "$out/src/$part" && xargs -r -d '\n' rm -f)
	fi
	rsync -a --files-from="$out/$part.list" "$TOP/$part/" "$out/src/$part/"
	mv "$out/$part.list" "$out/$part.old"
done

# A kernel that this machine's compiler is too old for brings its own.
in_root=()
if [[ $dir == */chroot/* ]]; then
	in_root=("$TOP/scripts/build-root.sh" run "${dir%%/chroot/*}/chroot" "$out")
	dir=${dir#*/chroot}
fi
# Some headers bring the types of the kernel along (vmlinux): kbuild would add those of
# the module, which needs a program that nothing else here needs.
if ! "${in_root[@]}" make -C "$dir" M="$out/src/kernel" -j"$(nproc)" \
	CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules; then
	rm -f "$out/zuf.ko"
	die "zuf.ko for $version does not build"
fi
cp "$out/src/kernel/zuf.ko" "$out/zuf.ko.new"
mv "$out/zuf.ko.new" "$out/zuf.ko"
