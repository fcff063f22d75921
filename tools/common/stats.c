// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counters of a root; see stats.h. A parser of lines of words: numbers are checked, what
 * is missing in a known line makes the whole text invalid.
 */
#define _GNU_SOURCE
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The line that is being parsed. */
struct words {
	char *save;
	bool bad;			/* something was missing or no number */
};

static const char *next(struct words *w)
{
	const char *word = strtok_r(NULL, " ", &w->save);

	if (!word)
		w->bad = true;
	return word ? word : "";
}

static uint64_t to_number(struct words *w, const char *word)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(word, &end, 10);
	if (errno || end == word || *end || *word < '0' || *word > '9')
		w->bad = true;
	return n;
}

static uint64_t number(struct words *w)
{
	return to_number(w, next(w));
}

static void text(struct words *w, char dst[STAT_NAME])
{
	const char *word = next(w);

	snprintf(dst, STAT_NAME, "%s", word);
}

/* One more element of an array, zeroed; NULL: no memory. It doubles when it is full. */
static void *more(void *array, size_t *count, size_t size)
{
	void **base = array;
	char *elements = *base;

	if (!(*count & (*count - 1))) {
		elements = reallocarray(elements, *count ? *count * 2 : 1, size);
		if (!elements)
			return NULL;
		*base = elements;
	}
	return memset(elements + (*count)++ * size, 0, size);
}

/* "A.B" or "A:B" */
static void pair(struct words *w, char separator, unsigned int *a, unsigned int *b)
{
	char word[32], *middle;

	snprintf(word, sizeof(word), "%s", next(w));
	middle = strchr(word, separator);
	if (!middle) {
		w->bad = true;
		return;
	}
	*middle = 0;
	*a = (unsigned int)to_number(w, word);
	*b = (unsigned int)to_number(w, middle + 1);
}

static int parse_op(struct words *w, struct stat_ops *ops)
{
	struct stat_op *op = more(&ops->ops, &ops->count, sizeof(*op));
	char *word, *colon;
	uint64_t bucket;

	if (!op)
		return -ENOMEM;
	op->number = (unsigned int)number(w);
	text(w, op->name);
	op->count = number(w);
	op->errors = number(w);
	op->timed = number(w);
	op->ns = number(w);
	while ((word = strtok_r(NULL, " ", &w->save))) {
		colon = strchr(word, ':');
		if (!colon)
			break;
		*colon = 0;
		bucket = to_number(w, word);
		if (bucket >= STAT_BUCKETS)
			return -EPROTO;
		op->bucket[bucket] = to_number(w, colon + 1);
	}
	return 0;
}

static int parse_event(struct words *w, struct stats *s)
{
	struct stat_event *e = more(&s->events, &s->nr_events, sizeof(*e));

	if (!e)
		return -ENOMEM;
	text(w, e->name);
	e->count = number(w);
	return 0;
}

static int parse_mount(struct words *w, struct stats *s)
{
	struct stat_mount *m = more(&s->mounts, &s->nr_mounts, sizeof(*m));
	unsigned int ma = 0, mi = 0;

	if (!m)
		return -ENOMEM;
	m->id = number(w);
	pair(w, ':', &ma, &mi);
	m->dev = makedev(ma, mi);
	text(w, m->type);
	m->is_live = !strcmp(next(w), "live");
	m->t1_bytes = number(w);
	m->t2_bytes = number(w);
	return 0;
}

static int parse_channel(struct words *w, struct stats *s)
{
	struct stat_channel *c = more(&s->channels, &s->nr_channels, sizeof(*c));

	if (!c)
		return -ENOMEM;
	pair(w, '.', &c->cpu, &c->number);
	text(w, c->state);
	text(w, c->op);
	c->thread = (pid_t)number(w);
	c->app = (pid_t)number(w);
	return 0;
}

/* *ops: whose the next op lines are. */
static int parse_line(char *line, struct stats *s, struct stat_ops **ops)
{
	struct words w = { 0 };
	const char *key = strtok_r(line, " ", &w.save);
	int err = 0;

	if (!key)
		return -EPROTO;
	if (!strcmp(key, "op")) {
		err = parse_op(&w, *ops);
	} else if (!strcmp(key, "event")) {
		err = parse_event(&w, s);
	} else if (!strcmp(key, "mount")) {
		err = parse_mount(&w, s);
		if (!err)
			*ops = &s->mounts[s->nr_mounts - 1].ops;
	} else if (!strcmp(key, "channel")) {
		err = parse_channel(&w, s);
	} else if (!strcmp(key, "time")) {
		s->time_ns = number(&w);
	} else if (!strcmp(key, "latency")) {
		s->latency = number(&w) != 0;
	} else if (!strcmp(key, "waiting")) {
		s->waiting = number(&w);
	} else if (!strcmp(key, "server")) {
		s->server = (pid_t)number(&w);
		s->generation = number(&w);
	}
	return err ? err : w.bad ? -EPROTO : 0;
}

