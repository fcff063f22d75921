#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# What is still to be said to the server of an evicted inode: sync and the next inode of that
# number wait for it, a frozen file system is not changed by it, and what one user pins or one
# server leaves unanswered keeps nobody else's back.

. "$TOP/tests/rawserver/lib.sh"
need python3 fsfreeze

# killed_in_hang PID: the same while the server hangs, which goes on afterwards.
killed_in_hang() {
	killed "$1"
	ctl clear
	ctl heal
	ctl release
}

# killed PID: it is, and goes at once.
killed() {
	kill -KILL "$1"
	wait_until 10 process_gone "$1"
	wait "$1" || true
}

told() {
	ctl record | grep -c "^$1 " || true
}

is_told() {
	[ "$(told "$1")" = "$2" ]
}

# waits_in PID FUNCTION
waits_in() {
	grep -qE "$2" "/proc/$1/stack"
}

# ---- the SYNC of an evicted inode ----

# store FILE: through a mapping, which is gone again
store() {
	python3 - "$1" <<-'PYTHON'
		import mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR)
		with mmap.mmap(fd, 16 * 4096) as m:
		    m[5] = (m[5] + 1) % 256
	PYTHON
}

# evict: what nobody uses, in a process of its own: $evicter
evict() {
	(for _ in 1 2 3; do echo 2 >/proc/sys/vm/drop_caches; done) &
	evicter=$!
}

evicted_inodes_are_synced() {
	local syncer looker second

	app write "$mnt/file" 0 64k
	ln "$mnt/file" "$mnt/link"
	store "$mnt/file"
	ctl forget
	ctl only op=SYNC count=1 do=hang
	evict
	ctl hung 1
	sync -f "$mnt" &
	syncer=$!
	wait_until 10 waits_in $syncer zuf_sync_fs
	# who evicts it is killed: nothing is changed by that
	killed $evicter
	# it may be looking just now, but it does not end
	wait_until 10 waits_in $syncer zuf_sync_fs
	stat -c '' "$mnt/file" &
	looker=$!
	wait_until 10 waits_in $looker zuf_end_wait_ino
	# by another name: he waits in the same way, not for who came first
	stat -c '' "$mnt/link" &
	second=$!
	wait_until 10 waits_in $second zuf_end_wait_ino
	killed $second
	ctl release
	wait $syncer || fail "sync -f"
	wait $looker || fail "the file cannot be looked up"
	[ "$(ctl record | grep -oE '^(SYNC|EVICT_INODE) ' | tail -n 1)" = "EVICT_INODE " ] ||
		fail "the last message is not EVICT_INODE"

	# its error is that of the next sync
	store "$mnt/file"
	ctl only op=SYNC count=1 do=err:-5
	drop_caches
	refute sync -f "$mnt"
	sync -f "$mnt"
	ctl clear
}

# ---- what a killed chmod has left ----

# It is told once more, also when nobody uses the inode before it is evicted.
evicted_attributes_are_told() {
	ctl forget
	hang_and_kill op=SETATTR chmod "$mnt/file" 0600
	ctl clear
	ctl release
	wait_until 10 is_told SETATTR 1
	drop_caches
	wait_until 10 is_told EVICT_INODE 1
	[ "$(ctl record | grep -oE '^(SETATTR|EVICT_INODE) ' | tr -d '\n')" = \
		"SETATTR SETATTR EVICT_INODE " ] || fail "a killed chmod is not told again"
	assert_eq 600 "$(stat -c %a "$mnt/file")" "mode after a killed chmod"
}

# ---- names that killed programs give and take ----

# The last name of an inode that is evicted before the server changes the links: how it ends is
# known when that is done.
links_decide() {
	local pid

	ctl forget
	ctl only op=ADD_DENTRY do=nlink:0 do=hang
	python3 - "$mnt" <<-'PYTHON' &
		import os, sys
		fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR)
		os.write(fd, b"named")
		os.link(f"/proc/self/fd/{fd}", sys.argv[1] + "/named", src_dir_fd=fd)
	PYTHON
	pid=$!
	ctl hung 1
	killed_in_hang $pid
	wait_until 10 is_told EVICT_INODE 1
	assert_eq 0 "$(told FREE_INODE)" "inodes freed that a killed link has named"
	assert_eq named "$(cat "$mnt/named")" "what a killed link has named"

	# the reverse
	app write "$mnt/victim" 0 8k
	ctl forget
	hang_and_kill "op=REMOVE_DENTRY do=nlink:1" unlink "$mnt/victim"
	evict
	wait_until 10 evicts
	ctl clear
	ctl heal
	ctl release
	wait_until 10 is_told FREE_INODE 1
}

