#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a C/C++ program that compares the ABI headers with tests/abi-layout.tsv.

usage: gen_layout.py TABLE OUTPUT
A row is: struct, field or ".", offset, size; or: "const", name, value. The program prints
every row that differs and returns 1 if there was one.
"""
import sys

PROLOGUE = """#include <stdio.h>
#include <string.h>
#include <stddef.h>
#include <zuf/zus_api.h>

static int bad, rows;

static void check(const char *what, unsigned long long is, unsigned long long wanted)
{
	rows++;
	if (is == wanted)
		return;
	bad++;
	printf("%s: %#llx, wanted %#llx\\n", what, is, wanted);
}

int main(void)
{
"""

EPILOGUE = """	printf("%d rows, %d differ\\n", rows, bad);
	return bad || !rows;
}
"""


def row_code(cols):
    if cols[0] == "const":
        name, value = cols[1], cols[2]
        if value.startswith('"'):
            return f'\tcheck("{name}", !!strcmp({name}, {value}), 0);\n'
        return f'\tcheck("{name}", (unsigned long long)({name}), {value}ULL);\n'
    struct, field, offset, size = cols
    if field == ".":
        return f'\tcheck("sizeof {struct}", sizeof(struct {struct}), {size});\n'
    path = f"{struct}.{field}"
    return (f'\tcheck("offset {path}", offsetof(struct {struct}, {field}), {offset});\n'
            f'\tcheck("size {path}", sizeof(((struct {struct} *)0)->{field}), {size});\n')


def main():
    table, output = sys.argv[1:3]
    with open(table, encoding="ascii") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    with open(output, "w", encoding="ascii") as f:
        f.write(PROLOGUE)
        f.writelines(row_code(cols) for cols in rows)
        f.write(EPILOGUE)


main()
