#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Hard links and sub-directories: counts, many of them, files that outlive their names.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python links
rm -rf many
left=$(echo *)
assert_eq "d" "${left% wide}" "names at the end"
