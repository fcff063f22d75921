// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blocks: which are free, and which one somebody gets.
 *
 * Media know what is used (bits of groups, changed by records only: tx.c). DRAM has a copy of the
 * bits of each group that was ever needed, in which more is set: what a transaction has been given
 * but not committed, what is freed and rests until the horizon has passed the record that freed
 * it (places that are logged), what the kernel still holds (quarantine), and the pool.
 *
 * The pool is some whole chunks that data never gets: a full file system must be able to make
 * inodes and pages for what gives space back.
 *
 * One lock for all. It is held for a few instructions per call, but for the search through groups
 * when a device is nearly full.
 */
#include "tierfs.h"

#include <errno.h>
#include <string.h>
#include <zus/thread.h>

#define GROUP		TIERFS_GROUP_BLOCKS
#define POOL_PART	100		/* one in a hundred blocks is for the pool ... */
#define POOL_MIN	4		/* ... these chunks at least ... */
#define POOL_MAX	256		/* ... and at most */
#define NO_GROUP	UINT64_MAX

/* ---- groups ---- */

static const struct tierfs_dev *group_dev(const struct tierfs *fs, uint64_t g)
{
	return tierfs_dev_of(fs, g * GROUP);
}

static const struct tierfs_group_desc *group_desc(const struct tierfs *fs, uint64_t g)
{
	const struct tierfs_dev *d = group_dev(fs, g);

	return &d->descs[g - d->first_bn / GROUP];
}

static void add_free(struct tierfs *fs, int64_t n)
{
	__atomic_fetch_add(&fs->space.free, (uint64_t)n, __ATOMIC_RELAXED);
}

static void group_set_free(struct tierfs *fs, struct tierfs_group *group, uint64_t n)
{
	add_free(fs, (int64_t)n - group->free);
	group->free = (uint16_t)n;
}

static void group_break(struct tierfs *fs, uint64_t g)
{
	struct tierfs_group *group = &fs->space.groups[g];

	group->broken = true;
	group_set_free(fs, group, 0);
}

static bool group_is_right(const uint64_t *bits, const struct tierfs_group_desc *desc)
{
	uint32_t i, used = 0;

	for (i = 0; i < 8; i++)
		used += (uint32_t)__builtin_popcountll(bits[i]);
	if (used != desc->used)
		return false;
	if (!desc->crc && !used && !desc->kinds[0] && !desc->kinds[1])
		return true;
	return desc->crc == tierfs_crc(tierfs_crc(0, bits, TIERFS_LINE), desc->kinds,
				       sizeof(desc->kinds));
}

bool tierfs_group_load(struct tierfs *fs, uint64_t g)
{
	struct tierfs_group *group = &fs->space.groups[g];
	const struct tierfs_dev *d = group_dev(fs, g);
	const uint64_t *bits = d->bitmaps + (g - d->first_bn / GROUP) * 8;

	if (group->bits || group->broken)
		return !group->broken;
	if (!group_is_right(bits, group_desc(fs, g))) {
		tierfs_broken(fs, 0, "the bitmap of a group");
		group_break(fs, g);
		return false;
	}
	group->bits = zus_alloc(fs->sb.env, TIERFS_LINE);
	if (!group->bits)
		return false;
	memcpy(group->bits, bits, TIERFS_LINE);
	group_set_free(fs, group, GROUP - group_desc(fs, g)->used);
	return true;
}

static bool is_set(const struct tierfs_group *group, uint64_t i)
{
	return group->bits[i / 64] >> i % 64 & 1;
}

/* n blocks of one group from its block i on. */
static void bits_change(struct tierfs *fs, struct tierfs_group *group, uint64_t i, uint64_t n,
			bool set)
{
	uint64_t end = i + n;

	group_set_free(fs, group, group->free + (set ? -n : n));
	for (; i < end; i++) {
		if (set)
			group->bits[i / 64] |= (uint64_t)1 << i % 64;
		else
			group->bits[i / 64] &= ~((uint64_t)1 << i % 64);
	}
}

