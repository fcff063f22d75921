#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Devices, pipes, sockets: made, kept, used.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python nodes
