#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Kernels to build for and to test on, kept under .cache/kernels/VERSION:
#   root/      the image, headers and kbuild packages, unpacked
#   vmlinux    ELF kernel for the VM     release    its `uname -r`
#   modules/   the modules the VM needs, uncompressed, with modules.dep
#   chroot/    7 alone: headers and what builds with them, see build-root.sh
# 6.1 is Debian 12's own kernel, 6.12 comes from its backports suite, 7 from the
# one of the next release. The machine's apt configuration is only read.
# Checkers' kernels are built from a linux-source package, configured by
# tests/vm/debug.config and what tests/vm/NAME.config changes of it: `debug`
# (6.1) and `debug-6.12` have all checkers that fit together, `kcsan` (6.1)
# looks for data races.
#
# usage: scripts/kernel.sh get 6.1|6.12|7|debug|debug-6.12|kcsan
#                                                 fetch or build, once;
#                                                 77: this one cannot be had here
#        scripts/kernel.sh debug                  the same as `get debug`
#        scripts/kernel.sh dir|release|vmlinux VERSION

set -eu
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/archive.sh"

# Modules that the VM offers to modprobe, if the kernel has them as modules.
VM_MODULES="virtio_pci virtio_blk virtio_console 9pnet_virtio 9p overlay fuse
	cuse virtiofs ext4 xfs vfat loop dm-mod dm-flakey dm-delay dm-snapshot
	dm-thin-pool nd_e820 nd_pmem nfit nd_btt dax device_dax dax_pmem kmem
	nbd nvme brd null_blk scsi_debug nfsd nfs nfsv3 nfsv4 crc32c_intel crc32c_generic crc32
	libcrc32c msr cpuid autofs4 binfmt_misc tcp_diag unix_diag"

# cannot WHY: nothing is wrong but that kernel $version is out of reach.
cannot() {
	say "kernel $version: $*"
	[ "$version" != 7 ] || exit 77
	exit 1
}

next_release() {
	case $1 in
	bookworm)	echo trixie ;;
	trixie)		echo forky ;;
	*)		cannot "the release after '$1' is not known" ;;
	esac
}

# sources_of: apt lines of the suites that carry $version.
sources_of() {
	local codename next
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || die "/etc/os-release names no VERSION_CODENAME"
	if [ "$version" = 7 ]; then
		next=$(next_release "$codename")
		source_line "$codename" "$next"
		source_line "$codename" "$next-backports"
		return
	fi
	source_line "$codename" "$codename"
	source_line "$codename-security" "$codename-security"
	case $version in
	6.12|debug-6.12) source_line "$codename" "$codename-backports" ;;
	esac
}

# apt_setup: a private apt state for the suites that carry $version.
apt_setup() {
	local dir=$KERNELS/apt-$version list
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	list=$dir/sources.list
	sources_of >"$list"
	[ -s "$list" ] ||
		cannot "no Debian archive of this release in /etc/apt/sources.list*"
	APT_OPTS=(-q -o "Dir::Etc::sourcelist=$list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache"
		-o APT::Sandbox::User=root -o Acquire::Languages=none
		-o APT::Get::List-Cleanup=false)
	apt-get "${APT_OPTS[@]}" update >&2 ||
		cannot "apt-get update of $list failed"
}

# newest REGEX: the package of the highest version whose name matches.
newest() {
	apt-cache "${APT_OPTS[@]}" pkgnames | grep -E "^$1\$" | sort -V |
		tail -n 1
}

# download DIR PACKAGE...: fetch packages and unpack them below DIR.
download() {
	local root=$1 tmp deb
	shift
	tmp=$(mktemp -d "$KERNELS/debs.XXXXXX")
	(cd "$tmp" && apt-get "${APT_OPTS[@]}" download "$@" >&2) ||
		cannot "could not download $*"
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$root"
	done
	rm -r "$tmp"
}

# depends PACKAGE REGEX: the packages it depends on whose names match.
depends() {
	apt-cache "${APT_OPTS[@]}" show "$1" | sed -n 's/^Depends: //p' |
		head -n 1 | tr ',' '\n' | sed 's/(.*//; s/ //g' | grep -E "$2" || true
}

# relocate ROOT RELEASE: the headers' Makefile names its common part by its
# absolute path in /usr/src; name it relative to itself.
relocate() {
	local makefile=$1/usr/src/linux-headers-$2/Makefile

	# shellcheck disable=SC2016 # make's dollars
	sed -i 's,^include /usr/src/,include $(dir $(lastword $(MAKEFILE_LIST)))../,' \
		"$makefile"
	grep -q MAKEFILE_LIST "$makefile" ||
		die "$makefile: found no include of /usr/src to rewrite"
}