/* How many blocks from i on are free, at most max. */
static uint64_t free_run(const struct tierfs_group *group, uint64_t i, uint64_t max)
{
	uint64_t n = 0;

	while (n < max && i + n < GROUP && !is_set(group, i + n))
		n++;
	return n;
}

static uint64_t first_free(const struct tierfs_group *group)
{
	uint64_t w = 0;

	while (group->bits[w] == UINT64_MAX)
		w++;
	return w * 64 + (uint64_t)__builtin_ctzll(~group->bits[w]);
}

/* ---- what rests ---- */

static bool rests_pop(struct tierfs *fs, struct tierfs_rest **rest)
{
	struct tierfs_space *s = &fs->space;
	uint64_t horizon = __atomic_load_n(&fs->horizon, __ATOMIC_ACQUIRE);

	*rest = STAILQ_FIRST(&s->rests);
	if (!*rest || (*rest)->lsn > horizon)
		return false;
	STAILQ_REMOVE_HEAD(&s->rests, link);
	s->nr_rests--;
	return true;
}

static void blocks_clear_locked(struct tierfs *fs, uint64_t bn, uint64_t n);

/* Those whose time has come, with the lock. */
static bool drain_locked(struct tierfs *fs)
{
	struct tierfs_rest *rest;
	bool any = false;

	while (rests_pop(fs, &rest)) {
		if (rest->n)
			blocks_clear_locked(fs, rest->bn, rest->n);
		else
			tierfs_object_clear(fs, rest->chunk, rest->bit);
		zus_free(fs->sb.env, rest);
		any = true;
	}
	return any;
}

static bool drain(struct tierfs *fs)
{
	bool any;

	zus_mutex_lock(&fs->space.lock);
	any = drain_locked(fs);
	zus_mutex_unlock(&fs->space.lock);
	return any;
}

bool tierfs_rests_drain(struct tierfs *fs, bool move)
{
	bool any;

	if (!move)
		return drain(fs);
	tierfs_horizon_move(fs);
	any = drain(fs);
	/* what is empty now may be the blocks that are wanted */
	if (tierfs_chunks_trim(fs)) {
		tierfs_horizon_move(fs);
		any |= drain(fs);
	}
	return any;
}

/* Without memory for the note the place is lost until the next mount. */
void tierfs_rest_add(struct tierfs *fs, const struct tierfs_rest *what)
{
	struct tierfs_rest *rest = zus_alloc(fs->sb.env, sizeof(*rest));

	if (!rest)
		return;
	*rest = *what;
	zus_mutex_lock(&fs->space.lock);
	STAILQ_INSERT_TAIL(&fs->space.rests, rest, link);
	fs->space.nr_rests++;
	drain_locked(fs);
	zus_mutex_unlock(&fs->space.lock);
}

void tierfs_blocks_rest(struct tierfs *fs, uint64_t bn, uint64_t n, uint64_t lsn)
{
	tierfs_rest_add(fs, &(struct tierfs_rest){ .lsn = lsn, .bn = bn, .n = (uint32_t)n });
}

/* ---- freeing ---- */

static bool pool_take_back(struct tierfs *fs, uint64_t bn, uint64_t n)
{
	struct tierfs_space *s = &fs->space;

	if (n != TIERFS_CHUNK_BLOCKS || bn % n || s->pool_count == s->pool_max)
		return false;
	s->pool[s->pool_count++] = bn;
	return true;
}

static void blocks_clear_locked(struct tierfs *fs, uint64_t bn, uint64_t n)
{
	uint64_t end = bn + n, some;

	if (pool_take_back(fs, bn, n))
		return;
	for (; bn < end; bn += some) {
		struct tierfs_group *group = &fs->space.groups[bn / GROUP];

		some = tierfs_min(end, (bn / GROUP + 1) * GROUP) - bn;
		/* what was given out comes from groups that are loaded */
		if (!group->bits || group->broken)
			continue;
		bits_change(fs, group, bn % GROUP, some, false);
	}
}

