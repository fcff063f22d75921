#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# memofs exported by knfsd, version 3 and 4, and mounted on the same machine: names,
# listings, locks, handles of what is in no cache; then zusd is killed and started again.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/fileops/fileops.bash"
need_pmem 1
need python3 setfacl rpcbind rpc.nfsd rpc.mountd rpc.statd exportfs mount.nfs
modprobe -a nfsd nfsv3 nfsv4 || skip "this kernel's modules lack NFS"
scratch

# The daemons write below /var/lib/nfs and /run; nobody waits for clients to come back.
nfs_server() {
	mkdir -p /run/rpcbind
	modprobe lockd nlm_grace_period=1
	sysctl -q fs.nfs.nlm_grace_period=1
	mount -t nfsd nfsd /proc/fs/nfsd
	on_exit umount /proc/fs/nfsd
	rpcbind -w
	on_exit stop_daemon rpcbind
	rpc.statd --no-notify
	on_exit stop_daemon rpc.statd
	echo 10 >/proc/fs/nfsd/nfsv4leasetime
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	rpc.mountd
	on_exit stop_daemon rpc.mountd
	export_it
	on_exit rpc.nfsd 0
	rpc.nfsd 2
	end_grace
}

# Newer kernels do not end it by force where nobody keeps a record of clients.
end_grace() {
	echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null ||
		wait_until 60 grep -q Y /proc/fs/nfsd/v4_end_grace
}

stop_daemon() {
	local pid

	for pid in $(pidof "$1"); do
		kill "$pid"
		wait_until 10 process_gone "$pid"
	done
}

# As the root of version 4: what is above could not be exported here.
export_it() {
	exportfs -o "rw,no_root_squash,no_subtree_check,insecure,fsid=0" "127.0.0.1:$mnt"
}

# client VERSION: at $client.
client() {
	local path=$mnt

	[ "$1" = 3 ] || path=/
	client=$scratch/v$1
	mkdir -p "$client"
	within 60 mount -t nfs -o "vers=$1,hard,timeo=50,actimeo=0" "127.0.0.1:$path" "$client"
	on_exit client_gone "$client"
}

# mountpoint(1) does not know one whose handle is stale
client_gone() {
	! grep -q " $1 nfs" /proc/mounts || within 60 umount -f "$1" || umount -l "$1"
}

# To close a file a hard mount of version 4 needs its NFS server.
let_go() {
	exec {fd3}<&- {fd4}<&-
}

fileops_up /dev/pmem0
chmod 1777 "$mnt"
nfs_server
on_exit exportfs -ua
# without a number: statfs says what the file system is
exportfs -ua
exportfs -o rw,no_root_squash,no_subtree_check,insecure "127.0.0.1:$mnt"
client 3
touch "$client/known"
within 60 umount "$client"
exportfs -ua
export_it
for version in 3 4.2; do
	client "$version"
	mkdir "$mnt/$version"
	fileops_python nfs "$client/$version" "$mnt/$version"
done

# version 3 carries the ACLs
: >"$mnt/acl"
setfacl -m u:1234:rw,g:99:r "$scratch/v3/acl"
getfacl -cn "$mnt/acl" >"$scratch/acl"
assert_grep user:1234:rw- "$scratch/acl"
assert_eq "$(cat "$scratch/acl")" "$(getfacl -cn "$scratch/v3/acl")" "an ACL"

# files that are open while the server of the file system dies
echo held >"$mnt/held"
: >"$mnt/other"
exec {fd3}<"$scratch/v3/held" {fd4}<"$scratch/v4.2/held"
on_exit let_go
assert_eq held "$(cat <&"$fd3")" "read over version 3"
assert_eq held "$(cat <&"$fd4")" "read over version 4"
server=$(pidof zusd)
kill -9 "$server"
wait_until 10 process_gone "$server"
for version in 3 4.2; do
	for call in "stat $scratch/v$version/held" "ls $scratch/v$version" \
		"touch $scratch/v$version/new" "rm $scratch/v$version/other"; do
		status=0
		# shellcheck disable=SC2086 # a command
		within 60 $call 2>"$scratch/said" || status=$?
		[ "$status" != 124 ] || fail "'$call' hangs"
		[ "$status" = 0 ] ||
			assert_grep "Input/output error|Stale file handle" "$scratch/said"
		[[ $status != 0 || $call == stat* ]] || fail "'$call' works without a server"
	done
done

# A new server, a new file system: old handles are stale, the root is there again. knfsd
# has the file open that a client of version 4 has open, until it is stopped.
exportfs -ua
rpc.nfsd 0
exportfs -f
wait_until 30 umount "$mnt"
zufs up memofs /dev/pmem0 "$mnt"
chmod 1777 "$mnt"
echo fresh >"$mnt/fresh"
export_it
rpc.nfsd 2
end_grace
refute_errno "Stale file handle" within 60 cat "/proc/$$/fd/$fd3"
# a client with a delegation may go on with what it has, for a while
said=$(within 60 cat "/proc/$$/fd/$fd4" 2>&1) || said=${said##*: }
[[ $said == held || $said == "Stale file handle" || $said == "Input/output error" ]] ||
	fail "version 4 gives for an old file: $said"
let_go
client_gone "$scratch/v3"
client_gone "$scratch/v4.2"
for version in 3 4.2; do
	client "$version"
	assert_eq fresh "$(within 60 cat "$client/fresh")" "version $version, mounted anew"
	within 60 umount "$client"
done
exportfs -ua
exportfs -f
