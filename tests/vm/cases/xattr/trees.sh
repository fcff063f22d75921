#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# A tree with attributes, ACLs and capabilities goes from ext4 to memofs and back, by tar, rsync
# and cp, and is the same in all of it. Large values and many names are in it.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
need tar rsync getfattr getfacl setcap
ext4_up
memofs_up -o size=48M

make_tree() {
	local i

	mkdir -p "$1/d/e"
	for i in 1 2 3 4 5; do
		head -c $((i * 3000)) /dev/urandom >"$1/d/f$i"
		setfattr -n "user.number" -v "$i" "$1/d/f$i"
	done
	setfattr -n user.bin -v 0x0001fffe00 "$1/d/f1"
	setfattr -n trusted.t -v t "$1/d/f2"
	setfattr -n user.empty "$1/d/f2"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.large", os.urandom(60000))' \
		"$1/d/e"
	setfacl -m u:1000:r,g:500:rw "$1/d/f3"
	setfacl -d -m u:1000:rx "$1/d/e"
	mkdir "$1/d/e/inherits"
	setcap cap_net_raw,cap_chown=ep "$1/d/f4"
	ln "$1/d/f4" "$1/linked"
	ln -s d/f1 "$1/symlink"
	setfattr -h -n trusted.link -v l "$1/symlink"
	chown 1000:500 "$1/d/f5" "$1/d/e"
	chmod 2750 "$1/d/e"
}

# describe DIR: what is to be the same.
describe() (
	cd "$1"
	find . -mindepth 1 -type d -printf '%p %m %U %G\n' | sort
	find . -mindepth 1 ! -type d -printf '%p %m %U %G %s %n %l\n' | sort
	find . -mindepth 1 | sort | xargs getfattr -h -d -m - -e hex
	find . -mindepth 1 ! -type l | sort | xargs getfacl -n
	find . -type f | sort | xargs md5sum
)

same_as() {
	describe "$1" >"$scratch/there"
	diff "$scratch/want" "$scratch/there" >&2 || fail "$2 has changed the tree"
}

make_tree "$ext4/src"
describe "$ext4/src" >"$scratch/want"
assert_eq 9 "$(grep -c '^user\.[nble]' "$scratch/want")" "user attributes in the tree"
assert_grep '^security.capability=0x' "$scratch/want"
assert_grep '^trusted.link=' "$scratch/want"
assert_grep '^default:user:1000:r-x' "$scratch/want"

mkdir "$mnt/tar" "$ext4/tar" "$mnt/rsync" "$ext4/rsync"
tar --xattrs --xattrs-include='*' --acls -C "$ext4/src" -cf "$scratch/tar" .
tar --xattrs --xattrs-include='*' --acls -C "$mnt/tar" -xpf "$scratch/tar"
same_as "$mnt/tar" "tar to memofs"
tar --xattrs --xattrs-include='*' --acls -C "$mnt/tar" -cf "$scratch/tar" .
tar --xattrs --xattrs-include='*' --acls -C "$ext4/tar" -xpf "$scratch/tar"
same_as "$ext4/tar" "tar from memofs"
rsync -aHAX "$ext4/src/" "$mnt/rsync/"
same_as "$mnt/rsync" "rsync to memofs"
rsync -aHAX "$mnt/rsync/" "$ext4/rsync/"
same_as "$ext4/rsync" "rsync from memofs"
assert_eq '' "$(rsync -aHAXnic --delete "$ext4/src/" "$mnt/rsync/")" "what rsync would still do"
setfattr -n user.number -v other "$mnt/rsync/d/f1"
setfacl -m u:5:r "$mnt/rsync/d/f2"
rsync -aHAX --delete "$ext4/src/" "$mnt/rsync/"
same_as "$mnt/rsync" "rsync of what has changed"
cp -a "$mnt/tar" "$mnt/cp"
same_as "$mnt/cp" "cp -a"
