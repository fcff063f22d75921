#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A folder with the programs of another Debian release, to build modules for
# kernels whose tools and configuration this machine's release is too old for.
# Called by scripts/kernel.sh, which makes it, and by scripts/module.sh. Root
# only: it is made with mmdebstrap and entered with chroot.
#
# usage: scripts/build-root.sh make FOLDER SUITE SOURCES-LIST PACKAGE...
#        scripts/build-root.sh run FOLDER SHARED COMMAND...
#        SHARED: a folder that COMMAND finds under its own path; anything else
#        it sees is of FOLDER. Mounts are its own and go with it.

set -eu
. "$(dirname "$0")/common.sh"

make_root() {
	local folder=$1 suite=$2 list=$3 include

	shift 3
	include=$(IFS=,; echo "$*")
	mmdebstrap --mode=root --variant=apt --format=directory --quiet \
		--include="$include" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$folder" "$list" >&2
}

run_in_root() {
	local folder=$1 shared=$2

	shift 2
	# shellcheck disable=SC2016 # dollars of the inner shell
	exec unshare --mount bash -eu -c '
		folder=$1 shared=$2
		shift 2
		mount --rbind /dev "$folder/dev"
		mount -t proc proc "$folder/proc"
		mount -t tmpfs tmp "$folder/tmp"
		mkdir -p "$folder$shared"
		mount --bind "$shared" "$folder$shared"
		exec chroot "$folder" env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
	' bash "$folder" "$shared" "$@"
}

[ "$(id -u)" = 0 ] || die "only root can do that"
command=${1:-}
case $command in
make)	[ $# -ge 5 ] || die "usage: build-root.sh make FOLDER SUITE LIST PACKAGE..."
	shift
	make_root "$@" ;;
run)	[ $# -ge 4 ] || die "usage: build-root.sh run FOLDER SHARED COMMAND..."
	shift
	run_in_root "$@" ;;
*)	die "usage: build-root.sh make|run ..." ;;
esac
