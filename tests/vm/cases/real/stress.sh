#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# stress-ng's stressors of files and mappings, all at once with their own checks. LONG=1 gives
# each a time of its own, ten minutes in all.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need stress-ng
# a stressor that looks into debugfs has it mounted by the kernel
on_exit eval '! mountpoint -q /sys/kernel/debug/tracing || umount /sys/kernel/debug/tracing'

names="access chdir chmod chown dentry dir dirdeep dup fallocate fault fcntl fiemap
	filename flock fpunch fstat getdent hdd io-uring iomix lease link locka lockf lockofd
	metamix mknod mmap mmapfixed mmapfork mmapmany mremap msync open pidfd readahead rename
	revio seek sendfile splice symlink sync-file tee touch unlink utime vm-splice"
vm="mmap mmapfixed mmapfork mmapmany mremap msync fault"

# options NAME...: those of them that this stress-ng has.
options() {
	local name

	for name in "$@"; do
		! grep -q -- "--$name N" "$scratch/help" || printf -- '--%s 1 ' "$name"
	done
}

# run_stress SECONDS OPTION...
run_stress() {
	local seconds=$1

	shift
	stress-ng --temp-path . --verify --timeout "$seconds" --mmap-bytes 4m --mmap-file \
		--mremap-bytes 4m --msync-bytes 4m --hdd-bytes 4m --iomix-bytes 4m \
		--fallocate-bytes 4m --fiemap-bytes 4m --readahead-bytes 4m --sync-file-bytes 4m \
		--dentries 64 --oomable "$@" >"$scratch/out" 2>&1 ||
		fail "$way: $(grep -v 'info:' "$scratch/out" | head -n 8)"
	! grep -E '^stress-ng: fail' "$scratch/out" || fail "$way: a stressor complained"
}

together() {
	# shellcheck disable=SC2046,SC2086 # words
	run_stress 8 $(options $names)
}

one_by_one() {
	local name option

	for name in $names; do
		option=$(options "$name")
		# shellcheck disable=SC2086 # words
		[ -z "$option" ] || run_stress 6 --"$name" 4
		echo "$way: $name: $SECONDS s"
	done
	# shellcheck disable=SC2046,SC2086 # words
	run_stress 60 $(options $vm)
}

stress() {
	need_mmap
	mkdir s
	cd s || fail "cannot enter s"
	"$(long together one_by_one)"
	cd ..
	rm -r s
	assert_eq '' "$(find . -mindepth 1)" "$way: left over"
	echo "$way: $SECONDS s"
}

scratch
stress-ng --help >"$scratch/help"
each_way stress
