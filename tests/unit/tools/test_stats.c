// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counters of a root: the text of the module, texts that it would never write, and what the
 * tools calculate from them.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "stats.h"

static const char sample[] =
	"zuf-stats 1\n"
	"time 123456789012\n"
	"latency 1\n"
	"server 77 3\n"
	"waiting 5\n"
	"event put_queued 12\n"
	"event goose 0\n"
	"op 7 LOOKUP 10 2 4 4000 10:1 11:3\n"
	"op 2 M_UMOUNT 1 0 0 0\n"
	"mount 1 0:55 memofs live 67108864 0\n"
	"op 7 LOOKUP 9 2 0 0\n"
	"mount 2 0:56 coldfs dead 2097152 4194304\n"
	"channel 1.2 running READ 81 4711\n"
	"channel 0.0 orphan WRITE 80 0\n"
	"end\n";

static int parse(const char *text, struct stats *s)
{
	char *copy = strdup(text);
	int err;

	assert_non_null(copy);
	err = stats_parse(copy, s);
	free(copy);
	return err;
}

static void everything_is_understood(void **state)
{
	const struct stat_mount *m;
	const struct stat_op *op;
	struct stats s;

	(void)state;
	assert_int_equal(parse(sample, &s), 0);
	assert_int_equal(s.time_ns, 123456789012);
	assert_true(s.latency);
	assert_int_equal(s.server, 77);
	assert_int_equal(s.generation, 3);
	assert_int_equal(s.waiting, 5);
	assert_int_equal(stats_event(&s, "put_queued"), 12);
	assert_int_equal(stats_event(&s, "unknown"), 0);
	assert_int_equal(s.ops.count, 2);
	op = stats_op(&s.ops, "LOOKUP");
	assert_non_null(op);
	assert_int_equal(op->number, 7);
	assert_int_equal(op->count, 10);
	assert_int_equal(op->errors, 2);
	assert_int_equal(op->timed, 4);
	assert_int_equal(op->ns, 4000);
	assert_int_equal(op->bucket[10], 1);
	assert_int_equal(op->bucket[11], 3);
	assert_int_equal(s.nr_mounts, 2);
	m = stats_mount(&s, makedev(0, 55));
	assert_non_null(m);
	assert_true(m->is_live);
	assert_string_equal(m->type, "memofs");
	assert_int_equal(m->t1_bytes, 67108864);
	assert_int_equal(stats_op(&m->ops, "LOOKUP")->count, 9);
	m = stats_mount(&s, makedev(0, 56));
	assert_false(m->is_live);
	assert_int_equal(m->t2_bytes, 4194304);
	assert_int_equal(m->ops.count, 0);
	assert_null(stats_mount(&s, makedev(0, 57)));
	assert_int_equal(s.nr_channels, 2);
	assert_int_equal(s.channels[0].cpu, 1);
	assert_int_equal(s.channels[0].number, 2);
	assert_string_equal(s.channels[0].op, "READ");
	assert_int_equal(s.channels[0].app, 4711);
	assert_string_equal(s.channels[1].state, "orphan");
	stats_free(&s);
}

static void a_newer_module_may_say_more(void **state)
{
	struct stats s;

	(void)state;
	assert_int_equal(parse("zuf-stats 1\nnews of the day\n"
			       "op 7 LOOKUP 1 0 0 0 more words\n"
			       "mount 1 0:55 memofs live 1 2 extra\nend\nafter it\n", &s), 0);
	assert_int_equal(s.ops.count, 1);
	assert_int_equal(s.nr_mounts, 1);
	stats_free(&s);
}

