#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Puts of writes: what they tell (ZUFS_FSC_PUT_RESULT), that an error of one that comes at once is
# the write's, that each comes once whatever it is answered; and that one which the end of the
# server has dropped is an -EIO of the next fsync of each open file, unless it carries nothing.

. "$TOP/tests/rawserver/lib.sh"
need python3
need_cpus 2

nio=$((2 | 4))
result=$((1 << 18))
empty=$((1 << 17))

# What the puts have told, sorted: those of several calls come in any order.
copied() {
	ctl record | sed -n 's/^copied \(.*\)/\1/p' | sort | tr '\n' ','
}

puts_sent() {
	ctl record | grep -c '^PUT_MULTY' || true
}

balanced() {
	[ "$(stat_of contracts)" = 0 ]
}

# refused ERRNO ANSWER CALL...: by the put, which comes once.
refused() {
	ctl clear
	rule op=GET_MULTY count=0 "do=retflags:$flag"
	rule op=PUT_MULTY count=0 "do=$2"
	ctl forget
	app -e "$1" "${@:3}"
	assert_eq 1 "$(puts_sent)" "puts that were answered $2"
	ctl clear
}

raw_setup
raw_start --caps $((nio | result))
raw_mount
app write "$mnt/file" 0 64k
wait_until 5 balanced

# how far: all, a short answer, one of which nothing can be copied
for flag in 0 8; do
	ctl only op=GET_MULTY count=0 "do=retflags:$flag"
	ctl forget
	app write "$mnt/file" 100 5000
	wait_until 5 balanced
	assert_eq "5000 of 5000," "$(copied)" "copied, flags $flag"
done
ctl clear
rule op=GET_MULTY do=lastpos:-100
ctl forget
app -e any write "$mnt/file" 0 8k
wait_until 5 balanced
assert_eq "100 of 100,8092 of 8192," "$(copied)" "copied of a short answer"
ctl only op=GET_MULTY do=word:0x2fffffffffffff8
ctl forget
app -e EIO write "$mnt/file" 0 8k
wait_until 5 balanced
assert_eq "0 of 8192," "$(copied)" "copied of a bad answer"
# memory that is not there: what there is, then nothing
ctl clear
ctl forget
python3 - "$mnt/file" <<-'PYTHON'
	import ctypes, mmap, os, sys
	libc = ctypes.CDLL(None, use_errno=True)
	libc.mmap.restype = ctypes.c_void_p
	at = libc.mmap(None, ctypes.c_size_t(8192), 3, 0x22, -1, ctypes.c_long(0))
	assert libc.munmap(ctypes.c_void_p(at + 4096), ctypes.c_size_t(4096)) == 0
	ctypes.memset(at, 65, 4096)
	fd = os.open(sys.argv[1], os.O_RDWR)
	libc.pwrite.restype = ctypes.c_ssize_t
	n = libc.pwrite(fd, ctypes.c_void_p(at), ctypes.c_size_t(8192), ctypes.c_long(0))
	assert n == 4096, n
PYTHON
wait_until 5 balanced
[[ ,$(copied) == *",4096 of 8192,"* ]] || fail "memory that is not there: $(copied)"

# the result is the write's: errnos, what is none, answers that are too long
for flag in 2 8 16; do
	for answer in "ENOSPC fail:-28" "EIO fail:-5" "EDQUOT fail:-122" "EIO fail:-14" \
		"EIO fail:7" \
		"EIO fail:-9999" "EIO fail:-531" "EIO outlen:65535" "EOPNOTSUPP fail:-524" \
		"EINTR fail:-4"; do
		# shellcheck disable=SC2086 # two words
		refused $answer write "$mnt/file" 0 8k
	done
	# the size is what it was before
	refused ENOSPC fail:-28 append "$mnt/file" 8k
	assert_eq 65536 "$(stat -c %s "$mnt/file")" "size after a refused append"
	refused ENOSPC fail:-28 write "$mnt/file" 1m 8k
	assert_eq 65536 "$(stat -c %s "$mnt/file")" "size after a refused write"
	drop_caches
	assert_eq 65536 "$(stat -c %s "$mnt/file")" "size that the server has"
	# of a read it means nothing
	refused OK fail:-5 readany "$mnt/file" 0 8k
done
# one that may ride along has none
ctl only op=PUT_MULTY count=0 do=fail:-28
for _ in {1..10}; do
	app write "$mnt/file" 0 8k
