// SPDX-License-Identifier: BSD-2-Clause
/*
 * The configuration file: KEY=value lines that a shell could source as well. Comments start
 * with #; values may be quoted as a whole. Read once at start; no state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "zusd.h"

/* Cuts white space and one pair of quotes off a value. */
static char *clean_value(char *v)
{
	size_t n;

	v += strspn(v, " \t");
	n = strlen(v);
	while (n && strchr(" \t\r\n", v[n - 1]))
		v[--n] = 0;
	if (n >= 2 && (*v == '"' || *v == '\'') && v[n - 1] == *v) {
		v[n - 1] = 0;
		v++;
	}
	return v;
}

/* The value if the line sets the key, else NULL. */
static char *match_line(char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t");
	if (!strncmp(line, "export ", 7))
		line += 7 + strspn(line + 7, " \t");
	if (strncmp(line, key, n) || line[n] != '=')
		return NULL;
	return clean_value(line + n + 1);
}

int zusd_conf_get(const char *path, const char *key, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, *value;
	size_t room = 0;
	int err = 0;

	*out = 0;
	if (!f)
		return -errno;
	while (getline(&line, &room, f) > 0) {
		value = match_line(line, key);
		if (!value)
			continue;
		if (strlen(value) >= size) {
			err = -E2BIG;
			break;
		}
		snprintf(out, size, "%s", value);
	}
	free(line);
	fclose(f);
	return err;
}

int zusd_split_words(char *text, char **argv, int max)
{
	char *from = text, *to = text;
	int n = 0;

	for (;;) {
		char quote = 0;

		from += strspn(from, " \t\r\n");
		if (!*from)
			return n;
		if (n == max)
			return -E2BIG;
		argv[n++] = to;
		for (; *from && (quote || !strchr(" \t\r\n", *from)); from++) {
			if (*from == quote)
				quote = 0;
			else if (!quote && (*from == '"' || *from == '\''))
				quote = *from;
			else
				*to++ = *from;
		}
		if (quote)
			return -EINVAL;
		if (*from)
			from++;
		*to++ = 0;
	}
}
