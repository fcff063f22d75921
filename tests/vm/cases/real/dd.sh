#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# dd with each of its flags and conversions: the file, what dd says and its status must be
# those of the same command on ext4 -o dax, which as well takes direct I/O at any place.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need dd mkfs.ext4
need_pmem 2

# dd's arguments, a line each; "in" and "out" are there before, out is shorter. What stands
# before a | writes into dd.
commands() {
	cat <<-'LIST'
		if=in of=out bs=4k
		if=in of=out bs=1 count=2000
		if=in of=new bs=777
		if=in of=new bs=1M iflag=direct
		if=in of=new bs=64k oflag=direct
		if=in of=new bs=12345 iflag=direct oflag=direct
		if=in of=new bs=4k iflag=sync oflag=sync
		if=in of=new bs=4k iflag=dsync oflag=dsync
		if=in of=new bs=9k iflag=nonblock oflag=nonblock
		if=in of=new bs=9k iflag=noatime oflag=noatime
		if=in of=new bs=9k iflag=nocache oflag=nocache
		if=in iflag=nocache count=0
		of=out oflag=nocache conv=notrunc,fdatasync count=0
		if=in of=new bs=9k iflag=noctty oflag=noctty
		if=in of=new bs=9k iflag=nofollow oflag=nofollow
		if=link of=new iflag=nofollow
		if=link of=link2 bs=10k
		if=in of=new iflag=directory
		if=. of=new iflag=directory
		if=. of=new
		if=in of=out bs=5k oflag=append conv=notrunc
		if=in of=out bs=5k oflag=append
		if=in of=out bs=5k oflag=append,direct,dsync conv=notrunc
		if=in of=new bs=64k iflag=fullblock
		if=in of=new bs=1k count=3000 iflag=count_bytes
		if=in of=new bs=1k count=7 skip=5001 iflag=skip_bytes
		if=in of=new bs=1k skip=3 seek=5
		if=in of=out bs=1k seek=12345 oflag=seek_bytes
		if=in of=out bs=1k seek=12345 oflag=seek_bytes conv=notrunc
		if=in of=new bs=64k seek=30000001 count=1 oflag=seek_bytes
		if=in of=new bs=4k skip=100
		if=in of=out bs=4k seek=2 count=0
		if=in of=out bs=4k conv=notrunc,fsync
		if=in of=out bs=4k conv=notrunc,fdatasync
		if=holes of=new bs=4k conv=sparse
		if=holes of=new bs=1M conv=sparse
		if=holes of=new bs=1000 conv=sparse,fsync
		if=holes of=out bs=64k conv=sparse,notrunc
		if=in of=out conv=excl
		if=in of=new conv=excl
		if=in of=new conv=nocreat
		if=in of=out conv=nocreat
		if=in of=new ibs=100 obs=10000
		if=in of=new ibs=10000 obs=100
		if=in of=new bs=4000 conv=sync
		if=in of=new bs=4000 conv=sync,swab
		if=in of=new bs=4000 conv=noerror,ucase
		if=in of=new bs=4000 conv=lcase
		if=in of=new bs=4000 conv=ebcdic
		if=in of=new cbs=80 conv=block
		if=in of=new cbs=80 conv=unblock
		if=none of=new
		if=in of=new bs=4k skip=1 count=2B
		if=in of=in bs=4k conv=notrunc seek=1 count=3
		cat in | bs=64k of=new
		cat in | bs=64k of=new iflag=fullblock
		cat in | bs=64k of=new iflag=fullblock oflag=direct
		cat in in | bs=3333 of=out oflag=append conv=notrunc
	LIST
}

# setup FOLDER: the files that each command finds.
setup() {
	mkdir -p "$1"
	cd "$1" || fail "no $1"
	find . -mindepth 1 -delete
	cp "$scratch/in" in
	cp --sparse=always "$scratch/holes" holes
	head -c 30000 in | tr '[:lower:]' '[:upper:]' >out
	ln -s in link
	ln -s out link2
}

# run FOLDER COMMAND: what there is to compare goes to stdout.
run() {
	local status=0 line=$2

	setup "$1"
	# shellcheck disable=SC2086,SC2094
	case $line in
	*\|*)	eval "${line%%|*}" | dd ${line#*|} status=noxfer >stdout 2>stderr || status=$? ;;
	*)	dd $line status=noxfer >stdout 2>stderr || status=$? ;;
	esac
	echo "status $status"
	# a pipe gives what it has: how it is cut is no matter of ours
	[[ $line == *\|* && $line != *fullblock* ]] && : >stderr
	sed 's/^dd: //' stderr
	find . -type f ! -name stderr -printf '%p %s\n' | sort
	find . -type f ! -name stderr -print0 | sort -z | xargs -0 sha256sum
}

flags() {
	local line n=0

	while read -r line; do
		run "$scratch/peer/d" "$line" >"$scratch/wanted"
		run "$mnt/d" "$line" >"$scratch/found"
		cmp "$scratch/wanted" "$scratch/found" || fail "$way: dd $line: wanted" \
			"$(cat "$scratch/wanted") and found $(cat "$scratch/found")"
		n=$((n + 1))
	done < <(commands)
	echo "$way: $n commands: $SECONDS s"
	cd "$mnt" || fail "no $mnt"
	setup d
	dd if=holes of=new bs=64k conv=sparse status=none
	[ "$(stat -c %b new)" -lt 1000 ] || fail "$way: conv=sparse: $(stat -c %b new) sectors"
	cd ..
	rm -r d
}

scratch
head -c 45001 /dev/urandom | base64 -w 70 >"$scratch/in"
truncate -s 3000000 "$scratch/holes"
printf 'an island' | dd of="$scratch/holes" bs=1 seek=1234567 conv=notrunc status=none
printf 'the shore' >>"$scratch/holes"
mkfs.ext4 -q -F -b 4096 /dev/pmem1
mkdir "$scratch/peer"
mount -t ext4 -o dax /dev/pmem1 "$scratch/peer"
on_exit umount "$scratch/peer"
each_way flags
