#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Install the Debian packages that a part of the tree needs and that are
# missing. Called by the Makefile before each target; quick when nothing is
# missing, and only then does it touch the network.
#
# usage: scripts/deps.sh [-n] GROUP...    groups: build vm debug newest lint demo bench
#        -n  only list what is missing

set -eu
. "$(dirname "$0")/common.sh"

packages() {
	case $1 in
	build)	echo gcc g++ make meson ninja-build pkg-config libc6-dev \
			uuid-dev libblkid-dev libmount-dev libsystemd-dev \
			libcmocka-dev libfuse3-dev \
			libelf1 xz-utils zstd kmod linux-libc-dev python3 rsync ;;
	vm)	echo gcc libc6-dev qemu-system-x86 busybox-static cpio kmod xz-utils zstd \
			fio sqlite3 python3 strace attr acl keyutils e2fsprogs xfsprogs \
			fuse3 dmsetup util-linux psmisc procps rsync quota nfs-kernel-server \
			nfs-common rpcbind nbd-server nbd-client git make postgresql stress-ng \
			libcap2-bin checkpolicy systemd ;;
	debug)	echo gcc make bc bison flex libelf-dev xz-utils cpio ;;
	newest)	echo mmdebstrap ;;
	lint)	echo shellcheck sparse gcc g++ ;;
	bench)	packages build
		packages vm ;;
	demo)	echo gcc libc6-dev qemu-system-x86 busybox-static cpio kmod xz-utils ;;
	*)	die "unknown group '$1' (build vm debug newest lint demo bench)" ;;
	esac
}

installed() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
		sed -n 's/^installed //p'
}

list_only=0
if [ "${1:-}" = -n ]; then
	list_only=1
	shift
fi
[ $# -gt 0 ] || die "usage: deps.sh [-n] build|vm|debug|newest|lint|demo|bench..."
command -v dpkg-query >/dev/null ||
	die "this is not a Debian system; the needed programs are listed in $0"

wanted=
for group in "$@"; do
	wanted="$wanted $(packages "$group")"
done
missing=$(comm -23 <(tr ' ' '\n' <<<"$wanted" | sed '/^$/d' | sort -u) \
	<(installed | sort -u) | tr '\n' ' ')
if [ "$list_only" = 1 ]; then
	echo "$missing"
	exit 0
fi
[ -n "${missing// /}" ] || exit 0

[ "$(id -u)" = 0 ] ||
	die "packages are missing; as root: apt-get install $missing"
say "installing $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=600 update >&2 || say "apt-get update complained; trying to go on"
# shellcheck disable=SC2086 # a list of package names
apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends install $missing >&2 ||
	die "could not install: $missing"
