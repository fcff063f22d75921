// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options and configuration of zusd: precedence, every option, every kind of mistake.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
	struct zusd_conf c;

	(void)state;
	write_conf("# ZUSD_ARGS=no\n\n  ZUSD_ARGS= b\nZUSD_ARGS=one\n"
		   "export ZUFS_LIBFS_LIST='two words'  \n\t\nZUSD_ARGS=\"la'st\"");
	assert_int_equal(zusd_conf_read(conf_path, &c), 0);
	assert_string_equal(c.args, "la'st");
	assert_string_equal(c.plugins, "two words");
	zusd_conf_free(&c);
	write_conf("ZUSD_ARGS=\n");
	assert_int_equal(zusd_conf_read(conf_path, &c), 0);
	assert_string_equal(c.args, "");
	assert_null(c.plugins);
	zusd_conf_free(&c);
	assert_int_equal(zusd_conf_read("/nowhere/x", &c), -ENOENT);
	assert_int_equal(zusd_conf_read("/", &c), -EISDIR);
}

/* What is printed on stderr while a file is read; its result in *err. */
static const char *told_of(const char *path, int *err)
{
	static char said[512];
	char name[] = "/tmp/zusd-told-XXXXXX";
	int fd = mkstemp(name), saved = dup(STDERR_FILENO);
	struct zusd_conf c;
	ssize_t n;

	assert_true(fd >= 0 && saved >= 0);
	dup2(fd, STDERR_FILENO);
	*err = zusd_conf_read(path, &c);
	zusd_conf_free(&c);
	dup2(saved, STDERR_FILENO);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = 0;
	close(fd);
	close(saved);
	unlink(name);
	return said;
}

/* And of one with this text. */
static const char *told(const char *text, int *err)
{
	write_conf(text);
	return told_of(conf_path, err);
}

static void file_that_cannot_be_read_is_told_unless_there_is_none(void **state)
{
	int err;

	(void)state;
	assert_string_equal(told_of("/nowhere/x", &err), "");
	assert_int_equal(err, -ENOENT);
	assert_string_equal(told_of("/dev/null/x", &err), "zusd: /dev/null/x: Not a directory\n");
	assert_int_equal(err, -ENOTDIR);
	assert_string_equal(told_of("/", &err), "zusd: /: Is a directory\n");
	assert_int_equal(err, -EISDIR);
}

static unsigned int copies_left = UINT_MAX;	/* that there is memory for */

/* That of the options is this one. */
char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = copies_left && copies_left-- ? malloc(size) : NULL;

	return copy ? memcpy(copy, text, size) : NULL;
}

static void want_of_memory_is_an_error(void **state)
{
	struct zusd_conf c;
	unsigned int n;

	(void)state;
	write_conf("ZUFS_LIBFS_LIST=a\nZUSD_ARGS=--mlock=0\n");
	for (n = 0; n < 2; n++) {
		copies_left = n;
		assert_int_equal(zusd_conf_read(conf_path, &c), -ENOMEM);
	}
	/* and of what the options take from there */
	for (n = 0; n < 4; n++) {
		copies_left = n;
		assert_int_equal(parse(""), 3);
	}
	copies_left = UINT_MAX;
	assert_int_equal(parse(""), 0);
}

static void one_pair_of_quotes_is_taken_off(void **state)
{
	static const struct { const char *line, *value; } cases[] = {
		{ "\"\"", "" }, { "''", "" }, { "''a''", "'a'" }, { "aa", "aa" },
		{ "  ' a '\t\r", " a " }, { "", "" }, { " \t", "" }, { "a'", "a'" },
	};
	static const char *const open[] = { "\"", "'", "'a\"", "\"a'" };
	char line[40];
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct zusd_conf c;

		snprintf(line, sizeof(line), "ZUSD_ARGS=%s", cases[i].line);
		write_conf(line);
		assert_int_equal(zusd_conf_read(conf_path, &c), 0);
		assert_string_equal(c.args, cases[i].value);
		zusd_conf_free(&c);
	}
	for (i = 0; i < ARRAY_LEN(open); i++) {
		snprintf(line, sizeof(line), "ZUSD_ARGS=%s", open[i]);
		assert_non_null(strstr(told(line, &err), "has an open quote"));
		assert_int_equal(err, -EINVAL);
	}
}

