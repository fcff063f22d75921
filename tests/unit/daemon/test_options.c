// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options and configuration of zusd: precedence, every option, every kind of mistake.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "zusd.h"

static char conf_path[] = "/tmp/zusd-test-XXXXXX";
static struct zusd_options o;

static int setup(void **state)
{
	int fd = mkstemp(conf_path);

	(void)state;
	unsetenv("ZUSD_ARGS");
	unsetenv("ZUFS_LIBFS_LIST");
	return fd < 0 || close(fd);
}

static int teardown(void **state)
{
	(void)state;
	zusd_options_free(&o);
	unlink(conf_path);
	strncpy(conf_path + sizeof(conf_path) - 7, "XXXXXX", 7);
	return 0;
}

static void write_conf(const char *text)
{
	FILE *f = fopen(conf_path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Parses "--config=FILE" and the words of a line. */
static int parse(const char *line)
{
	static char text[256], config[64];
	char *argv[20];
	int n;

	snprintf(text, sizeof(text), "%s", line);
	snprintf(config, sizeof(config), "--config=%s", conf_path);
	argv[0] = (char *)"zusd";
	argv[1] = config;
	n = zusd_split_words(text, argv + 2, 16);
	assert_true(n >= 0);
	argv[n + 2] = NULL;
	zusd_options_free(&o);
	return zusd_options_parse(&o, n + 2, argv);
}

static void defaults_are_as_documented(void **state)
{
	(void)state;
	write_conf("ZUFS_LIBFS_LIST=a,b\n");
	assert_int_equal(parse(""), 0);
	assert_string_equal(o.root, "/sys/fs/zuf");
	assert_string_equal(o.plugins, "a,b");
	assert_string_equal(o.plugin_dir, "/usr/lib/zufs");
	assert_int_equal(o.policy, SCHED_OTHER);
	assert_int_equal(o.nice, -5);
	assert_int_equal(o.mlock, 1);
	assert_int_equal(o.ready_fd, -1);
	assert_null(o.pidfile);
}

static void every_option_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("--plugins=x --policyRR=7 --nice=3 --mlock=2 --verbose=5 "
			       "--plugin-dir=/p --pidfile=/pid --ready-fd=4 /root"), 0);
	assert_string_equal(o.plugins, "x");
	assert_int_equal(o.policy, SCHED_RR);
	assert_int_equal(o.priority, 7);
	assert_int_equal(o.nice, 3);
	assert_int_equal(o.mlock, 2);
	assert_int_equal(o.verbose, 5);
	assert_string_equal(o.plugin_dir, "/p");
	assert_string_equal(o.pidfile, "/pid");
	assert_int_equal(o.ready_fd, 4);
	assert_string_equal(o.root, "/root");
	assert_int_equal(parse("--plugins=x --policyFIFO --nice --mlock -v"), 0);
	assert_int_equal(o.policy, SCHED_FIFO);
	assert_int_equal(o.priority, 20);
	assert_int_equal(o.nice, -20);
	assert_int_equal(o.verbose, 1);
}

static void mistakes_are_usage_errors(void **state)
{
	static const char *const lines[] = {
		"", "--plugins=x --mlock=3", "--plugins=x --policyRR=100",
		"--plugins=x --policyFIFO=0", "--plugins=x --nice=40", "--plugins=x --bogus",
		"--plugins=x a b", "--plugins=x --ready-fd=-1", "--plugins=x --verbose=abc",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(lines); i++)
		assert_int_equal(parse(lines[i]), 3);
	assert_int_equal(parse("--help"), 1);
	assert_int_equal(parse("--version"), 1);
}

static void command_line_wins_over_environment_over_file(void **state)
{
	(void)state;
	write_conf("ZUFS_LIBFS_LIST=file\nZUSD_ARGS=\"--mlock=0 --nice=5 /conf/root\"\n");
	assert_int_equal(parse(""), 0);
	assert_string_equal(o.plugins, "file");
	assert_int_equal(o.mlock, 0);
	assert_string_equal(o.root, "/conf/root");
	setenv("ZUFS_LIBFS_LIST", "env", 1);
	assert_int_equal(parse("--mlock=2"), 0);
	assert_string_equal(o.plugins, "env");
	assert_int_equal(o.mlock, 2);
	assert_int_equal(o.nice, 5);
	setenv("ZUSD_ARGS", "--nice=6", 1);
	assert_int_equal(parse("--plugins=arg"), 0);
	assert_string_equal(o.plugins, "arg");
	assert_int_equal(o.nice, 6);
	assert_int_equal(o.mlock, 1);
	setenv("ZUSD_ARGS", "--nice='6", 1);
	assert_int_equal(parse("--plugins=arg"), 3);
	unsetenv("ZUSD_ARGS");
	unsetenv("ZUFS_LIBFS_LIST");
}

static void values_are_read_like_a_shell_does(void **state)
{
	char v[16];

	(void)state;
	write_conf("# A=no\n  A = b\nA=one\nexport B='two words'  \nAB=x\nC=\n"
		   "LONG=0123456789abcdef\nA=last");
	assert_int_equal(zusd_conf_get(conf_path, "A", v, sizeof(v)), 0);
	assert_string_equal(v, "last");
	assert_int_equal(zusd_conf_get(conf_path, "B", v, sizeof(v)), 0);
	assert_string_equal(v, "two words");
	assert_int_equal(zusd_conf_get(conf_path, "C", v, sizeof(v)), 0);
	assert_string_equal(v, "");
	assert_int_equal(zusd_conf_get(conf_path, "MISSING", v, sizeof(v)), 0);
	assert_string_equal(v, "");
	assert_int_equal(zusd_conf_get(conf_path, "LONG", v, sizeof(v)), -E2BIG);
	assert_int_equal(zusd_conf_get("/nowhere/x", "A", v, sizeof(v)), -ENOENT);
}

static void words_are_split_with_quotes(void **state)
{
	char text[] = "  a 'b c'\td\"e f\"g ''";
	char *argv[5];

	(void)state;
	assert_int_equal(zusd_split_words(text, argv, 5), 4);
	assert_string_equal(argv[0], "a");
	assert_string_equal(argv[1], "b c");
	assert_string_equal(argv[2], "de fg");
	assert_string_equal(argv[3], "");
	strncpy(text, "a b c", sizeof(text));
	assert_int_equal(zusd_split_words(text, argv, 2), -E2BIG);
	strncpy(text, "a \"b c", sizeof(text));
	assert_int_equal(zusd_split_words(text, argv, 5), -EINVAL);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(defaults_are_as_documented),
		T(every_option_is_taken),
		T(mistakes_are_usage_errors),
		T(command_line_wins_over_environment_over_file),
		T(values_are_read_like_a_shell_does),
		T(words_are_split_with_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
