// SPDX-License-Identifier: BSD-2-Clause
/*
 * T1 blocks: which are free. T1 is cut into groups, each with a bitmap and a lock; a CPU
 * starts its search in a group of its own, so CPUs meet only when space gets scarce.
 *
 * Called by io.c, clone.c, owners.c, inode.c and name.c on any thread. A block belongs to who got
 * it until he frees it. The search is next-fit, which gives a file that grows contiguous blocks.
 * From 64 blocks on, a place is looked for that has the same distance from a 2 MiB border
 * as the blocks have in the file, and free blocks up to that border.
 *
 * A few blocks are set aside at mount (the reserve): who truncates or punches a file with shared
 * blocks needs a copy of the one at the edge, and shall get it although T1 is full. They lie
 * behind block 0, where no large page could be. Freed blocks fill the reserve up before all else.
 */
#include "memofs.h"

#include <string.h>
#include <zus/thread.h>

/* Groups end on 2 MiB, so that none splits what could be one large page. */
#define GROUP_ALIGN	512
#define WORD_BITS	64
#define LARGE_WORDS	(GROUP_ALIGN / WORD_BITS)	/* of 2 MiB */
#define LARGE_LOOKS	256		/* at so many of them in a search */
#define NO_WORD		UINT64_MAX
#define RESERVE_PART	128		/* so many blocks for one in the reserve */

_Static_assert(MEMOFS_LARGE_RUN == WORD_BITS, "a large run begins with a word");

static void set_free(struct memofs_group *g, uint64_t n)
{
	__atomic_store_n(&g->free, n, __ATOMIC_RELAXED);
}

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

/* ---- the reserve ---- */

static void set_count(struct memofs_reserve *r, uint64_t count)
{
	__atomic_store_n(&r->count, count, __ATOMIC_RELAXED);
}

/* At mount: the first free ones of group 0. */
static void fill_reserve(struct memofs_sb *msb)
{
	struct memofs_reserve *r = &msb->reserve;
	const struct memofs_group *g = &msb->groups[0];
	uint64_t bn;

	r->max = memofs_min(msb->blocks / RESERVE_PART, MEMOFS_RESERVE_MAX);
	for (bn = 0; r->count < r->max && bn < msb->group_blocks; bn++) {
		if (g->bits[bn / WORD_BITS] >> bn % WORD_BITS & 1)
			continue;
		mark_used(msb, bn);
		r->bns[r->count++] = bn;
	}
	r->max = r->count;
}

static uint64_t take_reserve(struct memofs_reserve *r)
{
	uint64_t bn = 0;

	pthread_mutex_lock(&r->lock);
	if (r->count) {
		bn = r->bns[r->count - 1];
		set_count(r, r->count - 1);
	}
	pthread_mutex_unlock(&r->lock);
	return bn;
}

/* A block that is marked as used becomes one of the reserve, if that wants any. */
static bool give_reserve(struct memofs_reserve *r, uint64_t bn)
{
	bool wanted;

	if (__atomic_load_n(&r->count, __ATOMIC_RELAXED) >= r->max)
		return false;
	pthread_mutex_lock(&r->lock);
	wanted = r->count < r->max;
	if (wanted) {
		r->bns[r->count] = bn;
		set_count(r, r->count + 1);
	}
	pthread_mutex_unlock(&r->lock);
	return wanted;
}

/* This one must not be given out; false = it is none of the reserve. */
static bool leave_reserve(struct memofs_reserve *r, uint64_t bn)
{
	uint64_t i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->count && r->bns[i] != bn; i++)
		;
	if (i == r->count) {
		pthread_mutex_unlock(&r->lock);
		return false;
	}
	r->bns[i] = r->bns[r->count - 1];
	set_count(r, r->count - 1);
	pthread_mutex_unlock(&r->lock);
	return true;
}

/* ---- groups ---- */

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
	pthread_mutex_destroy(&msb->reserve.lock);
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
	pthread_mutex_init(&msb->reserve.lock, NULL);
	for (i = 0; i < MEMOFS_GROUPS; i++) {
		uint64_t n = left < msb->group_blocks ? left : msb->group_blocks;
		int e = group_init(msb, &msb->groups[i], n);

		left -= n;
		if (e)
			err = e;
	}
	if (!err && msb->blocks < 2)
		err = -ENOSPC;
	if (err) {
		memofs_blocks_fini(msb);
		return err;
	}
	reserve_tables(msb);
	fill_reserve(msb);
	return 0;
}

