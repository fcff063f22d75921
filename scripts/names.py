#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Names that comments and documents speak of but the tree does not have: functions, types and
constants with one of the project's prefixes, `file.c: name`, and source files. A name that ends
with _ stands for all that begin so. Called by scripts/lint.sh.

usage: scripts/names.py

Exit: 0: none; 1: complaints, one a line (file:line: name)."""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAME = re.compile(r'\b(?:zuf|zus|zusd|zufs|memofs|coldfs|drillfs|ZUFS?|ZUS)_[A-Za-z0-9_]+')
IN_FILE = re.compile(r'`(\w+\.[ch]): (\w+)`')
FILE = re.compile(r'(?<![\w./<-])(?:[a-z][\w-]*/)*[a-z][\w-]*\.[ch]\b')
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
# Files that are not of this tree.
FOREIGN = {'config.h', 'hellofs.c', 'iversion.h'}
# Names that are made by pasting, or are somebody else's.
PASTED = re.compile(r'^(zufs_(up|down|mount|demo|root)$|ZUF_EV_|ZUF_HAVE_|zuf_(state|server)$)')


def tracked():
    out = subprocess.check_output(['git', '-C', TOP, 'ls-files', '-co', '--exclude-standard'],
                                  text=True)
    return [f for f in out.split('\n') if f and os.path.isfile(os.path.join(TOP, f))]


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8', errors='replace') as f:
        return f.read()


def blank(text):
    """The same lines without comments."""
    return COMMENT.sub(lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text)


def comments(text):
    for m in COMMENT.finditer(text):
        line = text.count('\n', 0, m.start()) + 1
        for i, part in enumerate(m.group(0).split('\n')):
            yield line + i, part


def main():
    files = tracked()
    known, paths = set(), set()
    spoken = []
    for path in files:
        base = os.path.basename(path)
        if path.endswith(('.c', '.h', '.py', '.sh', '.build', '.map', '.tsv')) or \
                '.' not in base or base == 'Kbuild':
            text = read(path)
            code = blank(text) if path.endswith(('.c', '.h')) else text
            known.update(re.findall(r'\w+', code))
        if path.endswith(('.c', '.h')):
            paths.add(path)
            spoken += [(path, n, t) for n, t in comments(read(path))]
        elif path.endswith('.md') and base != 'CHANGELOG.md':
            spoken += [(path, n + 1, t) for n, t in enumerate(read(path).split('\n'))]
    bad = 0
    for path, line, text in spoken:
        for name in NAME.findall(text):
            if name in known or PASTED.match(name):
                continue
            if any(k.startswith(name.rstrip('_') + '_') for k in known):
                continue
            print(f'{path}:{line}: {name}')
            bad += 1
        for base, name in IN_FILE.findall(text):
            if not any(re.search(rf'\b{name}\b', read(f)) for f in paths
                       if os.path.basename(f) == base):
                print(f'{path}:{line}: {name} is not in {base}')
                bad += 1
        for name in FILE.findall(text):
            if os.path.basename(name) in FOREIGN or \
                    any(f == name or f.endswith('/' + name) for f in paths):
                continue
            print(f'{path}:{line}: {name}')
            bad += 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
