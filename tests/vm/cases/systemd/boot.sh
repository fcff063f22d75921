#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own --root --files tests/vm/cases/systemd/boot.files --pmem 64
# timeout: 240
#
# A machine whose PID 1 is systemd, with file systems of ours in fstab: it boots without a cycle,
# the server before its mounts and they before local-fs.target; one whose device is absent keeps
# nobody waiting (nofail), another is mounted when somebody looks (automount). A server that is
# killed comes back with what fstab names. At the shutdown, which is a real one, each file system
# is unmounted while its server lives.

. "$TOP/tests/vm/lib.sh"
[ "$(cat /proc/1/comm)" = systemd ] || skip "PID 1 is not systemd"

# since UNIT PROPERTY: microseconds of the boot.
since() {
	systemctl show -P "$2Monotonic" "$1"
}

# before A B: A has been active before B.
before() {
	local a b

	a=$(since "$1" ActiveEnterTimestamp)
	b=$(since "$2" ActiveEnterTimestamp)
	[ "$a" -gt 0 ] || fail "$1 was never active"
	[ "$b" -gt 0 ] || fail "$2 was never active"
	[ "$a" -le "$b" ] || fail "$2 ($b us) was active before $1 ($a us)"
}

journal() {
	journalctl -b -q --no-pager -o cat "$@"
}

# ---- the boot
state=$(systemctl is-system-running --wait) || true
systemctl --failed --no-legend --plain
assert_eq running "$state" "the system"
journal >"$RESULTS/journal.txt"
! grep -i 'ordering cycle' "$RESULTS/journal.txt" || fail "the units are a circle"
for unit in zusd zufs-recover; do
	told=$(systemd-analyze --man=no verify "$unit.service" 2>&1 | grep "$unit" || true)
	assert_eq "" "$told" "what systemd-analyze finds in $unit"
done
before zusd.service srv-data.mount
before zusd.service srv-mem.mount
before srv-data.mount local-fs.target
assert_eq memofs "$(findmnt -n -o FSTYPE /srv/data)" "type"
assert_eq memofs "$(findmnt -n -o FSTYPE /srv/mem)" "type"
refute findmnt -n /srv/absent
assert_eq inactive "$(systemctl is-active srv-absent.mount || true)" "the mount without a device"

# ---- automount
assert_eq autofs "$(findmnt -n -o FSTYPE /srv/auto)" "type"
touch /srv/auto/file
assert_eq memofs "$(findmnt -n -t memofs -o FSTYPE /srv/auto)" "type"

# ---- killed: it comes back, and so does what fstab names. What requires the service systemd mounts
# again itself, the rest is zufs-recover's
touch /srv/data/file /srv/mem/file /srv/plain/file
server=$(pidof zusd)
kill -KILL "$server"
works() {
	local dir

	for dir in /srv/data /srv/mem /srv/plain; do
		findmnt -n -t memofs "$dir" >/dev/null && touch "$dir/new" 2>/dev/null || return
	done
}
wait_until 60 works
assert_ne "$server" "$(pidof zusd)" "server"
journal -u zufs-recover.service >"$RESULTS/recover.txt"
assert_grep '^/srv/plain: mounted again' "$RESULTS/recover.txt"
active() {
	systemctl is-active -q srv-data.mount srv-mem.mount srv-plain.mount
}
wait_until 30 active

# ---- zufs up uses the server of the service
mkdir /srv/hand
zufs up -o size=16M memofs none /srv/hand
assert_eq "$(systemctl show -P MainPID zusd.service)" "$(pidof zusd)" "server"

# ---- stop: what asks for it is unmounted first, and is there again with the server
umount /srv/hand
umount /srv/plain
systemctl stop zusd.service
refute findmnt -n -t memofs /srv/data
journal -u zusd.service >"$RESULTS/zusd.txt"
assert_grep 'signal 15: leaving' "$RESULTS/zusd.txt"
! grep 'still mounted' "$RESULTS/zusd.txt" || fail "the server went before a mount"
systemctl start srv-data.mount srv-mem.mount
touch /srv/data/again /srv/mem/again

# ---- the shutdown: one that is mounted by hand, too
mount -t memofs -o size=16M none /srv/hand
touch /srv/hand/file
cat >/run/at-end <<END
#!/bin/sh
# when all units are down
journalctl -b -q --no-pager -o cat -u zusd.service >/run/zusd.log
last=\$(tail -n 20 /run/zusd.log)
wrong() {
	echo "\$last"
	echo "at-end: \$*"
	exit 1
}
if grep -q ' memofs ' /proc/mounts; then
	wrong "a file system is mounted"
fi
case \$last in
*'still mounted'*)	wrong "the server went before a mount" ;;
*'signal 15: leaving'*)	;;
*)			wrong "the server was not told to end" ;;
esac
END
chmod +x /run/at-end
