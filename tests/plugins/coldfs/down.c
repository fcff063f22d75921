// SPDX-License-Identifier: BSD-2-Clause
/*
 * down.c - the thread that moves cold blocks from T1 to T2
 *
 * It sleeps until T1 gets scarce. Then it walks over the files, like the hand of a clock:
 * a block that was used since the last visit gets another round, the others are collected
 * into asynchronous lists. The end of a list (on any ZT, down_done) gives the T1 block
 * back if nobody has touched it meanwhile.
 */
#include "cold.h"

#define RESERVED	32		/* T1 blocks that data leaves to inodes */
#define MAX_LISTS	8		/* under way at once */

struct down {
	struct cold_sb *csb;
	struct cold_file *f;
	uint32_t n;
	struct {
		uint64_t index;
		uint32_t t1, t2;
	} block[COLD_LIST_MAX];
	struct zus_iomap iom;
	uint64_t words[3 * (COLD_LIST_MAX + 1)];
};

/* ---- T1 blocks ---- */

static uint64_t low_water(const struct cold_sb *csb)
{
	return csb->msb.usable / 8 + RESERVED;
}

static uint64_t high_water(const struct cold_sb *csb)
{
	return csb->msb.usable / 4 + RESERVED;
}

/* Without the lock a signal may be lost; who waits for T1 has it. */
static void kick(struct cold_sb *csb)
{
	__atomic_store_n(&csb->wanted, 1, __ATOMIC_RELEASE);
	pthread_cond_signal(&csb->kick);
}

uint64_t cold_t1_alloc(struct cold_sb *csb)
{
	uint64_t left = memofs_blocks_left(&csb->msb);

	if (left < low_water(csb) && !__atomic_load_n(&csb->wanted, __ATOMIC_ACQUIRE))
		kick(csb);
	return left > RESERVED ? memofs_block_alloc(&csb->msb) : 0;
}

int cold_t1_wait(struct cold_sb *csb)
{
	uint64_t round, errors;
	int err = 0;

	pthread_mutex_lock(&csb->lock);
	errors = csb->stats.down_errors;
	/* one that is under way, one that finds all blocks used, one that finds them unused */
	round = csb->rounds + 3;
	while (!err && memofs_blocks_left(&csb->msb) <= RESERVED) {
		if ((csb->rounds >= round && csb->idle_rounds >= 3) || csb->stop || csb->paused)
			err = csb->stats.down_errors == errors ? -ENOSPC : -EIO;
		kick(csb);
		if (!err)
			pthread_cond_wait(&csb->moved, &csb->lock);
	}
	pthread_mutex_unlock(&csb->lock);
	return err;
}

/* ---- a list ---- */

/* Where a block stands after its list; locks held. */
static void settle(struct down *d, uint32_t i, int err)
{
	struct cold_slot *s = cold_slot(d->f, d->block[i].index);
	struct cold_sb *csb = d->csb;

	if (!s || s->state != COLD_DOWN || s->t2 != d->block[i].t2) {
		/* written or dropped meanwhile */
		cold_t2_free(csb, d->block[i].t2);
		cold_count(&csb->stats.kept, 1);
		return;
	}
	if (err || s->holds) {
		cold_t2_free(csb, s->t2);
		cold_count(&csb->stats.kept, 1);
		s->t2 = 0;
		s->state = COLD_HOT;
		return;
	}
	memofs_blocks_free(&csb->msb, s->t1, 1);
	cold_count(&csb->stats.down, 1);
	s->t1 = 0;
	s->state = COLD_COLD;
}

static void down_done(struct zus_sb *sb, void *arg, int err)
{
	struct cold_sb *csb = cold_sb_of(sb);
	struct down *d = arg;
	uint32_t i;

	cold_count(err ? &csb->stats.down_errors : &csb->stats.down_lists, 1);
	pthread_mutex_lock(&csb->lock);
	pthread_mutex_lock(&d->f->lock);
	for (i = 0; i < d->n; i++)
		settle(d, i, err);
	d->f->lists--;
	pthread_cond_broadcast(&d->f->changed);
	pthread_mutex_unlock(&d->f->lock);
	csb->lists--;
	pthread_cond_broadcast(&csb->moved);
	pthread_mutex_unlock(&csb->lock);
	zus_free(sb->env, d);
}

static int add_run(struct down *d, uint32_t i, uint32_t n)
{
	return zus_iomap_t2_write(&d->iom, d->block[i].t2,
				  (uint64_t)d->block[i].t1 << ZUS_BLOCK_SHIFT, n);
}

/* Neighbours on both sides are one element. No application may see them any more. */
static int build_list(struct down *d)
{
	uint64_t first = d->block[0].index, end = d->block[d->n - 1].index + 1;
	uint32_t i, n;
	int err;

	zus_iomap_init(&d->iom, d->words, sizeof(d->words) / sizeof(d->words[0]));
	err = zus_iomap_unmap(&d->iom, first, end - first, d->f->mi->ino);
	for (i = 0; i < d->n && !err; i += n) {
		for (n = 1; i + n < d->n && d->block[i + n].t1 == d->block[i].t1 + n &&
		     d->block[i + n].t2 == d->block[i].t2 + n; n++)
			;
		err = add_run(d, i, n);
	}
	return err;
}

