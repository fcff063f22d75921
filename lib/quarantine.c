// SPDX-License-Identifier: BSD-2-Clause
/*
 * Quarantine: blocks that a pipe or DMA still holds, by the kernel's T1_BUSY and T1_IDLE
 * (zus_api.h). The plugin's allocator asks before it takes a block back; what is busy comes to
 * it later.
 *
 * Called by ZTs: messages by dispatch.c, questions by plugins. A table of what is busy per
 * super-block, under a mutex of its own in which plugins may be asked (`block_take`), not
 * told (`blocks_free`). Without a busy block a question is one load.
 *
 * Counts, not a set: with those the order of a BUSY and an older IDLE does not matter.
 */
#include <zus/fs.h>

#include <pthread.h>
#include "internal.h"

#define BUCKETS	256

struct busy {
	struct busy *next;
	uint64_t bn;
	uint64_t count;
	bool freed;			/* the plugin has given it back */
};

struct zus_quarantine {
	pthread_mutex_t lock;
	uint64_t nr;			/* busy blocks; read without the lock */
	struct busy *buckets[BUCKETS];
};

static struct busy **find(struct zus_quarantine *q, uint64_t bn)
{
	struct busy **at = &q->buckets[bn % BUCKETS];

	while (*at && (*at)->bn != bn)
		at = &(*at)->next;
	return at;
}

/* ---- life ---- */

int zus_quarantine_create(struct zus_sb *sb)
{
	struct zus_quarantine *q = zus_alloc(sb->env, sizeof(*q));

	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	sb->quarantine = q;
	return 0;
}

static void give_back(struct zus_sb *sb, uint64_t bn)
{
	sb->type->ops.blocks_free(sb, bn, 1);
}

void zus_quarantine_destroy(struct zus_sb *sb)
{
	struct zus_quarantine *q = sb->quarantine;
	unsigned int i;

	if (!q)
		return;
	sb->quarantine = NULL;
	for (i = 0; i < BUCKETS; i++) {
		while (q->buckets[i]) {
			struct busy *b = q->buckets[i];

			q->buckets[i] = b->next;
			if (b->freed)
				give_back(sb, b->bn);
			zus_free(sb->env, b);
		}
	}
	pthread_mutex_destroy(&q->lock);
	zus_free(sb->env, q);
}

/* ---- questions ---- */

/* Under the lock; what is busy becomes the plugin's when it is idle. */
static bool keep_one(struct zus_quarantine *q, uint64_t bn)
{
	struct busy *b = *find(q, bn);

	if (b)
		b->freed = true;
	return b;
}

uint64_t zus_quarantine_keep(struct zus_sb *sb, uint64_t bn, uint64_t n, bool *kept)
{
	struct zus_quarantine *q = sb->quarantine;
	uint64_t i;

	*kept = false;
	if (!q || !__atomic_load_n(&q->nr, __ATOMIC_ACQUIRE))
		return n;
	pthread_mutex_lock(&q->lock);
	*kept = keep_one(q, bn);
	for (i = 1; i < n && (*find(q, bn + i) != NULL) == *kept; i++)
		keep_one(q, bn + i);
	pthread_mutex_unlock(&q->lock);
	return i;
}

bool zus_block_is_busy(const struct zus_sb *sb, uint64_t bn)
{
	struct zus_quarantine *q = sb->quarantine;
	bool busy;

	if (!q || !__atomic_load_n(&q->nr, __ATOMIC_ACQUIRE))
		return false;
	pthread_mutex_lock(&q->lock);
	busy = *find(q, bn);
	pthread_mutex_unlock(&q->lock);
	return busy;
}

/* ---- messages ---- */

/* The entry of a block, made if there is none. */
static struct busy *make(struct zus_sb *sb, uint64_t bn)
{
	struct zus_quarantine *q = sb->quarantine;
	struct busy **at = find(q, bn), *b = *at;

	if (b)
		return b;
	b = zus_alloc(sb->env, sizeof(*b));
	if (!b)
		return NULL;
	b->bn = bn;
	*at = b;
	__atomic_store_n(&q->nr, q->nr + 1, __ATOMIC_RELEASE);
	return b;
}