void tierfs_blocks_idle(struct zus_sb *sb, uint64_t bn, uint64_t n)
{
	struct tierfs *fs = tierfs_of(sb);

	zus_mutex_lock(&fs->space.lock);
	blocks_clear_locked(fs, bn, n);
	zus_mutex_unlock(&fs->space.lock);
}

void tierfs_blocks_release(struct tierfs *fs, uint64_t bn, uint64_t n)
{
	uint64_t some;
	bool kept;

	for (; n; bn += some, n -= some) {
		some = zus_quarantine_keep(&fs->sb, bn, n, &kept);
		if (!kept)
			tierfs_blocks_idle(&fs->sb, bn, some);
	}
}

bool tierfs_block_take(struct zus_sb *sb, uint64_t bn)
{
	struct tierfs *fs = tierfs_of(sb);
	struct tierfs_group *group;
	bool is_free = false;

	if (bn / GROUP >= fs->space.nr_groups)
		return false;
	zus_mutex_lock(&fs->space.lock);
	group = &fs->space.groups[bn / GROUP];
	if (tierfs_group_load(fs, bn / GROUP) && !is_set(group, bn % GROUP)) {
		bits_change(fs, group, bn % GROUP, 1, true);
		is_free = true;
	}
	zus_mutex_unlock(&fs->space.lock);
	return is_free;
}

/*
 * To free a block means that its group is known: else bits that are read later would still have
 * it as used, which only the next mount would see.
 */
void tierfs_blocks_free(struct tierfs_tx *tx, uint64_t bn, uint64_t n)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	bool loaded = true;
	uint64_t g;

	zus_mutex_lock(&fs->space.lock);
	for (g = bn / GROUP; g <= (bn + n - 1) / GROUP && g < fs->space.nr_groups; g++)
		loaded = loaded && tierfs_group_load(fs, g);
	zus_mutex_unlock(&fs->space.lock);
	if (!loaded) {
		tierfs_tx_fail(tx, -EIO);
		return;
	}
	tierfs_tx_late(tx, &(struct tierfs_late){
		.what = TIERFS_LATE_BLOCKS_CLEAR,
		.kind = TIERFS_KIND_DATA,
		.bn = bn,
		.n = (uint32_t)n,
	});
}

/* ---- giving out: data ---- */

/* The next group from `from` on with at least n free blocks. */
static uint64_t group_find(struct tierfs *fs, uint64_t from, uint64_t n)
{
	uint64_t i, g = from % fs->space.nr_groups;

	for (i = 0; i < fs->space.nr_groups; i++) {
		if (fs->space.groups[g].free >= n && tierfs_group_load(fs, g))
			return g;
		g = g + 1 < fs->space.nr_groups ? g + 1 : 0;
	}
	return NO_GROUP;
}

/* The same of one that is broken into already, else any. */
static uint64_t group_find_small(struct tierfs *fs, uint64_t from)
{
	uint64_t i, g = from % fs->space.nr_groups, whole = NO_GROUP;

	for (i = 0; i < fs->space.nr_groups; i++) {
		const struct tierfs_group *group = &fs->space.groups[g];

		if (group->free && group->free < GROUP && tierfs_group_load(fs, g))
			return g;
		if (group->free && whole == NO_GROUP && tierfs_group_load(fs, g))
			whole = g;
		/* an empty device has nothing else: do not look at all of it each time */
		if (whole != NO_GROUP && i > 1024)
			break;
		g = g + 1 < fs->space.nr_groups ? g + 1 : 0;
	}
	return whole;
}

static uint64_t take(struct tierfs *fs, uint64_t g, uint64_t i, uint64_t max, uint64_t *bn)
{
	struct tierfs_group *group = &fs->space.groups[g];
	uint64_t n = free_run(group, i, max);

	if (n > group->free)
		n = group->free;
	if (n)
		bits_change(fs, group, i, n, true);
	*bn = g * GROUP + i;
	return n;
}

