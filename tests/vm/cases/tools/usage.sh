#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Usage errors end with 2 and help on stderr, --help with 0 and on stdout.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
for words in "" "no-such-command" "up" "up memofs" "up memofs /dev/pmem0" "up -x a b c" \
	"down" "down a b" "down -t x /tmp" "down -t -1 /tmp" "down --no-such /tmp" \
	"status x" "status --no-such" "probe" "probe a b" "scan -x" \
	"up memofs none /dev/pmem0 /tmp"; do
	# shellcheck disable=SC2086 # words
	assert_status 2 zufs $words >/tmp/stdout 2>/tmp/stderr
	assert_eq 0 "$(stat -c %s /tmp/stdout)" "bytes on stdout of 'zufs $words'"
	assert_ne 0 "$(stat -c %s /tmp/stderr)" "bytes on stderr of 'zufs $words'"
done
for command in "" up down status probe scan; do
	# shellcheck disable=SC2086 # a word or none
	assert_status 0 zufs $command --help >/tmp/stdout 2>/tmp/stderr
	assert_grep '^usage: zufs' /tmp/stdout
	assert_eq 0 "$(stat -c %s /tmp/stderr)" "bytes on stderr"
done
assert_all_gone
