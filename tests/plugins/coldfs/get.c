// SPDX-License-Identifier: BSD-2-Clause
/*
 * get.c - blocks of a file, held in T1 until they are put
 *
 * Called by data.c on ZTs. Waits (for T1) only while it holds nothing: whoever has got a block
 * returns what he has instead.
 */
#include "cold.h"

#include <string.h>

/* Why a block cannot be had at once. */
enum { GOT, NEED_T1, NEED_UP };

static int fill_hole(struct cold_file *f, struct cold_slot *s)
{
	uint64_t bn = cold_t1_alloc(cold_sb_of_file(f));

	if (!bn)
		return NEED_T1;
	memset(memofs_block_addr(f->mi, bn), 0, ZUS_BLOCK_SIZE);
	s->t1 = (uint32_t)bn;
	s->state = COLD_HOT;
	cold_count_blocks(f, 1);
	return GOT;
}

/* GOT and a block that is held, or 0 for a hole; else why not. */
static int get_one(struct cold_file *f, uint64_t index, bool is_write, uint64_t *bn)
{
	struct cold_slot *s = cold_slot(f, index);
	int why = GOT;

	*bn = 0;
	if (!s || (s->state == COLD_HOLE && !is_write))
		return GOT;
	switch (s->state) {
	case COLD_HOLE:
		why = fill_hole(f, s);
		break;
	case COLD_COLD:
		return NEED_UP;
	case COLD_DOWN:
		if (is_write)	/* the list's copy is stale; its end sees that */
			s->state = COLD_HOT;
		break;
	}
	if (why != GOT)
		return why;
	s->holds++;
	s->was_used = true;
	*bn = s->t1;
	return GOT;
}

static void count_held(struct cold_sb *csb, uint32_t n)
{
	uint64_t held = __atomic_add_fetch(&csb->stats.held, n, __ATOMIC_RELAXED);
	uint64_t max = __atomic_load_n(&csb->stats.held_max, __ATOMIC_RELAXED);

	while (held > max && !__atomic_compare_exchange_n(&csb->stats.held_max, &max, held, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* As many as can be had at once; lock held. */
static int get_ready(struct cold_file *f, struct cold_get *g)
{
	uint32_t held = 0;
	int why = GOT;

	for (g->n = 0; g->n < g->max; g->n++) {
		why = get_one(f, g->index + g->n, g->is_write, &g->bn[g->n]);
		if (why != GOT)
			break;
		held += !!g->bn[g->n];
	}
	count_held(cold_sb_of_file(f), held);
	return g->n ? GOT : why;
}

/* Gets over it; lock held, and held again afterwards. 0 = try again. */
static int overcome(struct cold_file *f, struct zus_io *io, struct cold_get *g, int why)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	int err = 0;

	if (!g->may_wait)
		return -EAGAIN;
	if (why == NEED_UP)
		err = cold_up_start(f, io, g->index, g->max);
	if (why == NEED_T1 || err == -ENOSPC) {
		pthread_mutex_unlock(&f->lock);
		err = cold_t1_wait(csb);
		if (err && why == NEED_UP)
			err = -EIO;	/* no room to read it into */
		pthread_mutex_lock(&f->lock);
	}
	return err;
}

int cold_get(struct cold_file *f, struct zus_io *io, struct cold_get *g)
{
	int err = 0, why;

	if (g->max > COLD_GET_MAX)
		g->max = COLD_GET_MAX;
	pthread_mutex_lock(&f->lock);
	if (g->is_write)
		err = cold_slots_reserve(f, g->index + g->max);
	while (!err) {
		why = get_ready(f, g);
		if (why == GOT)
			break;
		err = overcome(f, io, g, why);
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

void cold_put(struct cold_file *f, uint64_t index, const uint64_t *bn, uint32_t n)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	struct cold_slot *s;
	uint32_t i, held = 0;

	pthread_mutex_lock(&f->lock);
	for (i = 0; i < n; i++) {
		if (!bn[i])
			continue;
		s = cold_slot(f, index + i);
		if (!s || !s->holds || s->t1 != bn[i]) {
			zus_err(csb->msb.sb.env, "coldfs: inode %llu: block %llu of T1 is not held",
				(unsigned long long)f->mi->ino, (unsigned long long)bn[i]);
			continue;
		}
		s->holds--;
		held++;
	}
	pthread_mutex_unlock(&f->lock);
	__atomic_fetch_sub(&csb->stats.held, held, __ATOMIC_RELAXED);
}
