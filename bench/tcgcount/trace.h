/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: the order in which one CPU executed its blocks, for the beginning of each interval.
 *
 * Used by tcgcount.c when the plugin is loaded with trace=FILE; bench/steps.py reads the file.
 */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* All translations with the same key share a block: they are counted alike. */
struct block {
	struct block *hash_next;
	struct block *all_next;
	uint64_t vaddr;
	uint64_t execs;		/* incremented by generated code */
	uint32_t insns;		/* per execution */
	uint32_t copies;	/* of them copying data */
};

/* 0 or -1 after a message. */
int trace_open(const char *path);
bool trace_is_wanted(void);
/* Follow this CPU from here on. */
void trace_start(unsigned int vcpu_index);
void trace_add(unsigned int vcpu_index, const struct block *b);
/* Write what was followed, under a tag. */
void trace_stop(uint32_t tag);
void trace_close(void);

#endif
