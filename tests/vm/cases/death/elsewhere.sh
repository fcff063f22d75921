#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# All threads hang but those that are kept for nested operations, and that of this CPU is busy
# with page faults. Who waits there is woken in vain all the time, and still gets a thread of
# another CPU as soon as one is idle.

. "$TOP/tests/rawserver/lib.sh"

need python3
need_cpus 2
raw_setup
raw_start --caps 6
raw_mount
app write "$mnt/file" 0 1m
app create "$mnt/a"
app create "$mnt/b"

pids=()
# busy CPU CALL...: in the background; the server has it when this returns.
busy() {
	taskset -c "$1" /run/rawapp -e any -t 60000 "${@:2}" >>"$scratch/out" &
	pids+=($!)
	wait_until 10 grep -q zuf_dispatch "/proc/$!/stack"
}

ctl only op=LOOKUP count=2 do=hang
busy 0 stat "$mnt/none1"
busy 0 stat "$mnt/none2"
ctl hung 2

# long enough for all of the following up to the faults
rule op=SETATTR count=2 "do=delay:$((10000 * ${SLOW:-1}))"
busy 1 chmod "$mnt/a" 0600
busy 1 chmod "$mnt/b" 0600

# switches PID: so often it has slept.
switches() {
	sed -n 's/^voluntary_ctxt_switches:\s*//p' "/proc/$1/status"
}

# it looks ever more rarely
taskset -c 0 /run/rawapp -t 25000 -e ENOENT stat "$mnt/none3" >>"$scratch/out" &
waiter=$!
wait_until 10 grep -q zuf_chan_claim "/proc/$waiter/stack"
before=$(switches "$waiter")
looked() {
	[ "$(switches "$waiter")" -ge $((before + 8)) ]
}
wait_until 10 looked

# faults without end; the fifo tells of the first round
mkfifo "$scratch/faulting"
python3 - "$mnt/file" "$scratch/faulting" <<'PY' &
import mmap, os, sys
os.sched_setaffinity(0, {0})
fd = os.open(sys.argv[1], os.O_RDONLY)
m = mmap.mmap(fd, 1 << 20, prot=mmap.PROT_READ)
def faults():
    m.madvise(mmap.MADV_DONTNEED)
    for pos in range(0, 1 << 20, 4096):
        m[pos]
faults()
open(sys.argv[2], "w").close()
while True:
    faults()
PY
faults=$!
on_exit kill "$faults"
read -r -t 60 <"$scratch/faulting" || true
wait "$waiter" || fail "it waits for a thread of its own CPU: $(tail -n 3 "$scratch/out")"
kill -0 "$faults"
kill "$faults"
wait "$faults" || true
ctl clear
ctl release
for pid in "${pids[@]}"; do
	wait "$pid" || fail "an operation: $(tail -n 3 "$scratch/out")"
done
raw_works
raw_finish
