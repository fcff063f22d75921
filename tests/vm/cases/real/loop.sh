#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# A disk image on the mount: ext4 on a loop device, buffered and --direct-io=on, a compile
# on top of it. The objects must be those of a compile elsewhere, the file system clean, and the
# image, read as a file, must hold what was written to the device.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need losetup mkfs.ext4 e2fsck debugfs gcc ar

sources=(map name)

unpack() {
	mkdir -p "$1/src"
	cp -r "$TOP/include" "$1/src/"
	cp -r "$TOP/plugins" "$1/src/"
}

compile() {
	local name

	cd "$1/src/plugins/memofs" || fail "nothing was unpacked"
	for name in "${sources[@]}"; do
		gcc -pipe -O1 -I../../include -I../../include/uapi -D_GNU_SOURCE \
			-c -o "$name.o" "$name.c"
	done
	ar rcD memofs.a -- *.o
	cd "$mnt" || fail "cannot go back"
}

# same_trees A B
same_trees() {
	diff -r --no-dereference "$1" "$2" >"$scratch/diff" 2>&1 ||
		fail "$way: $1 and $2 differ: $(head -n 5 "$scratch/diff")"
}

# attach DIO FILE: sets $loop.
attach() {
	loop=$(losetup -f --show --direct-io="$1" "$2")
	on_exit detach "$loop"
	assert_eq "$1" "$(losetup -n -O DIO "$loop" | sed 's/ //g; s/1/on/; s/0/off/')" \
		"direct I/O of $loop"
}

detach() {
	losetup -O NAME -n -l | grep -qx "$1" || return 0
	losetup -d "$1"
}

mount_image() {
	mount -t ext4 "$loop" "$scratch/on"
	on_exit umount_image
}

umount_image() {
	! mountpoint -q "$scratch/on" || umount "$scratch/on"
}

# image DIO: from an empty file to a checked one.
image() {
	truncate -s 48M image
	attach "$1" image
	mkfs.ext4 -q -F -b "$2" "$loop"
	mount_image
	unpack "$scratch/on"
	compile "$scratch/on"
	sync -f "$scratch/on"
	umount_image
	e2fsck -fn "$loop" >"$scratch/out" 2>&1 || fail "$way: $(cat "$scratch/out")"
	mount_image
	same_trees "$scratch/peer/src" "$scratch/on/src"
	umount_image
	losetup -d "$loop"

	e2fsck -fn image >"$scratch/out" 2>&1 || fail "$way: as a file: $(cat "$scratch/out")"
	mkdir "$scratch/dump"
	debugfs -R "rdump /src $scratch/dump" image 2>"$scratch/out"
	same_trees "$scratch/peer/src" "$scratch/dump/src"
	rm -r "$scratch/dump" image
	echo "$way: direct I/O $1: $SECONDS s"
}

# A device that is larger than its file has an end, and one of odd size too.
ends() {
	local size=$((1 << 20))

	head -c $((size + 700)) /dev/urandom >odd
	attach off odd
	assert_eq "$((size + 512))" "$(blockdev --getsize64 "$loop")" "size of the device"
	head -c $((size + 512)) odd >"$scratch/wanted"
	same "$scratch/wanted" "$loop" "device of an odd size"
	dd if="$scratch/wanted" of="$loop" bs=3k conv=swab,fsync status=none
	dd if="$scratch/wanted" of="$scratch/wanted2" bs=3k conv=swab status=none
	losetup -d "$loop"
	head -c $((size + 512)) odd | cmp - "$scratch/wanted2" || fail "$way: written at the end"
	rm odd
}

images() {
	image off 4096
	image on 1024
	ends
	assert_eq '' "$(find . -mindepth 1)" "$way: left over"
}

scratch
modprobe loop
mkdir "$scratch/on"
unpack "$scratch/peer"
mnt=$scratch compile "$scratch/peer"
each_way images
