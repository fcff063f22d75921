// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory of a check; see memory.h. Blocks stand in a list, those that are full or kept before
 * `current` have nothing free.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define BLOCK_BYTES	(256U << 10)
#define ALIGN		64U

struct tierfs_check_block {
	struct tierfs_check_block *next;
	uint64_t bytes;			/* behind this head */
	uint64_t used;
	uint64_t pad[5];		/* what is given out is aligned */
};

_Static_assert(sizeof(struct tierfs_check_block) == ALIGN, "alignment of blocks");

static struct tierfs_check_block *add_block(struct tierfs_check_memory *m, uint64_t bytes)
{
	struct tierfs_check_block **at = &m->blocks, *b;

	if (bytes < BLOCK_BYTES)
		bytes = BLOCK_BYTES;
	if (bytes > UINT64_MAX / 2)
		return NULL;
	b = aligned_alloc(ALIGN, sizeof(*b) + bytes);
	if (!b)
		return NULL;
	*b = (struct tierfs_check_block){ .bytes = bytes };
	while (*at)
		at = &(*at)->next;
	*at = b;
	return b;
}

void *tierfs_check_alloc(struct tierfs_check_memory *m, uint64_t bytes)
{
	struct tierfs_check_block *b = m->current;
	uint8_t *at;

	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	while (b && b->bytes - b->used < bytes)
		b = b->next;
	if (!b)
		b = add_block(m, bytes);
	if (!b)
		return NULL;
	m->current = b;
	at = (uint8_t *)(b + 1) + b->used;
	b->used += bytes;
	return at;
}

void *tierfs_check_zalloc(struct tierfs_check_memory *m, uint64_t n, uint64_t bytes)
{
	void *at = n > UINT64_MAX / 2 / bytes ? NULL : tierfs_check_alloc(m, n * bytes);

	if (at)
		memset(at, 0, n * bytes);
	return at;
}

void tierfs_check_memory_reset(struct tierfs_check_memory *m)
{
	struct tierfs_check_block *b;

	for (b = m->blocks; b; b = b->next)
		b->used = 0;
	m->current = m->blocks;
}

void tierfs_check_memory_fini(struct tierfs_check_memory *m)
{
	struct tierfs_check_block *b, *next;

	for (b = m->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*m = (struct tierfs_check_memory){ NULL, NULL };
}

struct tierfs_check_memory *tierfs_check_memory_create(void)
{
	return calloc(1, sizeof(struct tierfs_check_memory));
}

void tierfs_check_memory_destroy(struct tierfs_check_memory *m)
{
	if (!m)
		return;
	tierfs_check_memory_fini(m);
	free(m);
}
