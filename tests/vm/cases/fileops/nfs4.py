# SPDX-License-Identifier: BSD-2-Clause
"""As much of an NFS client of version 4.0 as asks for an attribute that stat(2) does not show."""

import socket
import struct

PUTROOTFH, LOOKUP, GETATTR = 24, 15, 9
CHANGE = 3


def opaque(data):
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


class Nfs4:
    def __init__(self):
        self.sock = socket.create_connection(("127.0.0.1", 2049))
        self.xid = 0

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            assert more, "the server has closed the connection"
            data += more
        return data

    def _compound(self, count, operations):
        """What comes back behind the results' number."""
        self.xid += 1
        cred = struct.pack(">I", 0) + opaque(b"") + struct.pack(">III", 0, 0, 0)
        call = struct.pack(">6I", self.xid, 0, 2, 100003, 4, 1)
        call += struct.pack(">I", 1) + opaque(cred) + struct.pack(">II", 0, 0)
        call += opaque(b"") + struct.pack(">II", 0, count) + operations
        self.sock.sendall(struct.pack(">I", 1 << 31 | len(call)) + call)
        length, = struct.unpack(">I", self._exactly(4))
        reply = self._exactly(length & 0x7fffffff)
        # xid, reply, accepted, empty verifier, success; then the compound's status
        head = struct.unpack_from(">7I", reply)
        assert head[:6] == (self.xid, 1, 0, 0, 0, 0), head
        assert head[6] == 0, f"NFS error {head[6]}"
        tag, = struct.unpack_from(">I", reply, 28)
        return reply[32 + (tag + 3) // 4 * 4 + 4:]

    def change(self, *names):
        """The change attribute of what this path from the root leads to."""
        operations = struct.pack(">I", PUTROOTFH)
        for name in names:
            operations += struct.pack(">I", LOOKUP) + opaque(name.encode())
        operations += struct.pack(">III", GETATTR, 1, 1 << CHANGE)
        results = self._compound(len(names) + 2, operations)
        # an operation and its status each; of the last one the words of its mask, its bytes
        results = results[8 * (len(names) + 1):]
        operation, status, words, mask, size, value = struct.unpack(">5IQ", results)
        assert (operation, status, words, mask, size) == (GETATTR, 0, 1, 1 << CHANGE, 8)
        return value

    def close(self):
        self.sock.close()
