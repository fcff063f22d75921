#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# zusd.service under a systemd of its own (in a process name space): the server is there before
# a mount of fstab that needs it, and at shutdown ends after it and after one made by hand. Killed,
# it is started again, and what was mounted and fstab names lives again by zufs-recover.service.
#
# timeout: 240

. "$TOP/tests/vm/lib.sh"
need unshare systemctl
manager=/lib/systemd/systemd
[ -x "$manager" ] || skip "there is no systemd"
modprobe zuf
on_exit wait_until 10 rmmod zuf
scratch
units=$scratch/units
mnt=$scratch/mnt
hand=$scratch/hand
mkdir "$units" "$units/zusd.service.d" "$mnt" "$hand"

# of systemd's own units only those that order mounts and a shutdown
for unit in {local-fs-pre,local-fs,umount,shutdown,final,halt}.target systemd-halt.service; do
	cp "/lib/systemd/system/$unit" "$units"
done

for unit in zusd zufs-recover; do
	sed "s,@sbindir@,$(dirname "$(command -v zusd)")," "$TOP/daemon/$unit.service.in" \
		>"$units/$unit.service"
done
mkdir "$units/zufs-recover.service.d"
cat >"$units/zufs-recover.service.d/case.conf" <<UNIT
[Service]
Environment=LIBMOUNT_FSTAB=$scratch/fstab
StandardOutput=append:$scratch/recover.log
StandardError=append:$scratch/recover.log
UNIT
echo "none $mnt memofs size=16M 0 0" >"$scratch/fstab"
cat >"$units/zusd.service.d/case.conf" <<UNIT
[Service]
Environment=ZUFS_LIBFS_LIST=memofs
StandardError=append:$scratch/zusd.log
UNIT

# what systemd makes of a line of fstab
mount_unit=$(systemd-escape -p --suffix=mount "$mnt")
cat >"$units/$mount_unit" <<UNIT
[Unit]
Before=local-fs.target

[Mount]
What=none
Where=$mnt
Type=memofs
Options=size=16M
UNIT
cat >"$units/case.target" <<UNIT
[Unit]
DefaultDependencies=no
Wants=zusd.service $mount_unit
UNIT

# its messages go where it takes the console to be
cgroup=/sys/fs/cgroup/service
mkdir "$cgroup"
on_exit rmdir "$cgroup"
touch "$scratch/console"
cat >"$scratch/boot" <<BOOT
echo \$\$ >$cgroup/cgroup.procs
export container=other SYSTEMD_UNIT_PATH=$units
exec unshare -p -f -m -C --mount-proc --kill-child sh -c '
	mount --bind $scratch/console /dev/console
	exec $manager --system --unit=case.target --log-target=console --show-status=no'
BOOT
sh "$scratch/boot" </dev/null >"$scratch/out" 2>&1 &
boot=$!
on_exit end_manager

end_manager() {
	tail -n 40 "$scratch/console" "$scratch"/*.log
	! kill -0 "$boot" 2>/dev/null || kill -KILL "$(pgrep -P "$boot" -x systemd)"
	wait "$boot" || true
}

is_mounted() {
	first=$(pgrep -P "$boot" -x systemd) && grep -q " $mnt memofs " "/proc/$first/mounts"
}

wait_until 60 is_mounted
pidof zusd >/dev/null || fail "there is no server"

# killed, twice: the file system of fstab is there again
inside() {
	nsenter -t "$first" -m -p "$@"
}

is_back() {
	[ "$(grep -c "^$mnt: mounted again" "$scratch/recover.log")" = "$1" ]
}

for i in 1 2; do
	inside touch "$mnt/file"
	kill -KILL "$(pidof zusd)"
	wait_until 60 is_back "$i"
	inside mountpoint -q "$mnt" || fail "it is not mounted"
	refute inside test -e "$mnt/file"
	inside touch "$mnt/new"
done
assert_eq 4 "$(wc -l <"$scratch/recover.log")" "lines of zufs recover"

inside mount -t memofs -o size=16M none "$hand"
kill -RTMIN+3 "$first"
wait_until 60 process_gone "$boot"
wait "$boot" || true
cat "$scratch/zusd.log"
assert_grep 'signal 15: leaving' "$scratch/zusd.log"
! grep 'still mounted' "$scratch/zusd.log" || fail "the server went before a mount"
