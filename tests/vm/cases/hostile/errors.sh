#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Every operation is answered with errors, sane and insane, and with lengths that
# cannot be: the application gets an errno of the system, and things go on.

. "$TOP/tests/rawserver/lib.sh"

raw_setup
raw_start
raw_mount
for name in a b c old; do
	app write "$mnt/$name" 0 8k
done
app mkdir "$mnt/dir"
app mkdir "$mnt/dir/sub"

insane STATFS statfs "$mnt"
insane LOOKUP stat "$mnt/none"
insane NEW_INODE create "$mnt/new1"
insane NEW_INODE mkdir "$mnt/new2"
insane NEW_INODE longlink 4000 "$mnt/new3"
insane NEW_INODE tmpfile "$mnt"
insane ADD_DENTRY link "$mnt/a" "$mnt/new4"
insane REMOVE_DENTRY unlink "$mnt/a"
insane REMOVE_DENTRY rmdir "$mnt/dir/sub"
insane RENAME exchange "$mnt/b" "$mnt/c"
insane RENAME rename "$mnt/b" "$mnt/dir/new"
insane READDIR readdir "$mnt" 100
insane READ readany "$mnt/old" 0 8k
insane WRITE write "$mnt/old" 0 8k
insane SETATTR chmod "$mnt/old" 0600
insane FALLOCATE truncate "$mnt/old" 100
app mkdir "$mnt/dir/sub"
app mkdir "$mnt/dir/sub2"
app -e EIO,OK,EEXIST create "$mnt/c"
raw_works

# sane errors arrive as they are; the kernel's own numbers as something sane
try EDQUOT "op=NEW_INODE do=err:-122" create "$mnt/new"
try ENOSPC "op=WRITE count=2 do=err:-28" write "$mnt/old" 0 8k
try EACCES "op=LOOKUP do=err:-13" stat "$mnt/none"
try EINTR "op=LOOKUP do=err:-512" stat "$mnt/none"
try EOPNOTSUPP "op=LOOKUP do=err:-524" stat "$mnt/none"
try EPERM "op=REMOVE_DENTRY do=err:-1" unlink "$mnt/old"
try ENOTEMPTY "op=REMOVE_DENTRY do=err:-39" rmdir "$mnt/dir/sub2"
try EXDEV "op=RENAME do=err:-18" rename "$mnt/old" "$mnt/new"

# nobody hears of what becomes of these, and an inode goes away in any case
for answer in err:-5 err:-9999 err:7 err:-531 outlen:65535 fill:255; do
	app create "$mnt/gone"
	try OK "op=FREE_INODE do=$answer" unlink "$mnt/gone"
	drop_caches
	ctl only op=EVICT_INODE count=0 "do=$answer"
	app stat "$mnt/old"
	drop_caches
	ctl only op=SHOW_OPTIONS count=0 "do=$answer"
	grep -q " $mnt " /proc/mounts || fail "/proc/mounts with $answer"
done
raw_works

# answers that are too short: what was not answered is not believed
drop_caches
try EIO "op=LOOKUP count=0 do=outlen:8" stat "$mnt/old"
try EIO "op=LOOKUP count=0 do=outlen:0" stat "$mnt/dir/sub"
try EIO "op=NEW_INODE do=outlen:0" create "$mnt/new22"
try OK,EIO "op=STATFS do=outlen:0" statfs "$mnt"
try OK,EIO "op=READDIR do=outlen:0" readdir "$mnt" 100
try any "op=READ do=outlen:0" readany "$mnt/old" 0 8k
try any "op=WRITE do=outlen:0" write "$mnt/c" 0 8k

# the rest of the header belongs to the kernel: what is written there has no effect
try OK,EIO "op=STATFS do=inlen:65535 do=outstart:65535 do=outmax:65535" statfs "$mnt"
try OK "op=LOOKUP do=outstart:0 do=outmax:65535 do=operation:255" stat "$mnt/old"
try OK "op=SETATTR do=flags:65535" chmod "$mnt/old" 0640
try OK "op=STATFS do=fill:255" statfs "$mnt"
try OK "op=STATFS do=fill:0" statfs "$mnt"
raw_works
raw_finish
