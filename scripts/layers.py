#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which file of kernel/ calls which, and does a call or an include go upward in the order of
the layers (`layers` in kernel/Kbuild)? compat/ comes before all of them, main.c after; io/ and
vfs/ stand on one level. Found by the names of functions, as the house style writes them; a
table of functions is no call. Called by scripts/lint.sh.

usage: scripts/layers.py [--table | --graph FILE...]
  --table   files of each folder, upward arrows, largest circle: for docs/decisions/
  --graph   what a file (op/ends.c) calls

Exit: 0: no complaint; 1: complaints, one a line."""
import collections
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KERNEL = os.path.join(TOP, 'kernel')
# Files that call each other in a circle, at most.
CIRCLE_MAX = 5
SAME_LEVEL = {'io', 'vfs'}
# Files that may call and include upward, with the reason.
UPWARD = {
    # nobody but the kernel calls it
    'compat/entry.c': 'entry points of the VFS in the shape that a kernel wants',
}


def die(text):
    print(f'layers: {text}', file=sys.stderr)
    sys.exit(2)


def read(path):
    with open(os.path.join(KERNEL, path), encoding='utf-8') as f:
        return f.read()


def without_comments(text):
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    return re.sub(r'//[^\n]*', '', text)


def layer_order():
    found = re.search(r'^layers := (.*)$', read('Kbuild'), re.M)
    if not found:
        die('kernel/Kbuild has no line "layers := "')
    return ['compat'] + found.group(1).split() + ['.']


def sources():
    found = []
    for folder, dirs, names in os.walk(KERNEL):
        dirs[:] = [d for d in dirs if d != 'probes']
        for name in names:
            if name.endswith(('.c', '.h')) and name != 'config.h':
                path = os.path.relpath(os.path.join(folder, name), KERNEL)
                found.append(os.path.normpath(path))
    return sorted(found)


def folder_of(path):
    return os.path.dirname(path) or '.'


FUNCTION = re.compile(r'^(?!typedef|#)[A-Za-z_][^;{}()=#]*?[ *](\w+)\([^{};]*\)\s*\{', re.M)
EXPORTED = re.compile(r'^(?!static(?! inline)|typedef|#)[A-Za-z_][^;{}()=#]*?[ *](\w+)'
                      r'\([^{};]*\)\s*\{', re.M)
MACRO = re.compile(r'^#define (\w+)\(', re.M)


def definitions(texts):
    """Name of a function that other files can call -> its file."""
    found = {}
    for path, text in texts.items():
        names = [m.group(1) for m in EXPORTED.finditer(text)]
        if path.endswith('.h'):
            names += [m.group(1) for m in MACRO.finditer(text)]
        for name in names:
            found.setdefault(name, path)
    return found


def bodies(path, text):
    """What is executed: of a header only its inline functions and macros."""
    if path.endswith('.c'):
        return text
    found = []
    for m in FUNCTION.finditer(text):
        end = text.find('\n}', m.end())
        found.append(text[m.start():end])
    found += re.findall(r'^#define \w+\((?:[^\n]*\\\n)*[^\n]*', text, re.M)
    return '\n'.join(found)


def call_graph(texts):
    """(caller, callee) -> names."""
    where = definitions(texts)
    calls = collections.defaultdict(set)
    for path, text in texts.items():
        own = {m.group(1) for m in FUNCTION.finditer(text)}
        for name in set(re.findall(r'\b([A-Za-z_]\w*)\(', bodies(path, text))) - own:
            if name in where and where[name] != path:
                calls[path, where[name]].add(name)
    return calls


def include_graph(texts):
    by_name = {os.path.basename(p): p for p in texts if p.endswith('.h')}
    found = set()
    for path in texts:
        for name in re.findall(r'^#include "([^"]+)"', read(path), re.M):
            target = by_name.get(os.path.basename(name))
            if target and target != path:
                found.add((path, target))
    return found


def upward(order, edges):
    rank = {folder: i for i, folder in enumerate(order)}
    found = []
    for source, target in sorted(edges):
        a, b = folder_of(source), folder_of(target)
        if rank[b] > rank[a] and not {a, b} <= SAME_LEVEL and source not in UPWARD:
            found.append((source, target))
    return found


def circles(files, edges):
    """Groups of files that reach each other by calls (Tarjan)."""
    after = collections.defaultdict(list)
    for a, b in edges:
        after[a].append(b)
    number, low, stack, found = {}, {}, [], []

    def visit(v):
        number[v] = low[v] = len(number)
        stack.append(v)
        for w in after[v]:
            if w not in number:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], number[w])
        if low[v] == number[v]:
            group = []
            while not group or group[-1] != v:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10000)
    for v in files:
        if v not in number:
            visit(v)
    return sorted(found, key=len, reverse=True)


def print_table(order, texts, up, groups):
    lines = collections.Counter()
    files = collections.Counter()
    for path in texts:
        files[folder_of(path)] += 1
        lines[folder_of(path)] += read(path).count('\n')
    print('| folder | files | lines |\n|---|---|---|')
    for folder in order:
        print(f'| {folder} | {files[folder]} | {lines[folder]} |')
    print(f'\nupward arrows: {len(up)}; largest circle: {len(groups[0]) if groups else 0} files')


def main():
    order = layer_order()
    texts = {path: without_comments(read(path)) for path in sources()}
    for path in texts:
        if folder_of(path) not in order:
            die(f'kernel/{path}: its folder is in no layer of kernel/Kbuild')
    calls = call_graph(texts)
    if sys.argv[1:2] == ['--graph']:
        for (source, target), names in sorted(calls.items()):
            if source in sys.argv[2:]:
                print(f'{source} -> {target}: {", ".join(sorted(names))}')
        return 0
    up_calls = upward(order, calls)
    up_includes = upward(order, include_graph(texts))
    groups = circles(texts, calls)
    if sys.argv[1:] == ['--table']:
        print_table(order, texts, set(up_calls) | set(up_includes), groups)
        return 0
    if sys.argv[1:]:
        die('usage: layers.py [--table | --graph FILE...]')
    for source, target in up_calls:
        print(f'kernel/{source} calls upward, {target}: '
              f'{", ".join(sorted(calls[source, target]))}')
    for source, target in up_includes:
        print(f'kernel/{source} includes upward, {target}')
    large = [g for g in groups if len(g) > CIRCLE_MAX]
    for group in large:
        print(f'kernel/: a circle of {len(group)} files: {" ".join(group)}')
    return 1 if up_calls or up_includes or large else 0


if __name__ == '__main__':
    sys.exit(main())
