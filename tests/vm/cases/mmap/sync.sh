#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Which SYNC the server gets for what was stored through mappings: by fsync, msync, sync,
# syncfs, freeze, remount, fallocate, clone and eviction; nothing twice, nothing lost.

. "$TOP/tests/rawserver/lib.sh"
need python3 fsfreeze

# with CODE...: Python with a mapping m of 16 pages of $file, open as fd; p(i) stores to page i.
with() {
	python3 - "$file" "$*" <<-'PYTHON'
		import mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR)
		m = mmap.mmap(fd, 16 * 4096)
		def p(*pages):
		    for i in pages:
		        m[i * 4096 + 7] = (m[i * 4096 + 7] + 1) % 256
		def fails(errno, function, *args):
		    try:
		        function(*args)
		    except OSError as e:
		        assert e.errno == errno, e
		    else:
		        raise AssertionError("no error")
		exec(sys.argv[2])
	PYTHON
}

# sent LINE...: the messages of these kinds since the last time; not those that give back
# what a lookup of a cached inode has brought (evict 1).
sent() {
	local told

	told=$(ctl record |
		sed -nE '/^EVICT_INODE .* evict 1$/d
			s/^(SYNC|MMAP_CLOSE|FREE_INODE|EVICT_INODE) .* zt [0-9.]*/\1/p')
	assert_eq "$(printf '%s\n' "$@")" "$told" "messages"
	ctl forget
}

# line POS LENGTH FLAGS, in pages: a SYNC of that.
line() {
	echo "SYNC pos $(($1 * 4096)) length $(($2 * 4096)) sync $3"
}

raw_setup
raw_start --caps 6
raw_mount
file=$mnt/file
app write "$file" 0 64k
ctl forget
with "p(3)"
sent MMAP_CLOSE

sync -f "$mnt"
sent "$(line 3 1 0x1)"
sync -f "$mnt"
sent ""

with "p(2, 7); m[9]; os.fsync(fd); os.fsync(fd); os.fdatasync(fd)"
sent "$(line 2 6 0)" MMAP_CLOSE
with "p(2, 7, 9); m.flush(4 * 4096, 4 * 4096); os.fdatasync(fd)"
sent "$(line 7 1 0x1)" "$(line 2 8 0x1)" MMAP_CLOSE

# stored again after it: due again; by others, too
with "p(1); os.fsync(fd); p(1); os.fsync(fd)
if not os.fork():
    p(1)
    os._exit(0)
os.wait()
os.fsync(fd)"
sent "$(line 1 1 0)" "$(line 1 1 0)" "$(line 1 1 0)" MMAP_CLOSE

# a refusal leaves it due
ctl only op=SYNC count=2 do=err:-28
with "p(5); fails(28, os.fsync, fd); fails(28, m.flush); os.fsync(fd); os.fsync(fd)"
ctl clear
sent "$(line 5 1 0)" "$(line 5 1 0x1)" "$(line 5 1 0)" MMAP_CLOSE
ctl only op=SYNC count=1 do=err:-5
with "p(6)"
refute_errno "Input/output error" sync -f "$mnt"
sync
sync
ctl clear
sent MMAP_CLOSE "$(line 6 1 0x1)" "$(line 6 1 0x1)"

# a server that says how many, and one that says too much
ctl only op=SYNC do=outlen:0
with "p(5); os.fsync(fd)"
ctl only op=SYNC do=outlen:9
with "p(5); fails(5, os.fsync, fd)"
ctl clear
sync
sent "$(line 5 1 0)" MMAP_CLOSE "$(line 5 1 0)" MMAP_CLOSE "$(line 5 1 0x1)"

# frozen: what was stored is durable, nothing is stored
with "p(4)
os.system('fsfreeze -f $mnt')
r, w = os.pipe()
if not os.fork():
    p(4)
    os.write(w, b'stored')
    os._exit(0)
import select
assert m[4 * 4096 + 7] >= 0
assert not select.select([r], [], [], 0.5)[0], 'a store while frozen'
os.system('fsfreeze -u $mnt')
assert os.read(r, 10) == b'stored'
os.wait()"
sync
sent "$(line 4 1 0x1)" MMAP_CLOSE "$(line 4 1 0x1)"

with "p(8)"
mount -o remount,ro "$mnt"
mount -o remount,rw "$mnt"
sent MMAP_CLOSE "$(line 8 1 0x1)"

# pages that move are sent before, by their old numbers; what is cut off is not sent
with "p(1, 3, 12)
import ctypes
libc = ctypes.CDLL(None)
falloc = lambda mode, page, n: libc.fallocate(fd, mode, ctypes.c_long(page * 4096),
                                              ctypes.c_long(n * 4096))
assert falloc(3, 3, 1) == 0
os.fsync(fd)
p(12, 13)
os.ftruncate(fd, 13 * 4096)
os.fsync(fd)
os.ftruncate(fd, 16 * 4096)"
sent "$(line 1 12 0)" "$(line 12 1 0)" MMAP_CLOSE

# the cache lets go of the inode: SYNC, then EVICT
echo 2 >/proc/sys/vm/drop_caches
ctl forget
app create "$mnt/evicted"
app write "$mnt/evicted" 0 64k
file=$mnt/evicted with "p(10)"
sent MMAP_CLOSE
echo 2 >/proc/sys/vm/drop_caches
sent "$(line 10 1 0x1)" "EVICT_INODE evict 0"
app write "$mnt/evicted" 0 64k
file=$mnt/evicted with "p(10); os.unlink(sys.argv[1])"
wait_until 5 eval 'ctl record | grep -q FREE_INODE'
sent MMAP_CLOSE "FREE_INODE evict 0"

# killed: its mapping is closed, what it has stored is due
with "p(11); os.kill(os.getpid(), 9)" || true
wait_until 5 eval 'ctl record | grep -q MMAP_CLOSE'
with "os.fsync(fd)"
sent MMAP_CLOSE "$(line 11 1 0)" MMAP_CLOSE
raw_works

# a server that has died: errors, no hang
with "p(1)
os.kill($raw_pid, 9)
import time
for function, args in ((os.fsync, (fd,)), (m.flush, ())):
    fails(5, function, *args)"
wait "$raw_pid" || true
raw_pid=''
raw_finish
