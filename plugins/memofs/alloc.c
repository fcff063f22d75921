// SPDX-License-Identifier: BSD-2-Clause
/*
 * T1 blocks: which are free. T1 is cut into groups, each with a bitmap and a lock; a CPU
 * starts its search in a group of its own, so CPUs meet only when space gets scarce.
 *
 * Called by map.c, inode.c and name.c on any thread. A block belongs to who got it until he
 * frees it. The search is next-fit, which gives a file that grows contiguous blocks.
 */
#include "memofs.h"

#include <string.h>
#include <zus/thread.h>

/* Groups end on 2 MiB, so that none splits what could be one large page. */
#define GROUP_ALIGN	512
#define WORD_BITS	64

static void mark_used(struct memofs_sb *msb, uint64_t bn)
{
	struct memofs_group *g = &msb->groups[bn / msb->group_blocks];
	uint64_t i = bn % msb->group_blocks;

	g->bits[i / WORD_BITS] |= (uint64_t)1 << i % WORD_BITS;
	g->free--;
	msb->usable--;
}

/* Block 0 (no dpp may be 0) and the first block of each further device. */
static void reserve_tables(struct memofs_sb *msb)
{
	const struct md_dev_table *mdt = &msb->sb.md->mdt;
	uint64_t bn = 0;
	unsigned int i;

	mark_used(msb, 0);
	for (i = 0; i + 1 < zus_md_t1_count(mdt); i++) {
		bn += zus_md_dev_blocks(mdt, i);
		if (bn >= msb->blocks)
			break;
		mark_used(msb, bn);
	}
}

static int group_init(struct memofs_sb *msb, struct memofs_group *g, uint64_t blocks)
{
	uint64_t i;

	pthread_mutex_init(&g->lock, NULL);
	if (!blocks)
		return 0;
	g->words = (blocks + WORD_BITS - 1) / WORD_BITS;
	g->bits = zus_alloc_array(msb->sb.env, g->words, sizeof(*g->bits));
	if (!g->bits)
		return -ENOMEM;
	for (i = blocks; i < g->words * WORD_BITS; i++)
		g->bits[i / WORD_BITS] |= (uint64_t)1 << i % WORD_BITS;
	g->free = blocks;
	return 0;
}

void memofs_blocks_fini(struct memofs_sb *msb)
{
	unsigned int i;

	for (i = 0; i < MEMOFS_GROUPS; i++) {
		zus_free(msb->sb.env, msb->groups[i].bits);
		pthread_mutex_destroy(&msb->groups[i].lock);
	}
}

int memofs_blocks_init(struct memofs_sb *msb, uint64_t limit_bytes)
{
	uint64_t limit = limit_bytes >> ZUS_BLOCK_SHIFT, left;
	unsigned int i;
	int err = 0;

	msb->blocks = msb->sb.md->t1_blocks;
	if (limit && limit < msb->blocks)
		msb->blocks = limit;
	msb->usable = msb->blocks;
	msb->group_blocks = (msb->blocks / MEMOFS_GROUPS + GROUP_ALIGN) & ~(GROUP_ALIGN - 1ULL);
	left = msb->blocks;
	for (i = 0; i < MEMOFS_GROUPS; i++) {
		uint64_t n = left < msb->group_blocks ? left : msb->group_blocks;
		int e = group_init(msb, &msb->groups[i], n);

		left -= n;
		if (e)
			err = e;
	}
	if (!err && msb->blocks < 2)
		err = -ENOSPC;
	if (err)
		memofs_blocks_fini(msb);
	else
		reserve_tables(msb);
	return err;
}

static void set_free(struct memofs_group *g, uint64_t n)
{
	__atomic_store_n(&g->free, n, __ATOMIC_RELAXED);
}

/* Takes a block of a group that has one; its number within the group. */
static uint64_t take_locked(struct memofs_group *g)
{
	uint64_t w = g->hint, bit;

	while (g->bits[w] == UINT64_MAX)
		w = w + 1 < g->words ? w + 1 : 0;
	bit = (uint64_t)__builtin_ctzll(~g->bits[w]);
	g->bits[w] |= (uint64_t)1 << bit;
	g->hint = w;
	set_free(g, g->free - 1);
	return w * WORD_BITS + bit;
}

uint64_t memofs_block_alloc(struct memofs_sb *msb)
{
	unsigned int i, first = (unsigned int)zus_current_cpu();

	for (i = 0; i < MEMOFS_GROUPS; i++) {
		unsigned int n = (first + i) % MEMOFS_GROUPS;
		struct memofs_group *g = &msb->groups[n];
		uint64_t bn = 0;

		if (!__atomic_load_n(&g->free, __ATOMIC_RELAXED))
			continue;
		pthread_mutex_lock(&g->lock);
		if (g->free)
			bn = n * msb->group_blocks + take_locked(g);
		pthread_mutex_unlock(&g->lock);
		if (bn)
			return bn;
	}
	return 0;
}

void memofs_block_free(struct memofs_sb *msb, uint64_t bn)
{
	struct memofs_group *g = &msb->groups[bn / msb->group_blocks];
	uint64_t i = bn % msb->group_blocks, mask = (uint64_t)1 << i % WORD_BITS;
	bool was_used;

	pthread_mutex_lock(&g->lock);
	was_used = g->bits[i / WORD_BITS] & mask;
	if (was_used) {
		g->bits[i / WORD_BITS] &= ~mask;
		set_free(g, g->free + 1);
	}
	pthread_mutex_unlock(&g->lock);
	if (!was_used)
		zus_err(msb->sb.env, "memofs: block %llu freed twice", (unsigned long long)bn);
}

uint64_t memofs_blocks_free(const struct memofs_sb *msb)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < MEMOFS_GROUPS; i++)
		sum += __atomic_load_n(&msb->groups[i].free, __ATOMIC_RELAXED);
	return sum;
}
