// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blocks that several files share: how many owners they have, and when one may be free again.
 *
 * Owners are counted per block, those beyond the first one, in pieces that are made when
 * somebody clones. A count rises only under the exclusive lock of a file that has the block
 * (clone), so a file that finds 0 is the only owner until that lock is next taken.
 *
 * A writer of a file under the shared lock replaces a shared block by a copy. Meanwhile others
 * may still look at the old block: a read that runs, a GET that waits for its put, a page
 * that is mapped until the kernel drops it before the writer's put. The count must not fall
 * before they are done, or the other owner could write into what they see, or free it. So
 * those who look have a contract, the old block goes to a list of the file, and the list lets
 * go of it when all contracts are over that were open when it was replaced. Contracts are
 * counted in two epochs: the next one begins when the last but one is empty, so new ones
 * cannot hold up old blocks.
 *
 * Files that were never part of a clone have no struct memofs_share and pay nothing. Called
 * with the locks of zus/fs.h by io.c, space.c, clone.c, map.c and inode.c.
 */
#include "data.h"

#include <string.h>

#define PIECE	1024			/* blocks */

struct memofs_owners {
	uint32_t more[PIECE];		/* owners beyond the first; atomic */
};

/* ---- counts ---- */

static uint32_t *count_of(const struct memofs_sb *msb, uint64_t bn)
{
	struct memofs_owners **table = __atomic_load_n(&msb->owners, __ATOMIC_ACQUIRE), *piece;

	piece = table ? __atomic_load_n(&table[bn / PIECE], __ATOMIC_ACQUIRE) : NULL;
	return piece ? &piece->more[bn % PIECE] : NULL;
}

