#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare two folders completely, in both directions: names, types, every byte, modes,
owners, times of change (ns), targets of symbolic links, device numbers, and which names
are links of one file. Sizes of folders are not compared.

usage: compare-trees.py EXPECTED FOUND      exit 0: equal, 1: differences (printed), 2: usage
Used by the demo and by VM cases."""
import os
import stat
import sys

CHUNK = 1 << 20
MAX_SHOWN = 20


def entries(top):
    """All paths below top, relative to it, top itself being '.'; sorted."""
    found = ['.']
    for folder, folders, files in os.walk(top):
        rel = os.path.relpath(folder, top)
        found += [os.path.normpath(os.path.join(rel, name)) for name in folders + files]
    return sorted(found)


def properties(path, st):
    """What must be equal, by name; contents come later."""
    props = {
        'type': stat.S_IFMT(st.st_mode),
        'mode': oct(stat.S_IMODE(st.st_mode)),
        'uid': st.st_uid,
        'gid': st.st_gid,
        'mtime_ns': st.st_mtime_ns,
    }
    if not stat.S_ISDIR(st.st_mode):
        props['links'] = st.st_nlink
        props['size'] = st.st_size
    if stat.S_ISLNK(st.st_mode):
        props['target'] = os.readlink(path)
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        props['device'] = st.st_rdev
    return props


def first_difference(a, b):
    """Position of the first byte that differs, or -1."""
    pos = 0
    with open(a, 'rb', buffering=0) as x, open(b, 'rb', buffering=0) as y:
        while True:
            one, two = x.read(CHUNK), y.read(CHUNK)
            if one != two:
                same = len(os.path.commonprefix([one, two]))
                return pos + same
            if not one:
                return -1
            pos += len(one)


class Comparison:
    def __init__(self, expected, found):
        self.expected, self.found = expected, found
        self.differences = 0
        self.files = self.bytes = 0
        self.groups = {}        # inode of expected -> inode of found

    def report(self, path, text):
        self.differences += 1
        if self.differences <= MAX_SHOWN:
            print(f'{path}: {text}')

    def compare_entry(self, rel):
        a, b = os.path.join(self.expected, rel), os.path.join(self.found, rel)
        x, y = os.lstat(a), os.lstat(b)
        want, have = properties(a, x), properties(b, y)
        for key, value in want.items():
            if have.get(key) != value:
                self.report(rel, f'{key} is {have.get(key)}, expected {value}')
        if self.groups.setdefault(x.st_ino, y.st_ino) != y.st_ino:
            self.report(rel, 'is not a link of the same file')
        if stat.S_ISREG(x.st_mode) and stat.S_ISREG(y.st_mode):
            self.files += 1
            self.bytes += x.st_size
            pos = first_difference(a, b)
            if pos >= 0:
                self.report(rel, f'differs at byte {pos}')

    def run(self):
        want, have = entries(self.expected), entries(self.found)
        both = set(want) & set(have)
        for rel in want:
            if rel in both:
                self.compare_entry(rel)
            else:
                self.report(rel, 'is missing')
        for rel in have:
            if rel not in both:
                self.report(rel, 'should not be there')
        print(f'{len(want)} names, {self.files} files, {self.bytes} bytes: '
              f'{self.differences} differences')
        return self.differences == 0


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    for folder in sys.argv[1:]:
        if not os.path.isdir(folder):
            print(f'{folder}: is no folder', file=sys.stderr)
            return 2
    return 0 if Comparison(sys.argv[1], sys.argv[2]).run() else 1


if __name__ == '__main__':
    sys.exit(main())
