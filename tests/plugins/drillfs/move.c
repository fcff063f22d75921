// SPDX-License-Identifier: BSD-2-Clause
/*
 * move.c - a page of a file gets another block, as in a file system with tiers
 *
 * As part of an operation (do=move) the content changes, too: who looks at the old block
 * afterwards is found out. By the remote control ("move") it stays: the page is taken out of
 * the mappings by a list, operations wait meanwhile, and when every contract for it has been
 * put the block that it had is spoiled and free.
 *
 * Locks: drill_sb.moving is shared from an operation's look at memofs's map to the contract
 * that it opens, and exclusive for a move; drill_sb.lock inside of it.
 */
#include "drill.h"

#include <string.h>
#include <time.h>

#define PUT_WAIT_S	10
#define SPOILED		0xee

int drill_moves_init(struct drill_sb *d)
{
	pthread_rwlockattr_t attr;
	int err;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	err = pthread_rwlock_init(&d->moving, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -err;
}

/* The block that was there comes to *old. -ENOENT: a hole. */
static int change_block(struct drill_sb *d, struct memofs_inode *mi, uint64_t page, uint8_t add,
			uint64_t *old)
{
	struct memofs_run r;
	struct memofs_walk w;
	uint8_t *addr;
	uint64_t bn;

	memofs_walk_init(&w, mi, page, page + 1);
	if (!memofs_walk_next(&w, &r) || !r.bn)
		return -ENOENT;
	bn = memofs_block_alloc(&d->msb);
	if (!bn)
		return -ENOSPC;
	*old = r.bn;
	addr = memofs_block_addr(mi, bn);
	memcpy(addr, memofs_block_addr(mi, r.bn), ZUS_BLOCK_SIZE);
	addr[0] = (uint8_t)(addr[0] + add);
	memofs_map_replace(mi, page, bn, 1);
	return 0;
}

/* Faults may have been answered with it: nobody else gets the block for a while. */
static void park(struct drill_sb *d, uint64_t bn)
{
	uint64_t *slot = &d->parked[d->nr_parked++ % DRILL_PARKED];

	if (*slot)
		memofs_blocks_free(&d->msb, *slot, 1);
	*slot = bn;
}

void drill_moves_fini(struct drill_sb *d)
{
	uint32_t i;

	for (i = 0; i < DRILL_PARKED; i++)
		if (d->parked[i])
			memofs_blocks_free(&d->msb, d->parked[i], 1);
	pthread_rwlock_destroy(&d->moving);
}

void drill_move_here(struct drill_sb *d, struct zus_ii *ii, uint64_t page)
{
	uint64_t old;
	int err;

	pthread_mutex_lock(&d->lock);
	err = change_block(d, memofs_inode_of(ii), page, 1, &old);
	if (!err)
		park(d, old);
	pthread_mutex_unlock(&d->lock);
	if (err)
		zus_err(ii->sb->env, "drillfs: page %llu: not moved: %d",
			(unsigned long long)page, err);
}

static bool is_held(const struct drill_sb *d, uint64_t ino, uint64_t page)
{
	const struct drill_contract *c;

	LIST_FOREACH(c, &d->contracts, link) {
		uint64_t first = c->pos >> ZUS_BLOCK_SHIFT;

		if (c->ino == ino && page >= first && page - first < c->pages)
			return true;
	}
	return false;
}

/* Nobody can come meanwhile; what has gone comes back with the next message or by itself. */
static int wait_put(struct drill_sb *d, uint64_t ino, uint64_t page)
{
	struct timespec end;
	bool held;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PUT_WAIT_S;
	pthread_mutex_lock(&d->lock);
	while ((held = is_held(d, ino, page)) && !err)
		err = pthread_cond_timedwait(&d->changed, &d->lock, &end);
	pthread_mutex_unlock(&d->lock);
	return held ? -ETIMEDOUT : 0;
}

static int move_page(struct drill_sb *d, struct memofs_inode *mi, uint64_t page)
{
	uint64_t words[4], old = 0;
	struct zus_iomap iom;
	int err;

	zus_iomap_init(&iom, words, 4);
	zus_iomap_unmap(&iom, page, 1, mi->ino);
	pthread_rwlock_wrlock(&d->moving);
	err = zus_iomap_exec(&d->msb.sb, &iom);
	if (!err)
		err = wait_put(d, mi->ino, page);
	if (!err)
		err = change_block(d, mi, page, 0, &old);
	if (!err) {
		memset(memofs_block_addr(mi, old), SPOILED, ZUS_BLOCK_SIZE);
		memofs_blocks_free(&d->msb, old, 1);
	}
	pthread_rwlock_unlock(&d->moving);
	return err;
}

int drill_move(struct drill_sb *d, uint64_t ino, uint64_t page, uint64_t count)
{
	struct zus_ii *ii;
	int err = memofs_iget(&d->msb.sb, ino, &ii);

	if (err)
		return err;
	for (; count && !err; count--)
		err = move_page(d, memofs_inode_of(ii), page);
	memofs_evict(ii, 0);
	return err;
}
