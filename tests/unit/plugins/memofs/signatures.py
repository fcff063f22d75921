#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# What other systems leave on a device, as little as it takes to be recognised.
#
# usage: signatures.py KIND FILE

import os
import struct
import sys

RAID = 0xa92b4efc


def md10(size):
    start = (size // 512 - 16) & ~7
    block = bytearray(1024)
    struct.pack_into('<IIII', block, 0, RAID, 1, 0, 0)
    block[16:32] = bytes(range(16))
    block[32:40] = b'host:md0'
    struct.pack_into('<II', block, 72, 1, 0)
    struct.pack_into('<Q', block, 144, start)
    return [(start * 512, bytes(block))]


def md090(size):
    block = bytearray(4096)
    struct.pack_into('<IIII', block, 0, RAID, 0, 90, 0)
    struct.pack_into('<I', block, 20, 0x11223344)
    return [((size & ~65535) - 65536, bytes(block))]


def zfs(size):
    return [(label + 131072 + i * 1024, struct.pack('<QQQQQ', 0x00bab10c, 5000, 4 + i, 1, 1))
            for label in (0, 262144, size - 524288, size - 262144) for i in range(128)]


def gfs2(_size):
    return [(65536, struct.pack('>IIQIIIII', 0x01161970, 1, 0, 100, 0, 1801, 1900, 0))]


def lvm(_size):
    return [(3 * 512, b'LABELONE' + struct.pack('<QII', 3, 0, 32) + b'LVM2 001' + b'a' * 32)]


def ocfs2(_size):
    return [(8192, b'OCFSV2'), (4096, b'OCFSV2')]


kind, path = sys.argv[1:]
fd = os.open(path, os.O_RDWR)
for at, data in globals()[kind](os.lseek(fd, 0, os.SEEK_END)):
    os.pwrite(fd, data, at)
