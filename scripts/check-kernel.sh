#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Build zuf.ko from scratch with W=1 and sparse for each kernel given; any
# warning about our own source is an error. The compiler's stop the build,
# sparse's are counted here, since they leave its status alone. A kernel that
# cannot be had on this machine is left out, with a line that says so.
#
# usage: scripts/check-kernel.sh VERSION...

set -eu
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || die "usage: check-kernel.sh VERSION..."
"$TOP/scripts/deps.sh" build lint
failed=0
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
		KCFLAGS=-Werror >"$log" 2>&1; then
		grep -E 'error|warning|Error' "$log" | head -n 40 || true
		say "$version: does not build without warnings, see $log"
		failed=1
		continue
	fi
	if grep -E "build/$name/src/.*: (warning|error):" "$log"; then
		say "$version: sparse complains, see $log"
		failed=1
	else
		echo "$version: ok"
	fi
done
exit "$failed"
