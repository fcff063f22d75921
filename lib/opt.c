// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mount option parser: "a,b=1,c=text" against a table, values stored in the caller's
 * struct. Called by plugins at mount and by tools; keeps no state.
 */
#define _GNU_SOURCE
#include <zus/opt.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_u64(const char *text, uint64_t *v, const char **end)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*v = strtoull(text, &stop, 0);
	if (errno || stop == text)
		return -EINVAL;
	*end = stop;
	return 0;
}

static int unit_shift(char unit)
{
	switch (unit) {
	case 'k': case 'K':
		return 10;
	case 'm': case 'M':
		return 20;
	case 'g': case 'G':
		return 30;
	case 't': case 'T':
		return 40;
	default:
		return -1;
	}
}

int zus_parse_size(const char *text, uint64_t *bytes)
{
	const char *end;
	uint64_t v;
	int shift;

	if (parse_u64(text, &v, &end))
		return -EINVAL;
	if (*end) {
		shift = unit_shift(*end);
		if (shift < 0 || end[1] || v > UINT64_MAX >> shift)
			return -EINVAL;
		v <<= shift;
	}
	*bytes = v;
	return 0;
}

/* What stands behind an option that is on or off; without a value it is on. */
static int parse_bool(const char *text, bool *v)
{
	static const char *const words[] = { "0", "1", "no", "yes", "off", "on", "false", "true" };
	size_t i;

	*v = true;
	if (!text)
		return 0;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(text, words[i])) {
			*v = i & 1;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_octal(const char *text, uint32_t max, uint32_t *v)
{
	uint64_t sum = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return -EINVAL;
		sum = sum << 3 | (uint64_t)(*text - '0');
		if (sum > max)
			return -EINVAL;
	}
	*v = (uint32_t)sum;
	return 0;
}

static int store(const struct zus_opt *o, const char *value, char *dst)
{
	const char *end;
	uint32_t octal;
	uint64_t v;
	size_t len;
	bool on;

	switch (o->kind) {
	case ZUS_OPT_SET:
		if (value)
			return -EINVAL;
		memcpy(dst + o->offset, &o->number, sizeof(o->number));
		return 0;
	case ZUS_OPT_U64:
		if (!value || parse_u64(value, &v, &end) || *end)
			return -EINVAL;
		break;
	case ZUS_OPT_SIZE:
		if (!value || zus_parse_size(value, &v))
			return -EINVAL;
		break;
	case ZUS_OPT_STR:
		len = value ? strlen(value) : 0;
		if (!len || len >= o->number)
			return -EINVAL;
		memcpy(dst + o->offset, value, len + 1);
		return 0;
	case ZUS_OPT_BOOL:
		if (parse_bool(value, &on))
			return -EINVAL;
		memcpy(dst + o->offset, &on, sizeof(on));
		return 0;
	case ZUS_OPT_OCTAL:
		if (!value || parse_octal(value, o->number, &octal))
			return -EINVAL;
		memcpy(dst + o->offset, &octal, sizeof(octal));
		return 0;
	default:
		return 0;
	}
	memcpy(dst + o->offset, &v, sizeof(v));
	return 0;
}

static void complain(char *bad, size_t size, const char *why, const char *name)
{
	if (bad)
		snprintf(bad, size, "%s '%s'", why, name);
}

/* One "name" or "name=value", NUL-terminated and writable. */
static int parse_one(char *text, const struct zus_opt *table, char *dst, char *bad,
		     size_t bad_size)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = 0;
	for (; table->name; table++) {
		if (strcmp(table->name, text))
			continue;
		if (!store(table, value, dst))
			return 0;
		complain(bad, bad_size, "bad value of option", text);
		return -EINVAL;
	}
	complain(bad, bad_size, "unknown option", text);
	return -EINVAL;
}

int zus_opt_parse(const char *text, const struct zus_opt *table, void *dst, char *bad,
		  size_t bad_size)
{
	char *copy, *next, *word;
	int err = 0;

	if (!text || !*text)
		return 0;
	copy = strdup(text);
	if (!copy) {
		complain(bad, bad_size, "no memory for options", text);
		return -ENOMEM;
	}
	for (next = copy; !err && (word = strsep(&next, ",")); ) {
		if (*word)
			err = parse_one(word, table, dst, bad, bad_size);
	}
	free(copy);
	return err;
}