done
ctl clear
# the second part of a write: what was done before stands
rule op=GET_MULTY count=0 do=retflags:8
rule op=PUT_MULTY nth=2 do=fail:-28
app truncate "$mnt/file" 8m
app -e OK write "$mnt/file" 0 6m
ctl clear
app write "$mnt/file" 0 8m
app read "$mnt/file" 0 8m
wait_until 5 balanced

# a kill leaves it to the server
ctl clear
rule op=GET_MULTY count=0 do=retflags:8
rule op=PUT_MULTY do=hang
/run/rawapp -e any write "$mnt/file" 0 8k &
pid=$!
ctl hung 1
kill -KILL "$pid"
wait_until 5 process_gone "$pid"
wait "$pid" || true
ctl release
ctl clear
app write "$mnt/file" 0 64k
app read "$mnt/file" 0 64k
wait_until 5 balanced
hang_and_kill "op=GET_MULTY" write "$mnt/file" 0 8k
ctl forget
ctl release
wait_until 5 balanced
assert_eq "0 of 0," "$(copied)" "copied of a killed writer"
raw_kernel_was_right
raw_umount
raw_end

# without the bit what a put is answered does not count
raw_start --caps $nio
raw_mount
app write "$mnt/file" 0 64k
flag=8
refused OK fail:-28 write "$mnt/file" 0 8k
raw_works
raw_umount
raw_end

# ---- the server dies with a put that it has not executed ----

cat >"$scratch/lost.py" <<'TEXT'
"""usage: lost.py FILE CASE PID: fsync after the death of the server."""
import errno, os, signal, sys

name, case, server = sys.argv[1], sys.argv[2], int(sys.argv[3])


def fsync(fd):
    try:
        os.fsync(fd)
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]


a, b = os.open(name, os.O_RDWR), os.open(name, os.O_RDWR)
other = os.open(name + ".other", os.O_RDWR | os.O_CREAT)
if case == "write":
    os.pwrite(a, b"x" * 4096, 0)
elif case == "read":
    os.pread(a, 4096, 0)
os.kill(server, signal.SIGKILL)
while open("/sys/fs/zuf/state").read().strip() == "mount_ready":
    pass
print(fsync(a), fsync(a), fsync(b), fsync(b), fsync(other))
TEXT

# dies CAPS CASE: what fsync says of two open files, twice of each, and of another one
dies() {
	{
		raw_start --caps "$1"
		raw_mount
		app write "$mnt/file" 0 64k
		app create "$mnt/file.other"
		wait_until 5 balanced
		within 30 python3 "$scratch/lost.py" "$mnt/file" "$2" "$raw_pid" >"$scratch/said"
		raw_end
		raw_umount
	} >/dev/null
	head -n 1 "$scratch/said"
}

# The put waits 10 ms at most. It may be executed before the signal comes: then there is nothing to
# be told, so several times.
lost_as() {
	[ "$(dies "$1" write)" = "$2" ]
}
wait_until 60 lost_as $nio "EIO ok EIO ok ok"
wait_until 60 lost_as $((nio | result)) "EIO ok EIO ok ok"
assert_eq "ok ok ok ok ok" "$(dies $nio read)" "fsync after a read"
for _ in 1 2 3; do
	assert_eq "ok ok ok ok ok" "$(dies $((nio | empty)) write)" "fsync, puts carry nothing"
done

# one that is under way, alone or behind another message, when it dies
for riders in 0 8; do
	raw_start --caps $nio
	raw_mount
	app write "$mnt/file" 0 64k
	wait_until 5 balanced
	ctl clear
	rule op=GET_MULTY count=0 "do=retflags:$riders"
	if [ "$riders" = 8 ]; then
		rule op=PUT_MULTY do=exit
	else
		rule op=STATFS do=exit
	fi
	python3 - "$mnt" >"$scratch/said" <<-'PYTHON'
		import errno, os, sys
		fd = os.open(sys.argv[1] + "/file", os.O_RDWR)
		os.sched_setaffinity(0, {1})
		os.pwrite(fd, b"x" * 4096, 0)
		try:
		    os.statvfs(sys.argv[1])
		except OSError:
		    pass
		for _ in range(2):
		    try:
		        os.fsync(fd)
		        print("ok")
		    except OSError as e:
		        print(errno.errorcode[e.errno])
	PYTHON
	raw_end
	raw_umount
	assert_eq "EIO ok" "$(xargs <"$scratch/said")" "fsync, flags $riders"
done
raw_start --caps $nio
raw_mount
raw_works
raw_finish
