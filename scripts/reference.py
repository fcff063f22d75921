#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The reference of the SDK, a man page made of the public headers and their comments, and the
check that nothing which is exported is missing there. Called by the build (docs/man/meson.build)
and by a unit test.

usage: reference.py NAME TITLE HEADER...   prints the page NAME(3)
       reference.py --check PAGE MAP       each function of a symbol map has an entry with a text

What is read is this project's style, no C at large: a comment that ends on the line before a
declaration is its text, and that of the declarations which follow without an empty line. A comment
/* ---- x ---- */ begins a section, the first comment of a header is about all of it."""
import re
import sys

FUNCTION = re.compile(r'\b(zus_\w+|fake_\w+)\(')


class Item:
    """One declaration: its lines, its text, and the names of functions in it."""

    def __init__(self, lines, text):
        self.lines, self.text = lines, text
        first = ' '.join(lines)
        is_type = re.match(r'(typedef )?(struct|enum|union) \w+( \w+)? \{', first)
        self.names = [] if is_type else FUNCTION.findall(first)[:1]
        if lines[0].startswith('#define'):
            self.names = re.findall(r'#define (\w+)', lines[0])


def comment_text(lines):
    """The lines of a comment without its marks."""
    out = []
    for i, line in enumerate(lines):
        line = line.strip('\n')
        if i == 0:
            line = re.sub(r'^\s*/\*+ ?', '', line)
        else:
            line = re.sub(r'^\s*\* ?(?!/)', '', line)
        out.append(re.sub(r'\s*\*/\s*$', '', line).rstrip())
    while out and not out[0]:
        out.pop(0)
    while out and not out[-1]:
        out.pop()
    return out


def declaration_end(lines, i):
    """The line behind a declaration that begins at line i, and its lines without a body."""
    if lines[i].startswith('#define'):
        end = i
        while lines[end].rstrip().endswith('\\'):
            end += 1
        # of a macro that does something its head is enough
        return end + 1, lines[i:end + 1] if end == i else [lines[i].rstrip('\\\n\t ') + '\n']
    depth, end, head = 0, i, []
    is_body = lines[i].startswith('static inline')
    while True:
        line = re.sub(r'/\*.*?\*/', '', lines[end])
        if is_body and line.startswith('{'):
            while not lines[end].startswith('}'):
                end += 1
            return end + 1, head
        head.append(lines[end])
        depth += line.count('{') - line.count('}')
        if not depth and re.search(r';\s*(/\*.*)?$', line):
            # a comment behind it that goes on
            while '/*' in lines[end] and '*/' not in lines[end]:
                end += 1
                head.append(lines[end])
            return end + 1, head
        end += 1


def is_skipped(line):
    return re.match(r'#(if|end|el|undef|include)|#define ZUS_\w+_H$|extern "C"|\}$|struct \w+;$',
                    line.strip()) is not None


def parse(path):
    """(head, items): items are an Item, or a string, which begins a section."""
    with open(path, encoding='utf-8') as f:
        lines = f.readlines()
    head, items, text, i = None, [], [], 0
    while i < len(lines):
        line = lines[i]
        if not line.strip():
            text, i = [], i + 1
        elif line.lstrip().startswith('/*'):
            end = i
            while '*/' not in lines[end]:
                end += 1
            text = comment_text(lines[i:end + 1])
            section = re.match(r'---- (.*) ----$', ' '.join(text))
            if section:
                items.append(section.group(1))
                text = []
            elif head is None and 'SPDX' not in text[0]:
                head, text = text, []
            elif re.match(r'---- .* ----$', text[0]):
                items.append('\n'.join([text[0].strip('- ')] + text[1:]))
                text = []
            elif not lines[end + 1].strip() and 'SPDX' not in text[0]:
                items.append(Item([], text))
            i = end + 1
        elif is_skipped(line):
            i += 1
        else:
            i, declaration = declaration_end(lines, i)
            items.append(Item(declaration, text))
    return head or [], items


# ---- the page ----

def roff(line):
    line = line.replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + line if line[:1] in '.\'' else line


def roff_text(text, lines):
    """Paragraphs; what is set in stays as it is, as a table or a picture."""
    out, verbatim, after_gap, after_mark = [], False, False, False
    for line in text:
        is_set_in = line.startswith(('\t', '    ')) or re.match(r'  +\S', line) is not None
        if not line:
            after_gap = True
            continue
        if is_set_in and not verbatim:
            out.append('.EX')
        elif not is_set_in and verbatim:
            out.append('.EE')
        if after_gap and verbatim and is_set_in:
            out.append('')
        elif after_gap and out:
            out.append('.PP')
        verbatim, after_gap = is_set_in, False
        mark = re.match(r'(@\w+): (.*)', line)
        if mark and not is_set_in:
            out += ['.br', f'\\fI{roff(mark.group(1)[1:])}\\fR: {roff(mark.group(2))}']
            after_mark = True
        else:
            if after_mark and not is_set_in:
                out.append('.br')
            after_mark = False
            out.append(roff(line.expandtabs() if is_set_in else line))
    if verbatim:
        out.append('.EE')
    lines += out


def without_title(item):
    """The first line of a kernel-doc comment names the function: the rest of it."""
    text = list(item.text)
    if text and re.match(r'\w+\(\) - ', text[0]):
        title = re.sub(r'^\w+\(\) - ', '', text[0])
        text[0] = title[0].upper() + title[1:] + '.'
    return text


def put_group(group, out):
    """Declarations that share a text."""
    for item in group:
        out += [f'.\\" entry {name}' for name in item.names]
    out += ['.PP', '.nf', '.ft B']
    for item in group:
        for line in item.lines:
            out.append(roff(line.rstrip().expandtabs()))
    out += ['.ft R', '.fi']
    text = without_title(group[0])
    if text:
        out.append('.RS 4')
        roff_text(text, out)
        out.append('.RE')


def put_header(path, out):
    head, items = parse(path)
    name = re.sub(r'^.*include/', '', path)
    out.append(f'.SH "<{name}>"')
    roff_text(head, out)
    group = []
    for item in items:
        is_more = isinstance(item, Item) and group and item.lines and item.text and \
            item.text is group[0].text
        if group and not is_more:
            put_group(group, out)
            group = []
        if isinstance(item, str):
            title, _, text = item.partition('\n')
            out.append(f'.SS "{roff(title)}"')
            roff_text(text.split('\n') if text else [], out)
        elif not item.lines:
            out.append('.PP')
            roff_text(item.text, out)
        else:
            group.append(item)
    if group:
        put_group(group, out)


def page(name, title, headers):
    out = ['.\\" SPDX-License-Identifier: BSD-2-Clause',
           '.\\" Made by scripts/reference.py of the public headers.',
           f'.TH {name.upper()} 3 "2026" "zufs" "ZUFS SDK"', '.SH NAME',
           f'{name} \\- {roff(title)}', '.SH SYNOPSIS', '.nf']
    out += [f'.B #include <{re.sub("^.*include/", "", h)}>' for h in headers]
    out += ['.PP', f'.B cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs {name})', '.fi']
    for header in headers:
        put_header(header, out)
    out += ['.SH SEE ALSO', '.BR libzus (3),', '.BR libzufake (3),', '.BR zus_opt_parse (3),',
            '.BR zusd (8)']
    print('\n'.join(out))


# ---- the check ----

def exported(path):
    with open(path, encoding='utf-8') as f:
        text = f.read()
    return re.findall(r'^\t(\w+);', text.split('global:')[1].split('local:')[0], re.M)


def entries(path):
    """name -> has it a text?"""
    found, group, is_head = {}, [], False
    with open(path, encoding='utf-8') as f:
        for line in f:
            mark = re.match(r'\.\\" entry (\w+)$', line)
            if mark:
                group = (group if is_head else []) + [mark.group(1)]
                found.setdefault(mark.group(1), False)
            elif line.startswith('.RS'):
                found.update(dict.fromkeys(group, True))
            is_head = mark is not None
    return found


def check(page_path, map_path):
    found, missing = entries(page_path), 0
    for name in exported(map_path):
        if not found.get(name):
            print(f'{name}: {"no text" if name in found else "no entry"} in {page_path}')
            missing += 1
    return 1 if missing else 0


if len(sys.argv) == 4 and sys.argv[1] == '--check':
    sys.exit(check(sys.argv[2], sys.argv[3]))
if len(sys.argv) < 4 or sys.argv[1].startswith('-'):
    sys.exit(__doc__.split('\n\n')[1])
page(sys.argv[1], sys.argv[2], sys.argv[3:])
