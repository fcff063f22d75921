# SPDX-License-Identifier: BSD-2-Clause
"""A file system of FUSE with one file, "memory", whose pages do not come.

usage: hungfuse.py DIR STATE SIZE

Reads are held until SIGUSR1, after which everything is answered at once. STATE holds the
number of reads that are held. It ends with the mount, or when it is killed.
"""

import ctypes
import errno
import os
import signal
import stat
import struct
import sys

HEADER = struct.Struct("=IIQQIIII")
ATTR = struct.Struct("=6Q10I")
LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS = 1, 2, 3, 4, 14, 15, 16, 17
RELEASE, FLUSH, INIT, INTERRUPT, DESTROY, BATCH_FORGET = 18, 25, 26, 36, 38, 42
ROOT, FILE = 1, 2
NO_ANSWER = (FORGET, INTERRUPT, DESTROY, BATCH_FORGET)

where, state, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
fuse = os.open("/dev/fuse", os.O_RDWR)
held, holding = [], True


def attr(node):
    mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o644
    return ATTR.pack(node, 0 if node == ROOT else size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0,
                     4096, 0)


def answer(unique, data=b"", err=0):
    try:
        os.write(fuse, struct.pack("=IiQ", 16 + len(data), -err, unique) + data)
    except OSError:
        pass  # nobody waits for it any more


def note():
    with open(state + ".new", "w", encoding="ascii") as out:
        out.write(f"{len(held)}\n")
    os.rename(state + ".new", state)


def let_go(*_):
    global holding
    holding = False
    for unique, count in held:
        answer(unique, bytes(count))
    held.clear()
    note()


def serve(opcode, unique, node, body):
    if opcode in NO_ANSWER:
        return
    if opcode == INIT:
        answer(unique, struct.pack("=IIIIHHIIHHI28x", 7, 31, 0, 0, 16, 12, 4096, 1, 1, 0, 0))
    elif opcode == LOOKUP and body.rstrip(b"\0") == b"memory":
        answer(unique, struct.pack("=QQQQII", FILE, 0, 3600, 3600, 0, 0) + attr(FILE))
    elif opcode == LOOKUP:
        answer(unique, err=errno.ENOENT)
    elif opcode in (GETATTR, SETATTR):
        answer(unique, struct.pack("=QII", 3600, 0, 0) + attr(node))
    elif opcode == OPEN:
        answer(unique, struct.pack("=QII", 0, 0, 0))
    elif opcode == READ:
        count = struct.unpack_from("=QQI", body)[2]
        if holding:
            held.append((unique, count))
            note()
        else:
            answer(unique, bytes(count))
    elif opcode == WRITE:
        answer(unique, struct.pack("=II", struct.unpack_from("=QQI", body)[2], 0))
    elif opcode in (RELEASE, FLUSH):
        answer(unique)
    else:
        answer(unique, err=errno.ENOSYS)


libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
if libc.mount(b"hung", where.encode(), b"fuse", 0, options.encode()):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
signal.signal(signal.SIGUSR1, let_go)
note()
while True:
    try:
        message = os.read(fuse, 1 << 17)
    except OSError as err:
        if err.errno == errno.ENOENT:  # it was interrupted before we came
            continue
        break
    _, op, number, nodeid, *_ = HEADER.unpack_from(message)
    serve(op, number, nodeid, message[HEADER.size:])
