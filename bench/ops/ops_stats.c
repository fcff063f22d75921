// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_stats.c: read switches, migrations and time from /proc, without perf or tracing.
 *
 * The system-wide number of switches includes those of a server that works for us, which is what a
 * hand-off costs; with the plugin bench/report.py counts them more exactly by symbol.
 */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sum up the numbers that follow a key, over all lines of a file that contain it. */
static uint64_t sum_lines(const char *path, const char *key)
{
	char line[4096];
	uint64_t sum = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char *at = strstr(line, key);

		if (!at)
			continue;
		at += strlen(key);
		at += strspn(at, " \t:");
		sum += strtoull(at, NULL, 10);
	}
	fclose(f);
	return sum;
}

void stats_read(struct stats *s)
{
	struct timespec now;

	/* matches voluntary_ctxt_switches and nonvoluntary_ctxt_switches */
	s->own_switches = sum_lines("/proc/self/status", "voluntary_ctxt_switches");
	s->all_switches = sum_lines("/proc/stat", "ctxt");
	s->migrations = sum_lines("/proc/self/sched", "nr_migrations");
	clock_gettime(CLOCK_MONOTONIC, &now);
	s->time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
