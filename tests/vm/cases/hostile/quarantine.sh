#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Servers that keep back what somebody holds: in which order they hear of it, and what becomes
# of the kernel when they answer nonsense, hang or end.

. "$TOP/tests/rawserver/lib.sh"
need python3 fsfreeze

# messages KIND...: of these kinds since the last time, in one line.
messages() {
	local kinds

	kinds=$(IFS='|'; echo "$*")
	ctl record | sed -nE "s/^($kinds) .*/\1/p" | xargs
}

told() {
	ctl record | grep -c "^$1 " || true
}

is_told() {
	[ "$(told "$1")" = "$2" ]
}

# waits_in PID FUNCTION
waits_in() {
	grep -q "$2" "/proc/$1/stack"
}

# pin FILE: a pipe has its second page, until unpin.
pin() {
	app write "$1" 0 64k
	rm -f "$scratch/pinned"
	python3 - "$1" "$scratch/pinned" <<-'PYTHON' &
		import ctypes, mmap, os, signal, sys
		libc = ctypes.CDLL(None, use_errno=True)
		class Iovec(ctypes.Structure):
		    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
		r, w = os.pipe()
		fd = os.open(sys.argv[1], os.O_RDWR)
		m = mmap.mmap(fd, 16 * 4096)
		m[4096]
		c = ctypes.c_char.from_buffer(m)
		iov = Iovec(ctypes.addressof(c) + 4096, 4096)
		assert libc.vmsplice(w, ctypes.byref(iov), ctypes.c_ulong(1), 0) == 4096
		old = m[4096:8192]
		del c
		m.close()
		os.close(fd)
		open(sys.argv[2], "w").close()
		signal.sigwait([signal.SIGTERM])
		os._exit(os.read(r, 4096) != old)
	PYTHON
	pinner=$!
	wait_until 20 test -e "$scratch/pinned"
	ctl forget
}

unpin() {
	kill "$pinner"
	wait "$pinner" || fail "the pipe shows something else"
}

kinds="T1_BUSY|T1_IDLE|FALLOCATE|FREE_INODE"

told_before_it_is_freed() {
	pin "$mnt/a"
	app truncate "$mnt/a" 0
	assert_eq "T1_BUSY FALLOCATE" "$(messages "$kinds")" "messages of a truncate"
	# it is told once
	app write "$mnt/a" 0 64k
	app truncate "$mnt/a" 0
	assert_eq 1 "$(told T1_BUSY)" "messages of what is told already"
	unpin
	wait_until 5 is_told T1_IDLE 1

	pin "$mnt/b"
	app unlink "$mnt/b"
	wait_until 5 is_told FREE_INODE 1
	assert_eq "T1_BUSY FREE_INODE" "$(messages "$kinds")" "messages of an unlink"
	unpin
	wait_until 5 is_told T1_IDLE 1
}

nonsense_changes_nothing() {
	local answer

	for answer in err:-9999 err:7 err:-531 err:-5 err:-115 err:-2147483648 outlen:65535; do
		pin "$mnt/a"
		ctl only op=T1_BUSY count=0 "do=$answer"
		rule op=T1_IDLE count=0 "do=$answer"
		app truncate "$mnt/a" 0 || fail "truncate after $answer"
		unpin
		wait_until 5 is_told T1_IDLE 1
		assert_eq "T1_BUSY FALLOCATE T1_IDLE" "$(messages "$kinds")" "messages with $answer"
		ctl clear
	done
}

without_memory_it_comes_again() {
	pin "$mnt/a"
	ctl only op=T1_BUSY count=3 do=err:-12
	app truncate "$mnt/a" 0
	assert_eq "T1_BUSY T1_BUSY T1_BUSY T1_BUSY FALLOCATE" "$(messages "$kinds")" \
		"messages without memory"
	unpin
	wait_until 5 is_told T1_IDLE 1
	ctl clear
}

who_waits_is_killed() {
	local pid status=0

	pin "$mnt/a"
	ctl only op=T1_BUSY count=1 do=hang
	/run/rawapp -e any truncate "$mnt/a" 0 &
	pid=$!
	ctl hung 1
	wait_until 5 waits_in $pid zuf_held_wait_told
	kill -KILL $pid
	wait_until 5 process_gone $pid
	wait $pid || status=$?
	assert_eq 137 $status "status of the killed truncate"
	assert_eq 0 "$(told FALLOCATE)" "truncates that were sent before the server knew"
	assert_eq 65536 "$(stat -c %s "$mnt/a")" "size of the file"
	ctl release
	app truncate "$mnt/a" 0
	unpin
	wait_until 5 is_told T1_IDLE 1
	assert_eq 1 "$(told T1_BUSY)" "BUSY of a killed truncate and the next"
}

# A write whose application is gone: what it has replaced is the server's with the put.
killed_writes_put_afterwards() {
	local pid

	pin "$mnt/a"
	ctl only op=GET_MULTY count=1 do=hang
	/run/rawapp -e any write "$mnt/a" 0 8k &
	pid=$!
	ctl hung 1
	rule op=T1_BUSY count=1 do=hang
	kill -KILL $pid
	wait_until 5 process_gone $pid
	wait $pid || true
	# the BUSY hangs, so the GET is answered, but nothing is put
	ctl hung 2
	ctl release
	wait_until 5 is_told PUT_MULTY 1
	assert_eq "GET_MULTY T1_BUSY PUT_MULTY" "$(messages GET_MULTY T1_BUSY PUT_MULTY)" \
		"messages of a killed write"
	unpin
	wait_until 5 is_told T1_IDLE 1
	ctl clear
}

frozen_means_frozen() {
	local deadline

	pin "$mnt/a"
	app truncate "$mnt/a" 0
	on_exit thaw
	fsfreeze -f "$mnt"
	unpin
	# longer than the longest pause between two looks
	deadline=$((SECONDS + 3))
	while [ $SECONDS -lt $deadline ]; do
		assert_eq 0 "$(told T1_IDLE)" "IDLE while frozen"
		_pause 0.2
	done
	fsfreeze -u "$mnt"
	wait_until 5 is_told T1_IDLE 1
}

thaw() {
	fsfreeze -u "$mnt" 2>/dev/null
}

the_end_of_a_mount() {
	pin "$mnt/a"
	app truncate "$mnt/a" 0
	within 20 umount "$mnt"
	assert_eq 0 "$(told T1_IDLE)" "IDLE before the pipe is empty"
	raw_mount
	unpin
	app write "$mnt/a" 0 64k
}

the_end_of_a_server() {
	pin "$mnt/a"
	app truncate "$mnt/a" 0
	raw_end
	app -e EIO write "$mnt/a" 0 64k
	within 20 umount "$mnt"
	unpin
	raw_start --caps $caps
	raw_mount
	# and while a BUSY is with it
	pin "$mnt/a"
	ctl only op=T1_BUSY count=0 do=hang
	/run/rawapp -e EIO truncate "$mnt/a" 0 &
	ctl hung 1
	raw_end
	wait $! || fail "a truncate that waits for a server that ends"
	within 20 umount "$mnt"
	unpin
	raw_start --caps $caps
	raw_mount
}

# NIO both ways, and the quarantine
caps=$((1 << 24 | 6))

raw_setup
raw_start --caps $caps
raw_mount
told_before_it_is_freed
nonsense_changes_nothing
without_memory_it_comes_again
who_waits_is_killed
killed_writes_put_afterwards
frozen_means_frozen
the_end_of_a_mount
the_end_of_a_server
raw_works
raw_finish
