#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Lists of commands that the server waits for: each kind of element there and back,
# over two T2 devices of different kinds; bad lists, which do nothing; bad calls.

. "$TOP/tests/vm/cases/abi/lists.bash"

need_pmem 2
need_disk 2
need losetup
modprobe loop
truncate -s 32m /dev/shm/backing
on_exit rm -f /dev/shm/backing
loop=$(losetup -f --show /dev/shm/backing)
on_exit losetup -d "$loop"
set_up /dev/vdb "$loop"
# 16384 blocks of the disk, then 8192 of the loop device
last=24575

# one page, many, over the end of a device (whose table is kept)
fill t1:8192:64:1
run OK w:100:8192
run OK r:100:8300
same t1:8300:1:1
run OK r:16384:9000
run OK w:16352:8192:64
run OK r:16352:8300:64
same t1:8300:64:1
run OK w:16384:9000
run OK w:$last:8192
run OK r:$last:8400
same t1:8400:1:1

# REPEAT: the blocks and the memory that follow
run OK w:200:8192:4 rep:15
run OK r:200:8500 rep:63
same t1:8500:64:1
run OK r:200:8600:64
same t1:8600:64:1
fill mem:0:64:2
run OK mw:300:0:16 rep:3
run OK mr:300:100:16 mr:316:116:16 rep:2
same mem:100:64:2
run OK r:300:8700:64
same t1:8700:64:2
run OK mw:400:70:1 rep:0

# several elements; in what order they end is left open
fill t1:8192:8:3
run OK w:500:8192:8 d:600:4 "u:0:0:1" "u:5:1:77" mw:510:0:1
run OK r:500:8800:8 mr:510:200:1
same t1:8800:8:3
fill mem:300:1:2
same mem:200:1:2
run OK flush w:500:8192
run OK fua w:500:8192
run OK flush fua w:500:8192 "w:$last:8192" d:600:4
run OK
run 'OK|EOPNOTSUPP' wbinv

# DISCARD: the loop device forgets, the disk may
run OK w:$((last - 9)):8192:8
run OK d:$((last - 9)):8
fill t1:8900:8:9
run OK r:$((last - 9)):8900:8
same t1:8900:8:0
run 'OK|EOPNOTSUPP' d:100:1 rep:3

# what wait_for_done is: a bool of 2019 too
run OK wait=1 w:500:8192
run OK wait=255 w:500:8192
run OK wait=2 w:500:8192
told 0
run OK wait=0 w:500:8192
run OK wait=0x80000000 w:500:8192
run OK wait=0x40000000 w:500:8192
told 3

# a list that is longer than what of the buffer was there
run OK "u:0:1:99" times:20000 r:200:8192 r:200:9100
same t1:9100:1:1

# bad ones: what is good in them is not done either
fill t1:8192:1:4
run OK w:700:8192
fill t1:8192:1:5
bad() {
	local wanted=$1

	shift
	run "$wanted" w:700:8192 "$@"
	run OK r:700:9200
	same t1:9200:1:4
}
bad EIO x:0x0400000000000064
bad EIO x:0x0600000000000064 x:0x2000000
bad EIO r:$((last + 1)):8200
bad EIO r:$((last - 1)):8200:3
bad EIO r:100:8200:0
bad EIO r:100:8200:0xffffffffffffffff
bad EIO r:0xffffffffffffff:8200
bad EIO r:100:16384
bad EIO r:100:16380:5
bad EIO r:100:0
bad EIO x:0x0400000000000064 x:0x2000008
bad EIO x:0x0400000000000064 x:0x2000001
bad EIO r:$((last - 1)):8200 rep:2
bad EIO r:100:8200 rep:0xffffffffffffff
bad EIO r:100:8200 rep:1 rep:1
bad EIO u:0:1:99 rep:1
bad EIO u:0:1:0
bad EIO d:$last:2
bad EIO mr:100:0:17
bad EIO mr:100:0:0
bad EIO x:0x0800000000000064 x:0x7f0000000008 x:0x1000
bad EIO x:0x0800000000000064 x:0x7f0000000000 x:0x1001
bad EIO x:0x0800000000000064 x:0xffff888000000000 x:0x1000
bad EFAULT x:0x0800000000000064 x:0x1000 x:0x1000
bad EIO x:0x0100000000000008
bad EIO x:0x0200000000000008
run EIO rep:1
# what is not a command ends a list
run OK w:100:8192 x:0 r:$((last + 1)):8200
run OK w:100:8192 x:0x0d00000000000000 r:$((last + 1)):8200

# bad calls
run 'call EINVAL' at=4096 w:100:8192
run 'call EINVAL' at=8 w:100:8192
run 'call EINVAL' n=3 max=2 w:100:8192
run 'call EINVAL' n=1 max=0xffffffff w:100:8192
run 'call EINVAL' n=0xffffffff max=0xffffffff w:100:8192
run 'call EINVAL' sb=999 w:100:8192
run 'call EINVAL' sb=0xffffffffffffffff w:100:8192
run 'call EINVAL' sbi=4096 w:100:8192
run 'call EINVAL' sbi=0 w:100:8192

app write "$mnt/file" 0 1m
app read "$mnt/file" 0 1m
umount "$mnt"
# and nothing has touched the tables
mount -t rawf /dev/pmem1 "$mnt"
raw_finish