static void what_is_broken_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "\n", "end\n", "zuf-stats 2\nend\n", "zuf-stats 1\n", "zuf-stats 1\ntime 1\n",
		"zuf-stats 1\ntime\nend\n", "zuf-stats 1\ntime -1\nend\n",
		"zuf-stats 1\ntime x\nend\n", "zuf-stats 1\ntime 99999999999999999999\nend\n",
		"zuf-stats 1\nserver 1\nend\n", "zuf-stats 1\nop 7 LOOKUP 1 0 0\nend\n",
		"zuf-stats 1\nop 7 LOOKUP 1 0 0 0 64:1\nend\n",
		"zuf-stats 1\nop 7 LOOKUP 1 0 0 0 x:1\nend\n",
		"zuf-stats 1\nmount 1 55 memofs live 1 1\nend\n",
		"zuf-stats 1\nmount 1 0:55 memofs live 1\nend\n",
		"zuf-stats 1\nchannel 1 running READ 1 1\nend\n",
		"zuf-stats 1\nevent goose\nend\n", "zuf-stats 1\n \nend\n",
	};
	struct stats s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (parse(texts[i], &s) != -EPROTO)
			fail_msg("taken: %s", texts[i]);
}

static void every_cut_of_the_text_is_refused(void **state)
{
	size_t len = sizeof(sample) - sizeof("end\n"), i;
	char cut[sizeof(sample)];
	struct stats s;

	(void)state;
	for (i = 0; i < len; i++) {
		memcpy(cut, sample, i);
		cut[i] = 0;
		assert_int_equal(parse(cut, &s), -EPROTO);
	}
}

static void differences_are_of_what_was_added(void **state)
{
	struct stat_op before = { .name = "READ", .count = 10, .errors = 1, .timed = 2, .ns = 50 };
	struct stat_op now = { .name = "READ", .count = 15, .errors = 1, .timed = 5, .ns = 80 };
	struct stat_op d;

	(void)state;
	before.bucket[9] = 2;
	now.bucket[9] = 3;
	now.bucket[10] = 2;
	d = stats_since(&now, &before);
	assert_int_equal(d.count, 5);
	assert_int_equal(d.errors, 0);
	assert_int_equal(d.timed, 3);
	assert_int_equal(d.ns, 30);
	assert_int_equal(d.bucket[9], 1);
	assert_int_equal(d.bucket[10], 2);
	assert_int_equal(stats_mean(&d), 10);
	d = stats_since(&now, NULL);
	assert_int_equal(d.count, 15);
	/* another root: less than before is nothing, not very much */
	d = stats_since(&before, &now);
	assert_int_equal(d.count, 0);
	assert_int_equal(d.bucket[10], 0);
}

static void percentiles_lie_in_their_bucket(void **state)
{
	struct stat_op op = { .timed = 100 };

	(void)state;
	assert_int_equal(stats_percentile(&op, 0.5), 0);
	assert_int_equal(stats_mean(&(struct stat_op){ 0 }), 0);
	op.bucket[10] = 90;		/* 512 .. 1023 */
	op.bucket[14] = 10;		/* 8192 .. 16383 */
	assert_in_range(stats_percentile(&op, 0.01), 512, 520);
	assert_in_range(stats_percentile(&op, 0.50), 790, 800);
	assert_int_equal(stats_percentile(&op, 0.90), 1024);
	assert_in_range(stats_percentile(&op, 0.99), 15500, 15600);
	assert_int_equal(stats_percentile(&op, 1.0), 16384);
}

/* Longer than what one read or the first buffer takes. */
static void a_long_file_is_read_whole_and_again(void **state)
{
	char folder[] = "/tmp/test-stats.XXXXXX", path[64];
	struct stats s;
	int i, fd;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(stats_open(folder, false), -ENOENT);
	snprintf(path, sizeof(path), "%s/stats", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("zuf-stats 1\n", f);
	for (i = 0; i < 5000; i++)
		fprintf(f, "op %d OP_%d %d 0 0 0\n", i, i, i);
	fputs("end\n", f);
	assert_int_equal(fclose(f), 0);
	fd = stats_open(folder, true);
	assert_true(fd >= 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(stats_read(fd, &s), 0);
		assert_int_equal(s.ops.count, 5000);
		assert_int_equal(stats_op(&s.ops, "OP_4999")->count, 4999);
		stats_free(&s);
	}
	close(fd);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_understood),
		cmocka_unit_test(a_newer_module_may_say_more),
		cmocka_unit_test(what_is_broken_is_refused),
		cmocka_unit_test(every_cut_of_the_text_is_refused),
		cmocka_unit_test(differences_are_of_what_was_added),
		cmocka_unit_test(percentiles_lie_in_their_bucket),
		cmocka_unit_test(a_long_file_is_read_whole_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