/* ---- what goes ---- */

static bool may_go(struct cold_slot *s, bool force)
{
	if (s->state != COLD_HOT || s->holds)
		return false;
	if (s->was_used && !force) {
		s->was_used = false;
		return false;
	}
	return true;
}

/* Takes up to a list's blocks of a file from *index on; locks held. */
static void collect(struct down *d, uint64_t *index, bool force)
{
	struct cold_slot *s;
	uint64_t t2;

	for (; *index < d->f->nr && d->n < COLD_LIST_MAX; ++*index) {
		s = &d->f->slots[*index];
		if (!may_go(s, force))
			continue;
		t2 = cold_t2_alloc(d->csb);
		if (!t2)
			return;
		s->t2 = (uint32_t)t2;
		s->state = COLD_DOWN;
		d->block[d->n].index = *index;
		d->block[d->n].t1 = s->t1;
		d->block[d->n++].t2 = s->t2;
	}
}

/* Sends the next list of a file; false = there is nothing more. csb->lock held. */
static bool send_list(struct cold_sb *csb, struct cold_file *f, uint64_t *index)
{
	struct down *d;
	int err;

	while (csb->lists >= MAX_LISTS)
		pthread_cond_wait(&csb->moved, &csb->lock);
	d = zus_alloc(csb->msb.sb.env, sizeof(*d));
	if (!d)
		return false;
	d->csb = csb;
	d->f = f;
	pthread_mutex_lock(&f->lock);
	collect(d, index, csb->force);
	if (d->n)
		f->lists++;
	pthread_mutex_unlock(&f->lock);
	if (!d->n) {
		zus_free(csb->msb.sb.env, d);
		return false;
	}
	csb->lists++;
	pthread_mutex_unlock(&csb->lock);
	err = build_list(d);
	if (!err)
		err = zus_iomap_exec_async(&csb->msb.sb, &d->iom, down_done, d);
	if (err)
		down_done(&csb->msb.sb, d, err);
	pthread_mutex_lock(&csb->lock);
	return true;
}

/* Lists under way count as if they had ended. */
static bool is_enough(const struct cold_sb *csb)
{
	uint64_t coming = (uint64_t)csb->lists * COLD_LIST_MAX;

	return csb->stop || csb->paused ||
		(!csb->force && memofs_blocks_left(&csb->msb) + coming >= high_water(csb));
}

/* The rest of a file; csb->lock held, given up in between. */
static void visit(struct cold_sb *csb, struct cold_file *f)
{
	bool more = true;

	f->is_pinned = true;
	while (more && !is_enough(csb))
		more = send_list(csb, f, &f->hand);
	if (!more)
		f->hand = 0;
	f->is_pinned = false;
}

/* Once round all files, then until their lists have ended; csb->lock held. */
static void round_once(struct cold_sb *csb)
{
	uint64_t before = csb->stats.down;
	uint32_t left = csb->nr_files;
	struct cold_file *f;

	while (left-- && !is_enough(csb) && (f = TAILQ_FIRST(&csb->files))) {
		TAILQ_REMOVE(&csb->files, f, link);
		TAILQ_INSERT_TAIL(&csb->files, f, link);
		if (!f->is_going)
			visit(csb, f);
		pthread_cond_broadcast(&csb->moved);
	}
	while (csb->lists)
		pthread_cond_wait(&csb->moved, &csb->lock);
	csb->rounds++;
	csb->idle_rounds = csb->stats.down == before ? csb->idle_rounds + 1 : 0;
	pthread_cond_broadcast(&csb->moved);
}

static void *down_main(void *arg)
{
	struct cold_sb *csb = arg;

	pthread_mutex_lock(&csb->lock);
	while (!csb->stop) {
		if (!csb->paused && __atomic_exchange_n(&csb->wanted, 0, __ATOMIC_ACQ_REL))
			round_once(csb);
		else
			pthread_cond_wait(&csb->kick, &csb->lock);
	}
	pthread_mutex_unlock(&csb->lock);
	return NULL;
}

int cold_down_start(struct cold_sb *csb)
{
	struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;

	attr.name = "tiering";
	return zus_env_thread_create(csb->msb.sb.env, &csb->thread, &attr, down_main, csb);
}

void cold_down_stop(struct cold_sb *csb)
{
	pthread_mutex_lock(&csb->lock);
	csb->stop = true;
	pthread_cond_signal(&csb->kick);
	pthread_cond_broadcast(&csb->moved);
	pthread_mutex_unlock(&csb->lock);
	if (csb->thread)
		zus_env_thread_join(csb->msb.sb.env, csb->thread);
	csb->thread = NULL;
	zus_iomap_drain(&csb->msb.sb);
}

void cold_down_all(struct cold_sb *csb)
{
	uint64_t round;

	pthread_mutex_lock(&csb->lock);
	/* the round that is under way may be past some file */
	round = csb->rounds + 2;
	csb->force = true;
	while (csb->rounds < round && !csb->stop) {
		kick(csb);
		pthread_cond_wait(&csb->moved, &csb->lock);
	}
	csb->force = false;
	pthread_mutex_unlock(&csb->lock);
}
