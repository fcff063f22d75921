#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 180
#
# Suspend, as far as freezing all processes: the server may be frozen before those that wait
# for it, idle ones and hanging ones, in an operation and in a mount, and who waits for pages
# that others hold; afterwards all go on.

. "$TOP/tests/plugins/lib.sh"
need_pmem 2
need python3
[ -w /sys/power/pm_test ] || skip "this kernel cannot try a suspend"

suspend() {
	echo freeze >/sys/power/state || fail "not all processes were frozen: $(dmesg | tail -n 20)"
}

echo freezer >/sys/power/pm_test
on_exit eval 'echo none >/sys/power/pm_test'
echo 1 >/sys/module/suspend/parameters/pm_test_delay
on_exit eval 'echo 5 >/sys/module/suspend/parameters/pm_test_delay'
plug_up drillfs nio /dev/pmem0
app write "$mnt/file" 0 300k
app write "$mnt/other" 0 100k

# nobody waits but the server's threads
suspend
app read "$mnt/file" 0 300k

# under load
touch "$scratch/on"
load() {
	while [ -e "$scratch/on" ]; do
		app write "$mnt/load$1" 0 100k && app read "$mnt/load$1" 0 100k &&
			app unlink "$mnt/load$1" || return 1
		printf . >>"$scratch/count$1"
	done >/dev/null
}
load 1 &
one=$!
load 2 &
two=$!
more() {
	[ "$(stat -c %s "$scratch/count1")" -gt "$1" ] &&
		[ "$(stat -c %s "$scratch/count2")" -gt "$2" ]
}
wait_until 30 more 1 1
for _ in 1 2 3; do
	mapfile -t was < <(stat -c %s "$scratch"/count[12])
	suspend
	wait_until 30 more "${was[@]}"
done
rm "$scratch/on"
wait "$one" || fail "the load failed"
wait "$two" || fail "the load failed"

# an operation that hangs
ctl only "op=GET do=hang"
"$scratch/rawapp" -t 60000 write "$mnt/file" 0 8k &
app=$!
ctl hung 1
suspend
ctl release
wait "$app" || fail "the operation that hung ended with $?"
ctl clear

# who waits for what a killed application has left to the server
ctl only "op=GET do=hang"
"$scratch/rawapp" -t 60000 write "$mnt/file" 0 8k &
app=$!
ctl hung 1
kill -KILL "$app"
wait "$app" && fail "it ended by itself"
"$scratch/rawapp" -t 60000 truncate "$mnt/file" 307200 &
behind=$!
waits() {
	grep -qs '\[zuf\]' "/proc/$1/stack"
}
wait_until 30 waits "$behind"
suspend
ctl release
wait "$behind" || fail "who waited for the killed one's operation ended with $?"
ctl clear

# who waits for a page that is in somebody's pipe
mkfifo "$scratch/go"
python3 - "$mnt/file" "$scratch/go" "$scratch/pid" <<-'PYTHON' &
	import ctypes, mmap, os, sys
	fd = os.open(sys.argv[1], os.O_RDWR)
	m = mmap.mmap(fd, 4096)
	r, w = os.pipe()
	page = (ctypes.c_char * 4096).from_buffer(m)
	iov = (ctypes.c_size_t * 2)(ctypes.addressof(page), 4096)
	assert ctypes.CDLL(None).vmsplice(w, iov, ctypes.c_ulong(1), 0) == 4096
	pid = os.fork()
	if not pid:
	    os.truncate(sys.argv[1], 0)
	    os._exit(0)
	with open(sys.argv[3] + ".new", "w") as f:
	    f.write(str(pid))
	os.rename(sys.argv[3] + ".new", sys.argv[3])
	open(sys.argv[2]).read()
	assert os.waitpid(pid, os.WNOHANG) == (0, 0), "it did not wait"
	assert len(os.read(r, 4096)) == 4096
	assert os.waitpid(pid, 0)[1] == 0
PYTHON
holder=$!
wait_until 30 test -e "$scratch/pid"
wait_until 30 waits "$(cat "$scratch/pid")"
suspend
: >"$scratch/go"
wait "$holder" || fail "who waited for the pipe ended with $?"

# a mount that waits for a stopped server; a sync would wait for it, as for any mount
echo 0 >/sys/power/sync_on_suspend
on_exit eval 'echo 1 >/sys/power/sync_on_suspend'
mkfs.memofs -f /dev/pmem1 >/dev/null
on_exit dd if=/dev/zero of=/dev/pmem1 bs=1M count=2 conv=fsync status=none
mkdir "$scratch/second"
stop_process "$plug_pid"
mount -t drillfs -o ctl=second,nio /dev/pmem1 "$scratch/second" &
mount=$!
wait_until 30 waits "$mount"
# newer kernels look at all file systems once more before they say that they are back
frozen() {
	dmesg_since mount | grep -qE "Freezing user space processes.*(done|completed)"
}
dmesg_mark mount
suspend &
suspending=$!
wait_until 60 frozen
kill -CONT "$plug_pid"
wait "$suspending" || fail "suspend"
wait "$mount" || fail "the mount ended with $?"
umount "$scratch/second"
plug_down
