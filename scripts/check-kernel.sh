#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Build zuf.ko from scratch with W=1 and sparse for each kernel given; any
# warning about our own source is an error. The compiler's stop the build,
# sparse's are counted here, since they leave its status alone. What is marked
# as a fault in kernel/planted.c must be complained of. A kernel that
# cannot be had on this machine is left out, with a line that says so, and so is
# sparse where it does not understand a kernel's headers.
#
# usage: scripts/check-kernel.sh VERSION...

set -eu
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || die "usage: check-kernel.sh VERSION..."
"$TOP/scripts/deps.sh" build lint
failed=0

# lines_of LOG: those of planted.c that sparse complains of.
lines_of() {
	sed -n 's/.*\/planted\.c:\([0-9]*\):.*: warning: .*/\1/p' "$1" | sort -nu
}

faults=$(grep -n '/\* fault \*/' "$TOP/kernel/planted.c" | cut -d: -f1)
for version in "$@"; do
	name=check-$version
	log=$TOP/build/$name.log
	status=0
	"$TOP/scripts/kernel.sh" get "$version" || status=$?
	if [ "$status" = 77 ]; then
		echo "$version: skipped, this kernel cannot be had here"
		continue
	fi
	rm -rf "${TOP:?}/build/$name"
	mkdir -p "$TOP/build"
	if ! "$TOP/scripts/module.sh" "$version" --out "$name" W=1 C=2 \
		CF=-Wcast-from-as ZUF_PLANTED=m KCFLAGS=-Werror >"$log" 2>&1; then
		grep -E 'error|warning|Error' "$log" | head -n 40 || true
		say "$version: does not build without warnings, see $log"
		failed=1
		continue
	fi
	# a user's address as a number is what interfaces are made of
	if grep -E "build/$name/src/.*: (warning|error):" "$log" | grep -v '/planted\.c:' |
		grep -v "cast removes address space '__user'"; then
		say "$version: sparse complains, see $log"
		failed=1
	elif grep -q 'sparse is not available or not up to date' "$log"; then
		echo "$version: ok, but without sparse, which does not know its headers"
	elif [ "$(lines_of "$log")" != "$faults" ]; then
		say "$version: sparse complains of other lines of kernel/planted.c than are" \
			"marked: $(diff <(lines_of "$log") <(echo "$faults") | grep '^[<>]')"
		failed=1
	else
		echo "$version: ok"
	fi
done
exit "$failed"
