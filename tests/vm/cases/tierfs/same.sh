#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# Cases of other areas, run on tierfs: names, attributes, ACLs. The checker finds nothing after any
# of them.

. "$TOP/tests/vm/lib.sh"
need_pmem 1
export CASE_FS=tierfs
cases=$TOP/tests/vm/cases
scratch

for case in namespace/{names,attrs,links,nodes,open,readdir,rename,symlinks,tmpfile,truncate} \
	xattr/acl; do
	status=0
	bash "$cases/$case.sh" >"$scratch/out" 2>&1 || status=$?
	case $status in
	0 | 77)	;;
	*)	fail "$case: status $status: $(tail -n 15 "$scratch/out")" ;;
	esac
	fsck.tierfs -n /dev/pmem0 >"$scratch/out" 2>&1 ||
		fail "after $case: $(head -n 20 "$scratch/out")"
	echo "$case: $status"
done
