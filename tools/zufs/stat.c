// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs stat: the counters of a root or of one mount since its start. Reads only. Latencies
 * are there for what was timed: while zufs top ran, or with the module's parameter latency.
 */
#include <stdio.h>
#include <unistd.h>

#include "counters.h"
#include "json.h"

static void json_histogram(struct json *j, const struct stat_op *op)
{
	size_t i;

	json_begin(j, "histogram", '[');
	for (i = 0; i < STAT_BUCKETS; i++) {
		if (!op->bucket[i])
			continue;
		json_begin(j, NULL, '{');
		json_num(j, "below_ns", 1ULL << i);
		json_num(j, "count", op->bucket[i]);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void json_op(struct json *j, const struct stat_op *op)
{
	json_begin(j, NULL, '{');
	json_str(j, "name", op->name);
	json_num(j, "number", op->number);
	json_num(j, "count", op->count);
	json_num(j, "errors", op->errors);
	json_num(j, "timed", op->timed);
	json_num(j, "total_ns", op->ns);
	json_num(j, "mean_ns", stats_mean(op));
	json_num(j, "p50_ns", stats_percentile(op, 0.50));
	json_num(j, "p99_ns", stats_percentile(op, 0.99));
	json_histogram(j, op);
	json_end(j, '}');
}

static void print_json(const struct stats *s, const struct stat_ops *ops, const char *dir)
{
	struct json j;
	size_t i;

	json_start(&j, stdout);
	json_num(&j, "version", 1);
	json_num(&j, "time_ns", s->time_ns);
	json_bool(&j, "latency", s->latency);
	if (s->server)
		json_num(&j, "server_pid", (uint64_t)s->server);
	else
		json_str(&j, "server_pid", NULL);
	json_str(&j, "dir", dir);
	json_begin(&j, "operations", '[');
	for (i = 0; i < ops->count; i++)
		json_op(&j, &ops->ops[i]);
	json_end(&j, ']');
	if (!dir) {
		json_begin(&j, "events", '{');
		for (i = 0; i < s->nr_events; i++)
			json_num(&j, s->events[i].name, s->events[i].count);
		json_end(&j, '}');
	}
	json_finish(&j);
}

static void print_text(const struct stats *s, const struct stat_ops *ops, const char *dir)
{
	char mean[16], p50[16], p99[16];
	size_t i;

	printf("%-14s %12s %12s %10s %10s %10s\n", "operation", "count", "errors", "mean us",
	       "p50 us", "p99 us");
	for (i = 0; i < ops->count; i++) {
		const struct stat_op *op = &ops->ops[i];

		printf("%-14s %12llu %12llu %10s %10s %10s\n", op->name,
		       (unsigned long long)op->count, (unsigned long long)op->errors,
		       counters_us(stats_mean(op), op->timed, mean),
		       counters_us(stats_percentile(op, 0.50), op->timed, p50),
		       counters_us(stats_percentile(op, 0.99), op->timed, p99));
	}
	if (dir)
		return;
	printf("\n%-14s %12s\n", "event", "count");
	for (i = 0; i < s->nr_events; i++)
		if (s->events[i].count)
			printf("%-14s %12llu\n", s->events[i].name,
			       (unsigned long long)s->events[i].count);
}

static int show(const char *root, const char *dir, bool as_json)
{
	const struct stat_ops *ops;
	struct stats s;
	dev_t dev;
	int fd, err;

	if (counters_find(dir, &dev))
		return EXIT_FAILED;
	fd = counters_open(root, false);
	if (fd < 0)
		return EXIT_FAILED;
	err = counters_read(fd, root, &s);
	close(fd);
	if (err)
		return EXIT_FAILED;
	ops = counters_of(&s, dev);
	if (!ops)
		msg("%s: is no file system of the root %s", dir, root);
	else if (as_json)
		print_json(&s, ops, dir);
	else
		print_text(&s, ops, dir);
	stats_free(&s);
	return ops ? EXIT_OK : EXIT_FAILED;
}

int cmd_stat(int argc, char **argv)
{
	const char *root = ROOT_DEFAULT;
	bool as_json = false;
	int status = options_of_view("stat", argc, argv, &root, &as_json);

	if (status >= 0)
		return status;
	if (argc - optind > 1)
		return usage_of("stat", false);
	return show(root, argv[optind], as_json);
}
