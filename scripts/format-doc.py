#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The generated parts of docs/tierfs-format.md: a table for each struct of tierfs_disk.h, and hex
dumps that a program prints (tests/unit/plugins/tierfs/example.c). A part stands between the lines

    <!-- struct tierfs_super -->  or  <!-- hex super -->   and   <!-- end -->

usage: scripts/format-doc.py [--write] DOC HEADER PROGRAM

Without --write the document is compared with what it should be. Exit: 0: it is that; 1: it is not
(a diff is printed); 2: usage, or a struct or dump that is not there."""
import difflib
import re
import subprocess
import sys

SIZES = {'uint8_t': 1, 'char': 1, 'uint16_t': 2, 'uint32_t': 4, 'uint64_t': 8, 'int64_t': 8,
         'tierfs_place_t': 8}
FIELD = re.compile(r'(struct \w+|\w+) (\w+(?:\[[^]]+\])*(?:, \w+)*);\s*(?:/\*(.*?)\*/)?', re.S)


def die(text):
    print(f'format-doc: {text}', file=sys.stderr)
    sys.exit(2)


def constants(text):
    found = {}
    for name, value in re.findall(r'^#define (TIERFS_\w+)\s+(\d+)U?\b', text, re.M):
        found[name] = int(value)
    return found


def number(text, known):
    for name in sorted(known, key=len, reverse=True):
        text = text.replace(name, str(known[name]))
    if not re.fullmatch(r'[\d +*/()-]+', text):
        die(f'{text} is no number')
    return int(eval(text, {'__builtins__': {}}))    # digits and signs only


class Header:
    def __init__(self, text):
        self.known = constants(text)
        self.structs = {}
        self.sizes = dict(SIZES)
        for name, body in re.findall(r'^struct (\w+) \{\n(.*?)^\};', text, re.M | re.S):
            self.add(name, body)
        for name, size in re.findall(r'^TIERFS_SIZE_IS\((\w+), ([^)]+)\)', text, re.M):
            if self.sizes.get(name) != number(size, self.known | {'TIERFS_BLOCK': 4096}):
                die(f'struct {name} has not {size} bytes here')

    def add(self, name, body):
        """A struct within another one has a table of its own."""
        inner = re.search(r'\tstruct (\w+) \{\n(.*?)\n\t\} (\w+\[\d+\]);', body, re.S)
        if inner:
            self.add(inner.group(1), inner.group(2))
            body = body.replace(inner.group(0), f'\tstruct {inner.group(1)} {inner.group(3)};')
        rows, at = [], 0
        for kind, names, comment in FIELD.findall(re.sub(r'^\t/\*.*?\*/\n', '', body, flags=re.M)):
            size = self.sizes[kind.replace('struct ', '')]
            for field in names.split(', '):
                count = 1
                for dim in re.findall(r'\[([^]]+)\]', field):
                    count *= number(dim, self.known)
                rows.append((at, size * count, field.split('[')[0], count,
                             ' '.join(comment.replace('*', ' ').split())))
                at += size * count
        self.structs[name] = rows
        self.sizes[name] = at

    def table(self, name):
        if name not in self.structs:
            die(f'there is no struct {name}')
        lines = ['', '| offset | bytes | field | |', '|---|---|---|---|']
        for at, size, field, count, comment in self.structs[name]:
            field = f'`{field}`' + (f' [{count}]' if count > 1 else '')
            comment = comment.replace('|', '\\|')
            lines.append(f'| {at} | {size} | {field} | {comment} |')
        return lines + [f'| {self.sizes[name]} | | | |', '']


def dumps(program):
    found, name = {}, None
    out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        if line.startswith('== '):
            name = line[3:]
            found[name] = []
        else:
            found[name].append(line)
    return found


def generate(doc, header, hexes):
    lines, skip = [], False
    for line in doc.splitlines():
        part = re.fullmatch(r'<!-- (struct|hex) (\w+) -->', line)
        if line == '<!-- end -->':
            skip = False
        if not skip:
            lines.append(line)
        if part and part.group(1) == 'struct':
            lines += header.table(part.group(2))
        elif part:
            if part.group(2) not in hexes:
                die(f'there is no dump {part.group(2)}')
            lines += ['```'] + hexes[part.group(2)] + ['```']
        skip = skip or bool(part)
    return '\n'.join(lines) + '\n'


def main():
    args = sys.argv[1:]
    write = args[:1] == ['--write']
    if len(args) != 3 + write:
        die('usage: format-doc.py [--write] DOC HEADER PROGRAM')
    path, header, program = args[write:]
    with open(path, encoding='utf-8') as f:
        doc = f.read()
    with open(header, encoding='utf-8') as f:
        should_be = generate(doc, Header(f.read()), dumps(program))
    if write:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(should_be)
        return 0
    sys.stdout.writelines(difflib.unified_diff(doc.splitlines(True), should_be.splitlines(True),
                                               path, 'as it should be'))
    return int(doc != should_be)


if __name__ == '__main__':
    sys.exit(main())
