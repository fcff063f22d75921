#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared inodes and pointers to them that cannot be: refused when an inode is
# looked up or made (and its cookie given back), without effect on a known one.

. "$TOP/tests/rawserver/lib.sh"

# given_back COMMAND...: it fails, and no cookie stays with the kernel.
given_back() {
	local before

	drop_caches
	before=$(stat_of refs)
	"$@"
	assert_eq "$before" "$(stat_of refs)" "cookies that the kernel owns after $*"
}

raw_setup
raw_start
raw_mount
app write "$mnt/file" 0 4k
app longlink 100 "$mnt/link"
app longlink 10 "$mnt/short"
app mkdir "$mnt/dir"

# the VFS asks twice when an inode is stale: all answers are the same
for zi in wild huge pool unaligned 0 8; do
	given_back try EIO,ESTALE "op=LOOKUP count=0 do=zi:$zi" stat "$mnt/file"
	given_back try EIO,ESTALE "op=NEW_INODE count=0 do=zi:$zi" create "$mnt/new-$zi"
	try EIO,ESTALE "op=NEW_INODE do=zi:$zi" tmpfile "$mnt"
done

# fields of an inode that is looked up
for field in nlink:4000000000 nlink:0 size:-1 mode:0 mode:0xf1ff ino:0 uid:-1 gid:-1 \
	blocks:-1; do
	given_back try EIO,ESTALE "op=LOOKUP count=0 do=$field" stat "$mnt/file"
	try EIO,ESTALE "op=NEW_INODE do=$field" create "$mnt/made-$field"
done
for field in mtime:0x7fffffffffffffff mtime:0x8000000000000000 generation:-1 \
	inode_flags:0xff00; do
	drop_caches
	try OK "op=LOOKUP do=$field" stat "$mnt/file"
done
# a known inode cannot become another kind of inode
drop_caches
app stat "$mnt/dir"
try OK,EIO,ESTALE "op=SETATTR do=mode:0100644" chmod "$mnt/dir" 0700
[[ $(app stat "$mnt/dir") == "mode 40700 "* ]] || fail "dir: $(app stat "$mnt/dir")"

# symbolic links
for sym in 0 -1 0x7fffffffffff000 7 4096; do
	drop_caches
	try EIO "op=LOOKUP count=0 do=sym:$sym" readlink "$mnt/link"
done
for size in 0 4096 5000 -1 3; do
	drop_caches
	try EIO,OK "op=LOOKUP do=size:$size" readlink "$mnt/link"
	drop_caches
	try EIO,OK "op=LOOKUP do=size:$size" readlink "$mnt/short"
done
ctl heal
drop_caches
[[ $(app readlink "$mnt/link") == "100 bytes"* ]] || fail "the link changed"

# a known inode: sizes, links and blocks that cannot be are not believed
for field in nlink:4000000000 size:-1 size:0x7fffffffffffffff blocks:-1 mode:0 uid:-1 \
	ino:0 mode:040755 gid:-1; do
	try any "op=SETATTR do=$field" chmod "$mnt/file" 0644
	stat=$(app stat "$mnt/file")
	[[ $stat == "mode 100644 nlink 1 size 4096 uid 0 "* ]] || fail "$field: $stat"
	try any "op=WRITE do=$field" write "$mnt/file" 0 4k
	app -e any unlink "$mnt/nothing"
	stat=$(app stat "$mnt/file")
	[[ $stat == "mode 100644 nlink 1 size 4096 uid 0 "* ]] || fail "$field: $stat"
	try any "op=FALLOCATE do=$field" truncate "$mnt/file" 4096
	try any "op=READ do=$field" readany "$mnt/file" 0 4096
done

# one inode number for two files; a parent that is its own child
app write "$mnt/twin" 0 10
try any "op=LOOKUP file=twin do=ino:2" stat "$mnt/twin"
drop_caches
try any "op=LOOKUP file=twin do=ino:2" stat "$mnt/twin"
try any "op=LOOKUP file=dir do=ino:1" stat "$mnt/dir"
drop_caches
try any "op=LOOKUP file=dir do=ino:1" stat "$mnt/dir"
ctl clear
ctl heal
drop_caches
raw_works
raw_finish
