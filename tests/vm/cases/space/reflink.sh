#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Shared blocks on memofs: FICLONE, FICLONERANGE, FIDEDUPERANGE, cp --reflink and
# copy_file_range, then writes, holes, cuts and mappings of the files that share.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need python3

IO_WAYS="mapped nio" each_way space_python reflink
