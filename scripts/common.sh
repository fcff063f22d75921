# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the scripts of this folder and by tests/vm/run: where the tree
# is, how an error is reported, and which folders hold kernels and modules.
# The sourcing script sets -eu itself.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KERNELS=$TOP/.cache/kernels
export TOP KERNELS

say() {
	echo "${0##*/}: $*" >&2
}

die() {
	say "$*"
	exit 1
}

need_value() {
	[ $# -ge 2 ] || die "$1 needs a value"
}

# kernel_release VERSION: the release name (uname -r) of a fetched kernel.
kernel_release() {
	[ -r "$KERNELS/$1/release" ] ||
		die "kernel $1 is not here: run scripts/kernel.sh get $1"
	cat "$KERNELS/$1/release"
}

# is_checkers VERSION: one of the kernels that find faults by themselves?
is_checkers() {
	[[ $1 == debug* || $1 == kcsan ]]
}
