// SPDX-License-Identifier: BSD-2-Clause
/*
 * command.c - the remote control of drillfs; README.md describes the commands
 *
 * Runs on the thread of ctl.c, one command at a time. A command that waits is ended by the
 * event that it waits for or, after a minute, as failed.
 */
#include "drill.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_S	60

/* Waits until is(d, n); lock held. False = it took too long. */
static bool wait_for(struct drill_sb *d, bool (*is)(const struct drill_sb *d, uint64_t n),
		     uint64_t n)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_S;
	while (!is(d, n) && !err)
		err = pthread_cond_timedwait(&d->changed, &d->lock, &end);
	return is(d, n);
}

/* ---- rules ---- */

static void add_rule(struct drill_sb *d, char *rest, FILE *out)
{
	const char *why;

	pthread_mutex_lock(&d->lock);
	why = drill_rule_add(d, rest);
	pthread_mutex_unlock(&d->lock);
	if (why)
		fprintf(out, "error: rule: %s\n", why);
}

static void run_rule(struct drill_sb *d, char *rest, FILE *out)
{
	add_rule(d, rest, out);
}

static void run_clear(struct drill_sb *d, char *rest, FILE *out)
{
	(void)rest;
	(void)out;
	pthread_mutex_lock(&d->lock);
	d->nr_rules = 0;
	d->nr_results = 0;
	pthread_mutex_unlock(&d->lock);
	drill_flip_stop(d);
}

static void run_only(struct drill_sb *d, char *rest, FILE *out)
{
	run_clear(d, NULL, out);
	add_rule(d, rest, out);
}

/* ---- events ---- */

