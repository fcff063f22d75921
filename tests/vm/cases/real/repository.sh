#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# A git repository and its work tree both on the mount: clone of some thousand objects (LONG=1:
# ten thousand), fsck, gc, repack, a bare clone with hard links, damage that fsck must
# find. git maps its packs, its index and what it compares.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need git python3

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
files=$(long 900 4500)

# A file, a tree and a commit make about two objects for each file.
make_origin() {
	git init -q --bare -b main "$1"
	python3 - "$files" <<-'PY' | git -C "$1" fast-import --quiet
		import random, sys
		rng, n = random.Random(1), int(sys.argv[1])
		step = 30
		for c in range(n // step):
		    print(f"commit refs/heads/main\nmark :{c + 1}")
		    print(f"committer a <a@b> {1700000000 + c} +0000\ndata 2\nc\n")
		    for i in range(step):
		        nr = c * step + i
		        text = "".join(f"{rng.random()}\n" for _ in range(rng.randrange(90)))
		        print(f"M 100644 inline d{nr % 40}/e{nr % 3}/f{nr}")
		        print(f"data {len(text)}\n{text}")
		    # large enough to be mapped
		    text = "line\n" * 20000 + str(c)
		    print(f"M 100644 inline large\ndata {len(text)}\n{text}")
	PY
}

objects() {
	git -C "$1" rev-list --objects --all | wc -l
}

checked() {
	git -C "$1" fsck --strict --full --no-progress >"$scratch/out" 2>&1 ||
		fail "$way: fsck of $1: $(head -n 5 "$scratch/out")"
	git -C "$1" rev-list --objects --all >"$scratch/list"
	same "$scratch/objects" "$scratch/list" "objects of $1"
}

whole() {
	git clone -q --no-local "$scratch/origin" c
	checked c
	[ -z "$(git -C c status --porcelain)" ] || fail "$way: the work tree is not clean"
	# objects of their own, then packed; all that was a pack is gone
	git -C c unpack-objects -q <"$(echo "$scratch"/origin/objects/pack/*.pack)"
	(cd c && for i in d1/e*/*; do echo more >>"$i"; done)
	git -C c diff --stat | tail -n 1
	git -C c checkout -q .
	git -C c gc -q --prune=now
	checked c
	git -C c repack -q -a -d -f --depth=5
	checked c
	git clone -q --bare -l c b
	checked b
	(cd c && git ls-files -z | xargs -0 cat | sha256sum) >"$scratch/sum"
	same "$scratch/wanted" "$scratch/sum" "content of the work tree"
}

damaged() {
	local pack

	pack=$(echo b/objects/pack/*.pack)
	chmod u+w "$pack"
	printf '\xff\x00\xff' | dd of="$pack" bs=1 seek=3000 conv=notrunc status=none
	refute git -C b fsck --full --no-progress >"$scratch/out" 2>&1
}

repositories() {
	need_mmap
	whole
	damaged
	rm -rf b c
	assert_eq '' "$(find . -mindepth 1)" "$way: left over"
	echo "$way: $SECONDS s"
}

scratch
make_origin "$scratch/origin"
git -C "$scratch/origin" rev-list --objects --all >"$scratch/objects"
echo "$(objects "$scratch/origin") objects"
[ "$(objects "$scratch/origin")" -gt $((files * 2)) ] || fail "too few objects"
git clone -q "$scratch/origin" "$scratch/c"
(cd "$scratch/c" && git ls-files -z | xargs -0 cat | sha256sum) >"$scratch/wanted"
rm -rf "$scratch/c"
each_way repositories
