// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dynamic debug: the text of the sites, its delivery in pieces, commands and their syntax,
 * and that a site speaks exactly while it is on. The sites are records made here, but one.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zus/log.h>
#include <zus/server.h>

static struct zus_ddbg_site sites_a[2] = {
	{ "lib/one.c", "first", "plain %d", 10, 0 },
	{ "lib/one.c", "second", "two\n\t\"lines\"\\", 20, 0 },
};
static struct zus_ddbg_site sites_b[1] = {
	{ "two.c", "third", "other", 30, 0 },
};

static int setup(void **state)
{
	(void)state;
	sites_a[0].on = 0;
	sites_a[1].on = 0;
	sites_b[0].on = 0;
	return zus_ddbg_register("moda", sites_a, sites_a + 2) ||
	       zus_ddbg_register("modb", sites_b, sites_b + 1);
}

static int teardown(void **state)
{
	(void)state;
	zus_ddbg_unregister(sites_a);
	zus_ddbg_unregister(sites_b);
	return 0;
}

static const char expected[] =
	"lib/one.c:10 [moda] first =_ \"plain %d\"\n"
	"lib/one.c:20 [moda] second =p \"two\\n\\t\\\"lines\\\"\\\\\"\n"
	"two.c:30 [modb] third =_ \"other\"\n";

static void text_shows_every_site(void **state)
{
	char buf[4096];
	uint64_t id = 0;
	size_t n;

	(void)state;
	assert_int_equal(zus_ddbg_write("line 20 +p"), 1);
	n = zus_ddbg_read(&id, buf, sizeof(buf));
	assert_int_equal(n, sizeof(expected) - 1);
	assert_memory_equal(buf, expected, n);
	assert_int_equal(id, 3);
	assert_int_equal(zus_ddbg_read(&id, buf, sizeof(buf)), 0);
}

static void text_comes_in_pieces_of_whole_lines(void **state)
{
	char whole[4096], piece[60];
	size_t n, used = 0;
	uint64_t id = 0;

	(void)state;
	assert_int_equal(zus_ddbg_write("line 20 +p"), 1);
	while ((n = zus_ddbg_read(&id, piece, sizeof(piece)))) {
		assert_int_equal(piece[n - 1], '\n');
		memcpy(whole + used, piece, n);
		used += n;
	}
	assert_int_equal(used, sizeof(expected) - 1);
	assert_memory_equal(whole, expected, used);
	id = 0;
	assert_int_equal(zus_ddbg_read(&id, piece, 5), 0);
	assert_int_equal(id, 0);
}

/* A line that fits exactly is there, with one byte less of room it is not. */
static void line_fits_or_is_left_for_later(void **state)
{
	const size_t first = (size_t)(strchr(expected, '\n') + 1 - expected);
	char buf[128];
	uint64_t id = 0;

	(void)state;
	assert_int_equal(zus_ddbg_write("line 20 +p"), 1);
	assert_int_equal(zus_ddbg_read(&id, buf, first - 1), 0);
	assert_int_equal(id, 0);
	memset(buf, '#', sizeof(buf));
	assert_int_equal(zus_ddbg_read(&id, buf, first), first);
	assert_int_equal(id, 1);
	assert_memory_equal(buf, expected, first);
	assert_int_equal(buf[first], '#');
}

static void long_formats_are_cut(void **state)
{
	static char fmt[600];
	static struct zus_ddbg_site site = { "f.c", "fn", fmt, 1, 0 };
	char buf[1024];
	uint64_t id = 3;
	size_t n, i;

	(void)state;
	assert_int_equal(zus_ddbg_register("long", &site, &site + 1), 0);
	for (i = 245; i < 265; i++) {
		memset(fmt, i & 1 ? 'f' : '\n', i);
		fmt[i] = 0;
		id = 3;
		n = zus_ddbg_read(&id, buf, sizeof(buf));
		assert_true(n > 200 && n < 300);
		assert_memory_equal(buf + n - 2, "\"\n", 2);
		assert_int_equal(id, 4);
	}
	zus_ddbg_unregister(&site);
}

static void long_lines_end_as_lines(void **state)
{
	static char file[600];
	static struct zus_ddbg_site site = { file, "fn", "text", 1, 0 };
	char buf[1024];
	uint64_t id;
	size_t n, i;

	(void)state;
	assert_int_equal(zus_ddbg_register("long", &site, &site + 1), 0);
	memset(file, 'f', sizeof(file) - 1);
	for (i = 470; i < 500; i++) {
		file[i] = 0;
		id = 3;
		n = zus_ddbg_read(&id, buf, sizeof(buf));
		/* :1 [long] fn =_ "text" and a newline */
		assert_int_equal(n, i + 23 < 511 ? i + 23 : 511);
		assert_int_equal(buf[n - 1], '\n');
		assert_int_equal(id, 4);
		file[i] = 'f';
	}
	zus_ddbg_unregister(&site);
}

