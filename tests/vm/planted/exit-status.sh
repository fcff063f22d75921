#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Planted: a case that ends with 1. The suite must report it as failed.

exit 1
