#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# A server that answers questions about attributes and ACLs with nonsense, or refuses them in the
# middle of a create or a chmod: errors, nothing half done.

. "$TOP/tests/rawserver/lib.sh"
need setfacl getfacl setpriv

acl=system.posix_acl_access
me=ffffffff

# hex TEXT: as xvalue wants it.
hex() {
	printf '%b' "$1" | od -An -v -tx1 | tr -d ' \n'
}

# gone NAME: neither we nor the server have it, and no cookie of it is left.
gone() {
	drop_caches
	app -e ENOENT stat "$1"
	drop_caches
	assert_eq "$refs" "$(stat_of refs)" "cookies that the kernel owns after $1"
}

prepare() {
	raw_mount
	chmod 755 "$scratch" "$mnt"
	app write "$mnt/file" 0 4k
	app setxattr "$mnt/file" user.a 10
	app mkdir "$mnt/dir"
	setfacl -d -m u:1000:rwx "$mnt/dir"
}

raw_setup
raw_start --caps 1
prepare

# sizes and lengths
insane XATTR_GET getxattr "$mnt/file" user.a 100
insane XATTR_LIST listxattr "$mnt/file"
insane XATTR_SET setxattr "$mnt/file" user.b 10
app -e OK getxattr "$mnt/file" user.a 10
app -e ERANGE getxattr "$mnt/file" user.a 9
for do in xsize:11 xsize:9 xsize:0 xsize:101 xsize:-1 outlen:3 outlen:4 outlen:0 outlen:5 \
	"xvalue:$(hex 12345) do=xsize:200" "xvalue:$(printf '41%.0s' {1..70}) do=xsize:10"; do
	try EIO "op=XATTR_GET do=$do" getxattr "$mnt/file" user.a 60
done
for do in xsize:-1 xsize:65537; do
	try E2BIG "op=XATTR_GET do=$do" getxattr "$mnt/file" user.a 0
done
try OK "op=XATTR_GET do=xvalue:" getxattr "$mnt/file" user.a 60
try OK "op=XATTR_LIST do=xvalue:" listxattr "$mnt/file"
for list in 'user.a' 'user.a\0user.b' '\0' 'user.a\0\0' '\0user.a\0'; do
	try EIO "op=XATTR_LIST do=xvalue:$(hex "$list")" listxattr "$mnt/file"
done
try OK "op=XATTR_LIST do=xvalue:$(hex 'user.a\0user.b\0')" listxattr "$mnt/file"
for code in ENODATA ERANGE EACCES ENOSPC EEXIST; do
	number=$(python3 -c "import errno; print(errno.$code)")
	try "$code" "op=XATTR_GET count=2 do=err:-$number" getxattr "$mnt/file" user.a 60
	try "$code" "op=XATTR_SET count=2 do=err:-$number" setxattr "$mnt/file" user.b 60
done

# ACLs that are none; a good one is obeyed
app chown "$mnt/file" 10
app chmod "$mnt/file" 0640
good=01000600${me}02000400e803000004000000${me}10000400${me}20000000$me
for value in '' 01 "${good}00" "${good:0:64}" "ff00${good:4}" "${good:0:72}" "01000f00${good:8}" \
	"${good:16:16}${good:0:16}${good:32}" "$good$good" "${good:0:24}$me${good:32}" \
	"01000600${me}01000600${me}04000000${me}20000000$me"; do
	drop_caches
	try EIO "op=XATTR_GET count=0 do=xvalue:$value" getxattr "$mnt/file" $acl 1000
	setpriv --reuid 1000 --clear-groups /run/rawapp -e EIO open "$mnt/file"
done
drop_caches
try OK "op=XATTR_GET count=0 do=xvalue:$good" open "$mnt/file"
setpriv --reuid 1000 --clear-groups /run/rawapp -e OK open "$mnt/file"
drop_caches
ctl clear
setpriv --reuid 1000 --clear-groups /run/rawapp -e EACCES open "$mnt/file"

# refused: list and mode stay as they were, also for whoever asks the server
setfacl -m u:1000:rw,g:7:r "$mnt/file"
before=$(stat -c '%a %z' "$mnt/file" && getfacl -cnp "$mnt/file")
for call in "setfacl -m u:5:rwx" "setfacl -b" "chmod 0777" "chmod 0400"; do
	ctl only op=XATTR_SET count=2 do=err:-28
	# shellcheck disable=SC2086 # several words
	refute_errno 'No space left' $call "$mnt/file"
	assert_eq "$before" "$(stat -c '%a %z' "$mnt/file" && getfacl -cnp "$mnt/file")" "$call"
	drop_caches
	assert_eq "$before" "$(stat -c '%a %z' "$mnt/file" && getfacl -cnp "$mnt/file")" \
		"$call, on the server"
done
ctl only op=SETATTR count=2 do=err:-28
refute_errno 'No space left' chmod 0777 "$mnt/file"
assert_eq "$before" "$(stat -c '%a %z' "$mnt/file" && getfacl -cnp "$mnt/file")" "SETATTR"

# refused while something is made: it was never there
drop_caches
refs=$(stat_of refs)
for call in create mkdir mknod; do
	for nth in 1 2; do
		[ "$call$nth" != create2 ] && [ "$call$nth" != mknod2 ] || continue
		try ENOSPC "op=XATTR_SET nth=$nth count=2 do=err:-28" "$call" "$mnt/dir/new"
		gone "$mnt/dir/new"
	done
done
try ENOSPC "op=XATTR_SET count=2 do=err:-28" tmpfile "$mnt/dir"
gone "$mnt/dir/new"
ctl clear
app -e OK create "$mnt/dir/new"
raw_works
raw_finish
