#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Planted: a case that leaves a process and a mount behind. The suite must
# report it, and clean up so that the next case starts well.

setsid sleep infinity &
mkdir -p /tmp/left && mount -t tmpfs left /tmp/left
