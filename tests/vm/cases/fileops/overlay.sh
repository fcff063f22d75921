#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# overlayfs with a lower layer of ours, with an upper one, and with both: the merged tree
# is what the same calls make of a plain copy, also after it was mounted anew.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/fileops/fileops.bash"
need_pmem 1
modprobe overlay || skip "there is no overlayfs"
scratch
fileops_up /dev/pmem0
merged=$scratch/merged
mkdir "$merged" "$scratch/tmpfs"
on_exit merged_gone
mount -t tmpfs tmpfs "$scratch/tmpfs"
on_exit umount "$scratch/tmpfs"

merged_gone() {
	! mountpoint -q "$merged" || umount "$merged"
}

tree() {
	mkdir -p "$1"/{a,b,c/d/e,full,gone,moved/deep}
	echo one >"$1/a/one"
	echo two >"$1/b/two"
	head -c 100000 /dev/urandom >"$1/c/data"
	echo x >"$1/full/x"
	echo y >"$1/gone/y"
	echo z >"$1/moved/deep/z"
	ln -s one "$1/a/link"
	mkfifo "$1/fifo"
}

# change DIR: in the same way whatever it is.
change() {
	echo more >>"$1/a/one"
	truncate -s 5000 "$1/c/data"
	chmod 600 "$1/b/two"
	rm "$1/a/link"
	ln -s new "$1/a/link"
	rm -r "$1/gone"
	rm -r "$1/full"
	mkdir "$1/full"
	echo again >"$1/full/only"
	mv "$1/moved" "$1/elsewhere"
	mv "$1/b/two" "$1/c/d/two"
	mv "$1/c/d/two" "$1/b/three"
	mkdir "$1/b/two"
	ln "$1/b/three" "$1/b/four"
	rm "$1/fifo"
	echo new >"$1/fifo"
	touch -d @1000000 "$1/b/three"
}

# listing DIR: names, types, modes, sizes of files, contents.
listing() {
	(cd "$1" && find . \( -type d -printf '%p %y %m\n' \) -o -printf '%p %y %m %s %l\n' |
		sort && find . -type f -exec cksum {} + | sort)
}

overlay_up() {
	mount -t overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work,$options" \
		overlay "$merged"
}

# layers NAME LOWER UPPER OPTIONS
layers() {
	local lower=$2/lower-$1 upper=$3/upper-$1 work=$3/work-$1 options=$4 ino

	tree "$lower"
	cp -a "$lower" "$scratch/tmpfs/plain-$1"
	mkdir "$upper" "$work"
	overlay_up
	listing "$scratch/tmpfs/plain-$1" >"$scratch/wanted"
	listing "$merged" | diff "$scratch/wanted" - || fail "$1: before anything"
	change "$scratch/tmpfs/plain-$1"
	ino=$(stat -c %i "$merged/c/data")
	change "$merged"
	listing "$scratch/tmpfs/plain-$1" >"$scratch/wanted"
	listing "$merged" | diff "$scratch/wanted" - || fail "$1: after the changes"
	[ "$2" != "$3" ] || [ "$(stat -c %i "$merged/c/data")" = "$ino" ] ||
		fail "$1: the number of a file that was copied up is another one"
	[ -c "$upper/gone" ] && assert_eq "0 0" "$(stat -c '%t %T' "$upper/gone")" whiteout
	umount "$merged"
	echo 3 >/proc/sys/vm/drop_caches
	overlay_up
	listing "$merged" | diff "$scratch/wanted" - || fail "$1: mounted anew"
	handles "$1"
	umount "$merged"
	rm -rf "$lower" "$upper" "$work"
}

# handles NAME: with nfs_export a file of the merged tree has a handle that is good.
handles() {
	[[ $options == *nfs_export* ]] || return 0
	fileops_python fh save "$scratch/handles" "$merged/c/data" "$merged/b/three" \
		"$merged/elsewhere"
	echo 2 >/proc/sys/vm/drop_caches
	assert_eq "OK OK OK" "$(fileops_python fh open "$scratch/handles" "$merged" | xargs)" \
		"$1: handles"
}

layers lower "$mnt" "$scratch/tmpfs" redirect_dir=on,metacopy=off
setfattr -n trusted.try -v 1 "$mnt" || skip "this far: there are no trusted attributes"
layers upper "$scratch/tmpfs" "$mnt" redirect_dir=on,metacopy=off
layers both "$mnt" "$mnt" redirect_dir=on,metacopy=off
layers export "$mnt" "$mnt" redirect_dir=on,metacopy=off,index=on,nfs_export=on
