#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# git with its work tree on the mount: clone, check-outs, changes, stash, reset, patches,
# archive and bundle. The repository lies elsewhere: git maps the files in it. It also maps
# files of the work tree from 32 KiB on, and any for a diff; there is none here. The
# state after each step is compared with that of the same steps on tmpfs.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need git

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'

# A history with branches that meet, modes, links, renames, binary files.
make_origin() {
	local i

	git init -q -b main "$1"
	cd "$1" || fail "no $1"
	cp -r "$TOP/include" "$TOP/plugins/memofs" .
	find . -path ./.git -prune -o -type f -size +31k -exec rm {} +
	git add -A
	git commit -qm first
	git checkout -qb side
	for i in {1..40}; do
		mkdir -p "deep/$((i % 7))"
		head -c $((i * 700)) /dev/urandom >"deep/$((i % 7))/$i"
	done
	ln -s deep/1 link
	chmod 755 memofs/map.c
	git add -A
	git commit -qm second
	git checkout -q main
	git mv memofs fs
	sed -i 's/memofs/otherfs/' fs/map.c
	git commit -qam third
	git merge -q --no-edit side
	git gc -q
	cd "$scratch" || fail "cannot go back"
}

# steps WORK-TREE: one line of state after each.
steps() {
	local work=$1

	rm -rf "$scratch/repo.git"
	git clone -q --separate-git-dir "$scratch/repo.git" "$scratch/origin" "$work"
	cd "$work" || fail "no $work"
	state cloned
	git checkout -q side
	state side
	git checkout -q -
	state main
	echo changed >>fs/alloc.c
	rm fs/dir.c
	echo new >untracked
	chmod +x fs/inode.c
	git status --porcelain
	git stash -q -u
	state stashed
	git stash pop -q
	state popped
	git add -A
	git commit -qm fourth
	state committed
	git checkout -q -b third HEAD~2
	git merge -q --ff-only main
	state forward
	git reset -q --hard HEAD~1
	state back
	git checkout -q main
	git clean -qfdx
	git archive HEAD | sha256sum
	git bundle create -q all.bundle --all
	git bundle verify -q all.bundle >/dev/null 2>&1
	sha256sum <all.bundle
	rm all.bundle
	git -C "$scratch/repo.git" format-patch -q --stdout main~1..main >one.patch
	git reset -q --hard HEAD~1
	git am -q one.patch
	rm one.patch
	state patched
	rm -rf ./*
	git checkout -q .
	state again
	git fsck --strict --no-progress
}

state() {
	echo "$1 $(git rev-parse HEAD)"
	git status --porcelain
	git ls-files -s | sha256sum
	find . ! -type d -printf '%p %y %m %s %l\n' | grep -v '^./.git ' | sort
	find . -type f ! -name .git -print0 | sort -z | xargs -0 sha256sum
}

work_tree() {
	mkdir w
	steps "$mnt/w" >"$scratch/found"
	cd "$mnt" || fail "cannot go back"
	cmp "$scratch/wanted" "$scratch/found" ||
		fail "$way: $(diff "$scratch/wanted" "$scratch/found" | head -n 5)"
	rm -rf w
	echo "$way: $SECONDS s"
}

scratch
make_origin "$scratch/origin"
steps "$scratch/w" >"$scratch/wanted"
cd "$scratch" || fail "no $scratch"
each_way work_tree
