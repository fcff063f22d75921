#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# guest.sh: the part of bench/run that runs in the VM, as root.
#	guest.sh count REPEATS "FS FS..." "OP,OP,..." PROFILE
#	guest.sh wall SECONDS "FS FS..."		time: fio
#	guest.sh icount SECONDS "FS FS..."		the same, under -icount
#
# A file system is a pair of functions up_NAME and down_NAME ('-' in a name is '_' there). up_NAME
# mounts on $dir; it returns 2 with the reason in $why when something it needs does not exist
# here. Results go to $RESULTS: ops.jsonl, kallsyms, modules.FS, server.FS, release, cpus; for
# wall and icount FS.RW.BS.json. Each file system is set up anew, on the same pmem device, and gone
# before the next one comes.
set -u

cpu=0				# the one that everything pinned is pinned to
pmem=/dev/pmem0
dir=/mnt/bench
programs=/tmp/bench
ramp=1				# seconds before fio counts
why=

need() {
	for program; do
		if ! command -v "$program" >/dev/null; then
			why="no $program here"
			return 2
		fi
	done
}

up_ext4_dax() {
	need mkfs.ext4 || return
	modprobe ext4
	mkfs.ext4 -q -F -b 4096 "$pmem" && mount -t ext4 -o dax=always "$pmem" "$dir"
}
down_ext4_dax() { umount "$dir"; }

up_xfs_dax() {
	need mkfs.xfs || return
	modprobe xfs
	mkfs.xfs -q -f -m reflink=0 "$pmem" && mount -t xfs -o dax=always "$pmem" "$dir"
}
down_xfs_dax() { umount "$dir"; }

up_tmpfs() { mount -t tmpfs -o size=512m bench "$dir"; }
down_tmpfs() { umount "$dir"; }

# up_fuse COMMAND...: the libfuse peer, by a command that takes the mount point as its last word
up_fuse() {
	modprobe -q fuse
	need "$programs/memfs_ll" || return
	"$@" "$dir"
}
up_fuse_direct() { up_fuse taskset -c "$cpu" "$programs/memfs_ll" -o direct_io; }
down_fuse_direct() { umount "$dir"; }
up_fuse_cached() { up_fuse taskset -c "$cpu" "$programs/memfs_ll"; }
down_fuse_cached() { umount "$dir"; }
up_fuse_direct_free() { up_fuse "$programs/memfs_ll" -o direct_io; }
down_fuse_direct_free() { umount "$dir"; }
up_fuse_cached_free() { up_fuse "$programs/memfs_ll"; }
down_fuse_cached_free() { umount "$dir"; }

# ZUFS places its own threads: one per CPU.
up_memofs() {
	need zufs || return
	if ! modprobe -q zuf; then
		why="no zuf module for this kernel"
		return 2
	fi
	zufs up -f -o "$1" memofs "$pmem" "$dir"
}
up_memofs_mapped() { up_memofs mapped; }
down_memofs_mapped() { zufs down "$dir"; }
up_memofs_mapped_free() { up_memofs mapped; }
down_memofs_mapped_free() { zufs down "$dir"; }
up_memofs_nio() { up_memofs nio; }
down_memofs_nio() { zufs down "$dir"; }
up_memofs_nio_free() { up_memofs nio; }
down_memofs_nio_free() { zufs down "$dir"; }

# Several CPUs at once: see count_jobs.
up_memofs_cpus() { up_memofs nio; }
down_memofs_cpus() { zufs down "$dir"; }
up_fuse_cpus() { up_fuse_direct_free; }
down_fuse_cpus() { umount "$dir"; }
up_ext4_cpus() { up_ext4_dax; }
down_ext4_cpus() { umount "$dir"; }

# Many names: see count_crowds. As a rule ext4 gets an inode for 16 KiB.
up_ext4_names() {
	need mkfs.ext4 || return
	modprobe ext4
	mkfs.ext4 -q -F -b 4096 -N 200000 "$pmem" && mount -t ext4 -o dax=always "$pmem" "$dir"
}
down_ext4_names() { umount "$dir"; }
up_tmpfs_names() { up_tmpfs; }
down_tmpfs_names() { umount "$dir"; }
up_memofs_names() { up_memofs nio; }
down_memofs_names() { zufs down "$dir"; }

# A program of the host comes over 9p page by page: copy what is measured.
fetch_programs() {
	mkdir -p "$programs" "$dir"
	for program in ops memfs_ll; do
		[ ! -e "$TOP/build/bench/$program" ] || cp "$TOP/build/bench/$program" "$programs/"
	done
}

function_of() { echo "$1" | tr - _; }

# note FS KEY TEXT: a line about a whole file system for report.py
note() { echo "{\"fs\": \"$1\", \"op\": \"mount\", \"$2\": \"$3\"}" >>"$RESULTS/ops.jsonl"; }

# with_fs FS COMMAND...: mount it, run the command, unmount it; a failure is noted and the run
# goes on.
with_fs() {
	fs=$1
	shift
	why=
	status=0
	"up_$(function_of "$fs")" || status=$?
	if [ "$status" = 2 ] && [ -n "$why" ]; then
		note "$fs" absent "$why"
		return
	elif [ "$status" != 0 ]; then
		note "$fs" error "mounting ended with status $status"
		return
	fi
	echo "$fs"
	"$@" || note "$fs" error "measuring ended with status $?"
	"down_$(function_of "$fs")" || note "$fs" error "unmounting ended with status $?"
}

