#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 3
#
# Planted: a case that never ends. The suite must kill it and report it.

exec sleep infinity
