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
 * A put says that nothing of a write is mapped any more. A write by the window has none, so
 * it asks for that itself (UNMAP). Where the answer is that somebody holds a page, its contract
 * is left, until a later write asks again, or until a message comes before which the kernel has
 * told who holds what (zus/fs.h): truncate, fallocate, clone, sync, evict.
 *
 * Files that were never part of a clone have no struct memofs_share and pay nothing. Called
 * with the locks of zus/fs.h by io.c, space.c, clone.c, map.c and inode.c.
 */
#include "data.h"

#include <string.h>
#include <zus/iomap.h>

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

static uint64_t table_bytes(const struct memofs_sb *msb)
{
	return (msb->blocks / PIECE + 1) * sizeof(*msb->owners);
}

/* Memory in a word that is empty, unless somebody is faster. */
static int make(struct memofs_sb *msb, void *word, uint64_t bytes)
{
	void *expected = NULL, *made;
	int err;

	made = memofs_heap_alloc(msb, &msb->nodes, bytes, &err);
	if (made && !__atomic_compare_exchange_n((void **)word, &expected, made, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		memofs_heap_free(msb, &msb->nodes, made, bytes);
	return err;
}

static int make_piece(struct memofs_sb *msb, uint64_t bn)
{
	struct memofs_owners **table;
	int err = 0;

	if (!__atomic_load_n(&msb->owners, __ATOMIC_ACQUIRE))
		err = make(msb, &msb->owners, table_bytes(msb));
	if (err)
		return err;
	table = __atomic_load_n(&msb->owners, __ATOMIC_ACQUIRE);
	if (!__atomic_load_n(&table[bn / PIECE], __ATOMIC_ACQUIRE))
		err = make(msb, &table[bn / PIECE], sizeof(**table));
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
		memofs_heap_free(msb, &msb->nodes, msb->owners[i], sizeof(*msb->owners[i]));
	memofs_heap_free(msb, &msb->nodes, msb->owners, table_bytes(msb));
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
	sh->left = (struct memofs_left){ .end = 0 };
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

/* ---- contracts that are left ---- */

/* More of them; under the lock. */
static void left_add(struct memofs_share *sh, const struct memofs_left *more)
{
	struct memofs_left *left = &sh->left;
	bool is_first = !left->n[0] && !left->n[1];

	left->n[0] += more->n[0];
	left->n[1] += more->n[1];
	if (is_first || more->first < left->first)
		left->first = more->first;
	if (is_first || more->end > left->end)
		left->end = more->end;
}

/* All of them, which are the caller's now; under the lock. */
static struct memofs_left left_take(struct memofs_share *sh)
{
	struct memofs_left left = sh->left;

	sh->left = (struct memofs_left){ .end = 0 };
	return left;
}

/* Under the lock. */
static void left_end(struct memofs_inode *mi, const struct memofs_left *left)
{
	struct memofs_share *sh = mi->share;
	unsigned int i;

	for (i = 0; i < 2; i++)
		sh->open[i] -= left->n[i] < sh->open[i] ? left->n[i] : sh->open[i];
	turn(mi);
}

/* 0: none of these pages is mapped or held. */
static int unmap(const struct memofs_inode *mi, uint64_t first, uint64_t end)
{
	struct zus_iomap iom;
	uint64_t words[4];
	int err;

	zus_iomap_init(&iom, words, sizeof(words) / sizeof(words[0]));
	err = zus_iomap_unmap(&iom, first, end - first, mi->ino);
	return err ? err : zus_iomap_exec(mi->ii.sb, &iom);
}

/* Others may have been held for a moment only. */
static void left_retry(struct memofs_inode *mi)
{
	struct memofs_share *sh = mi->share;
	struct memofs_left left;
	int err;

	pthread_mutex_lock(&sh->lock);
	left = left_take(sh);
	pthread_mutex_unlock(&sh->lock);
	if (!left.n[0] && !left.n[1])
		return;
	err = unmap(mi, left.first, left.end);
	pthread_mutex_lock(&sh->lock);
	if (err)
		left_add(sh, &left);
	else
		left_end(mi, &left);
	pthread_mutex_unlock(&sh->lock);
}

int memofs_contract_leave(struct memofs_inode *mi, uint64_t contract, uint64_t first,
			  uint64_t end)
{
	struct memofs_left own = { .n = { contract == 1, contract == 2 }, .first = first,
				   .end = end };
	int err = unmap(mi, first, end);

	if (err) {
		pthread_mutex_lock(&mi->share->lock);
		left_add(mi->share, &own);
		pthread_mutex_unlock(&mi->share->lock);
		return err;
	}
	memofs_contract_end(mi, contract);
	left_retry(mi);
	return 0;
}

/*
 * Only while nobody but the caller knows the inode: his message may be a late one of an inode that
 * the kernel has let go of and looked up anew, and then there are writes that it does not speak of.
 */
void memofs_contract_left_over(struct memofs_inode *mi)
{
	struct memofs_share *sh = mi->share;
	struct memofs_left left;

	if (!sh)
		return;
	pthread_mutex_lock(&sh->lock);
	if (zus_ii_refs(&mi->ii) <= 2) {
		left = left_take(sh);
		left_end(mi, &left);
	}
	pthread_mutex_unlock(&sh->lock);
}

/* Nothing is to be made durable; but the kernel has said who holds what. */
int memofs_sync(struct zus_ii *ii, struct zus_sync *s)
{
	/* without the inode's lock: a write may have been answered just now */
	if (!(s->flags & ZUFS_SF_DONTNEED))
		memofs_contract_left_over(memofs_inode_of(ii));
	return 0;
}
