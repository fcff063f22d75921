#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# zufs up beside others: a server that was killed a moment ago, one that ends over the mount, a
# second call, and file systems that somebody mounts before it undoes what it has started.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
scratch
first=$scratch/first
other=$scratch/other
mkdir "$first" "$other" "$scratch/bin"
on_exit all_down

all_down() {
	local m

	grep -F " $scratch" /proc/mounts | tac | while read -r _ m _; do
		umount -l "$m"
	done
	! pidof zusd >/dev/null || kill -KILL "$(pidof zusd)"
	wait_until 30 no_server
	! mountpoint -q /sys/fs/zuf || wait_until 30 umount /sys/fs/zuf
	[ ! -d /sys/module/zuf ] || wait_until 30 rmmod zuf
}

no_server() {
	! pidof zusd
}

mounts_on() {
	grep -cF " $1 memofs " /proc/mounts || true
}

# ---- twice is once, but memory is another file system each time
zufs up memofs /dev/pmem0 "$first"
tell 0 zufs up memofs /dev/pmem0 "$first"
said "/dev/pmem0 is mounted on $first already"
assert_eq 1 "$(mounts_on "$first")" "mounts"

umount "$first"

# ---- the server was killed just now: its memory goes before its files do
for i in 1 2 3 4 5; do
	zufs up -o size=32M memofs none "$other"
	head -c 24M /dev/zero >"$other/file"
	server=$(pidof zusd)
	kill -KILL "$server"
	umount -l "$other"
	zufs up -o size=32M memofs none "$other"
	touch "$other/new"
	refute test -e "/proc/$server/exe"
	umount "$other"
done

# ---- it ends over the mount: once more with the next one
cat >"$scratch/bin/mkfs.memofs" <<'MKFS'
#!/bin/sh
"$MKFS" "$@"
eval "$MEANWHILE"
MKFS
chmod +x "$scratch/bin/mkfs.memofs"
MKFS=$(command -v mkfs.memofs)
export MKFS
dd if=/dev/zero of=/dev/pmem0 bs=1M count=2 conv=fsync status=none
# shellcheck disable=SC2016
PATH=$scratch/bin:$PATH MEANWHILE='kill -KILL $(pidof zusd)' \
	tell 0 zufs up memofs /dev/pmem0 "$first"
touch "$first/new"
zufs down "$first"
assert_all_gone

# ---- somebody mounts before it undoes: the server stays
dd if=/dev/zero of=/dev/pmem0 bs=1M count=2 conv=fsync status=none
PATH=$scratch/bin:$PATH MEANWHILE="mount -t memofs -o size=16M none $other" \
	tell 1 zufs up -o bogus=1 memofs /dev/pmem0 "$first"
said 'undoing: the server stays, others have mounted file systems meanwhile'
touch "$other/new"
zufs down "$other"
assert_all_gone
