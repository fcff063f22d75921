// SPDX-License-Identifier: BSD-2-Clause
/*
 * up.c - cold blocks come up: an operation asks the kernel for a list (-EZUFS_RETRY) that
 * reads them into T1, and is called again with its result
 *
 * The request belongs to the operation, whose cookie it is; its slots are UP meanwhile, and
 * everybody else waits for them.
 */
#include "cold.h"

struct up {
	uint64_t index;
	uint32_t n;
};

/* Gives up to max cold neighbours a T1 block each; how many. */
static uint32_t prepare(struct cold_file *f, uint64_t index, uint32_t max)
{
	struct cold_slot *s;
	uint32_t n;
	uint64_t bn;

	for (n = 0; n < max && n < COLD_LIST_MAX; n++) {
		s = cold_slot(f, index + n);
		if (!s || s->state != COLD_COLD)
			break;
		bn = cold_t1_alloc(cold_sb_of_file(f));
		if (!bn)
			break;
		s->t1 = (uint32_t)bn;
		s->state = COLD_UP;
	}
	return n;
}

/* How many blocks from `index` on follow each other in both tiers. */
static uint32_t run_length(const struct cold_file *f, uint64_t index, uint32_t max)
{
	const struct cold_slot *s = &f->slots[index];
	uint32_t n;

	for (n = 1; n < max && s[n].t1 == s[0].t1 + n && s[n].t2 == s[0].t2 + n; n++)
		;
	return n;
}

static int build_list(struct cold_file *f, struct zus_iomap *iom, const struct up *up)
{
	const struct cold_slot *s;
	uint32_t i, n;
	int err = 0;

	for (i = 0; i < up->n && !err; i += n) {
		s = &f->slots[up->index + i];
		n = run_length(f, up->index + i, up->n - i);
		err = zus_iomap_t2_read(iom, s->t2, (uint64_t)s->t1 << ZUS_BLOCK_SHIFT, n);
	}
	return err;
}

/* The slots are hot, or cold as before. */
static void finish(struct cold_file *f, const struct up *up, bool is_up)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	uint32_t i;

	for (i = 0; i < up->n; i++) {
		struct cold_slot *s = &f->slots[up->index + i];

		if (is_up) {
			cold_t2_free(csb, s->t2);
			s->t2 = 0;
			s->state = COLD_HOT;
			s->was_used = true;
		} else {
			memofs_blocks_free(&csb->msb, s->t1, 1);
			s->t1 = 0;
			s->state = COLD_COLD;
		}
	}
	pthread_cond_broadcast(&f->changed);
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
	up->n = prepare(f, index, max);
	if (!up->n) {
		zus_free(csb->msb.sb.env, up);
		return -ENOSPC;
	}
	zus_iomap_init_io(&iom, io);
	err = build_list(f, &iom, up);
	if (err) {
		finish(f, up, false);
		zus_free(csb->msb.sb.env, up);
		return err;
	}
	cold_count(&csb->stats.up_lists, 1);
	return zus_iomap_retry(&iom, io, (uint64_t)(uintptr_t)up);
}

int cold_up_end(struct cold_file *f, const struct zus_io *io)
{
	struct cold_sb *csb = cold_sb_of_file(f);
	int err;
	struct up *up = (struct up *)(uintptr_t)zus_iomap_restarted(io, &err);

	if (!up)
		return 0;
	pthread_mutex_lock(&csb->lock);
	pthread_mutex_lock(&f->lock);
	finish(f, up, !err);
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_unlock(&csb->lock);
	cold_count(err ? &csb->stats.up_errors : &csb->stats.up, err ? 1 : up->n);
	zus_free(csb->msb.sb.env, up);
	/* the next restart of this operation is another list's */
	io->msg->ziom.iomb = 0;
	return err;
}
