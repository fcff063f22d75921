#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# A new inode has the ACLs of its folder or it is not there: when they are refused, when the
# caller is killed, when the server ends between the inode and them. Servers that take them
# with NEW_INODE, and those that get a message for each.

. "$TOP/tests/rawserver/lib.sh"
need setfacl getfacl python3

ride=0x48000001		# they ride along; values of 64 KiB
steps_alone=0x4000001	# they do not; no lookup comes before
calls=(create mkdir mknod)

prepare() {
	raw_mount
	chmod 755 "$scratch" "$mnt"
	app mkdir "$mnt/dir"
	setfacl -d -m u:1000:rwx,g::r-x,o::r-- "$mnt/dir"
	drop_caches
	nodes=$(stat_of nodes) refs=$(stat_of refs) links=$(stat -c %h "$mnt/dir")
}

counts_are_back() {
	drop_caches
	[[ $(ctl stats) == *"refs $refs"$'\n'"nodes $nodes"$'\n'* ]]
}

# nothing WHAT: no name, no inode, no link is left.
nothing() {
	wait_until 5 counts_are_back || fail "$1: $(ctl stats), not $refs and $nodes"
	app -e ENOENT stat "$mnt/dir/new"
	assert_eq "$links" "$(stat -c %h "$mnt/dir")" "$1: links of the folder"
}

# path_of CALL: its argument.
path_of() {
	[ "$1" = tmpfile ] && echo "$mnt/dir" || echo "$mnt/dir/new"
}

# killed RULE CALL: it is killed where the rule hangs.
killed() {
	hang_and_kill "$1" "$2" "$(path_of "$2")"
	ctl clear
	ctl release
}

# messages: those that have to do with a new inode.
messages() {
	ctl record | grep -oE '^(NEW_INODE|XATTR_SET|REMOVE_DENTRY) ' | tr -d '\n'
}

whole() {
	local acl

	drop_caches
	acl=$(getfacl -cnp "$mnt/dir/new" | grep -v '^default:' | tr '\n' ' ')
	case $1 in
	mkdir)	assert_eq "user::rwx user:1000:rwx group::r-x mask::r-x other::r--  " "$acl" "$1" ;;
	mknod)	assert_eq "user::rw- user:1000:rwx group::r-x mask::--- other::---  " \
			"$acl" "$1" ;;
	*)	assert_eq "user::rw- user:1000:rwx group::r-x mask::r-- other::r--  " "$acl" "$1" ;;
	esac
}

# getfacl ...: without what it says of the mask.
getfacl() {
	command getfacl "$@" | sed 's/[[:space:]]*#effective.*//'
}

remove() {
	rm -rf "$mnt/dir/new"
}

# ---- they ride along ----

raw_setup
raw_start --caps "$ride"
prepare
for call in "${calls[@]}"; do
	ctl forget
	app "$call" "$mnt/dir/new"
	assert_eq "NEW_INODE " "$(messages)" "messages of $call"
	whole "$call"
	remove
	try ENOSPC "op=NEW_INODE count=2 do=err:-28" "$call" "$mnt/dir/new"
	ctl clear
	nothing "$call"
	# the server goes on: all of it is there
	killed op=NEW_INODE "$call"
	wait_until 5 test -e "$mnt/dir/new"
	whole "$call"
	remove
	nothing "$call"
done
ctl forget
app tmpfile "$mnt/dir"
killed op=NEW_INODE tmpfile
nothing tmpfile
assert_eq "NEW_INODE NEW_INODE " "$(messages)" "messages of tmpfile"
ctl record | grep -q "with system.posix_acl_access of 40 bytes" || fail "the ACL of a tmpfile"

# longer than a command buffer: by steps, which the owner alone sees
python3 -c 'print("\n".join(f"default:user:{2000 + i}:rwx" for i in range(4500)))' >"$scratch/acl"
setfacl -M "$scratch/acl" "$mnt/dir"
ctl forget
app create "$mnt/dir/new"
assert_eq "NEW_INODE XATTR_SET " "$(messages)" "messages with a long ACL"
ctl record | grep -q "^NEW_INODE.* mode 100600 new 0$" || fail "the mode before the long ACL"
drop_caches
assert_eq 4501 "$(getfacl -cnp "$mnt/dir/new" | grep -c '^user:[0-9]')" "entries of a long ACL"
try ENOSPC "op=XATTR_SET count=2 do=err:-28" mkdir "$mnt/dir/new2"
ctl clear
app -e ENOENT stat "$mnt/dir/new2"
raw_works
raw_finish

# ---- a message for each ----

raw_setup
raw_start --caps "$steps_alone"
prepare
for call in "${calls[@]}" tmpfile; do
	path=$(path_of "$call")
	[ "$call" = mkdir ] && steps=2 || steps=1
	answers=(ENOSPC:err:-28)
	[ "$call" != create ] || answers+=(EIO:err:-5 EIO:err:-9999 EIO:outlen:65535)
	for ((nth = 1; nth <= steps; nth++)); do
		for answer in "${answers[@]}"; do
			try "${answer%%:*}" "op=XATTR_SET nth=$nth count=2 do=${answer#*:}" \
				"$call" "$path"
			ctl clear
			nothing "$call, step $nth: $answer"
		done
		killed "op=XATTR_SET nth=$nth" "$call"
		nothing "$call, killed at step $nth"
	done
	if [ "$call" != mknod ]; then
		try ENOSPC "op=SETATTR count=2 do=err:-28" "$call" "$path"
		ctl clear
		nothing "$call, last step"
		killed "op=SETATTR" "$call"
		nothing "$call, killed at the last step"
	fi
	ctl forget
	killed op=NEW_INODE "$call"
	nothing "$call, killed"
	ctl record | grep -q "^NEW_INODE.* mode [0-7]*00 new" ||
		fail "$call: the mode of what has no ACL yet"
	[ "$call" != tmpfile ] || continue
	app "$call" "$mnt/dir/new"
	whole "$call"
	# what it did not make is not taken back
	if [ "$call" = create ]; then
		drop_caches
		killed op=NEW_INODE create
		whole create
	fi
	remove
	nothing "$call"
done
# a folder whose attributes the server is still at work on does not lose its name before
ctl only op=XATTR_SET do=hang
/run/rawapp -e any mkdir "$mnt/dir/new" >>"$scratch/out" &
pid=$!
ctl hung 1
ctl forget
kill -KILL "$pid"
wait "$pid" || true
app stat "$mnt"
refute eval "ctl record | grep -q ^REMOVE_DENTRY"
ctl clear
ctl release
nothing "a folder"
# what cannot be undone either: the name stays, its owner's alone
for op in XATTR_SET SETATTR; do
	ctl only op=$op count=2 do=err:-28
	rule op=REMOVE_DENTRY do=err:-5
	app -e ENOSPC create "$mnt/dir/new"
	ctl clear
	assert_eq 600 "$(stat -c %a "$mnt/dir/new")" "the mode of what could not be undone"
	remove
	nothing "what could not be undone"
done

# the server is killed in between; the names are dropped, nobody waits
ctl only op=XATTR_SET do=kill
app -e EIO mkdir "$mnt/dir/new"
raw_end
raw_umount || fail "the file system does not go away"

# ---- one that only says that it takes them ----

raw_start --caps 1
ctl only "op=M_MOUNT do=caps:$ride"
prepare
for call in "${calls[@]}" tmpfile; do
	app -e EIO "$call" "$(path_of "$call")"
	nothing "$call, not understood"
done
raw_works
raw_finish
