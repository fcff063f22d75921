// SPDX-License-Identifier: BSD-2-Clause
/*
 * rule.c - which operation is answered otherwise, and how
 *
 *	op=NAME [ino=N] [nth=N] [count=N] [every=N] do=WORD[:ARG] ...
 *
 * For the nth and the following operations of that name (on that inode), count of them in
 * all, 0 = for ever; of these the first of every N. An operation that is called again after
 * its list counts again. The words are in does[].
 */
#include "drill.h"

#include <stdlib.h>
#include <string.h>

static const char *const op_names[DRILL_OPS] = {
	"READ", "WRITE", "GET", "LARGE", "PUT", "PRE_READ", "TRUNCATE", "FALLOCATE", "SYNC",
	"IOCTL", "CLONE", "SETATTR", "LINK", "UNLINK",
};

static const struct {
	const char *name;
	uint32_t bit;
} does[] = {
	{ "hang", DRILL_HANG },		/* until "release" */
	{ "ret", DRILL_RET },		/* :NUMBER */
	{ "retry", DRILL_LIST },	/* :LIST, see list.c */
	{ "short", DRILL_SHORT },	/* :BLOCKS of GET, bytes of READ and WRITE */
	{ "hole", DRILL_HOLE },		/* a read finds nothing */
	{ "word", DRILL_WORD },		/* :NUMBER for every word of the answer */
	{ "lastword", DRILL_LASTWORD },	/* :NUMBER */
	{ "unmap", DRILL_UNMAP },	/* :OFFSET:LEN of mappings to drop after a write */
	{ "flip", DRILL_FLIP },		/* :INDEX:NUMBER, a word of the list, to and fro */
	{ "move", DRILL_MOVE },		/* :PAGE that READ, WRITE or GET give another block */
	{ "linger", DRILL_LINGER },	/* as hang, when GET knows its answer */
	{ "words", DRILL_WORDS },	/* for 2 MiB a word per page */
	{ "flags", 0 },			/* :NUMBER, ret_flags to add */
};

/* Two numbers with a colon between them. */
static bool two_numbers(char *arg, uint64_t *a, uint64_t *b)
{
	char *second = strchr(arg, ':'), *end;

	if (!second)
		return false;
	*second++ = 0;
	*a = strtoull(arg, &end, 0);
	if (*end)
		return false;
	*b = strtoull(second, &end, 0);
	return !*end;
}

static bool set_pair(struct drill_rule *r, uint32_t bit, char *arg)
{
	uint64_t a, b;

	if (!two_numbers(arg, &a, &b))
		return false;
	if (bit == DRILL_UNMAP) {
		r->unmap_offset = (uint32_t)a;
		r->unmap_len = (uint32_t)b;
	} else {
		r->flip_index = (uint32_t)a;
		r->flip_word = b;
	}
	return true;
}

static bool set_argument(struct drill_sb *d, struct drill_rule *r, uint32_t bit, char *arg)
{
	uint64_t value = strtoull(arg, NULL, 0);	/* takes a minus, too */

	switch (bit) {
	case DRILL_LIST:
		return !drill_list_parse(d, arg, r->list, &r->n);
	case DRILL_UNMAP:
	case DRILL_FLIP:
		return set_pair(r, bit, arg);
	case DRILL_RET:
		r->ret = (int64_t)value;
		break;
	case DRILL_SHORT:
		r->max = value;
		break;
	case DRILL_MOVE:
		r->page = value;
		break;
	case DRILL_WORD:
	case DRILL_LASTWORD:
		r->word = value;
		break;
	case 0:
		r->ret_flags = (uint32_t)value;
		break;
	}
	return true;
}

static bool add_deed(struct drill_sb *d, struct drill_rule *r, char *rest)
{
	char *name = strsep(&rest, ":"), none[] = "";
	size_t i;

	for (i = 0; i < sizeof(does) / sizeof(does[0]); i++) {
		if (strcmp(does[i].name, name))
			continue;
		r->does |= does[i].bit;
		return set_argument(d, r, does[i].bit, rest ? rest : none);
	}
	return false;
}

static bool set_op(struct drill_rule *r, const char *name)
{
	int op;

	for (op = 0; op < DRILL_OPS; op++) {
		if (!strcmp(op_names[op], name)) {
			r->op = (enum drill_op)op;
			return true;
		}
	}
	return false;
}

static bool set_word(struct drill_sb *d, struct drill_rule *r, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return false;
	*value++ = 0;
	if (!strcmp(word, "op"))
		return set_op(r, value);
	if (!strcmp(word, "ino"))
		r->ino = strtoull(value, NULL, 0);
	else if (!strcmp(word, "nth"))
		r->nth = strtoull(value, NULL, 0);
	else if (!strcmp(word, "count"))
		r->count = strtoull(value, NULL, 0);
	else if (!strcmp(word, "every"))
		return (r->every = strtoull(value, NULL, 0)) > 0;
	else
		return !strcmp(word, "do") && add_deed(d, r, value);
	return true;
}

const char *drill_rule_add(struct drill_sb *d, char *text)
{
	struct drill_rule *r = &d->rules[d->nr_rules];
	char *word;

	if (d->nr_rules == DRILL_MAX_RULES)
		return "too many rules";
	*r = (struct drill_rule){ .op = DRILL_OPS, .nth = 1, .count = 1, .every = 1 };
	while ((word = strsep(&text, " "))) {
		if (*word && !set_word(d, r, word))
			return "not understood";
	}
	if (r->op == DRILL_OPS)
		return "a rule needs op=";
	d->nr_rules++;
	return NULL;
}

static bool applies(struct drill_rule *r, enum drill_op op, const struct zus_ii *ii)
{
	if (r->op != op || (r->ino && r->ino != zus_zi_ino(ii->zi)))
		return false;
	r->seen++;
	if (r->seen < r->nth || (r->count && r->seen >= r->nth + r->count))
		return false;
	return (r->seen - r->nth) % r->every == 0;
}

void drill_rule_match(struct drill_sb *d, enum drill_op op, const struct zus_ii *ii,
		      struct drill_rule *rule)
{
	uint32_t i;

	rule->does = 0;
	rule->ret_flags = 0;
	pthread_mutex_lock(&d->lock);
	for (i = 0; i < d->nr_rules; i++) {
		if (applies(&d->rules[i], op, ii)) {
			*rule = d->rules[i];
			break;
		}
	}
	pthread_mutex_unlock(&d->lock);
}
