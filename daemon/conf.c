// SPDX-License-Identifier: BSD-2-Clause
/*
 * The configuration file: KEY=value lines that a shell could source as well. Comments start
 * with #; values may be quoted as a whole. Read once at start, by nobody else; no state. What
 * is wrong in it is told with file and line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "zusd.h"

/* Cuts white space and one pair of quotes off a value; *open: it has the first quote only. */
static char *clean_value(char *v, bool *open)
{
	size_t n;

	v += strspn(v, " \t");
	n = strlen(v);
	while (n && strchr(" \t\r\n", v[n - 1]))
		v[--n] = 0;
	*open = false;
	if (*v != '"' && *v != '\'')
		return v;
	if (n < 2 || v[n - 1] != *v) {
		*open = true;
		return v;
	}
	v[n - 1] = 0;
	return v + 1;
}

/* Where a key of the file goes. */
struct conf_key {
	const char *name;
	size_t offset;		/* of its value in struct zusd_conf, or NOWHERE */
};

#define NOWHERE		((size_t)-1)

static const struct conf_key keys[] = {
	{ "ZUFS_LIBFS_LIST", offsetof(struct zusd_conf, plugins) },
	{ "ZUSD_ARGS", offsetof(struct zusd_conf, args) },
	/* the file was the environment of the server of 2019 and of its helper */
	{ "ZUF_ROOT", NOWHERE },
	{ "ZUFS_HOME", NOWHERE },
	{ "LD_LIBRARY_PATH", NOWHERE },
};

/* Splits "export KEY=value" or the like in place; NULL: the line has no key. */
static char *split_line(char *line, char **value, bool *open)
{
	char *key = line + strspn(line, " \t"), *end;

	if (!strncmp(key, "export", 6) && strchr(" \t", key[6]))
		key += 6 + strspn(key + 6, " \t");
	end = strchr(key, '=');
	if (!end || end == key)
		return NULL;
	*value = clean_value(end + 1, open);
	*end = 0;
	return key;
}

static int set_key(struct zusd_conf *c, const char *path, unsigned int nr, const char *key,
		   const char *value)
{
	size_t i;
	char **at;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].name, key))
			break;
	if (i == sizeof(keys) / sizeof(keys[0])) {
		fprintf(stderr, "zusd: %s:%u: unknown key '%s'\n", path, nr, key);
		return -EINVAL;
	}
	if (keys[i].offset == NOWHERE) {
		fprintf(stderr, "zusd: %s:%u: warning: '%s' of the server of 2019 does nothing\n",
			path, nr, key);
		return 0;
	}
	at = (char **)((char *)c + keys[i].offset);
	free(*at);
	*at = strdup(value);
	return *at ? 0 : -ENOMEM;
}

static int take_line(struct zusd_conf *c, const char *path, unsigned int nr, char *line)
{
	bool open;
	char *key, *value, *text = line + strspn(line, " \t\r\n");

	if (!*text || *text == '#')
		return 0;
	key = split_line(text, &value, &open);
	if (!key) {
		fprintf(stderr, "zusd: %s:%u: expected KEY=value\n", path, nr);
		return -EINVAL;
	}
	if (open) {
		fprintf(stderr, "zusd: %s:%u: the value of '%s' has an open quote\n", path, nr,
			key);
		return -EINVAL;
	}
	return set_key(c, path, nr, key, value);
}

int zusd_conf_read(const char *path, struct zusd_conf *c)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	unsigned int nr = 0;
	size_t room = 0;
	int err = 0;

	*c = (struct zusd_conf){ 0 };
	if (!f) {
		err = -errno;
		if (err != -ENOENT)
			fprintf(stderr, "zusd: %s: %s\n", path, strerror(-err));
		return err;
	}
	errno = 0;
	while (!err && getline(&line, &room, f) > 0)
		err = take_line(c, path, ++nr, line);
	if (!err && ferror(f)) {
		err = errno ? -errno : -EIO;	/* a folder, say */
		fprintf(stderr, "zusd: %s: %s\n", path, strerror(-err));
	}
	free(line);
	fclose(f);
	if (err)
		zusd_conf_free(c);
	return err;
}

void zusd_conf_free(struct zusd_conf *c)
{
	free(c->plugins);
	free(c->args);
	*c = (struct zusd_conf){ 0 };
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
