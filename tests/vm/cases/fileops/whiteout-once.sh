#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# RENAME_WHITEOUT of a server that knows it (ZUFS_FSC_WHITEOUT): one message with the inode that
# the old name gets; refused, killed, or with the end of the server nothing is half done. Where a
# whiteout needs an ACL it is made by steps as ever.

. "$TOP/tests/rawserver/lib.sh"
need python3 setfacl

whiteout=$((1 << 16))

names() {
	find "$mnt" -mindepth 1 -printf '%P %y\n' | sort | xargs
}

sent() {
	ctl record | sed -n 's/^\(RENAME\|NEW_INODE\|REMOVE_DENTRY\) .*/\1/p' | xargs
}

# rename FROM TO [FLAGS]: with a whiteout
rename() {
	python3 -c '
import sys
from nstest import RENAME_WHITEOUT, renameat2
renameat2(sys.argv[1], sys.argv[2], RENAME_WHITEOUT | int(sys.argv[3]))' "$1" "$2" "${3:-0}"
}

raw_setup
raw_start --caps $((whiteout | 1))
raw_mount
app write "$mnt/a" 0 4k
ctl forget
rename "$mnt/a" "$mnt/b" 1
assert_eq RENAME "$(sent)" "messages"
ctl record | grep -q '^RENAME in 712 out 712 start 0 max 712 .* rename 5' || fail "$(ctl record)"
assert_eq "a c b f" "$(names)" "names"
assert_eq "0 0 0 0 1" "$(stat -c '%t %T %a %u %h' "$mnt/a")" "the whiteout"
app read "$mnt/b" 0 4k
# over another name, out of another folder, of a folder
app mkdir "$mnt/d"
app write "$mnt/d/x" 0 4k
rename "$mnt/d/x" "$mnt/b"
rename "$mnt/d" "$mnt/e"
assert_eq "a c b f d c e d e/x c" "$(names)" "names"
app unlink "$mnt/a"
app unlink "$mnt/d"
app unlink "$mnt/e/x"
app rmdir "$mnt/e"

# refused, by what is an errno and by what is none: times and names as before
app write "$mnt/x" 0 4k
before=$(stat -c '%y %z' "$mnt" "$mnt/x")
ctl only op=RENAME count=2 do=err:-28
refute_errno 'No space left' rename "$mnt/x" "$mnt/y"
assert_eq "$before" "$(stat -c '%y %z' "$mnt" "$mnt/x")" "times after a refused rename"
ctl only op=RENAME do=err:-9999
refute_errno 'Input/output error' rename "$mnt/x" "$mnt/y"
ctl clear
assert_eq "b f x f" "$(names)" "names after refused renames"

# killed while the server is at it: it is done as a whole
ctl only op=RENAME do=hang
rename "$mnt/x" "$mnt/y" &
pid=$!
ctl hung 1
pkill -KILL -P "$pid"
wait "$pid" || true
ctl release
ctl clear
assert_eq "b f x c y f" "$(names)" "names after a kill"

# a folder whose ACLs the whiteout must have: by steps
app mkdir "$mnt/acl"
setfacl -d -m u:1000:rwx "$mnt/acl"
app write "$mnt/acl/x" 0 4k
ctl forget
rename "$mnt/acl/x" "$mnt/acl/y"
[[ $(sent) == "NEW_INODE RENAME RENAME" ]] || fail "by steps: $(sent)"
assert_eq "acl d acl/x c acl/y f b f x c y f" "$(names)" "names"

# it dies in it
ctl only op=RENAME do=exit
refute rename "$mnt/y" "$mnt/z"
raw_end
raw_umount

# without the bit no server sees the flag
raw_start --caps 1
raw_mount
app write "$mnt/a" 0 4k
ctl forget
rename "$mnt/a" "$mnt/b"
assert_eq "NEW_INODE RENAME RENAME" "$(sent)" "messages of a server of 2019"
raw_works
raw_finish
