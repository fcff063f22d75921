// SPDX-License-Identifier: BSD-2-Clause
/*
 * list.c - lists of commands as text: ELEMENT[,ELEMENT...]
 *
 *	t2read:T2:T1[:PAGES]	t2write:T2:T1[:PAGES]	memread:T2:MEM:BYTES
 *	memwrite:T2:MEM:BYTES	unmap:PAGE:PAGES[:INO]	discard:T2:PAGES
 *	repeat:N		wbinv			word:NUMBER
 *
 * Numbers: 12, 0xc, or one of s (a scratch block of T1), m (server memory), t1 (bytes of T1),
 * t2 (blocks of T2), alone or followed by a number: s3, m+4096, t1-8. Nothing is checked: the
 * kernel shall.
 */
#include "drill.h"

#include <stdlib.h>
#include <string.h>

#define MAX_OPERANDS	3

static const struct {
	const char *name;
	uint32_t op;
	uint32_t op_len;		/* with one operand more, if there is such a form */
	unsigned int operands;
} elements[] = {
	{ "t2read", IOM_T2_READ, IOM_T2_READ_LEN, 2 },
	{ "t2write", IOM_T2_WRITE, IOM_T2_WRITE_LEN, 2 },
	{ "memread", IOM_T2_ZUSMEM_READ, 0, 3 },
	{ "memwrite", IOM_T2_ZUSMEM_WRITE, 0, 3 },
	{ "unmap", IOM_UNMAP, IOM_UNMAP, 2 },
	{ "discard", IOM_DISCARD, 0, 2 },
	{ "repeat", IOM_REPEAT, 0, 1 },
	{ "wbinv", IOM_WBINV, 0, 0 },
};

/* The value of a name that begins a number; *text moves behind it. */
static uint64_t base_of(struct drill_sb *d, const char **text, uint64_t *unit)
{
	const struct zus_md *md = d->msb.sb.md;
	const char *t = *text;

	*unit = 1;
	if (!strncmp(t, "t1", 2) || !strncmp(t, "t2", 2)) {
		*text += 2;
		return t[1] == '1' ? md->t1_blocks << ZUS_BLOCK_SHIFT : md->t2_blocks;
	}
	if (*t == 's') {
		++*text;
		*unit = ZUS_BLOCK_SIZE;
		return d->scratch << ZUS_BLOCK_SHIFT;
	}
	if (*t == 'm') {
		++*text;
		return (uint64_t)(uintptr_t)d->mem;
	}
	return 0;
}

bool drill_number(struct drill_sb *d, const char *text, uint64_t *value)
{
	uint64_t unit;
	bool minus;
	char *end;

	*value = base_of(d, &text, &unit);
	if (!*text)
		return true;
	minus = *text == '-';
	if (minus || *text == '+')
		text++;
	*value += (minus ? -1 : 1) * strtoull(text, &end, 0) * unit;
	return end != text && !*end;
}

static uint32_t put_words(uint64_t *words, uint32_t op, const uint64_t *operand)
{
	uint32_t n = zufs_iom_words(op);

	words[0] = zufs_iom_pack(op, operand[0]);
	if (n > 1)
		words[1] = operand[1];
	if (n > 2)
		words[2] = operand[2];
	if (op == IOM_DISCARD) {
		words[1] = 0;
		words[2] = operand[1];
	}
	return n;
}

/* Up to four numbers behind colons; how many, or -1. */
static int parse_operands(struct drill_sb *d, char *rest, uint64_t *operand)
{
	int n = 0;
	char *word;

	while (rest && (word = strsep(&rest, ":"))) {
		if (n == MAX_OPERANDS || !drill_number(d, word, &operand[n]))
			return -1;
		n++;
	}
	return n;
}

/* One element; its words, 0 = not understood. */
static uint32_t parse_element(struct drill_sb *d, char *rest, uint64_t *words)
{
	uint64_t operand[MAX_OPERANDS] = { 0 };
	char *name = strsep(&rest, ":");
	int n = parse_operands(d, rest, operand);
	size_t i;

	if (!strcmp(name, "word") && n == 1) {
		words[0] = operand[0];
		return 1;
	}
	for (i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		if (strcmp(elements[i].name, name))
			continue;
		if (n == (int)elements[i].operands)
			return put_words(words, elements[i].op, operand);
		if (n == (int)elements[i].operands + 1 && elements[i].op_len)
			return put_words(words, elements[i].op_len, operand);
	}
	return 0;
}

const char *drill_list_parse(struct drill_sb *d, char *text, uint64_t *words, uint32_t *n)
{
	uint32_t got;
	char *element;

	*n = 0;
	while ((element = strsep(&text, ","))) {
		if (*n + MAX_OPERANDS > DRILL_LIST_WORDS)
			return "the list is too long";
		got = parse_element(d, element, words + *n);
		if (!got)
			return "bad element";
		*n += got;
	}
	return NULL;
}
