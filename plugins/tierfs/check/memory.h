/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of one check: taken piece by piece, given back all at once. What check.h's
 * tierfs_check_memory_create makes keeps its blocks for the next check. One thread at a time.
 */
#ifndef TIERFS_CHECK_MEMORY_H
#define TIERFS_CHECK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct tierfs_check_block;

struct tierfs_check_memory {
	struct tierfs_check_block *blocks;	/* all of them */
	struct tierfs_check_block *current;	/* the first that may have room */
};

/* 64-byte aligned; not cleared, or all zeros. NULL: there is none. */
void *tierfs_check_alloc(struct tierfs_check_memory *m, uint64_t bytes);
void *tierfs_check_zalloc(struct tierfs_check_memory *m, uint64_t n, uint64_t bytes);
/* Nothing that was taken is in use any more. */
void tierfs_check_memory_reset(struct tierfs_check_memory *m);
void tierfs_check_memory_fini(struct tierfs_check_memory *m);

#endif /* TIERFS_CHECK_MEMORY_H */