/* How many of the blocks from `bit` of a word on are free, at most `max`. */
static uint64_t free_bits(uint64_t word, uint64_t bit, uint64_t max)
{
	uint64_t used = word >> bit;
	uint64_t n = used ? (uint64_t)__builtin_ctzll(used) : WORD_BITS - bit;

	return n < max ? n : max;
}

static uint64_t mask_of(uint64_t bit, uint64_t n)
{
	return (UINT64_MAX >> (WORD_BITS - n)) << bit;
}

/* Takes free blocks of a group from `bit` of word w on: how many. */
static uint64_t take_from(struct memofs_group *g, uint64_t w, uint64_t bit, uint64_t max)
{
	uint64_t n, got;

	for (n = 0; n < max && w < g->words; w++, bit = 0) {
		got = free_bits(g->bits[w], bit, max - n);
		if (!got)
			break;
		g->bits[w] |= mask_of(bit, got);
		n += got;
		if (bit + got < WORD_BITS)
			break;
	}
	set_free(g, g->free - n);
	return n;
}

/* Takes the next free blocks of a group that has some: the first within the group, and *n. */
static uint64_t take_next(struct memofs_group *g, uint64_t max, uint64_t *n)
{
	uint64_t w = g->hint, bit;

	while (g->bits[w] == UINT64_MAX)
		w = w + 1 < g->words ? w + 1 : 0;
	bit = (uint64_t)__builtin_ctzll(~g->bits[w]);
	*n = take_from(g, w, bit, max);
	g->hint = w + (bit + *n - 1) / WORD_BITS;
	return w * WORD_BITS + bit;
}

static bool are_free(const struct memofs_group *g, uint64_t w, uint64_t words)
{
	uint64_t used = 0, end = w + words;

	if (end > g->words)
		return false;
	while (w < end)
		used |= g->bits[w++];
	return !used;
}

/* A word at this distance from a 2 MiB border, with so many free ones from there on. */
static uint64_t find_large(struct memofs_group *g, uint64_t distance, uint64_t words)
{
	uint64_t i, large = g->large_hint, end = (g->words + LARGE_WORDS - 1) / LARGE_WORDS;

	for (i = 0; i < LARGE_LOOKS && i < end; i++, large++) {
		if (large >= end)
			large = 0;
		if (are_free(g, large * LARGE_WORDS + distance, words))
			break;
	}
	g->large_hint = large;
	return i < LARGE_LOOKS && i < end ? large * LARGE_WORDS + distance : NO_WORD;
}

/*
 * Takes the free words from w on, and behind them what comes in whole 2 MiB (or is the rest): one
 * that is free in part only is left to who needs less. How many blocks.
 */
static uint64_t take_large(struct memofs_group *g, uint64_t w, uint64_t words, uint64_t max)
{
	uint64_t n = words * WORD_BITS;

	while (n < max) {
		uint64_t more = memofs_min(max - n, GROUP_ALIGN);

		if (!are_free(g, w + n / WORD_BITS, (more + WORD_BITS - 1) / WORD_BITS))
			break;
		n += more;
	}
	return take_from(g, w, 0, n);
}

/* The blocks from bn on, which begins a word, if that many words are free there. */
static uint64_t take_at(struct memofs_sb *msb, uint64_t bn, uint64_t words, uint64_t max)
{
	uint64_t w = bn % msb->group_blocks / WORD_BITS, got = 0;
	struct memofs_group *g;

	if (bn >= msb->blocks)
		return 0;
	g = &msb->groups[bn / msb->group_blocks];
	pthread_mutex_lock(&g->lock);
	if (are_free(g, w, words))
		got = take_large(g, w, words, max);
	pthread_mutex_unlock(&g->lock);
	return got;
}

/*
 * Blocks in step with those of a file from `index` on, which begins a word: as many as there are.
 * What is in step already goes on where it is.
 */
static uint64_t alloc_large(struct memofs_sb *msb, uint64_t index, uint64_t after, uint64_t max,
			    uint64_t *bn)
{
	uint64_t distance = index / WORD_BITS % LARGE_WORDS, words = LARGE_WORDS - distance;
	unsigned int i, first = (unsigned int)zus_current_cpu();
	uint64_t got = 0, w;

	if (words > max / WORD_BITS)
		words = max / WORD_BITS;
	*bn = after + 1;
	if (after && (*bn - index) % GROUP_ALIGN == 0)
		got = take_at(msb, *bn, words, max);
	for (i = 0; i < MEMOFS_GROUPS && !got; i++) {
		unsigned int no = (first + i) % MEMOFS_GROUPS;
		struct memofs_group *g = &msb->groups[no];

		if (__atomic_load_n(&g->free, __ATOMIC_RELAXED) < words * WORD_BITS)
			continue;
		pthread_mutex_lock(&g->lock);
		w = find_large(g, distance, words);
		if (w != NO_WORD) {
			got = take_large(g, w, words, max);
			*bn = no * msb->group_blocks + w * WORD_BITS;
		}
		pthread_mutex_unlock(&g->lock);
	}
	return got;
}

