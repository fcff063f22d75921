#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Part of `make install`: build zuf.ko for the running kernel and install it
# below $DESTDIR, if the headers of that kernel are installed; otherwise say
# what to do. Packages use DKMS instead.
#
# usage: scripts/install-module.sh

set -eu
. "$(dirname "$0")/common.sh"

release=$(uname -r)
if [ ! -e "/lib/modules/$release/build/Makefile" ]; then
	say "zuf.ko is not installed: no headers of the running kernel," \
		"$release (package linux-headers-$release)"
	exit 0
fi
"$TOP/scripts/module.sh" host
install -D -m 644 "$TOP/build/kernel-host/zuf.ko" \
	"${DESTDIR:-}/lib/modules/$release/extra/zuf.ko"
[ -n "${DESTDIR:-}" ] || depmod "$release"