int stats_parse(char *buf, struct stats *s)
{
	struct stat_ops *ops = &s->ops;
	char *save = NULL, *line = strtok_r(buf, "\n", &save);
	bool complete = false;
	int err = 0;

	*s = (struct stats){ 0 };
	if (!line || strcmp(line, "zuf-stats 1"))
		return -EPROTO;
	while (!err && !complete && (line = strtok_r(NULL, "\n", &save))) {
		complete = !strcmp(line, "end");
		if (!complete)
			err = parse_line(line, s, &ops);
	}
	if (!err && !complete)
		err = -EPROTO;
	if (err)
		stats_free(s);
	return err;
}

void stats_free(struct stats *s)
{
	size_t i;

	for (i = 0; i < s->nr_mounts; i++)
		free(s->mounts[i].ops.ops);
	free(s->mounts);
	free(s->ops.ops);
	free(s->events);
	free(s->channels);
	*s = (struct stats){ 0 };
}

/* ---- the file ---- */

int stats_open(const char *root, bool for_times)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/stats", root);
	fd = open(path, (for_times ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int stats_read(int fd, struct stats *s)
{
	size_t size = 0, used = 0;
	char *buf = NULL, *bigger;
	ssize_t n = 1;
	int err = 0;

	/* from the start the kernel makes a new text, which it then keeps for us */
	if (lseek(fd, 0, SEEK_SET))
		return -errno;
	while (!err && n) {
		if (size - used < 4096) {
			size += 65536;
			bigger = realloc(buf, size);
			if (!bigger) {
				err = -ENOMEM;
				break;
			}
			buf = bigger;
		}
		n = read(fd, buf + used, size - used - 1);
		if (n < 0)
			err = -errno;
		else
			used += (size_t)n;
	}
	if (!err) {
		buf[used] = 0;
		err = stats_parse(buf, s);
	}
	free(buf);
	return err;
}

/* ---- values ---- */

const struct stat_op *stats_op(const struct stat_ops *ops, const char *name)
{
	size_t i;

	for (i = 0; i < ops->count; i++)
		if (!strcmp(ops->ops[i].name, name))
			return &ops->ops[i];
	return NULL;
}

const struct stat_mount *stats_mount(const struct stats *s, dev_t dev)
{
	size_t i;

	for (i = 0; i < s->nr_mounts; i++)
		if (s->mounts[i].dev == dev)
			return &s->mounts[i];
	return NULL;
}

uint64_t stats_event(const struct stats *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nr_events; i++)
		if (!strcmp(s->events[i].name, name))
			return s->events[i].count;
	return 0;
}

/* Counts only grow; another root under the same path would make them smaller. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

struct stat_op stats_since(const struct stat_op *now, const struct stat_op *before)
{
	struct stat_op d = *now;
	size_t i;

	if (!before)
		return d;
	d.count = grown(now->count, before->count);
	d.errors = grown(now->errors, before->errors);
	d.timed = grown(now->timed, before->timed);
	d.ns = grown(now->ns, before->ns);
	for (i = 0; i < STAT_BUCKETS; i++)
		d.bucket[i] = grown(now->bucket[i], before->bucket[i]);
	return d;
}

uint64_t stats_percentile(const struct stat_op *op, double part)
{
	double wanted, seen = 0, low;
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < STAT_BUCKETS; i++)
		total += op->bucket[i];
	wanted = part * (double)total;
	for (i = 0; i < STAT_BUCKETS; i++) {
		double here = (double)op->bucket[i];

		if (!op->bucket[i] || seen + here < wanted) {
			seen += here;
			continue;
		}
		/* as if they were spread evenly between 2^(i-1) and 2^i */
		low = i ? (double)(1ULL << (i - 1)) : 0;
		return (uint64_t)(low + (low ? low : 1) * (wanted - seen) / here);
	}
	return 0;
}

uint64_t stats_mean(const struct stat_op *op)
{
	return op->timed ? op->ns / op->timed : 0;
}
