#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A store fault whose answer comes to nothing: its put lets the server give away what the page
# showed before, so no older entry may be left by then, in any mapping of the file.

. "$TOP/tests/rawserver/lib.sh"
need python3

raw_setup
raw_start --caps 6
raw_mount
app write "$mnt/file" 0 64k
cat >"$scratch/stores.py" <<'TEXT'
import ctypes, mmap, os, subprocess, sys

fd = os.open(sys.argv[1], os.O_RDWR)
ctl = lambda *w: subprocess.run(["/run/rawserver", "--socket", sys.argv[2], "--ctl", *w],
                                check=True, stdout=subprocess.PIPE).stdout.decode()
gets = lambda: sum(line.startswith("GET_MULTY") for line in ctl("record").splitlines())
maps = [mmap.mmap(fd, 65536) for _ in range(2)]
for number, rule in enumerate(("do=iomn:0", "do=iomn:0xffffffff", "do=word:0x2fffffffffffff8",
                               "do=word:0")):
    page = number * 4096
    for m in maps:
        m[page]
    ctl("forget")
    for m in maps:
        m[page]
    assert gets() == 0, "asked for what is there"
    ctl("only", "op=GET_MULTY", rule)
    child = os.fork()
    if not child:
        maps[0][page] = 1
        os._exit(0)
    assert os.waitpid(child, 0)[1] & 127 == 7, "no SIGBUS"
    ctl("clear")
    ctl("forget")
    for m in maps:
        m[page]
    assert gets() == 2, f"{rule}: {gets()} faults: an older entry was left"
TEXT
python3 "$scratch/stores.py" "$mnt/file" "$raw_socket"
balanced() {
	[ "$(stat_of contracts)" = 0 ]
}
wait_until 5 balanced
raw_works
raw_finish
