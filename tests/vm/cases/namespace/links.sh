#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Hard links: counts, the limit, files that outlive their names.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python links
rm -rf many
assert_eq "d" "$(ls)" "names at the end"
