# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the tests of the tools after they have found their programs: an empty folder to
# work in, and what a test expects; it ends with `finish NAME`.

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

# expect STATUS WHAT COMMAND...: the exit status, and WHAT in what it prints.
expect() {
	local status=$1 what=$2 out got
	shift 2
	out=$("$@" 2>&1)
	got=$?
	if [ $got -ne "$status" ] || ! grep -q -- "$what" <<<"$out"; then
		echo "FAILED ($got, not $status, or no '$what'): $*"
		printf '%s\n' "$out"
		failed=1
	fi
}

# same FILE FILE, differ FILE FILE
same() { cmp -s "$1" "$2" || { echo "FAILED: $1 and $2 differ"; failed=1; }; }
differ() { ! cmp -s "$1" "$2" || { echo "FAILED: $1 and $2 are equal"; failed=1; }; }

finish() {
	[ "$failed" = 0 ] && echo "$1: passed"
	exit "$failed"
}
