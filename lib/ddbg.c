// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dynamic debug: the records of all loaded modules as text, and commands that switch them.
 *
 * Used by the mount thread for the DDBG messages and by the loader. The list of modules is
 * guarded by one mutex; a record's flag is stored atomically because its site reads it
 * without. The number of a site is its place in the order of registration, from 1.
 */
#define _GNU_SOURCE
#include <zus/server.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zus/log.h>

struct module {
	struct module *next;
	struct zus_ddbg_site *start;
	struct zus_ddbg_site *stop;
	char name[32];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct module *modules;

int zus_ddbg_register(const char *name, struct zus_ddbg_site *start,
		      struct zus_ddbg_site *stop)
{
	struct module *m, **tail;

	if (!start || start == stop)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->start = start;
	m->stop = stop;
	snprintf(m->name, sizeof(m->name), "%s", name);
	pthread_mutex_lock(&lock);
	for (tail = &modules; *tail; tail = &(*tail)->next)
		;
	*tail = m;
	pthread_mutex_unlock(&lock);
	return 0;
}

void zus_ddbg_unregister(struct zus_ddbg_site *start)
{
	struct module **p, *m;

	pthread_mutex_lock(&lock);
	for (p = &modules; *p && (*p)->start != start; p = &(*p)->next)
		;
	m = *p;
	if (m)
		*p = m->next;
	pthread_mutex_unlock(&lock);
	free(m);
}

int zus_ddbg_register_libzus(void)
{
	return zus_ddbg_register("libzus", __start_zus_ddbg, __stop_zus_ddbg);
}

/* ---- reading ---- */

/* The format with newlines and tabs (and what would end the quotes) escaped. */
static void escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; *src && n + 3 < size; src++) {
		const char *from = "\n\t\"\\", *hit = strchr(from, *src);

		if (hit) {
			dst[n++] = '\\';
			dst[n++] = "nt\"\\"[hit - from];
		} else {
			dst[n++] = *src;
		}
	}
	dst[n] = 0;
}

/* One line; its length, or 0 when it does not fit. */
static size_t print_site(char *buf, size_t size, const char *module,
			 const struct zus_ddbg_site *s)
{
	bool on = __atomic_load_n(&s->on, __ATOMIC_RELAXED);
	char fmt[256], line[512];
	int n;

	escape(fmt, sizeof(fmt), s->fmt);
	n = snprintf(line, sizeof(line), "%s:%u [%s] %s =%c \"%s\"\n", s->file, s->line,
		     module, s->func, on ? 'p' : '_', fmt);
	if (n < 0)
		return 0;
	if ((size_t)n >= sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if ((size_t)n > size)
		return 0;
	memcpy(buf, line, (size_t)n);
	return (size_t)n;
}

size_t zus_ddbg_read(uint64_t *id, char *buf, size_t size)
{
	uint64_t nr = 0;
	size_t used = 0, n;

	pthread_mutex_lock(&lock);
	for (struct module *m = modules; m; m = m->next) {
		for (struct zus_ddbg_site *s = m->start; s < m->stop; s++) {
			if (++nr <= *id)
				continue;
			n = print_site(buf + used, size - used, m->name, s);
			if (!n)
				goto out;
			used += n;
			*id = nr;
		}
	}
out:
	pthread_mutex_unlock(&lock);
	return used;
}

/* ---- commands ---- */

struct query {
	const char *module;
	const char *func;
	const char *file;
	const char *format;
	unsigned long line;
	int on;				/* -1 = the command has no +p or -p */
};

/* Cuts the next word, "quoted" or not, off *text; NULL at the end, "" never. */
static char *next_word(char **text)
{
	char *p = *text, *word, *end;

	p += strspn(p, " \t\n");
	if (!*p)
		return NULL;
	if (*p == '"') {
		word = p + 1;
		end = strchr(word, '"');
		if (!end || end == word)
			return NULL;
	} else {
		word = p;
		end = p + strcspn(p, " \t\n");
	}
	*text = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static int parse_line(const char *word, unsigned long *line)
{
	char *end;

	errno = 0;
	*line = strtoul(word, &end, 10);
	return errno || *end || *word < '0' || *word > '9' || !*line ? -EINVAL : 0;
}

static int parse_pair(struct query *q, const char *key, const char *value)
{
	if (!value)
		return -EINVAL;
	if (!strcmp(key, "module"))
		q->module = value;
	else if (!strcmp(key, "func"))
		q->func = value;
	else if (!strcmp(key, "file"))
		q->file = value;
	else if (!strcmp(key, "format"))
		q->format = value;
	else if (!strcmp(key, "line"))
		return parse_line(value, &q->line);
	else
		return -EINVAL;
	return 0;
}

static int parse_query(struct query *q, char *text)
{
	char *word;

	memset(q, 0, sizeof(*q));
	q->on = -1;
	while ((word = next_word(&text))) {
		if (q->on >= 0)
			return -EINVAL;		/* the flags come last */
		if (!strcmp(word, "+p"))
			q->on = 1;
		else if (!strcmp(word, "-p"))
			q->on = 0;
		else if (parse_pair(q, word, next_word(&text)))
			return -EINVAL;
	}
	text += strspn(text, " \t\n");
	return q->on < 0 || *text ? -EINVAL : 0;
}

static bool file_matches(const char *wanted, const char *file)
{
	const char *base = strrchr(file, '/');

	return !strcmp(wanted, file) || (base && !strcmp(wanted, base + 1));
}

static bool matches(const struct query *q, const struct module *m,
		    const struct zus_ddbg_site *s)
{
	return (!q->module || !strcmp(q->module, m->name)) &&
	       (!q->func || !strcmp(q->func, s->func)) &&
	       (!q->file || file_matches(q->file, s->file)) &&
	       (!q->format || strstr(s->fmt, q->format)) &&
	       (!q->line || q->line == s->line);
}

int zus_ddbg_write(const char *command)
{
	struct query q;
	char *copy = strdup(command);
	int n = 0;

	if (!copy)
		return -ENOMEM;
	if (parse_query(&q, copy)) {
		free(copy);
		return -EINVAL;
	}
	pthread_mutex_lock(&lock);
	for (struct module *m = modules; m; m = m->next) {
		for (struct zus_ddbg_site *s = m->start; s < m->stop; s++) {
			if (!matches(&q, m, s))
				continue;
			__atomic_store_n(&s->on, (uint32_t)q.on, __ATOMIC_RELAXED);
			n++;
		}
	}
	pthread_mutex_unlock(&lock);
	free(copy);
	return n;
}
