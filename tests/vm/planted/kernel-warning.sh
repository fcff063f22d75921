#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Planted: a case that passes while the kernel log gets a warning. The suite
# must report it as failed.

echo "WARNING: CPU: 0 PID: 1 at planted/kernel-warning.sh" >/dev/kmsg
exit 0