static uint64_t take_goal(struct tierfs *fs, uint64_t goal, uint64_t max, uint64_t *bn)
{
	uint64_t g = goal / GROUP;

	if (!goal || g >= fs->space.nr_groups || !fs->space.groups[g].free ||
	    !tierfs_group_load(fs, g))
		return 0;
	return take(fs, g, goal % GROUP, max, bn);
}

/* From the beginning of a whole group, so that file and T1 agree modulo 2 MiB. */
static uint64_t take_large(struct tierfs *fs, uint64_t max, uint64_t *bn)
{
	uint64_t g = group_find(fs, fs->space.large_hint, GROUP);

	if (g == NO_GROUP)
		return 0;
	fs->space.large_hint = g;
	return take(fs, g, 0, max, bn);
}

static uint64_t take_small(struct tierfs *fs, uint64_t max, uint64_t *bn)
{
	struct tierfs_thread *t = &fs->threads[zus_thread_number()];
	uint64_t g = t->group;

	if (g >= fs->space.nr_groups || !fs->space.groups[g].free || !tierfs_group_load(fs, g)) {
		g = group_find_small(fs, g);
		if (g == NO_GROUP)
			return 0;
		t->group = (uint32_t)g;
	}
	return take(fs, g, first_free(&fs->space.groups[g]), max, bn);
}

static uint64_t alloc_locked(struct tierfs *fs, uint64_t index, uint64_t goal, uint64_t max,
			     uint64_t *bn)
{
	uint64_t n = take_goal(fs, goal, max, bn);

	if (!n && !(index % GROUP) && (max >= GROUP || index))
		n = take_large(fs, max, bn);
	return n ? n : take_small(fs, max, bn);
}

uint64_t tierfs_blocks_alloc(struct tierfs_tx *tx, uint64_t index, uint64_t goal, uint64_t max,
			     uint64_t *bn)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	struct tierfs_late late = {
		.what = TIERFS_LATE_BLOCKS_SET,
		.kind = TIERFS_KIND_DATA,
	};
	uint64_t n;

	zus_mutex_lock(&fs->space.lock);
	n = alloc_locked(fs, index, goal, max, bn);
	if (!n && fs->space.nr_rests) {
		zus_mutex_unlock(&fs->space.lock);
		tierfs_rests_drain(fs, true);
		zus_mutex_lock(&fs->space.lock);
		n = alloc_locked(fs, index, goal, max, bn);
	}
	zus_mutex_unlock(&fs->space.lock);
	if (!n)
		return 0;
	late.bn = *bn;
	late.n = (uint32_t)n;
	if (!tierfs_tx_late(tx, &late)) {
		tierfs_blocks_idle(&fs->sb, *bn, n);
		return 0;
	}
	return n;
}

uint64_t tierfs_blocks_left(const struct tierfs *fs)
{
	return __atomic_load_n(&fs->space.free, __ATOMIC_RELAXED);
}

/* ---- giving out: chunks of metadata ---- */

/* A free chunk of a group: its number, or TIERFS_GROUP_CHUNKS. */
static uint64_t chunk_in(const struct tierfs_group *group)
{
	uint64_t c;

	for (c = 0; c < TIERFS_GROUP_CHUNKS; c++) {
		if (!(group->bits[c / 4] >> c % 4 * 16 & 0xffff))
			break;
	}
	return c;
}

static uint64_t chunk_take(struct tierfs *fs, uint64_t g)
{
	struct tierfs_group *group = &fs->space.groups[g];
	uint64_t c = chunk_in(group);

	if (c == TIERFS_GROUP_CHUNKS)
		return 0;
	bits_change(fs, group, c * TIERFS_CHUNK_BLOCKS, TIERFS_CHUNK_BLOCKS, true);
	group->has_chunks = true;
	fs->space.hint = g;
	return g * GROUP + c * TIERFS_CHUNK_BLOCKS;
}

