// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs top: operations per second and their latencies, again and again. Has the kernel time
 * operations for as long as it runs. On a terminal the screen is drawn anew each time; else
 * (or with --batch) blocks of lines are printed, an empty line between them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"

#define CLEAR_SCREEN	"\033[H\033[J"

struct top {
	const char *root;
	const char *dir;		/* NULL = all of the root */
	dev_t dev;
	double interval;		/* seconds */
	unsigned long count;		/* of blocks; 0 = until it is interrupted */
	bool batch;
};

/* What happened between two readings. */
struct interval {
	const struct stats *before, *now;
	double seconds;
	struct stat_op *ops;		/* those that happened, the dearest first */
	size_t nr_ops;
};

/* By time spent; without times by number. */
static int compare_ops(const void *a, const void *b)
{
	const struct stat_op *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int make_interval(const struct top *t, struct interval *in)
{
	const struct stat_ops *now = counters_of(in->now, t->dev);
	const struct stat_ops *before = counters_of(in->before, t->dev);
	size_t i;

	if (!now) {
		msg("%s: is no file system of the root %s", t->dir, t->root);
		return -ENOENT;
	}
	in->seconds = (double)(in->now->time_ns - in->before->time_ns) / 1e9;
	in->nr_ops = 0;
	in->ops = calloc(now->count + 1, sizeof(*in->ops));
	if (!in->ops)
		return msg_errno(ENOMEM, "counting");
	for (i = 0; i < now->count; i++) {
		const struct stat_op *was = before ? stats_op(before, now->ops[i].name) : NULL;
		struct stat_op d = stats_since(&now->ops[i], was);

		if (d.count)
			in->ops[in->nr_ops++] = d;
	}
	qsort(in->ops, in->nr_ops, sizeof(*in->ops), compare_ops);
	return 0;
}

static double event_rate(const struct interval *in, const char *name)
{
	double n = (double)stats_event(in->now, name) - (double)stats_event(in->before, name);

	return n > 0 ? n / in->seconds : 0;
}

static void print_head(const struct top *t, const struct interval *in)
{
	double all = 0, errors = 0;
	size_t i;

	for (i = 0; i < in->nr_ops; i++) {
		all += (double)in->ops[i].count / in->seconds;
		errors += (double)in->ops[i].errors / in->seconds;
	}
	printf("%s  ", t->dir ? t->dir : t->root);
	if (in->now->server)
		printf("server %d", (int)in->now->server);
	else
		printf("no server");
	printf("  at work %zu  waiting %llu  ops/s %.0f  errors/s %.0f\n", in->now->nr_channels,
	       (unsigned long long)in->now->waiting, all, errors);
	printf("per second: puts %.0f  gooses %.0f  retries %.0f  faults %.0f  waits for a channel "
	       "%.0f\n", event_rate(in, "put_queued") + event_rate(in, "put_alone"),
	       event_rate(in, "goose"), event_rate(in, "retry"), event_rate(in, "fault"),
	       event_rate(in, "no_channel"));
}

static void print_ops(const struct interval *in)
{
	char mean[16], p50[16], p99[16];
	size_t i;

	printf("%-14s %10s %10s %10s %10s %10s\n", "operation", "ops/s", "errors/s", "mean us",
	       "p50 us", "p99 us");
	for (i = 0; i < in->nr_ops; i++) {
		const struct stat_op *op = &in->ops[i];

		printf("%-14s %10.0f %10.0f %10s %10s %10s\n", op->name,
		       (double)op->count / in->seconds, (double)op->errors / in->seconds,
		       counters_us(stats_mean(op), op->timed, mean),
		       counters_us(stats_percentile(op, 0.50), op->timed, p50),
		       counters_us(stats_percentile(op, 0.99), op->timed, p99));
	}
}

static int print_interval(const struct top *t, const struct stats *before,
			  const struct stats *now, bool is_first)
{
	struct interval in = { .before = before, .now = now };
	int err = make_interval(t, &in);

	if (err)
		return err;
	if (!t->batch)
		fputs(CLEAR_SCREEN, stdout);
	else if (!is_first)
		putchar('\n');
	print_head(t, &in);
	print_ops(&in);
	free(in.ops);
	return fflush(stdout) ? msg_errno(errno, "writing") : 0;
}

static void sleep_for(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static int run_on(const struct top *t, int fd)
{
	struct stats before, now;
	unsigned long i;
	int err = counters_read(fd, t->root, &before);

	if (err)
		return err;
	for (i = 0; !err && (!t->count || i < t->count); i++) {
		sleep_for(t->interval);
		err = counters_read(fd, t->root, &now);
		if (err)
			break;
		err = print_interval(t, &before, &now, i == 0);
		stats_free(&before);
		before = now;
	}
	stats_free(&before);
	return err;
}

static int run(struct top *t)
{
	int fd, err;

	if (counters_find(t->dir, &t->dev))
		return EXIT_FAILED;
	fd = counters_open(t->root, true);
	if (fd < 0)
		return EXIT_FAILED;
	err = run_on(t, fd);
	close(fd);
	return err ? EXIT_FAILED : EXIT_OK;
}

/* A number from min to max; false: it is none. */
static bool parse_number(const char *text, double min, double max, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && *value >= min && *value <= max;
}

int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "batch", no_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'n' },
		{ "interval", required_argument, NULL, 'i' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	struct top t = { .root = ROOT_DEFAULT, .interval = 2, .batch = !isatty(STDOUT_FILENO) };
	double value;
	int c;

	while ((c = getopt_long(argc, argv, "hbn:i:", options, NULL)) != -1) {
		if (c == 'b') {
			t.batch = true;
		} else if (c == 'r') {
			t.root = optarg;
		} else if (c == 'n' && parse_number(optarg, 1, 1e9, &value)) {
			t.count = (unsigned long)value;
		} else if (c == 'i' && parse_number(optarg, 0.05, 86400, &value)) {
			t.interval = value;
		} else {
			if (c == 'n' || c == 'i')
				msg("-%c: '%s' is no number of that kind", c, optarg);
			return usage_of("top", c == 'h');
		}
	}
	if (argc - optind > 1)
		return usage_of("top", false);
	t.dir = argv[optind];
	return run(&t);
}