static void mistakes_in_the_file_are_told_with_their_line(void **state)
{
	const char *said;
	int err;

	(void)state;
	said = told("ZUFS_LIBFS_LIST=a\n# x\nZUSD_ARG=--mlock=0\n", &err);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(said, ":3: unknown key 'ZUSD_ARG'"));
	said = told("ZUFS_LIBFS_LIST\n", &err);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(said, ":1: expected KEY=value"));
	said = told("ZUFS_LIBFS_LIST =a\n", &err);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(said, ":1: unknown key 'ZUFS_LIBFS_LIST '"));
	said = told("exportZUSD_ARGS=a\n", &err);
	assert_int_equal(err, -EINVAL);
	said = told("\nZUSD_ARGS=\"--mlock=0\n", &err);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(said, ":2: the value of 'ZUSD_ARGS' has an open quote"));
	write_conf("ZUFS_LIBFS_LIST=a\nnonsense=1\n");
	assert_int_equal(parse(""), 3);
}

static void keys_of_2019_are_known_and_warned_of(void **state)
{
	const char *said;
	int err;

	(void)state;
	said = told("ZUF_ROOT=/sys/fs/zuf\nexport LD_LIBRARY_PATH=/x\nZUFS_HOME=/y\n", &err);
	assert_int_equal(err, 0);
	assert_non_null(strstr(said, ":1: warning: 'ZUF_ROOT'"));
	assert_non_null(strstr(said, ":2: warning: 'LD_LIBRARY_PATH'"));
	assert_non_null(strstr(said, ":3: warning: 'ZUFS_HOME'"));
}

static void what_is_served_also_comes_once_and_last(void **state)
{
	(void)state;
	write_conf("ZUFS_LIBFS_LIST=a,bb\n");
	assert_int_equal(parse("--also=b"), 0);
	assert_string_equal(o.plugins, "a,bb,b");
	assert_int_equal(parse("--also=bb,c,a,c"), 0);
	assert_string_equal(o.plugins, "a,bb,c");
	assert_int_equal(parse("--also=c,d"), 0);
	assert_string_equal(o.plugins, "a,bb,c,d");
	assert_int_equal(parse("--plugins=x --also=y"), 0);
	assert_string_equal(o.plugins, "x,y");
	write_conf("");
	assert_int_equal(parse("--also=y"), 0);
	assert_string_equal(o.plugins, "y");
}

static int parse_words(int argc, const char *const *argv)
{
	char *copy[8];

	memcpy(copy, argv, (size_t)argc * sizeof(*argv));
	copy[argc] = NULL;
	zusd_options_free(&o);
	return zusd_options_parse(&o, argc, copy);
}

/* Both forms name the file; behind "--" and as another option's value it is no option. */
static void config_is_found_before_the_rest(void **state)
{
	const char *const one[] = { "zusd", "--config", conf_path };
	const char *const last[] = { "zusd", "--plugins=x", "--config" };
	const char *const ended[] = { "zusd", "--plugins=x", "--", "--config" };
	const char *const other[] = { "zusd", "--configure=/nowhere" };
	const char *const none[] = { "zusd", "--nice=1", "--plugins=x" };
	const char *const cut[] = { "zusd", "--conf", conf_path };
	const char *const value[] = { "zusd", "--plugins=x", "--pidfile", "--config", "root" };

	(void)state;
	write_conf("ZUFS_LIBFS_LIST=list\nZUSD_ARGS=--nice=7\n");
	assert_int_equal(parse_words(3, one), 0);
	assert_string_equal(o.config, conf_path);
	assert_string_equal(o.plugins, "list");
	assert_int_equal(o.nice, 7);
	assert_int_equal(parse_words(3, last), 3);
	assert_string_equal(o.config, ZUSD_CONFIG_DEFAULT);
	/* as any long option it may be cut */
	assert_int_equal(parse_words(3, cut), 0);
	assert_string_equal(o.plugins, "list");
	assert_int_equal(parse_words(5, value), 0);
	assert_string_equal(o.pidfile, "--config");
	assert_string_equal(o.root, "root");
	assert_string_equal(o.config, ZUSD_CONFIG_DEFAULT);
	assert_int_equal(parse_words(4, ended), 0);
	assert_string_equal(o.root, "--config");
	assert_string_equal(o.config, ZUSD_CONFIG_DEFAULT);
	assert_int_equal(parse_words(3, none), 0);
	assert_string_equal(o.config, ZUSD_CONFIG_DEFAULT);
	assert_int_equal(parse_words(2, other), 3);
	assert_string_equal(o.config, ZUSD_CONFIG_DEFAULT);
}

