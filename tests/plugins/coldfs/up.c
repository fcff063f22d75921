// SPDX-License-Identifier: BSD-2-Clause
/*
 * up.c - cold blocks come up: an operation asks the kernel for a list (-EZUFS_RETRY) that
 * reads them into T1, and is called again with its result
 *
 * The request belongs to the operation, whose cookie it is, and so do its T1 blocks until the
 * list has ended; the slots stay COLD. So this is true of it (ZUFS_FSC_RETRY_MOVES): no lock is
 * held meanwhile, nobody waits for it, and a restart with an error changes nothing.
 */
#include "cold.h"

struct up {
	uint64_t index;
	uint32_t n;
	struct {
		uint32_t t1, t2;
		uint32_t version;	/* of the slot */
	} block[COLD_LIST_MAX];
};

/* A T1 block for each of up to max cold neighbours. */
static void prepare(struct cold_file *f, struct up *up, uint32_t max)
{
	const struct cold_slot *s;
	uint32_t n;
	uint64_t bn;

	for (n = 0; n < max && n < COLD_LIST_MAX; n++) {
		s = cold_slot(f, up->index + n);
		if (!s || s->state != COLD_COLD)
			break;
		bn = cold_t1_alloc(cold_sb_of_file(f));
		if (!bn)
			break;
		up->block[n].t1 = (uint32_t)bn;
		up->block[n].t2 = s->t2;
		up->block[n].version = s->version;
	}
	up->n = n;
}

/* How many blocks from `index` on follow each other in both tiers. */
static uint32_t run_length(const struct up *up, uint32_t i)
{
	uint32_t n;

	for (n = 1; i + n < up->n && up->block[i + n].t1 == up->block[i].t1 + n &&
	     up->block[i + n].t2 == up->block[i].t2 + n; n++)
		;
	return n;
}

static int build_list(struct zus_iomap *iom, const struct up *up)
{
	uint32_t i, n;
	int err = 0;

	for (i = 0; i < up->n && !err; i += n) {
		n = run_length(up, i);
		err = zus_iomap_t2_read(iom, up->block[i].t2,
					(uint64_t)up->block[i].t1 << ZUS_BLOCK_SHIFT, n);
	}
	return err;
}

/* Those slots that are still what was read are hot; the others do not need it. */
static void finish(struct cold_file *f, const struct up *up, bool is_up)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	uint32_t i;

	for (i = 0; i < up->n; i++) {
		struct cold_slot *s = cold_slot(f, up->index + i);

		if (!is_up || !s || s->state != COLD_COLD || s->version != up->block[i].version) {
			memofs_blocks_free(&csb->msb, up->block[i].t1, 1);
			continue;
		}
		cold_t2_free(csb, s->t2);
		s->t2 = 0;
		s->t1 = up->block[i].t1;
		s->state = COLD_HOT;
		s->was_used = true;
		s->version++;
	}
}

int cold_up_start(struct cold_file *f, struct zus_io *io, uint64_t index, uint32_t max)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	struct up *up = zus_alloc(csb->msb.sb.env, sizeof(*up));
	struct zus_iomap iom;
	int err;

	if (!up)
		return -ENOMEM;
	up->index = index;
	prepare(f, up, max);
	if (!up->n) {
		zus_free(csb->msb.sb.env, up);
		return -ENOSPC;
	}
	zus_iomap_init_io(&iom, io);
	err = build_list(&iom, up);
	if (err) {
		finish(f, up, false);
		zus_free(csb->msb.sb.env, up);
		return err;
	}
	cold_count(&csb->stats.up_lists, 1);
	return zus_iomap_retry(&iom, io, (uint64_t)(uintptr_t)up);
}

int cold_up_end(struct cold_file *f, struct zus_io *io)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	int err;
	/* the next restart of this operation is another list's */
	struct up *up = (struct up *)(uintptr_t)zus_iomap_take(io, &err);

	if (!up)
		return 0;
	pthread_mutex_lock(&csb->lock);
	pthread_mutex_lock(&f->lock);
	finish(f, up, !err);
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_unlock(&csb->lock);
	cold_count(err ? &csb->stats.up_errors : &csb->stats.up, err ? 1 : up->n);
	zus_free(csb->msb.sb.env, up);
	return err;
}
