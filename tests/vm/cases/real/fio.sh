#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# fio's engines, each in both ways, every byte checked: many files and one file, blocks
# from 512 bytes to 4 MiB, at aligned and at odd places, reads mixed with writes, direct and
# buffered, with what io_uring has to save a system call or a copy.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need fio

# run_jobs OPTION... <<<SECTIONS: a section after the other, each 8 threads unless it says else.
run_jobs() {
	{
		printf '[global]\ndirectory=.\nthread\nnumjobs=8\nstonewall\n'
		printf 'verify=crc32c\ndo_verify=1\nverify_fatal=1\nrw=randwrite\nsize=256k\n'
		cat
	} >"$scratch/jobs"
	fio "$scratch/jobs" >"$scratch/out" 2>&1 ||
		fail "$way: $(grep -v '^$' "$scratch/out" | head -n 12)"
}

# A byte that changes behind fio's back must be found, or nothing here shows anything.
damage() {
	local -a v=(--name=v --filename=f --size=64k --bs=4k --verify=crc32c --rw=write --minimal)

	fio "${v[@]}" >"$scratch/out"
	fio "${v[@]}" --verify_only --verify_fatal=1 >"$scratch/out"
	printf '\xff\x00\xff\x00' | dd of=f bs=1 seek=20000 conv=notrunc status=none
	refute fio "${v[@]}" --verify_only --verify_fatal=1 >"$scratch/out" 2>&1
}

many_files() {
	run_jobs <<-'FIO'
		[psync-odd]
		ioengine=psync
		bsrange=512-100k
		bs_unaligned
		[pvsync2-direct]
		ioengine=pvsync2
		bsrange=4k-64k
		direct=1
		[libaio-direct]
		ioengine=libaio
		iodepth=8
		bsrange=4k-128k
		direct=1
		[libaio-buffered]
		ioengine=libaio
		iodepth=4
		bs=4k
		fsync=16
		numjobs=2
		[posixaio]
		ioengine=posixaio
		iodepth=4
		bsrange=4k-64k
		numjobs=2
		[splice]
		ioengine=splice
		bs=64k
		numjobs=2
		[dsync]
		ioengine=psync
		sync=dsync
		bs=4k
		rw=write
		numjobs=2
	FIO
}

uring() {
	run_jobs <<-'FIO'
		[global]
		ioengine=io_uring
		iodepth=8
		numjobs=4
		bsrange=4k-128k
		[uring]
		direct=1
		numjobs=8
		[uring-odd]
		bsrange=512-50k
		bs_unaligned
		[uring-one-buffer]
		nonvectored=1
		[uring-fixed]
		direct=1
		fixedbufs=1
		registerfiles=1
		[uring-poll-thread]
		fixedbufs=1
		registerfiles=1
		sqthread_poll=1
		numjobs=2
		[uring-always-async]
		force_async=1
		direct=1
	FIO
}

large_blocks() {
	run_jobs <<-'FIO'
		[global]
		numjobs=1
		size=8m
		[psync-1m-4m]
		ioengine=psync
		bsrange=1m-4m
		[psync-odd-place]
		ioengine=psync
		rw=write
		offset=4097
		bs=4m
		[libaio-4m]
		ioengine=libaio
		iodepth=2
		bs=4m
		direct=1
		numjobs=2
		[uring-2m-fixed]
		ioengine=io_uring
		iodepth=2
		bs=2m
		fixedbufs=1
		[uring-odd-size]
		ioengine=io_uring
		iodepth=2
		rw=write
		bs=1234567
	FIO
}

# Each of 8 has a part of the file to itself; then all write the same to the same places.
one_file() {
	run_jobs <<-'FIO'
		[global]
		filename=one
		offset_increment=256k
		[psync-parts]
		ioengine=psync
		bsrange=512-64k
		bs_unaligned
		[libaio-parts]
		ioengine=libaio
		iodepth=8
		direct=1
		bsrange=4k-64k
		[uring-parts]
		ioengine=io_uring
		iodepth=8
		bsrange=4k-64k
		[together]
		ioengine=psync
		offset_increment=0
		verify=pattern
		verify_pattern=%o
		bs=16k
		rw=randrw
		norandommap
		verify_backlog=4
	FIO
}

mixed() {
	run_jobs <<-'FIO'
		[global]
		bsrange=4k-64k
		numjobs=4
		[randrw-30]
		ioengine=psync
		rw=randrw
		rwmixread=30
		[rw-70]
		ioengine=libaio
		iodepth=4
		rw=rw
		rwmixread=70
		direct=1
		[randrw-uring]
		ioengine=io_uring
		iodepth=8
		rw=randrw
		[append]
		ioengine=psync
		rw=write
		file_append=1
		[random-in-reverse]
		ioengine=psync
		rw=write:-8k
		bs=4k
		offset=252k
		io_size=128k
	FIO
}

written() {
	[ "$(stat -c %b f)" -gt 0 ]
}

# Threads that are killed in the middle, those of the kernel too: the file can be cut and removed,
# and is again what is written to it.
killed() {
	local engine pid

	for engine in psync libaio "io_uring --sqthread_poll=1"; do
		# shellcheck disable=SC2086 # options
		fio --name=k --filename=f --size=4m --bsrange=4k-2m --rw=randrw --time_based \
			--runtime=1000 --thread --numjobs=4 --iodepth=4 --minimal \
			--ioengine=$engine >"$scratch/out" 2>&1 &
		pid=$!
		wait_until 30 written
		kill -KILL "$pid"
		wait "$pid" || true
		truncate -s 100 f
		cp "$scratch/jobs" f
		same "$scratch/jobs" f "after $engine was killed"
		rm f
	done
}

all_jobs() {
	part damage many_files uring large_blocks one_file mixed killed
	assert_eq '' "$(find . -mindepth 1)" "$way: left over"
}

scratch
each_way all_jobs
