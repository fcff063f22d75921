#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Order, errors and effects of each ioctl of the root, from a program that is its
# own server (tests/rawserver/abicheck.c).

. "$TOP/tests/rawserver/lib.sh"

raw_setup
bad=''
for check in files roles buffers register servers mounter thread break-all close numa; do
	/run/abicheck "$raw_root" "$check" || bad+=" $check"
done
[ -z "$bad" ] || fail "not as the ABI says:$bad"
raw_finish
