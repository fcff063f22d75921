#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A Debian root of its own for the VM, with systemd as PID 1: what `tests/vm/run --root` boots
# in place of the host's root. Kept in .cache/root until the list of packages changes; the VM
# reads it only. Made with mmdebstrap, from this machine's release, by root.
#
# usage: scripts/vm-root.sh get	make it, once; 77: it cannot be had here
#        scripts/vm-root.sh dir	where it is

set -eu
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/archive.sh"

PACKAGES="systemd systemd-sysv udev kmod mount util-linux procps psmisc python3-minimal"
ROOT=$TOP/.cache/root

cannot() {
	say "$*"
	exit 77
}

# apt lines of this machine's release and of its security updates.
sources() {
	local codename
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || cannot "/etc/os-release names no VERSION_CODENAME"
	source_line "$codename" "$codename"
	source_line "$codename-security" "$codename-security"
}

wanted() {
	sources
	echo "$PACKAGES"
}

get() {
	local suite
	mkdir -p "$TOP/.cache"
	exec 8>"$TOP/.cache/lock-root"
	flock 8
	[ "$(cat "$ROOT/vm-root" 2>/dev/null)" != "$(wanted)" ] || return 0
	[ "$(id -u)" = 0 ] || cannot "only root can make a root for the VM"
	"$TOP/scripts/deps.sh" newest || cannot "mmdebstrap is missing"
	rm -rf "$ROOT" "$ROOT.new"
	sources >"$ROOT.list"
	[ -s "$ROOT.list" ] || cannot "no Debian archive of this release in /etc/apt/sources.list*"
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	say "installing systemd in $ROOT (a minute)"
	# shellcheck disable=SC2086 # a list of package names
	"$TOP/scripts/build-root.sh" make "$ROOT.new" "$suite" "$ROOT.list" $PACKAGES ||
		cannot "could not make $ROOT"
	rm "$ROOT.list"
	wanted >"$ROOT.new/vm-root"
	mv "$ROOT.new" "$ROOT"
}

case ${1:-} in
get)	get ;;
dir)	echo "$ROOT" ;;
*)	die "usage: scripts/vm-root.sh get|dir" ;;
esac
