#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# chmod and chown of an inode with an access ACL, of a server that takes all attributes with the
# ACL (ZUFS_FSC_ACL_MODE): one message; when it is refused list, mode and times are as before,
# and what a killed chmod has left is sent once more. Without an ACL it is SETATTR as ever.

. "$TOP/tests/rawserver/lib.sh"
need setfacl getfacl

acl_mode=$((1 << 15))

sent() {
	ctl record | sed -n 's/^\(SETATTR\|XATTR_SET\) .*/\1/p' | xargs
}

state() {
	stat -c '%a %u %g %z' "$1" && getfacl -cnp "$1"
}

raw_setup
raw_start --caps $((acl_mode | 1))
raw_mount
chmod 755 "$scratch" "$mnt"
app write "$mnt/file" 0 4k
ctl forget
chmod 0640 "$mnt/file"
assert_eq SETATTR "$(sent)" "chmod without an ACL"
setfacl -m u:1000:rw,g:7:r "$mnt/file"
ctl forget
chmod 0751 "$mnt/file"
assert_eq XATTR_SET "$(sent)" "chmod with an ACL"
assert_eq 751 "$(stat -c %a "$mnt/file")" mode
getfacl -cnp "$mnt/file" | grep -qx 'mask::r-x' || fail "$(getfacl -cnp "$mnt/file")"
drop_caches
assert_eq 751 "$(stat -c %a "$mnt/file")" "mode that the server has"
getfacl -cnp "$mnt/file" | grep -qx 'mask::r-x' || fail "the server has no mask"
# owner and mode at once: a set-uid file changes hands
chmod 04751 "$mnt/file"
ctl forget
chown 77 "$mnt/file"
assert_eq XATTR_SET "$(sent)" "chown of a set-uid file with an ACL"
drop_caches
assert_eq "751 77" "$(stat -c '%a %u' "$mnt/file")" "after chown"
# neither mode nor ACL: as ever
ctl forget
chown 78 "$mnt/file"
assert_eq SETATTR "$(sent)" "chown"
# an ACL that says no more than the mode goes
setfacl -b "$mnt/file"
ctl forget
chmod 0600 "$mnt/file"
assert_eq SETATTR "$(sent)" "chmod after setfacl -b"

# refused
setfacl -m u:1000:rw,g:7:r "$mnt/file"
before=$(state "$mnt/file")
for call in "chmod 0777" "chmod 0400"; do
	ctl only op=XATTR_SET count=2 do=err:-28
	ctl forget
	# shellcheck disable=SC2086 # several words
	refute_errno 'No space left' $call "$mnt/file"
	refute grep -q SETATTR <(sent)
	assert_eq "$before" "$(state "$mnt/file")" "$call"
	drop_caches
	assert_eq "$before" "$(state "$mnt/file")" "$call, on the server"
done
ctl only op=XATTR_SET count=2 do=err:-9999
refute chmod 0777 "$mnt/file"
ctl clear
chmod 0640 "$mnt/file"

# killed: the new values stay, and go to the server with the next change
hang_and_kill "op=XATTR_SET" chmod "$mnt/file" 0700
ctl forget
ctl release
ctl clear
within 20 chown 79 "$mnt/file"
assert_eq "700 79" "$(stat -c '%a %u' "$mnt/file")" "after a killed chmod"
getfacl -cnp "$mnt/file" | grep -qx 'mask::---' || fail "$(getfacl -cnp "$mnt/file")"
ctl record | grep -q '^SETATTR .* attr 0x[0-9a-f]*2$' || fail "not sent once more: $(ctl record)"
raw_works
raw_finish
