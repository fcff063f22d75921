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

# what lies between stays mapped
app write "$file" 0 1m
ctl forget
with "import ctypes
m = mmap.mmap(fd, 256 * 4096)
m[100 * 4096]
p(2, 250)
def mapped():
    at = ctypes.addressof(ctypes.c_char.from_buffer(m))
    there = ctypes.create_string_buffer(256)
    assert ctypes.CDLL(None).mincore(ctypes.c_void_p(at), ctypes.c_long(256 * 4096), there) == 0
    return [i for i in range(256) if there.raw[i] & 1]
assert mapped() == [2, 100, 250], mapped()
os.fsync(fd)
assert mapped() == [100], mapped()"
sent "$(line 2 249 0)" MMAP_CLOSE

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

# a pin that ends while the server is at work: DMA may have stored behind its back
mkfifo "$scratch/go" "$scratch/done"
ctl only op=SYNC count=1 do=hang
with "import ctypes, struct, threading
p(3)
r, w = os.pipe()
page = (ctypes.c_char * 4096).from_buffer(m, 3 * 4096)
iov = struct.pack('QQ', ctypes.addressof(page), 4096)
assert ctypes.CDLL(None).vmsplice(w, iov, 1, 0) == 4096
t = threading.Thread(target=os.fsync, args=(fd,))
t.start()
open('$scratch/go').read()
os.read(r, 4096)
open('$scratch/done', 'w').write('x')
t.join()
os.fsync(fd)
os.fsync(fd)" &
pid=$!
ctl hung 1
echo >"$scratch/go"
cat "$scratch/done" >/dev/null
ctl release
wait "$pid"
ctl clear
sent "$(line 3 1 0)" "$(line 3 1 0)" MMAP_CLOSE

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

# what a refused cut or hole would have taken away is due
ctl only op=FALLOCATE count=2 do=err:-5
with "p(12)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
fails(5, os.ftruncate, fd, 3 * 4096)
os.fsync(fd)
p(4)
hole = lambda: libc.fallocate(fd, 3, ctypes.c_long(4 * 4096), ctypes.c_long(4096))
assert hole() == -1 and ctypes.get_errno() == 5, ctypes.get_errno()
os.fsync(fd)
p(4)
assert hole() == 0
os.fsync(fd)"
ctl clear
sent "$(line 12 1 0)" "$(line 4 1 0)" MMAP_CLOSE

# what a clone would have replaced is due when it fails
app create "$mnt/source"
app write "$mnt/source" 0 64k
ctl forget
ctl only op=CLONE count=1 do=err:-5
with "import fcntl
p(9)
source = os.open('$mnt/source', os.O_RDONLY)
fails(5, fcntl.ioctl, fd, 0x40049409, source)
os.fsync(fd)
p(9)
fcntl.ioctl(fd, 0x40049409, source)
os.fsync(fd)"
ctl clear
rm "$mnt/source"
wait_until 5 eval 'ctl record | grep -q FREE_INODE'
sent "$(line 9 1 0)" MMAP_CLOSE "FREE_INODE evict 0"

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
