#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# open(2) of names that are in no cache: one message where the server finds out by itself that a
# name exists, else two; the same results with both. Killed callers, read-only mounts.

. "$TOP/tests/rawserver/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
need python3

appears() {
	test -e "$mnt/killed"
}

for how in excl plain; do
	raw_setup
	raw_start --caps "$([ $how = plain ] && echo 0 || echo $((1 << 26)))"
	raw_mount
	chmod 755 "$scratch"
	export mnt how
	fs_python open

	# who is killed in it leaves a whole file, or none
	drop_caches
	hang_and_kill op=NEW_INODE create "$mnt/killed"
	ctl clear
	ctl release
	wait_until 5 appears
	app -e EEXIST create "$mnt/killed"
	hang_and_kill op=LOOKUP open "$mnt/other"
	ctl clear
	ctl release
	app create "$mnt/other2"

	mount -o remount,ro "$mnt"
	drop_caches
	app -e EEXIST create "$mnt/killed"
	app -e EROFS create "$mnt/other4"
	mount -o remount,rw "$mnt"
	raw_works
	raw_finish
done