# evicts: $evicter has done, or waits for a message.
evicts() {
	process_gone $evicter || waits_in $evicter "zuf_tag_wait|zuf_puts_send"
}

# Others may use the new name, also while its first user has the file open.
a_name_is_of_the_open_file() {
	local holder pid

	python3 - "$mnt" "$scratch/held" <<-'PYTHON' &
		import os, signal, sys
		fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR)
		os.symlink(f"/proc/{os.getpid()}/fd/{fd}", sys.argv[2])
		signal.pause()
	PYTHON
	holder=$!
	wait_until 10 test -L "$scratch/held"
	ctl only op=ADD_DENTRY do=nlink:0 do=hang
	ln -L "$scratch/held" "$mnt/open" &
	pid=$!
	ctl hung 1
	killed_in_hang $pid
	within 10 stat "$mnt/open" || fail "the name of an open file"
	kill $holder
	wait $holder || true
	rm "$mnt/open" "$scratch/held"
}

# The server counts the names of an inode in one message at a time.
names_wait_for_names() {
	local pid

	app mkdir "$mnt/dir"
	app write "$mnt/first" 0 4k
	app link "$mnt/first" "$mnt/dir/second"
	ctl forget
	hang_and_kill op=REMOVE_DENTRY unlink "$mnt/dir/second"
	ctl clear
	/run/rawapp unlink "$mnt/first" &
	pid=$!
	wait_until 10 waits_in $pid zuf_settle_names
	assert_eq 1 "$(told REMOVE_DENTRY)" "changes of the names of one file at a time"
	ctl release
	wait $pid || fail "unlink"
	wait_until 10 is_told FREE_INODE 1
	app rmdir "$mnt/dir"
}

# ---- frozen ----

frozen_stays_as_it_is() {
	local freezer

	exec 7>"$mnt/unlinked"
	rm "$mnt/unlinked"
	ctl forget
	on_exit thaw
	fsfreeze -f "$mnt"
	exec 7>&-
	assert_eq 0 "$(told FREE_INODE)" "inodes freed while frozen"
	fsfreeze -u "$mnt"
	wait_until 5 is_told FREE_INODE 1

	# a message whose application was killed is waited for
	hang_and_kill op=GET_MULTY write "$mnt/file" 0 8k
	fsfreeze -f "$mnt" &
	freezer=$!
	wait_until 10 waits_in $freezer zuf_ends_freeze
	ctl clear
	ctl release
	wait $freezer || fail "fsfreeze"
	fsfreeze -u "$mnt"
	# killed meanwhile: it is not frozen, and nothing is held back
	hang_and_kill op=GET_MULTY write "$mnt/file" 0 8k
	fsfreeze -f "$mnt" &
	freezer=$!
	wait_until 10 waits_in $freezer zuf_ends_freeze
	killed $freezer
	ctl clear
	ctl forget
	app create "$mnt/one"
	app unlink "$mnt/one"
	wait_until 5 is_told FREE_INODE 1
	ctl release
}

# A killed chmod is told after the thaw, but who looks for the file does not wait for that.
frozen_files_are_found() {
	ctl forget
	hang_and_kill op=SETATTR chmod "$mnt/file" 0640
	ctl clear
	ctl release
	fsfreeze -f "$mnt"
	drop_caches
	within 10 stat "$mnt/file" || fail "a file cannot be looked up while frozen"
	drop_caches
	assert_eq 640 "$(within 10 stat -c %a "$mnt/file")" "mode after a killed chmod"
	assert_eq 1 "$(told SETATTR)" "changes of a frozen file system"
	fsfreeze -u "$mnt"
	drop_caches
	wait_until 10 is_told SETATTR 2
}