# pick_modules ROOT RELEASE OUT: copy VM_MODULES and what they depend on.
pick_modules() {
	local from out=$3/lib/modules/$2 name path
	from=$1/lib/modules/$2
	[ -d "$from" ] || from=$1/usr/lib/modules/$2
	depmod -b "${from%/lib/modules/*}" "$2"
	mkdir -p "$out"
	cp "$from/modules.builtin" "$from/modules.builtin.modinfo" \
		"$from/modules.order" "$out/"
	for name in $VM_MODULES; do
		modprobe -q -d "${from%/lib/modules/*}" -S "$2" --show-depends \
			"$name" || true
	done | sed -n 's/^insmod //p' | cut -d ' ' -f 1 | sort -u |
	while read -r path; do
		mkdir -p "$out/$(dirname "${path#"$from"/}")"
		cp "$path" "$out/${path#"$from"/}"
	done
	find "$out" -name '*.ko.xz' -exec xz -d {} +
	find "$out" -name '*.ko.zst' -exec zstd -qd --rm {} +
	sed -i 's/\.ko\.\(xz\|zst\)$/.ko/' "$out/modules.order"
	depmod -b "$3" "$2"
}

# get_headers DIR RELEASE: what builds modules with this machine's compiler.
get_headers() {
	local -a packages
	mapfile -t packages < <(depends "linux-headers-$2" '^linux-(headers|kbuild)-')
	[ ${#packages[@]} -ge 2 ] ||
		die "linux-headers-$2 depends on no linux-headers and linux-kbuild"
	download "$1/root" "linux-headers-$2" "${packages[@]}"
	relocate "$1/root" "$2"
}

# get_build_root DIR RELEASE: the same with the compiler of the next release.
get_build_root() {
	local suite
	suite=$(awk 'NR == 1 { print $(NF - 1) }' "$KERNELS/apt-$version/sources.list")
	say "installing linux-headers-$2 and a compiler in $1/chroot (a minute)"
	"$TOP/scripts/build-root.sh" make "$1/chroot" "$suite" \
		"$KERNELS/apt-$version/sources.list" "linux-headers-$2" make sparse ||
		cannot "could not make $1/chroot"
}

get_debian() {
	local dir=$KERNELS/$version new=$KERNELS/$version.new rel image
	local -a packages
	if [ "$version" = 7 ]; then
		[ "$(id -u)" = 0 ] || cannot "only root can fetch it and build for it"
		"$TOP/scripts/deps.sh" newest || cannot "mmdebstrap is missing"
	fi
	apt_setup
	image=$(newest "linux-image-${version//./\\.}\\.[0-9][0-9a-z.+]*(-[0-9]+)?-amd64")
	[ -n "$image" ] || cannot "the archive has no linux-image-$version*-amd64"
	rel=${image#linux-image-}
	say "fetching $image"
	rm -rf "$new"
	mkdir -p "$new/root"
	mapfile -t packages < <(depends "$image" '^linux-(base|binary|modules)-[0-9]')
	download "$new/root" "$image" "${packages[@]}"
	if [ "$version" = 7 ]; then
		get_build_root "$new" "$rel"
	else
		get_headers "$new" "$rel"
	fi
	image=$new/root/boot/vmlinuz-$rel
	[ -e "$image" ] || image=$new/root/usr/lib/modules/$rel/vmlinuz
	"$TOP/scripts/extract-vmlinux.sh" "$image" "$new/vmlinux"
	pick_modules "$new/root" "$rel" "$new/modules"
	rm -rf "$new/root/boot" "$new/root/lib/modules" \
		"$new/root/usr/lib/modules" "$new/root/usr/share"
	echo "$VM_MODULES" >"$new/modules.list"
	echo "$rel" >"$new/release"
	rm -rf "$dir"
	mv "$new" "$dir"
	rm -rf "$KERNELS/apt-$version"
}

# source_version: of the kernel that $version is built from.
source_version() {
	case $version in
	debug-6.12)	echo 6.12 ;;
	*)		echo 6.1 ;;
	esac
}

# source_dir: where that source is, shared by all that are built from it.
source_dir() {
	if [ "$(source_version)" = 6.12 ]; then
		echo "$KERNELS/debug-6.12/src"
	else
		echo "$KERNELS/debug/src"
	fi
}

# debug_patch SOURCE: what checkers' kernels need changed in Debian's source.
# - The PVH entry runs before KASAN has its shadow, so it must not be checked
#   and not call memcmp(), by which it looks for Xen.
# - The stack filter of fault injection is fenced off on x86-64 because of the
#   cost of the ORC unwinder; this kernel has frame pointers.
debug_patch() {
	local pvh=$1/arch/x86/platform/pvh

	printf 'KASAN_SANITIZE := n\nKCSAN_SANITIZE := n\n' >>"$pvh/Makefile"
	sed -i 's/u32 msr = xen_cpuid_base();/u32 msr = 0;/' "$pvh/enlighten.c"
	grep -q 'u32 msr = 0;' "$pvh/enlighten.c" ||
		die "$pvh/enlighten.c: found no xen_cpuid_base() to replace"
	sed -i '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/^config/{
		/depends on !X86_64/d }' "$1/lib/Kconfig.debug"
}

# fragments: the configuration of $version: the common one, then its own changes.
fragments() {
	echo "$TOP/tests/vm/debug.config"
	[ "$version" = debug ] || echo "$TOP/tests/vm/$version.config"
}

# merged_fragments: one line a symbol, the last one that speaks of it. "Is not set"
# takes away what an earlier fragment says: allnoconfig sets nothing else.
merged_fragments() {
	local -a files

	mapfile -t files < <(fragments)
	awk '/^CONFIG_[A-Z0-9_]*=/ { split($0, w, "="); symbol = w[1] }
		/^# CONFIG_[A-Z0-9_]* is not set$/ { symbol = $2 }
		/^(# )?CONFIG_/ && symbol != "" {
			if (!(symbol in line)) order[++n] = symbol
			line[symbol] = symbol == $2 && FNR != NR ? "" : $0
		}
		{ symbol = "" }
		END {
			for (i = 1; i <= n; i++)
				if (line[order[i]] != "")
					print line[order[i]]
		}' "${files[@]}"
}

config_sum() {
	merged_fragments | sha256sum
}

# debug_config SOURCE BUILD: configure, and refuse to go on when a line of the
# fragments did not survive its dependencies.
debug_config() {
	local line symbol

	mkdir -p "$2"
	merged_fragments >"$2/fragment"
	make -s -C "$1" O="$2" KCONFIG_ALLCONFIG="$2/fragment" allnoconfig >&2
	while read -r line; do
		case $line in
		'#'*)	symbol=${line#\# }
			symbol=${symbol% is not set}
			! grep -q -- "^$symbol=" "$2/.config" ||
				die "$version: '$symbol' is in the configuration" ;;
		*)	grep -qxF -- "$line" "$2/.config" ||
				die "$version: '$line' is not in the configuration" ;;
		esac
	done <"$2/fragment"
}

