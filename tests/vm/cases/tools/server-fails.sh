#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A server that does not start is told with its status and its own words.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"

tell 1 zufs up --server /bin/false memofs /dev/pmem0 "$dir"
said 'starting the server: /bin/false ended with status 1'
assert_all_gone

scratch=''
scratch
printf '#!/bin/sh\necho words of the dead >&2\nkill -9 $$\n' >"$scratch/server"
chmod +x "$scratch/server"
tell 1 zufs up --server "$scratch/server" memofs /dev/pmem0 "$dir"
said 'words of the dead'
said 'ended with status 137'
assert_all_gone

tell 1 zufs up --server /no/such/server memofs /dev/pmem0 "$dir"
said 'starting the server: /no/such/server: No such file'
assert_all_gone

tell 1 zufs up --module /dev/null memofs /dev/pmem0 "$dir"
said 'loading the module: /dev/null'
assert_all_gone