static void commands_pick_their_sites(void **state)
{
	static const struct { const char *cmd; int n; } cases[] = {
		{ "+p", 3 }, { "-p", 3 }, { "module moda +p", 2 }, { "func third -p", 1 },
		{ "file one.c +p", 2 }, { "file lib/one.c -p", 2 }, { "file ne.c +p", 0 },
		{ "line 30 +p", 1 }, { "format plain -p", 1 }, { "format \"plain %d\" +p", 1 },
		{ "  module\tmoda  func second\n+p ", 1 }, { "module modb line 10 +p", 0 },
		{ "line 9 +p", 0 }, { "line 10 +p", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(zus_ddbg_write(cases[i].cmd), cases[i].n);
	assert_int_equal(sites_a[0].on, 1);
	assert_int_equal(sites_a[1].on, 1);
	assert_int_equal(sites_b[0].on, 1);
}

/* The library's strdup is this one. */
static bool no_memory;

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = no_memory ? NULL : malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

static void command_without_memory_changes_nothing(void **state)
{
	(void)state;
	no_memory = true;
	assert_int_equal(zus_ddbg_write("+p"), -ENOMEM);
	no_memory = false;
	assert_int_equal(sites_a[0].on, 0);
	assert_int_equal(zus_ddbg_write("+p"), 3);
}

static void malformed_commands_change_nothing(void **state)
{
	static const char *const cmds[] = {
		"", "module moda", "module +p", "bogus x +p", "line abc +p", "line 0 +p",
		"line -3 +p", "line 3x +p", "+p -p", "+q", "format \"open +p", "+p module moda",
		"format \"\" +p", "-p +p", "-p module moda",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cmds); i++)
		assert_int_equal(zus_ddbg_write(cmds[i]), -EINVAL);
	assert_int_equal(sites_a[0].on + sites_a[1].on + sites_b[0].on, 0);
}

/* ---- a real site ---- */

static char logged[64];

static void catch_log(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	(void)env;
	assert_int_equal(level, LOG_DEBUG);
	vsnprintf(logged, sizeof(logged), fmt, ap);
}

static void site_speaks_only_while_it_is_on(void **state)
{
	struct zus_env env = *zus_env_default();
	int i;

	(void)state;
	env.vlog = catch_log;
	assert_int_equal(zus_ddbg_register("self", __start_zus_ddbg, __stop_zus_ddbg), 0);
	for (i = 0; i < 3; i++) {
		logged[0] = 0;
		if (i < 2)
			assert_int_equal(zus_ddbg_write(i ? "module self +p" :
							"module self -p"), 1);
		else
			assert_int_equal(zus_ddbg_write("module self -p"), 1);
		/* the same site each time */
		zus_dbg(&env, "value %d", i);
		assert_string_equal(logged, i == 1 ? "value 1" : "");
	}
	zus_ddbg_unregister(__start_zus_ddbg);
	assert_int_equal(zus_ddbg_write("module self +p"), 0);
}

static void mount_thread_messages_carry_it(void **state)
{
	const struct zus_host host = { 0 };
	size_t size = 8192;
	struct zufs_ioc_mount *msg = calloc(1, size);

	(void)state;
	assert_non_null(msg);
	msg->hdr.operation = ZUFS_M_DDBG_WR;
	strncpy(ZUFS_TAIL(msg, zdi.msg), "line 20 +p", 512);
	zus_dispatch_mount(&host, msg, size);
	assert_int_equal(msg->hdr.err, 0);
	strncpy(ZUFS_TAIL(msg, zdi.msg), "line +p", 512);
	zus_dispatch_mount(&host, msg, size);
	assert_int_equal(msg->hdr.err, -EINVAL);
	msg->hdr.operation = ZUFS_M_DDBG_RD;
	msg->zdi.id = 0;
	msg->zdi.len = 4000;
	zus_dispatch_mount(&host, msg, size);
	assert_int_equal(msg->hdr.err, 0);
	assert_int_equal(msg->zdi.len, sizeof(expected) - 1);
	assert_int_equal(msg->hdr.out_len, 40 + sizeof(expected) - 1);
	assert_int_equal(msg->zdi.id, 3);
	assert_memory_equal(ZUFS_TAIL(msg, zdi.msg), expected, sizeof(expected) - 1);
	/* whole lines, as many as are asked for and as the buffer takes */
	msg->zdi.id = 0;
	msg->zdi.len = sizeof(expected) - 2;
	zus_dispatch_mount(&host, msg, size);
	assert_int_equal(msg->zdi.id, 2);
	msg->zdi.id = 0;
	msg->zdi.len = UINT32_MAX;
	zus_dispatch_mount(&host, msg, 40 + sizeof(expected) - 2);
	assert_int_equal(msg->zdi.id, 2);
	free(msg);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(text_shows_every_site),
		T(text_comes_in_pieces_of_whole_lines),
		T(line_fits_or_is_left_for_later),
		T(long_formats_are_cut),
		T(long_lines_end_as_lines),
		T(commands_pick_their_sites),
		T(command_without_memory_changes_nothing),
		T(malformed_commands_change_nothing),
		T(site_speaks_only_while_it_is_on),
		T(mount_thread_messages_carry_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