/* What cannot be read is not taken for nothing; what is long is taken in whole. */
static void unreadable_settings_are_errors(void **state)
{
	const char *const folder[] = { "zusd", "--config=/", "--plugins=x" };
	const char *const absent[] = { "zusd", "--config=/nowhere/x", "--plugins=x" };
	static char line[5000] = "ZUFS_LIBFS_LIST=";

	(void)state;
	assert_int_equal(parse_words(3, folder), 3);
	assert_int_equal(parse_words(3, absent), 0);
	memset(line + strlen(line), 'p', sizeof(line) - 1 - strlen(line));
	write_conf(line);
	assert_int_equal(parse(""), 0);
	assert_string_equal(o.plugins, strchr(line, '=') + 1);
}

static void numbers_have_their_limits(void **state)
{
	static const struct { const char *line; int end; } cases[] = {
		{ "--nice=-20", 0 }, { "--nice=-21", 3 }, { "--nice=19", 0 }, { "--nice=20", 3 },
		{ "--mlock=0", 0 }, { "--mlock=-1", 3 }, { "--mlock=2", 0 }, { "--mlock=", 3 },
		{ "--policyRR=1", 0 }, { "--policyRR=99", 0 }, { "--policyRR=0", 3 },
		{ "--nice=3x", 3 }, { "--nice=99999999999999999999", 3 },
		{ "--ready-fd=0", 0 }, { "--ready-fd=1048577", 3 }, { "--verbose=0", 0 },
	};
	char line[80];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(line, sizeof(line), "--plugins=x %s", cases[i].line);
		assert_int_equal(parse(line), cases[i].end);
	}
}

/* What getopt says of a word of ZUSD_ARGS begins with the program's name. */
static void mistakes_in_the_environment_are_zusds(void **state)
{
	char text[64] = "";
	int fd = memfd_create("stderr", 0), old = dup(STDERR_FILENO);

	(void)state;
	assert_true(fd >= 0 && old >= 0);
	setenv("ZUSD_ARGS", "--bogus", 1);
	dup2(fd, STDERR_FILENO);
	assert_int_equal(parse("--plugins=x"), 3);
	dup2(old, STDERR_FILENO);
	unsetenv("ZUSD_ARGS");
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_ptr_equal(strstr(text, "zusd: "), text);
	assert_non_null(strstr(text, "--bogus"));
	close(fd);
	close(old);
}

static void words_have_their_limit(void **state)
{
	char text[65 * 3 + 1] = "";
	int i;

	(void)state;
	for (i = 0; i < 65; i++)
		memcpy(text + 3 * i, "-v ", 4);
	text[64 * 3] = 0;
	setenv("ZUSD_ARGS", text, 1);
	assert_int_equal(parse("--plugins=x"), 0);
	text[64 * 3] = '-';
	setenv("ZUSD_ARGS", text, 1);
	assert_int_equal(parse("--plugins=x"), 3);
	unsetenv("ZUSD_ARGS");
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
		T(mistakes_in_the_file_are_told_with_their_line),
		T(keys_of_2019_are_known_and_warned_of),
		T(what_is_served_also_comes_once_and_last),
		T(words_are_split_with_quotes),
		T(file_that_cannot_be_read_is_told_unless_there_is_none),
		T(want_of_memory_is_an_error),
		T(one_pair_of_quotes_is_taken_off),
		T(config_is_found_before_the_rest),
		T(unreadable_settings_are_errors),
		T(numbers_have_their_limits),
		T(mistakes_in_the_environment_are_zusds),
		T(words_have_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
