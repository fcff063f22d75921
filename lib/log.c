// SPDX-License-Identifier: BSD-2-Clause
/*
 * Logging: zus_log() to the sink of an environment, and the sink of the default one, which
 * writes a line "<level>text" to stderr (the prefix is what journald reads).
 *
 * A line goes out in one write, so lines of several threads do not mix. Debug messages are
 * filtered at their site, not here.
 */
#define _GNU_SOURCE
#include <zus/log.h>

#include <stdio.h>
#include <unistd.h>
#include "internal.h"

static int max_level = LOG_INFO;

void zus_log_set_level(int level)
{
	__atomic_store_n(&max_level, level, __ATOMIC_RELAXED);
}

void zus_log_stderr(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	char line[1024];
	int head, body;
	size_t n;

	(void)env;
	if (level != LOG_DEBUG && level > __atomic_load_n(&max_level, __ATOMIC_RELAXED))
		return;
	head = snprintf(line, sizeof(line), "<%d>zus: ", level & 7);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
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