static void run_release(struct drill_sb *d, char *rest, FILE *out)
{
	(void)rest;
	(void)out;
	pthread_mutex_lock(&d->lock);
	d->releases++;
	d->stats.hangs = 0;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static bool hangs(const struct drill_sb *d, uint64_t n)
{
	return d->stats.hangs >= n;
}

static void run_hung(struct drill_sb *d, char *rest, FILE *out)
{
	pthread_mutex_lock(&d->lock);
	if (!wait_for(d, hangs, strtoull(rest, NULL, 0)))
		fprintf(out, "error: %llu hang\n", (unsigned long long)d->stats.hangs);
	pthread_mutex_unlock(&d->lock);
}

static void run_stats(struct drill_sb *d, char *rest, FILE *out)
{
	struct drill_stats s;

	(void)rest;
	pthread_mutex_lock(&d->lock);
	s = d->stats;
	pthread_mutex_unlock(&d->lock);
#define PRINT(field)	fprintf(out, #field " %llu\n", (unsigned long long)s.field)
	PRINT(gets);
	PRINT(puts);
	PRINT(bad_puts);
	PRINT(open);
	PRINT(open_max);
	PRINT(retries);
	PRINT(restarts);
	PRINT(hangs);
	PRINT(flips);
	PRINT(async);
}

static void print_result(int err, FILE *out)
{
	fprintf(out, "%s\n", err ? strerrorname_np(-err) : "OK");
}

static void run_results(struct drill_sb *d, char *rest, FILE *out)
{
	uint32_t i;

	(void)rest;
	pthread_mutex_lock(&d->lock);
	for (i = 0; i < d->nr_results; i++)
		print_result(d->results[i], out);
	pthread_mutex_unlock(&d->lock);
}

/* ---- lists outside of operations ---- */

struct exec {
	struct zus_iomap iom;
	uint64_t words[DRILL_LIST_WORDS];
};

static void exec_done(struct zus_sb *sb, void *arg, int err)
{
	struct drill_sb *d = drill_sb_of(sb);

	drill_result(d, err);
	pthread_mutex_lock(&d->lock);
	d->stats.async--;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	zus_free(sb->env, arg);
}

/* "flush LIST", "fua LIST", "LIST" */
static uint32_t parse_flags(char **text)
{
	if (!strncmp(*text, "flush ", 6)) {
		*text += 6;
		return ZUFS_IOM_EXEC_FLUSH;
	}
	if (!strncmp(*text, "fua ", 4)) {
		*text += 4;
		return ZUFS_IOM_EXEC_FUA;
	}
	return 0;
}

static struct exec *exec_new(struct drill_sb *d, char *text, FILE *out)
{
	struct exec *e = zus_alloc(d->msb.sb.env, sizeof(*e));
	const char *why = "no memory";

	if (e) {
		zus_iomap_init(&e->iom, e->words, DRILL_LIST_WORDS);
		zus_iomap_set_flags(&e->iom, parse_flags(&text));
		why = drill_list_parse(d, text, e->words, &e->iom.n);
	}
	if (!why)
		return e;
	fprintf(out, "error: %s\n", why);
	zus_free(d->msb.sb.env, e);
	return NULL;
}

static void run_exec(struct drill_sb *d, char *rest, FILE *out)
{
	struct exec *e = exec_new(d, rest, out);

	if (!e)
		return;
	print_result(zus_iomap_exec(&d->msb.sb, &e->iom), out);
	zus_free(d->msb.sb.env, e);
}

static void run_async(struct drill_sb *d, char *rest, FILE *out)
{
	struct exec *e = exec_new(d, rest, out);
	int err;

	if (!e)
		return;
	pthread_mutex_lock(&d->lock);
	d->stats.async++;
	pthread_mutex_unlock(&d->lock);
	err = zus_iomap_exec_async(&d->msb.sb, &e->iom, exec_done, e);
	if (err)
		exec_done(&d->msb.sb, e, err);
}

static bool is_settled(const struct drill_sb *d, uint64_t n)
{
	return d->stats.async <= n;
}

static void run_settled(struct drill_sb *d, char *rest, FILE *out)
{
	(void)rest;
	pthread_mutex_lock(&d->lock);
	if (!wait_for(d, is_settled, 0))
		fprintf(out, "error: %llu lists are under way\n",
			(unsigned long long)d->stats.async);
	pthread_mutex_unlock(&d->lock);
}

/* "INO PAGE COUNT" */
static void run_move(struct drill_sb *d, char *rest, FILE *out)
{
	unsigned long long ino, page, count;

	if (sscanf(rest, "%llu %llu %llu", &ino, &page, &count) != 3)
		fprintf(out, "error: INO PAGE COUNT\n");
	else
		print_result(drill_move(d, ino, page, count), out);
}

/* ---- memory that lists read and write ---- */

/* "WHERE PAGES BYTE", WHERE = sN or mN; NULL = not understood. */
static uint8_t *parse_memory(struct drill_sb *d, char *rest, size_t *bytes, int *byte, FILE *out)
{
	char *where = strsep(&rest, " "), *pages = strsep(&rest, " ");
	uint64_t at;

	if (pages && rest && drill_number(d, where, &at)) {
		*bytes = strtoull(pages, NULL, 0) << ZUS_BLOCK_SHIFT;
		*byte = (int)strtoul(rest, NULL, 0);
		if (*where == 'm')
			return (uint8_t *)(uintptr_t)at;
		if (*where == 's')
			return d->msb.sb.md->t1 + at;
	}
	fprintf(out, "error: WHERE PAGES BYTE\n");
	return NULL;
}

static void run_fill(struct drill_sb *d, char *rest, FILE *out)
{
	size_t bytes;
	int byte;
	uint8_t *at = parse_memory(d, rest, &bytes, &byte, out);

	if (at)
		memset(at, byte, bytes);
}

static void run_check(struct drill_sb *d, char *rest, FILE *out)
{
	size_t bytes, i;
	int byte;
	uint8_t *at = parse_memory(d, rest, &bytes, &byte, out);

	for (i = 0; at && i < bytes; i++) {
		if (at[i] == byte)
			continue;
		fprintf(out, "error: byte %zu is %#x\n", i, at[i]);
		return;
	}
}

static const struct {
	const char *name;
	void (*run)(struct drill_sb *d, char *rest, FILE *out);
} commands[] = {
	{ "rule", run_rule }, { "only", run_only }, { "clear", run_clear },
	{ "release", run_release }, { "hung", run_hung }, { "stats", run_stats },
	{ "results", run_results }, { "exec", run_exec }, { "async", run_async },
	{ "settled", run_settled }, { "fill", run_fill }, { "check", run_check },
	{ "move", run_move },
};

void drill_command(void *sb, char *line, FILE *out)
{
	char *name = strsep(&line, " "), none[] = "";
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name)) {
			commands[i].run(sb, line ? line : none, out);
			return;
		}
	}
	fprintf(out, "error: unknown command \"%s\"\n", name);
}