static uint64_t alloc_any(struct memofs_sb *msb, uint64_t max, uint64_t *bn)
{
	unsigned int i, first = (unsigned int)zus_current_cpu();
	uint64_t got = 0;

	for (i = 0; i < MEMOFS_GROUPS && !got; i++) {
		unsigned int no = (first + i) % MEMOFS_GROUPS;
		struct memofs_group *g = &msb->groups[no];

		if (!__atomic_load_n(&g->free, __ATOMIC_RELAXED))
			continue;
		pthread_mutex_lock(&g->lock);
		if (g->free)
			*bn = no * msb->group_blocks + take_next(g, max, &got);
		pthread_mutex_unlock(&g->lock);
	}
	return got;
}

uint64_t memofs_blocks_alloc(struct memofs_sb *msb, uint64_t index, uint64_t after, uint64_t max,
			     uint64_t *bn)
{
	uint64_t head = -index % WORD_BITS, got = 0;

	if (max >= head + WORD_BITS) {
		/* first to where a word begins, then in step */
		if (head)
			max = head;
		else
			got = alloc_large(msb, index, after, max, bn);
	}
	return got ? got : alloc_any(msb, max, bn);
}

uint64_t memofs_block_alloc_reserve(struct memofs_sb *msb)
{
	uint64_t bn = memofs_block_alloc(msb);

	return bn ? bn : take_reserve(&msb->reserve);
}

/* Clears the bits of blocks that lie in one word; how many of them were not set. */
static uint64_t clear_locked(struct memofs_group *g, uint64_t i, uint64_t n)
{
	uint64_t mask = mask_of(i % WORD_BITS, n), *word = &g->bits[i / WORD_BITS];
	uint64_t used = (uint64_t)__builtin_popcountll(*word & mask);

	*word &= ~mask;
	set_free(g, g->free + used);
	return n - used;
}

void memofs_blocks_free(struct memofs_sb *msb, uint64_t bn, uint64_t n)
{
	uint64_t some;
	bool kept;

	for (; n; bn += some, n -= some) {
		some = zus_quarantine_keep(&msb->sb, bn, n, &kept);
		if (!kept)
			memofs_blocks_idle(&msb->sb, bn, some);
	}
}

bool memofs_block_take(struct zus_sb *sb, uint64_t bn)
{
	struct memofs_sb *msb = memofs_sb_of(sb);
	uint64_t i = bn % msb->group_blocks, *word, bit;
	struct memofs_group *g;
	bool is_free;

	/* a device that is used in part has others */
	if (bn >= msb->blocks)
		return false;
	g = &msb->groups[bn / msb->group_blocks];
	word = &g->bits[i / WORD_BITS];
	bit = mask_of(i % WORD_BITS, 1);
	pthread_mutex_lock(&g->lock);
	is_free = !(*word & bit);
	*word |= bit;
	set_free(g, g->free - is_free);
	pthread_mutex_unlock(&g->lock);
	return is_free || leave_reserve(&msb->reserve, bn);
}

void memofs_blocks_idle(struct zus_sb *sb, uint64_t bn, uint64_t n)
{
	struct memofs_sb *msb = memofs_sb_of(sb);

	for (; n && give_reserve(&msb->reserve, bn); n--)
		bn++;
	while (n) {
		struct memofs_group *g = &msb->groups[bn / msb->group_blocks];
		uint64_t i = bn % msb->group_blocks, room = WORD_BITS - i % WORD_BITS;
		uint64_t some = n < room ? n : room, wrong;

		pthread_mutex_lock(&g->lock);
		wrong = clear_locked(g, i, some);
		pthread_mutex_unlock(&g->lock);
		if (wrong)
			zus_err(msb->sb.env, "memofs: %llu blocks at %llu freed twice",
				(unsigned long long)wrong, (unsigned long long)bn);
		bn += some;
		n -= some;
	}
}

uint64_t memofs_blocks_left(const struct memofs_sb *msb)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < MEMOFS_GROUPS; i++)
		sum += __atomic_load_n(&msb->groups[i].free, __ATOMIC_RELAXED);
	return sum;
}
