# SPDX-License-Identifier: BSD-2-Clause
"""File handles: name_to_handle_at and open_by_handle_at, which Python does not have.

usage: fh.py save FILE PATH...		write the handles of the paths
       fh.py open FILE FOLDER...	open all of them; prints OK or the errno of each
"""

import ctypes
import errno
import os
import sys

from nstest import AT_FDCWD, LIBC

HEAD, MAX = 8, 128
AT_EMPTY_PATH = 0x1000


def handle_of(path, flags=0):
    """Type and bytes in the layout of struct file_handle."""
    buf = ctypes.create_string_buffer(HEAD + MAX)
    buf[0:4] = MAX.to_bytes(4, "little")
    mount_id = ctypes.c_int()
    if LIBC.name_to_handle_at(AT_FDCWD, os.fsencode(path), buf, ctypes.byref(mount_id),
                              flags) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return buf.raw[:HEAD + int.from_bytes(buf.raw[0:4], "little")]


def open_handle(mount, handle, flags=os.O_RDONLY | os.O_NONBLOCK):
    """A descriptor; mount: a folder of that file system."""
    where = os.open(mount, os.O_RDONLY)
    try:
        fd = LIBC.open_by_handle_at(where, ctypes.create_string_buffer(handle), flags)
    finally:
        os.close(where)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd


def main():
    what, file, *paths = sys.argv[1:]
    if what == "save":
        with open(file, "w") as f:
            for path in paths:
                print(handle_of(path).hex(), file=f)
        return
    for line in open(file):
        try:
            os.close(open_handle(paths[0], bytes.fromhex(line)))
            print("OK")
        except OSError as e:
            print(errno.errorcode[e.errno])


if __name__ == "__main__":
    main()
