// SPDX-License-Identifier: BSD-2-Clause
/*
 * trace.c: remember and write the order of executed blocks.
 *
 * Called by tcgcount.c on QEMU's one thread. The file has for each interval
 *	order TAG
 *	ADDRESS INSTRUCTIONS COPIES	(one line per executed block)
 *	end
 */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for some fifty operations of 10 k instructions. */
#define TRACE_MAX	200000

static struct {
	FILE *out;
	const struct block **order;	/* TRACE_MAX */
	uint32_t n;
	unsigned int vcpu_index;
	bool running;
} trace;

int trace_open(const char *path)
{
	trace.order = calloc(TRACE_MAX, sizeof(*trace.order));
	if (trace.order)
		trace.out = fopen(path, "w");
	if (!trace.out) {
		fprintf(stderr, "tcgcount: cannot create %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

bool trace_is_wanted(void)
{
	return trace.out;
}

void trace_start(unsigned int vcpu_index)
{
	trace.n = 0;
	trace.vcpu_index = vcpu_index;
	trace.running = true;
}

void trace_add(unsigned int vcpu_index, const struct block *b)
{
	if (trace.running && vcpu_index == trace.vcpu_index && trace.n < TRACE_MAX)
		trace.order[trace.n++] = b;
}

void trace_stop(uint32_t tag)
{
	trace.running = false;
	if (!trace.out)
		return;
	fprintf(trace.out, "order %" PRIu32 "\n", tag);
	for (uint32_t i = 0; i < trace.n; i++)
		fprintf(trace.out, "%" PRIx64 " %" PRIu32 " %" PRIu32 "\n", trace.order[i]->vaddr,
			trace.order[i]->insns, trace.order[i]->copies);
	fprintf(trace.out, "end\n");
}

void trace_close(void)
{
	if (trace.out && fclose(trace.out) != 0)
		fprintf(stderr, "tcgcount: cannot write the trace: %s\n", strerror(errno));
}