/* Publishes what was made, unless somebody was faster. */
static int publish(const struct zus_env *env, void *word, void *made)
{
	void *expected = NULL;

	if (!made)
		return -ENOMEM;
	if (!__atomic_compare_exchange_n((void **)word, &expected, made, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		zus_free(env, made);
	return 0;
}

static int make_piece(struct memofs_sb *msb, uint64_t bn)
{
	const struct zus_env *env = msb->sb.env;
	struct memofs_owners **table = __atomic_load_n(&msb->owners, __ATOMIC_ACQUIRE);
	int err = 0;

	if (!table) {
		table = zus_alloc_array(env, msb->blocks / PIECE + 1, sizeof(*table));
		err = publish(env, &msb->owners, table);
		table = __atomic_load_n(&msb->owners, __ATOMIC_ACQUIRE);
	}
	if (!err && !__atomic_load_n(&table[bn / PIECE], __ATOMIC_ACQUIRE))
		err = publish(env, &table[bn / PIECE], zus_alloc(env, sizeof(**table)));
	return err;
}

int memofs_owners_reserve(struct memofs_sb *msb, uint64_t bn, uint64_t n)
{
	uint64_t i;
	int err;

	for (i = bn; i < bn + n; i++) {
		uint32_t *count = count_of(msb, i);

		if (!count) {
			err = make_piece(msb, i);
			if (err)
				return err;
			count = count_of(msb, i);
		}
		if (__atomic_load_n(count, __ATOMIC_RELAXED) > UINT32_MAX / 2)
			return -ENOSPC;
	}
	return 0;
}

void memofs_owner_add(struct memofs_sb *msb, uint64_t bn)
{
	__atomic_fetch_add(count_of(msb, bn), 1, __ATOMIC_RELAXED);
}

/* False: it had no other owner. */
static bool drop_one(struct memofs_sb *msb, uint64_t bn)
{
	uint32_t *count = count_of(msb, bn), old;

	if (!count)
		return false;
	old = __atomic_load_n(count, __ATOMIC_ACQUIRE);
	while (old && !__atomic_compare_exchange_n(count, &old, old - 1, false, __ATOMIC_ACQ_REL,
						   __ATOMIC_ACQUIRE))
		;
	return old;
}

void memofs_owners_drop(struct memofs_sb *msb, uint64_t bn, uint64_t n)
{
	uint64_t end = bn + n, i;

	for (i = bn; i < end && msb->owners; i++) {
		if (!drop_one(msb, i))
			continue;
		if (bn < i)
			memofs_blocks_free(msb, bn, i - bn);
		bn = i + 1;
	}
	if (bn < end)
		memofs_blocks_free(msb, bn, end - bn);
}

static bool is_shared(const struct memofs_sb *msb, uint64_t bn)
{
	const uint32_t *count = count_of(msb, bn);

	/* pairs with drop_one: the owners that went have done with the block */
	return count && __atomic_load_n(count, __ATOMIC_ACQUIRE);
}

uint64_t memofs_owners_run(struct memofs_sb *msb, uint64_t bn, uint64_t n, bool *shared)
{
	uint64_t i;

	*shared = is_shared(msb, bn);
	for (i = 1; i < n && is_shared(msb, bn + i) == *shared; i++)
		;
	return i;
}

void memofs_owners_fini(struct memofs_sb *msb)
{
	uint64_t i;

	for (i = 0; msb->owners && i <= msb->blocks / PIECE; i++)
		zus_free(msb->sb.env, msb->owners[i]);
	zus_free(msb->sb.env, msb->owners);
	msb->owners = NULL;
}

/* ---- contracts ---- */

int memofs_share_make(struct memofs_inode *mi)
{
	struct memofs_share *sh;

	if (mi->share)
		return 0;
	sh = zus_alloc(mi->ii.sb->env, sizeof(*sh));
	if (!sh)
		return -ENOMEM;
	pthread_mutex_init(&sh->lock, NULL);
	mi->share = sh;
	return 0;
}

static void let_go(struct memofs_inode *mi, struct memofs_old *old)
{
	while (old->count) {
		const struct memofs_old_run *r = &old->runs[--old->count];

		memofs_owners_drop(memofs_sb_of_inode(mi), r->bn, r->n);
	}
}

/* An epoch without contracts is over: what was replaced in it goes, and it is the next one. */
static void turn(struct memofs_inode *mi)
{
	struct memofs_share *sh = mi->share;
	unsigned int i;

	for (i = 0; i < 2 && !sh->open[!sh->epoch]; i++) {
		let_go(mi, &sh->old[!sh->epoch]);
		sh->epoch = !sh->epoch;
	}
}

void memofs_share_settle(struct memofs_inode *mi)
{
	struct memofs_share *sh = mi->share;

	if (!sh)
		return;
	pthread_mutex_lock(&sh->lock);
	sh->open[0] = 0;
	sh->open[1] = 0;
	turn(mi);
	pthread_mutex_unlock(&sh->lock);
}

void memofs_share_fini(struct memofs_inode *mi)
{
	struct memofs_share *sh = mi->share;

	if (!sh)
		return;
	memofs_share_settle(mi);
	zus_free(mi->ii.sb->env, sh->old[0].runs);
	zus_free(mi->ii.sb->env, sh->old[1].runs);
	pthread_mutex_destroy(&sh->lock);
	zus_free(mi->ii.sb->env, sh);
	mi->share = NULL;
}

int memofs_share_reserve(struct memofs_inode *mi)
{
	struct memofs_old *old = &mi->share->old[mi->share->epoch];
	uint32_t max = old->max ? old->max * 2 : 16;
	struct memofs_old_run *runs;

	if (old->count < old->max)
		return 0;
	runs = zus_alloc_array(mi->ii.sb->env, max, sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	if (old->count)
		memcpy(runs, old->runs, old->count * sizeof(*runs));
	zus_free(mi->ii.sb->env, old->runs);
	old->runs = runs;
	old->max = max;
	return 0;
}

void memofs_share_replaced(struct memofs_inode *mi, uint64_t bn, uint64_t n)
{
	struct memofs_old *old = &mi->share->old[mi->share->epoch];

	old->runs[old->count++] = (struct memofs_old_run){ .bn = bn, .n = n };
}

uint64_t memofs_contract_begin(struct memofs_inode *mi)
{
	struct memofs_share *sh = mi->share;
	uint32_t epoch;

	if (!sh)
		return 0;
	pthread_mutex_lock(&sh->lock);
	epoch = sh->epoch;
	sh->open[epoch]++;
	pthread_mutex_unlock(&sh->lock);
	return epoch + 1;
}

void memofs_contract_end(struct memofs_inode *mi, uint64_t contract)
{
	struct memofs_share *sh = mi->share;

	if (!contract || !sh)
		return;
	pthread_mutex_lock(&sh->lock);
	if (sh->open[contract - 1])
		sh->open[contract - 1]--;
	turn(mi);
	pthread_mutex_unlock(&sh->lock);
}
