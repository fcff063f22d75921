// SPDX-License-Identifier: BSD-2-Clause
/*
 * The log of the default environment: level, time, text; in the journal without a time.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zus/env.h>
#include <zus/log.h>

/* What a warning looks like; as_journal: as if stderr was the journal. */
static const char *line_of(bool as_journal)
{
	int fd = memfd_create("log", 0), saved = dup(STDERR_FILENO);
	static char line[2048];
	char stream[64];
	struct stat st;
	ssize_t n;

	assert_true(fd >= 0 && saved >= 0 && !fstat(fd, &st));
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + !as_journal);
	setenv("JOURNAL_STREAM", stream, 1);
	dup2(fd, STDERR_FILENO);
	zus_warn(zus_env_default(), "%d and %01500d", 7, 0);
	dup2(saved, STDERR_FILENO);
	n = pread(fd, line, sizeof(line) - 1, 0);
	line[n > 0 ? n : 0] = 0;
	unsetenv("JOURNAL_STREAM");
	close(fd);
	close(saved);
	return line;
}

static void check_line(const char *line, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	assert_int_equal(regexec(&re, line, 0, NULL, 0), 0);
	regfree(&re);
	assert_true(strlen(line) < 1024);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void a_line_has_level_and_time(void **state)
{
	(void)state;
	check_line(line_of(false),
		   "^<4>20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
		   "zus: 7 and 0+");
}

static void the_journal_has_times_of_its_own(void **state)
{
	(void)state;
	check_line(line_of(true), "^<4>zus: 7 and 0+");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_level_and_time),
		cmocka_unit_test(the_journal_has_times_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
