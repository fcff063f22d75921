#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own
#
# Planted: a case that takes the kernel down. The suite must report it and go
# on with a new VM.

echo c >/proc/sysrq-trigger
