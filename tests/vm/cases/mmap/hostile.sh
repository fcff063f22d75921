#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Page faults whose answers make no sense, are errors, lists, late, or never come; the
# application or the server is killed in one. SIGBUS (EFAULT of rawapp) where it is due,
# every contract ended.

. "$TOP/tests/vm/cases/drill/drill.bash"

# fault RESULT RULE r|w: the first page of the file, by this rule of GET.
fault() {
	try "$1" "op=GET $2" mmap "$mnt/file" "$3"
	wait_until 10 drill_balanced
}

bad_answers() {
	local word

	# beyond T1, the far end, another pool, another operation
	for word in 0x200000000100000 0x2fffffffffffff8 0x200000000000043 0x300000000000040 \
		0xff00000000000040 0; do
		fault EFAULT "do=word:$word" r
		fault EFAULT "do=word:$word" w
	done
	# a hole is none for a store; for a load it is zeros
	fault OK do=hole r
	fault EFAULT do=hole w
	fault EFAULT do=short:0 r
	for err in -5 -12 -28 -4 -11; do
		fault EFAULT "do=ret:$err" r
		fault EFAULT "do=ret:$err" w
	done
	for flags in 2 8 0x10 0x1a; do
		fault OK "do=flags:$flags" r
		fault OK "do=flags:$flags" w
		fault OK "do=flags:$flags do=hole" r
	done
	ctl clear
	app mmap "$mnt/file" w
}

lists() {
	fault OK "count=2 do=retry:t2read:3:s0" r
	fault OK "count=2 do=retry:unmap:0:1" w
	fault OK "count=1 do=retry:unmap:0:0" r
	# UNMAP by number, of a file that is mapped: the next load asks again
	python3 - "$mnt/file" "$scratch/plugctl drillfs" <<-'PYTHON'
		import mmap, os, subprocess, sys
		fd = os.open(sys.argv[1], os.O_RDWR)
		ctl = lambda *words: subprocess.run([*sys.argv[2].split(), *words], check=True,
		                                    stdout=subprocess.PIPE).stdout.decode()
		gets = lambda: int(ctl("stats").split("gets ")[1].split()[0])
		m = mmap.mmap(fd, 16 * 4096)
		m[0], m[4096]
		n = gets()
		m[0], m[4096]
		assert gets() == n, "asked for what is mapped"
		ctl("exec", f"unmap:0:1:{os.fstat(fd).st_ino}")
		m[0], m[4096]
		assert gets() == n + 1, (n, gets())
		ctl("exec", f"unmap:1:0:{os.fstat(fd).st_ino}")
		m[0], m[4096]
		assert gets() == n + 2
	PYTHON
}

# kill_hung RULE COMMAND...: it is killed while the server hangs by that rule.
kill_hung() {
	local pid

	ctl only "$1"
	"${@:2}" >/dev/null &
	pid=$!
	ctl hung 1
	kill -9 "$pid"
	wait_until 10 process_gone "$pid"
	ctl clear
	ctl release
	wait_until 10 drill_balanced
}

killed() {
	local pid

	for how in r w; do
		kill_hung "op=GET do=hang" "$scratch/rawapp" mmap "$mnt/file" "$how"
		app mmap "$mnt/file" w
	done
	# a signal that does not kill does not disturb
	ctl only op=GET do=hang
	timeout -s TERM 60 python3 - "$mnt/file" <<-'PYTHON' &
		import mmap, os, signal, sys
		signal.signal(signal.SIGUSR1, lambda *_: None)
		fd = os.open(sys.argv[1], os.O_RDWR)
		m = mmap.mmap(fd, 4096)
		os.kill(os.getpid(), signal.SIGUSR1)
		m[0]
	PYTHON
	pid=$!
	ctl hung 1
	kill -USR1 "$(pgrep -P "$pid")"
	ctl clear
	ctl release
	wait "$pid" || fail "a fault was interrupted"
}

# touch_large r|w: 2 MiB of the file by one fault.
touch_large() {
	exec python3 - "$mnt/large" "$1" <<-'PYTHON'
		import mmap, os, sys
		m = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 4 << 20)
		if sys.argv[2] == "r":
		    m[5]
		else:
		    m[5] = 1
	PYTHON
}

has_large_pages() {
	[ "$(uname -r | cut -d. -f1)" -lt 7 ]
}

# killed_large: before the server has an answer, and after it.
killed_large() {
	local how where

	has_large_pages || return 0
	app write "$mnt/large" 0 4096k
	for how in r w; do
		for where in hang linger; do
			kill_hung "op=LARGE do=$where" touch_large "$how"
			app read "$mnt/large" 0 4096k
			app mmap "$mnt/large" w
			app write "$mnt/large" 0 4k
		done
	done
	rm "$mnt/large"
}

all() {
	bad_answers
	lists
	killed
	killed_large
	# what was stored is no pattern
	app write "$mnt/file" 0 300k
}
need python3
drill_each_way all

# the server is killed in a fault, and later ones find none
plug_up drillfs nio /dev/pmem0 /dev/vda
app write "$mnt/file" 0 300k
for how in r w; do
	ctl only op=GET do=hang
	"$scratch/rawapp" -e EFAULT mmap "$mnt/file" "$how" >/dev/null &
	app=$!
	ctl hung 1
	kill -9 "$plug_pid"
	wait "$app" || fail "a fault in a dying server"
	wait "$plug_pid" || true
	app -e EFAULT mmap "$mnt/file" "$how"
	umount "$mnt"
	[ "$how" = r ] || break
	plug_serve
	plug_mkfs
	plug_mount
	app write "$mnt/file" 0 300k
done
plug_pid=''
umount "$plug_root"
wait_until 5 rmmod zuf

# and in one of 2 MiB
if has_large_pages; then
	plug_up drillfs nio /dev/pmem0 /dev/vda
	app write "$mnt/large" 0 4096k
	ctl only op=LARGE do=hang
	touch_large w &
	app=$!
	ctl hung 1
	kill -9 "$plug_pid"
	status=0
	wait "$app" || status=$?
	assert_eq $((128 + 7)) "$status" "status of who stored when the server died"
	wait "$plug_pid" || true
	plug_pid=''
	umount "$mnt"
	umount "$plug_root"
	wait_until 5 rmmod zuf
fi
