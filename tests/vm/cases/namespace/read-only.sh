#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A type whose file systems cannot be changed, the example of the manual: each mount is read-only,
# whatever is asked, and what would change something is EROFS for user space, open(2) included.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/daemon/daemon.bash"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
need python3
plugin=$TOP/build/tests/unit/plugins/memofs/libhellofs.so
[ -e "$plugin" ] || skip "the example is not built"
scratch=''
scratch
mnt=$scratch/mnt
mkdir "$mnt"
daemon_root
daemon_start --plugin-dir="$(dirname "$plugin")" --plugins=hellofs
on_exit unmount_if_mounted "$mnt"

for option in rw ro; do
	mount -t hellofs -o "size=16M,$option" none "$mnt"
	grep -q " $mnt hellofs ro" /proc/mounts || fail "$option: the mount is not read-only"
	assert_eq "hello, world" "$(cat "$mnt/hello")"
	(cd "$mnt" && fs_python read_only)
	! mount -o remount,rw "$mnt" || fail "$option: became writable"
	mount -o remount,ro "$mnt"
	grep -q " $mnt hellofs ro" /proc/mounts || fail "$option: the mount is not read-only now"
	umount "$mnt"
done