/*
 * Metadata stay together: first where there are some, so that other groups stay whole for data of
 * 2 MiB.
 */
static uint64_t chunk_find(struct tierfs *fs, bool together)
{
	struct tierfs_space *s = &fs->space;
	uint64_t i, bn, g = s->hint;

	for (i = 0; i < s->nr_groups; i++) {
		const struct tierfs_group *group = &s->groups[g];

		if (group->free >= TIERFS_CHUNK_BLOCKS && (!together || group->has_chunks) &&
		    tierfs_group_load(fs, g)) {
			bn = chunk_take(fs, g);
			if (bn)
				return bn;
		}
		if (together && i > 1024)
			break;
		g = g + 1 < s->nr_groups ? g + 1 : 0;
	}
	return 0;
}

static uint64_t chunk_alloc_locked(struct tierfs *fs, unsigned int flags)
{
	struct tierfs_space *s = &fs->space;
	uint64_t bn = chunk_find(fs, true);

	if (!bn)
		bn = chunk_find(fs, false);
	if (!bn && flags & TIERFS_ALLOC_RESERVE && s->pool_count)
		bn = s->pool[--s->pool_count];
	return bn;
}

uint64_t tierfs_chunk_reserve(struct tierfs *fs, unsigned int flags)
{
	uint64_t bn;

	zus_mutex_lock(&fs->space.lock);
	bn = chunk_alloc_locked(fs, flags);
	zus_mutex_unlock(&fs->space.lock);
	if (bn || !tierfs_rests_drain(fs, true))
		return bn;
	zus_mutex_lock(&fs->space.lock);
	bn = chunk_alloc_locked(fs, flags);
	zus_mutex_unlock(&fs->space.lock);
	return bn;
}

/* ---- life ---- */

int tierfs_pool_init(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space;
	uint64_t chunks = s->total / POOL_PART / TIERFS_CHUNK_BLOCKS, bn;

	if (s->pool)
		return 0;
	chunks = tierfs_min(tierfs_max(chunks, POOL_MIN), POOL_MAX);
	s->pool = zus_alloc_array(fs->sb.env, chunks, sizeof(*s->pool));
	if (!s->pool)
		return -ENOMEM;
	s->pool_max = chunks;
	while (s->pool_count < chunks && (bn = chunk_find(fs, false)))
		s->pool[s->pool_count++] = bn;
	s->hint = 0;
	return 0;
}

int tierfs_space_init(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space;
	uint64_t g;

	s->nr_groups = fs->sb.md->t1_blocks / GROUP;
	s->total = s->nr_groups * GROUP;
	s->groups = zus_alloc_array(fs->sb.env, s->nr_groups, sizeof(*s->groups));
	if (!s->groups)
		return -ENOMEM;
	for (g = 0; g < s->nr_groups; g++) {
		const struct tierfs_group_desc *desc = group_desc(fs, g);

		if (desc->used <= GROUP)
			group_set_free(fs, &s->groups[g], GROUP - desc->used);
		s->groups[g].has_chunks = desc->kinds[0] || desc->kinds[1];
	}
	return fs->rdonly ? 0 : tierfs_pool_init(fs);
}

void tierfs_space_fini(struct tierfs *fs)
{
	struct tierfs_space *s = &fs->space;
	struct tierfs_rest *rest;
	uint64_t g;

	while ((rest = STAILQ_FIRST(&s->rests))) {
		STAILQ_REMOVE_HEAD(&s->rests, link);
		zus_free(fs->sb.env, rest);
	}
	for (g = 0; s->groups && g < s->nr_groups; g++)
		zus_free(fs->sb.env, s->groups[g].bits);
	zus_free(fs->sb.env, s->groups);
	zus_free(fs->sb.env, s->pool);
	s->groups = NULL;
	s->pool = NULL;
}