# Unpinned variants leave everything to the scheduler.
pin_of() {
	case $1 in
	*-free)	echo free ;;
	*)	echo pinned ;;
	esac
}

# server_symbols: the functions of the user-space server and of its libraries, if one runs and nm is
# here: "LOAD-ADDRESS ADDRESS-IN-FILE TYPE NAME [FILE]"
server_symbols() {
	command -v nm >/dev/null || return 0
	for pid in $(pidof zusd memfs_ll); do
		awk '$2 ~ /x/ && $6 ~ "^/" { print $1, $3, $6 }' "/proc/$pid/maps"
	done | while read -r range offset file; do
		{
			nm --defined-only "$file"
			nm -D --defined-only "$file"
		} 2>/dev/null | awk -v base="$(printf %x $((0x${range%%-*} - 0x$offset)))" \
			-v file="${file##*/}" 'NF == 3 { print base, $0, "[" file "]" }'
	done
}

# count_jobs OPTION...: as many jobs as there are CPUs, and fewer
count_jobs() {
	[ $# -gt 0 ] || set -- -o "pread 4k" -o "pwrite 4k"
	for jobs in 1 2 4; do
		[ "$jobs" -le "$(nproc)" ] || break
		"$programs/ops" -f "$fs" -t $((tag + jobs * 100)) -r "$repeats" -j "$jobs" "$@" \
			"$dir" || return
	done
}

# count_crowds OPTION...: in a directory with ever more names
count_crowds() {
	[ $# -gt 0 ] || set -- -o create+close -o unlink -o open+close -o stat -o lookup \
		-o rename -o "readdir entry"
	crowd_tag=$tag
	for names in 1000 10000 100000; do
		"$programs/ops" -f "$fs" -t "$crowd_tag" -r "$repeats" -p "$cpu" -n "$names" "$@" \
			"$dir" || return
		crowd_tag=$((crowd_tag + 100))
	done
}

count_alone() {
	[ "$(pin_of "$fs")" = free ] || set -- "$@" -p "$cpu"
	"$programs/ops" -f "$fs" -t "$tag" -r "$repeats" "$@" "$dir"
}

count_fs() {
	case $fs in
	*-cpus)	count_jobs "$@" ;;
	*-names) count_crowds "$@" ;;
	*)	count_alone "$@" ;;
	esac >>"$RESULTS/ops.jsonl" || return
	# modules may be gone, or others in their place, when the next file system runs
	grep -F '[' /proc/kallsyms >"$RESULTS/modules.$fs"
	[ "$profile" = 0 ] || server_symbols >"$RESULTS/server.$fs"
}

# count_ops FILE-SYSTEM OPERATIONS: the operations, comma separated, become "-o OP" pairs
count_ops() {
	each=$1 rest=$2
	set --
	while [ -n "$rest" ]; do
		set -- "$@" -o "${rest%%,*}"
		case $rest in
		*,*)	rest=${rest#*,} ;;
		*)	rest= ;;
		esac
	done
	with_fs "$each" count_fs "$@"
}

# count REPEATS FILE-SYSTEMS OPERATIONS PROFILE: PROFILE is 1 when the names of the server's
# functions are wanted, which takes nm a while over 9p
count() {
	repeats=$1 tag=1 profile=$4
	"$programs/ops" -f none -o spin -t "$tag" -r 3 -p "$cpu" /tmp >>"$RESULTS/ops.jsonl"
	for name in $2; do
		tag=$((tag + 1000))
		count_ops "$name" "$3"
	done
	grep -vF '[' /proc/kallsyms >"$RESULTS/kallsyms"
}

# fio_job RW BLOCK-SIZE
fio_job() {
	set -- fio --name=wall --filename="$dir/data" --size=32m --rw="$1" --bs="$2" \
		--ioengine=psync --runtime="$seconds" --time_based --ramp_time="$ramp" --eta=never \
		--norandommap --randseed=1 --thread --invalidate=0 --fallocate=none \
		--output-format=json --output="$RESULTS/$fs.$1.$2.json"
	[ "$(pin_of "$fs")" = free ] || set -- taskset -c "$cpu" "$@"
	"$@"
}

wall_fs() {
	for rw in randread randwrite; do
		for bs in 4k 64k 1m; do
			fio_job "$rw" "$bs" || return
		done
	done
}

# wall SECONDS FILE-SYSTEMS
wall() {
	seconds=$1
	for each in $2; do
		with_fs "$each" wall_fs
	done
}

# The same jobs; the clock counts instructions, so nothing has to settle first.
icount() {
	ramp=0
	wall "$@"
}

case $1 in
count|icount|wall) ;;
*)	echo "guest.sh: no mode '$1'" >&2; exit 2 ;;
esac
fetch_programs
uname -r >"$RESULTS/release"
nproc >"$RESULTS/cpus"
: >"$RESULTS/ops.jsonl"
"$@"