# get_source DIR: unpacked and patched, once.
get_source() {
	local package
	[ ! -e "$1/Makefile" ] || return 0
	exec 7>"$KERNELS/lock-source-$(source_version)"
	flock 7
	[ ! -e "$1/Makefile" ] || return 0
	apt_setup
	package=linux-source-$(source_version)
	say "fetching $package"
	rm -rf "$1.pkg" "$1.new"
	mkdir -p "$1.new"
	download "$1.pkg" "$package"
	tar -xf "$1.pkg/usr/src/$package.tar.xz" --strip-components=1 -C "$1.new"
	debug_patch "$1.new"
	rm -rf "$1.pkg" "$KERNELS/apt-$version"
	mv "$1.new" "$1"
}

get_debug() {
	local dir=$KERNELS/$version src rel
	"$TOP/scripts/deps.sh" debug
	src=$(source_dir)
	mkdir -p "$dir"
	get_source "$src"
	debug_config "$src" "$dir/build"
	say "building the $version kernel, log in $dir/build.log (20-30 minutes)"
	nice -n 19 make -C "$dir/build" -j"$(nproc)" vmlinux modules \
		>"$dir/build.log" 2>&1 ||
		die "$(tail -n 20 "$dir/build.log")"
	rel=$(cat "$dir/build/include/config/kernel.release")
	mkdir -p "$dir/modules/lib/modules/$rel"
	cp "$dir/build/modules.builtin" "$dir/build/modules.order" \
		"$dir/build/modules.builtin.modinfo" \
		"$dir/modules/lib/modules/$rel/"
	depmod -b "$dir/modules" "$rel"
	cp "$dir/build/vmlinux" "$dir/vmlinux"
	config_sum >"$dir/config.sum"
	echo "$rel" >"$dir/release"
}

# have VERSION: is it complete, and made from the present configuration?
have() {
	[ -r "$KERNELS/$1/release" ] || return 1
	if is_checkers "$1"; then
		[ "$(config_sum)" = "$(cat "$KERNELS/$1/config.sum" 2>/dev/null)" ]
	else
		[ "$VM_MODULES" = "$(cat "$KERNELS/$1/modules.list" 2>/dev/null)" ]
	fi
}

get() {
	case $1 in
	6.1|6.12|7|debug|debug-6.12|kcsan) ;;
	*)	die "no kernel '$1' (6.1, 6.12, 7, debug, debug-6.12 or kcsan)" ;;
	esac
	have "$1" && return 0
	mkdir -p "$KERNELS"
	exec 9>"$KERNELS/lock-$1"
	flock 9
	have "$1" && return 0
	if is_checkers "$1"; then
		get_debug
	else
		get_debian
	fi
}

[ $# -ge 1 ] || die "usage: kernel.sh get|dir|release|vmlinux VERSION"
command=$1
version=${2:-}
[ "$command" = debug ] || [ -n "$version" ] || die "$command: which kernel?"

case $command in
debug)	version=debug
	get debug ;;
get)	get "$version" ;;
release) kernel_release "$version" ;;
vmlinux)
	kernel_release "$version" >/dev/null
	echo "$KERNELS/$version/vmlinux" ;;
dir)
	rel=$(kernel_release "$version")
	case $version in
	debug*|kcsan) echo "$KERNELS/$version/build" ;;
	7)	echo "$KERNELS/7/chroot/usr/src/linux-headers-$rel" ;;
	*)	echo "$KERNELS/$version/root/usr/src/linux-headers-$rel" ;;
	esac ;;
*)	die "unknown command '$command' (get, debug, dir, release, vmlinux)" ;;
esac
