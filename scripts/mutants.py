# SPDX-License-Identifier: BSD-2-Clause
"""The mutants of a C source of this tree: small changes, each of which a test should see.

Kinds: negate (conditions of if, && for ||), bounds (comparisons, + 1, - 1), drop (a statement),
errno (another one than the contract says), and the kinds whose every mutant must be seen:
flush (dropped flushes, fences, streaming stores) and unlock. Relies on the house style: a
function begins and ends with a brace in the first column. What is only said (logs) stays, and so
do calls that take a lock: a thread sanitizer sees these, and not each time."""
import re

MUST = ('flush', 'unlock')
KEYWORDS = ('return', 'if', 'else', 'for', 'while', 'do', 'switch', 'case', 'default', 'goto',
            'break', 'continue', 'sizeof', 'const', 'static', 'struct', 'enum', 'union',
            'unsigned', 'signed', 'void', 'char', 'int', 'long', 'short', 'bool')
FLUSH = re.compile(r'\b\w*(flush|fence|persist|clwb|_stream_|(copy|zero)_nt)\w*\(')
UNLOCK = re.compile(r'\b\w*unlock\w*\(')
SAYS = re.compile(r'\b(zus_(err|warn|info|dbg)|zusd_log|f?printf|fputs|perror|say|warn)\([^;]*;')
LOCKS = re.compile(r'^pthread_(mutex_|rwlock_rd|rwlock_wr|spin_)lock\(')
STATEMENT = re.compile(r'^(?:\(void\))?\(?\*?[A-Za-z_]\w*'
                       r'(?=[\w\s]*(?:\(|->|\.|\[|[-+|&^*/%<>]*=|\+\+|--))')
DECLARES = re.compile(r'^[A-Za-z_]\w*(\s+\*?|\s*\*)[A-Za-z_]\w*\s*(=|;|,|\[|\()')
SWAPS = (
    ('bounds', re.compile(r' (<=|>=|<|>) '), {'<': '<=', '<=': '<', '>': '>=', '>=': '>'}),
    ('bounds', re.compile(r' (==|!=) '), {'==': '!=', '!=': '=='}),
    ('negate', re.compile(r' (&&|\|\|)(?=\s)'), {'&&': '||', '||': '&&'}),
)


class Mutant:
    """One change of text[start:end]; line counts from 1."""

    def __init__(self, path, text, kind, start, end, new):
        self.path, self.kind, self.start, self.end, self.new = path, kind, start, end, new
        self.line = text.count('\n', 0, start) + 1
        first = text.rfind('\n', 0, start) + 1
        last = text.find('\n', end)
        self.old_line = ' '.join(text[first:last].split())
        self.new_line = ' '.join((text[first:start] + new + text[end:last]).split())

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]

    def __str__(self):
        return f'{self.path}:{self.line}: {self.kind}: {self.old_line}  ->  {self.new_line}'


def blank(match):
    return re.sub(r'[^\n]', ' ', match.group())


def masked(text):
    """The text with comments, strings, logs, #else and the preprocessor's lines blanked."""
    text = re.sub(r'^#else\b.*?^#endif', blank, text, flags=re.S | re.M)
    text = re.sub(r'/\*.*?\*/|//[^\n]*', blank, text, flags=re.S)
    text = re.sub(r'^#(?:[^\n\\]|\\\n|\\.)*', blank, text, flags=re.M)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', blank, text)
    return SAYS.sub(blank, text)


def functions(code):
    """(start, end) of the bodies."""
    return [(m.start(), m.end()) for m in re.finditer(r'^\{\n.*?^\}', code, flags=re.S | re.M)]


def closing(code, at):
    """The place of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == '(') - (code[i] == ')')
        if not depth:
            return i
    return len(code)


def is_statement_start(code, at):
    before = code[:at].rstrip()
    if before.endswith(':'):
        label = before[before.rfind('\n') + 1:]
        return re.match(r'\s*(case\b.*|default|\w+)\s*:$', label)
    return before.endswith((';', '{', '}', 'else', ')'))


def dropped(code, start, end):
    """(kind, start, end) of statements that can go."""
    for m in re.finditer(r'^\t+(?=\S)', code[start:end], flags=re.M):
        at = start + m.end()
        stop = code.find(';', at)
        body = code[at:stop]
        word = re.match(r'\w*', body).group()
        if stop < 0 or '{' in body or word in KEYWORDS or LOCKS.match(body) or \
                DECLARES.match(body) or not STATEMENT.match(body + ';') or \
                not is_statement_start(code, at):
            continue
        kind = 'flush' if FLUSH.search(body) else 'unlock' if UNLOCK.search(body) else 'drop'
        yield kind, at, stop


def swapped(code, start, end):
    """(kind, start, end, new) of changed expressions."""
    for m in re.finditer(r'\bif \(', code[start:end]):
        at = start + m.end() - 1
        stop = closing(code, at)
        yield 'negate', at, stop + 1, None
    for kind, regex, table in SWAPS:
        for m in regex.finditer(code, start, end):
            yield kind, m.start(1), m.end(1), table[m.group(1)]
    for m in re.compile(r' [-+] 1(?=[\s;,)\]])').finditer(code, start, end):
        yield 'bounds', m.start(), m.end(), ''
    for m in re.compile(r'(?<=[\s(])-(E[A-Z0-9]+|errno)\b').finditer(code, start, end):
        yield 'errno', m.start(), m.end(), '-EDOM'


def mutants(path, text):
    code, found = masked(text), []
    for start, end in functions(code):
        for kind, at, stop in dropped(code, start, end):
            # the lines stay where they were
            found.append(Mutant(path, text, kind, at, stop, '\n' * text.count('\n', at, stop)))
        for kind, at, stop, new in swapped(code, start, end):
            new = f'(!{text[at:stop]})' if new is None else new
            found.append(Mutant(path, text, kind, at, stop, new))
    return sorted(found, key=lambda m: (m.start, m.end, m.kind))