# orphans: readers are killed for ever, each a moment after it has begun to read; the server is
# never without a message that one has left.
orphans() {
	exec python3 - "$mnt/file" <<-'PYTHON'
		import os, signal, sys, time
		while True:
		    r, w = os.pipe()
		    pid = os.fork()
		    if not pid:
		        fd = os.open(sys.argv[1], os.O_RDONLY)
		        os.write(w, b".")
		        os.pread(fd, 4096, 0)
		        os._exit(0)
		    os.close(w)
		    os.read(r, 1)
		    os.close(r)
		    time.sleep(0.1)
		    os.kill(pid, signal.SIGKILL)
		    os.waitpid(pid, 0)
	PYTHON
}

# A freeze waits for what was left before it, not for what others leave meanwhile.
killed_readers_keep_no_freeze() {
	local readers=() reader status=0

	app write "$mnt/file" 0 64k
	ctl only op=GET_MULTY count=0 do=delay:1000
	for _ in 1 2 3; do
		orphans &
		readers+=($!)
	done
	ctl forget
	wait_until 10 read_by 3
	within 20 fsfreeze -f "$mnt" || status=$?
	for reader in "${readers[@]}"; do
		kill -KILL "$reader"
		wait "$reader" || true
	done
	ctl clear
	assert_eq 0 "$status" "status of a freeze beside killed readers"
	fsfreeze -u "$mnt"
}

read_by() {
	[ "$(told GET_MULTY)" -ge "$1" ]
}

remounts() {
	ctl record | grep -q '^M_REMOUNT '
}

# What is to be freed is freed before the server hears that it may change nothing.
frees_come_before_read_only() {
	local remounter

	ctl forget
	ctl only op=FREE_INODE count=1 do=hang
	leave "$mnt" 40
	ctl hung 1
	mount -o remount,ro "$mnt" &
	remounter=$!
	wait_until 10 waits_in $remounter zuf_ends
	ctl clear
	ctl release
	wait $remounter || fail "a remount read-only"
	wait_until 10 is_told FREE_INODE 40
	refute grep -q FREE_INODE <(ctl record | sed -n '/^M_REMOUNT /,$p')
	mount -o remount,rw "$mnt"
}

# Nor later: what others pin keeps it from becoming read-only.
pins_keep_it_writable() {
	ctl forget
	pin "$mnt" 1
	refute within 20 mount -o remount,ro "$mnt"
	refute remounts
	app create "$mnt/one"
	app unlink "$mnt/one"
	kill $pinner
	wait $pinner || true
	# not until somebody looks, which is ever more rarely
	mount -o remount,ro "$mnt" || fail "what nobody pins any more keeps it writable"
	wait_until 20 is_told FREE_INODE 2
	mount -o remount,rw "$mnt"
}

thaw() {
	fsfreeze -u "$mnt" 2>/dev/null
}

# ---- pins ----

# pin DIR COUNT: a pipe has pages of so many unlinked files, as long as $pinner lives
pin() {
	rm -f "$scratch/pinned"
	python3 - "$1" "$2" "$scratch/pinned" <<-'PYTHON' &
		import ctypes, fcntl, mmap, os, signal, sys
		libc = ctypes.CDLL(None, use_errno=True)
		class Iovec(ctypes.Structure):
		    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
		r, w = os.pipe()
		fcntl.fcntl(w, 1031, 2 << 20)
		for i in range(int(sys.argv[2])):
		    fd = os.open(sys.argv[1] + "/x", os.O_RDWR | os.O_CREAT)
		    os.pwrite(fd, b"x" * 4096, 0)
		    m = mmap.mmap(fd, 4096)
		    m[0]
		    c = ctypes.c_char.from_buffer(m)
		    iov = Iovec(ctypes.addressof(c), 4096)
		    assert libc.vmsplice(w, ctypes.byref(iov), ctypes.c_ulong(1), 0) == 4096
		    del c
		    m.close()
		    os.unlink(sys.argv[1] + "/x")
		    os.close(fd)
		open(sys.argv[3], "w").close()
		signal.pause()
	PYTHON
	pinner=$!
	wait_until 60 test -e "$scratch/pinned"
}

