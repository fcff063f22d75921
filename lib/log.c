// SPDX-License-Identifier: BSD-2-Clause
/*
 * Logging: zus_log() to the sink of an environment, and the sink of the default one, which
 * writes a line "<level>time zus: text" to stderr. The prefix is what journald reads; it has
 * times of its own, so there is none where stderr is the journal.
 *
 * A line goes out in one write, so lines of several threads do not mix. Debug messages are
 * filtered at their site, not here.
 */
#define _GNU_SOURCE
#include <zus/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "internal.h"

static int max_level = LOG_INFO;

void zus_log_set_level(int level)
{
	__atomic_store_n(&max_level, level, __ATOMIC_RELAXED);
}

/* Whether stderr is the stream that the service manager says it has connected to the journal. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

/* "2026-11-30T13:05:59.123Z ", UTC, or nothing. */
static void put_time(char *text, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	*text = 0;
	if (is_journal() || clock_gettime(CLOCK_REALTIME, &now) || !gmtime_r(&now.tv_sec, &tm))
		return;
	n = strftime(text, size, "%FT%T", &tm);
	snprintf(text + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

void zus_log_stderr(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	char line[1024], when[48];
	int head, body;
	size_t n;

	(void)env;
	if (level != LOG_DEBUG && level > __atomic_load_n(&max_level, __ATOMIC_RELAXED))
		return;
	put_time(when, sizeof(when));
	head = snprintf(line, sizeof(line), "<%d>%szus: ", level & 7, when);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, ap);
	n = (size_t)head + (body > 0 ? (size_t)body : 0);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return;		/* there is no place left to complain to */
}

void zus_log(const struct zus_env *env, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	env->vlog(env, level, fmt, ap);
	va_end(ap);
}
