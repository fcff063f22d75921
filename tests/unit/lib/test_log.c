// SPDX-License-Identifier: BSD-2-Clause
/*
 * The log of the default environment: one line a message, with its level, cut where it must be;
 * which levels are printed.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zus/log.h>

#define LINE_MAX_BYTES	1023		/* with its newline */

static int file, old_stderr;
static char text[4096];

static int setup(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	file = memfd_create("stderr", MFD_CLOEXEC);
	/* the journal's lines have no times: test_log_time.c */
	if (fstat(file, &st))
		return 1;
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	old_stderr = dup(STDERR_FILENO);
	zus_log_set_level(LOG_INFO);
	return file < 0 || old_stderr < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(file);
	close(old_stderr);
	return 0;
}

/* What one message prints; its length. */
static size_t printed(int level, const char *message)
{
	ssize_t n;

	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	dup2(file, STDERR_FILENO);
	zus_log(zus_env_default(), level, "%s", message);
	dup2(old_stderr, STDERR_FILENO);
	n = pread(file, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = 0;
	return (size_t)n;
}

static void message_is_a_line_with_its_level(void **state)
{
	(void)state;
	printed(LOG_ERR, "it is broken");
	assert_string_equal(text, "<3>zus: it is broken\n");
	printed(LOG_INFO, "");
	assert_string_equal(text, "<6>zus: \n");
}

static void levels_behind_the_limit_are_silent(void **state)
{
	(void)state;
	zus_log_set_level(LOG_WARNING);
	assert_int_equal(printed(LOG_NOTICE, "no"), 0);
	assert_int_equal(printed(LOG_INFO, "no"), 0);
	assert_true(printed(LOG_WARNING, "yes") > 0);
	assert_true(printed(LOG_EMERG, "yes") > 0);
	/* who has switched a debug site on wants to hear it */
	printed(LOG_DEBUG, "site");
	assert_string_equal(text, "<7>zus: site\n");
}

static void long_messages_are_cut_before_the_newline(void **state)
{
	const size_t most = LINE_MAX_BYTES - strlen("<3>zus: ") - 1;
	char message[2000];
	size_t len;

	(void)state;
	for (len = most - 3; len < most + 4; len++) {
		size_t kept = len < most ? len : most;

		memset(message, 'm', len);
		message[len] = 0;
		assert_int_equal(printed(LOG_ERR, message), strlen("<3>zus: ") + kept + 1);
		assert_int_equal(text[strlen("<3>zus: ") + kept], '\n');
		assert_int_equal(text[strlen("<3>zus: ") + kept - 1], 'm');
	}
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = 0;
	assert_int_equal(printed(LOG_ERR, message), LINE_MAX_BYTES);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(message_is_a_line_with_its_level),
		T(levels_behind_the_limit_are_silent),
		T(long_messages_are_cut_before_the_newline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