pins_hold_nobody_else_back() {
	ctl forget
	pin "$mnt" 300
	assert_eq 0 "$(told FREE_INODE)" "inodes freed whose pages are pinned"
	app write "$mnt/mapped" 0 64k
	store "$mnt/mapped"
	within 20 rm "$mnt/mapped" || fail "rm waits for what others pin"
	wait_until 10 is_told FREE_INODE 1
	kill $pinner
	wait $pinner || true
	wait_until 20 is_told FREE_INODE 301
}

# ---- the last process of a mount name space ----

umounts() {
	ctl record | grep -q '^M_UMOUNT '
}

# It unmounts in its exit, where no signal ends a wait.
an_exit_does_not_wait() {
	local pid

	mkdir -p "$scratch/private"
	ctl forget
	ctl only op=M_UMOUNT do=hang
	# shellcheck disable=SC2016 # of the other shell
	unshare -m sh -c 'mount -t rawn -o size=32m none "$1" && echo x >"$1/file"' sh \
		"$scratch/private" &
	pid=$!
	ctl hung 1
	wait_until 10 process_gone $pid
	wait $pid || fail "a mount of its own"
	ctl clear
	ctl release
	wait_until 10 umounts

	# stores that its exit has to have synced
	ctl forget
	ctl only op=SYNC do=hang
	unshare -m python3 - "$scratch/private" <<-'PYTHON' &
		import mmap, os, subprocess, sys
		subprocess.run(["mount", "-t", "rawn", "-o", "size=32m", "none", sys.argv[1]],
			       check=True)
		fd = os.open(sys.argv[1] + "/file", os.O_RDWR | os.O_CREAT)
		os.ftruncate(fd, 4096)
		mmap.mmap(fd, 4096)[0] = 1
		os._exit(0)
	PYTHON
	pid=$!
	ctl hung 1
	wait_until 10 process_gone $pid
	wait $pid || fail "a mount of its own"
	umounts && fail "UMOUNT comes before the SYNC is done"
	ctl clear
	ctl release
	wait_until 10 umounts
}

# ---- a server that hangs ----

# leave DIR COUNT: so many unlinked files lose their last user, who is exiting
leave() {
	python3 - "$1" "$2" <<-'PYTHON'
		import os, sys
		for i in range(int(sys.argv[2])):
		    name = f"{sys.argv[1]}/left{i}"
		    os.open(name, os.O_CREAT | os.O_WRONLY)
		    os.unlink(name)
		os._exit(0)
	PYTHON
}

other_ctl() {
	/run/rawserver --socket /run/other.sock --ctl "$@"
}

other_is_ready() {
	local state

	read -r state <"$scratch/root/state"
	[ "$state" = mount_ready ] && other_ctl stats
}

other_end() {
	[ -n "$other_pid" ] || return 0
	kill -KILL "$other_pid"
	# as long as it lives its root is busy
	wait "$other_pid" || true
	other_pid=''
	umount "$scratch/other"
	wait_until 5 umount "$scratch/root"
}

other_is_told() {
	other_ctl record | grep -q "^FREE_INODE "
}

a_root_that_hangs_is_alone() {
	mkdir "$scratch/root" "$scratch/other"
	mount -t zuf other "$scratch/root"
	/run/rawserver --root "$scratch/root" --socket /run/other.sock --types otherf,othern \
		--caps 6 &
	other_pid=$!
	on_exit other_end
	wait_until 10 other_is_ready
	mount -t othern -o size=32m none "$scratch/other"

	ctl only op=FREE_INODE count=0 do=hang
	leave "$mnt" 300
	other_ctl forget
	leave "$scratch/other" 1
	wait_until 10 other_is_told
	within 20 umount "$scratch/other"
	mount -t othern -o size=32m none "$scratch/other"
	ctl clear
	ctl release
}

raw_setup
raw_start --caps 6
raw_mount
evicted_inodes_are_synced
evicted_attributes_are_told
links_decide
a_name_is_of_the_open_file
names_wait_for_names
an_exit_does_not_wait
frozen_stays_as_it_is
frozen_files_are_found
killed_readers_keep_no_freeze
frees_come_before_read_only
pins_keep_it_writable
pins_hold_nobody_else_back
a_root_that_hangs_is_alone
raw_works
other_end
raw_finish