/* Unlinks an entry that counts nothing. */
static void drop(struct zus_sb *sb, struct busy **at)
{
	struct zus_quarantine *q = sb->quarantine;
	struct busy *b = *at;

	*at = b->next;
	__atomic_store_n(&q->nr, q->nr - 1, __ATOMIC_RELEASE);
	zus_free(sb->env, b);
}

/* One more; a block that nobody has is taken out of the plugin's free ones. */
static bool add_busy(struct zus_sb *sb, uint64_t bn)
{
	struct busy *b = make(sb, bn);

	if (!b)
		return false;
	if (!b->count++ && !b->freed && sb->type->ops.block_take)
		b->freed = sb->type->ops.block_take(sb, bn);
	return true;
}

/* One less. True: the block goes back to the plugin. */
static bool sub_busy(struct zus_sb *sb, uint64_t bn)
{
	struct zus_quarantine *q = sb->quarantine;
	struct busy **at = find(q, bn);
	bool freed;

	if (!*at) {
		zus_err(sb->env, "block %llu was not busy", (unsigned long long)bn);
		return false;
	}
	if (--(*at)->count)
		return false;
	freed = (*at)->freed;
	drop(sb, at);
	return freed;
}

static bool sub_busy_locked(struct zus_sb *sb, uint64_t bn)
{
	bool freed;

	pthread_mutex_lock(&sb->quarantine->lock);
	freed = sub_busy(sb, bn);
	pthread_mutex_unlock(&sb->quarantine->lock);
	return freed;
}

static void all_idle(struct zus_sb *sb, const struct zufs_t1_run *runs, uint32_t nr,
		     uint64_t blocks)
{
	uint64_t i;
	uint32_t r;

	for (r = 0; r < nr && blocks; r++) {
		for (i = 0; i < runs[r].nr && blocks; i++, blocks--) {
			if (sub_busy_locked(sb, runs[r].first + i))
				give_back(sb, runs[r].first + i);
		}
	}
}

/* All of them or none; a failure leaves what it was before. */
static int all_busy(struct zus_sb *sb, const struct zufs_t1_run *runs, uint32_t nr)
{
	uint64_t i, done = 0;
	bool ok = true;
	uint32_t r;

	pthread_mutex_lock(&sb->quarantine->lock);
	for (r = 0; r < nr && ok; r++) {
		for (i = 0; i < runs[r].nr && ok; i++) {
			ok = add_busy(sb, runs[r].first + i);
			done += ok;
		}
	}
	pthread_mutex_unlock(&sb->quarantine->lock);
	if (!ok)
		all_idle(sb, runs, nr, done);
	return ok ? 0 : -ENOMEM;
}

/* The runs of a message, all in T1; NULL: malformed. */
static const struct zufs_t1_run *runs_of(const struct zus_op *op, const struct zus_sb *sb)
{
	const struct zufs_ioc_t1_runs *msg = (const void *)op->hdr;
	const struct zufs_t1_run *runs = ZUFS_TAIL(msg, runs);
	uint64_t t1_blocks = sb->md->t1_blocks;
	uint32_t i;

	if (msg->nr > ZUFS_T1_RUNS_MAX ||
	    op->hdr->in_len < sizeof(*msg) + msg->nr * sizeof(runs[0]))
		return NULL;
	for (i = 0; i < msg->nr; i++) {
		if (runs[i].first > t1_blocks || runs[i].nr > t1_blocks - runs[i].first)
			return NULL;
	}
	return runs;
}

int zus_do_t1_runs(struct zus_op *op)
{
	const struct zufs_ioc_t1_runs *msg = (const void *)op->hdr;
	struct zus_sb *sb = zus_sb_of(msg->zus_sbi);
	const struct zufs_t1_run *runs;

	if (!sb || !sb->quarantine)
		return -EOPNOTSUPP;
	runs = runs_of(op, sb);
	if (!runs)
		return -EINVAL;
	if (op->hdr->operation == ZUFS_OP_T1_BUSY)
		return all_busy(sb, runs, msg->nr);
	all_idle(sb, runs, msg->nr, UINT64_MAX);
	return 0;
}
