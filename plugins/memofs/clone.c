// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shared blocks: clone makes two files owners of the same blocks, a writer gets a copy of his
 * own. Dedupe comes here too, after the kernel has compared.
 *
 * memofs_clone has both files exclusively, memofs_own runs under the shared lock. Two who
 * want to write into one shared block meet at the lock of the file's share: the first takes the
 * copy, the second finds it. Whether a block is shared is decided under that lock too, for as
 * soon as one finds it his own and writes in place, nobody may still copy it.
 *
 * Bytes behind the end of a file are zeros in every shared block: clone clears them, and
 * to write there takes a copy. So nobody needs to clear them in a block that is shared.
 */
#include "data.h"

#include <string.h>
#include <zus/thread.h>

/* The first blocks of a run are shared: others, with the same content, take their place. */
static int take_copy(struct memofs_inode *mi, struct memofs_run *r, bool frees)
{
	struct memofs_sb *msb = memofs_sb_of_inode(mi);
	uint64_t bn, n;

	if (memofs_share_reserve(mi))
		return -ENOMEM;
	n = memofs_blocks_alloc(msb, r->index, 0, r->n, &bn);
	if (!n && frees) {
		bn = memofs_block_alloc_reserve(msb);
		n = bn ? 1 : 0;
	}
	if (!n)
		return -ENOSPC;
	memcpy(memofs_block_addr(mi, bn), memofs_block_addr(mi, r->bn), n << ZUS_BLOCK_SHIFT);
	memofs_share_replaced(mi, r->bn, n);
	memofs_map_replace(mi, r->index, bn, n);
	r->bn = bn;
	r->n = n;
	return 1;
}

int memofs_own(struct memofs_inode *mi, struct memofs_run *r, bool frees)
{
	bool shared;
	int ret = 0;

	if (!mi->share)
		return 0;
	pthread_mutex_lock(&mi->share->lock);
	memofs_map_run(mi, r);
	r->n = memofs_owners_run(memofs_sb_of_inode(mi), r->bn, r->n, &shared);
	if (shared)
		ret = take_copy(mi, r, frees);
	pthread_mutex_unlock(&mi->share->lock);
	return ret;
}

/* A clone in blocks. Of those that are unwritten the destination gets none. */
struct range {
	struct memofs_inode *src;
	struct memofs_inode *dst;
	uint64_t in;
	uint64_t out;
	uint64_t n;
};

/* All that may fail: room for the counts, and for the slots. Nobody sees a difference. */
static int prepare(const struct range *c)
{
	struct memofs_walk w;
	struct memofs_run r;
	int err;

	memofs_walk_init(&w, c->src, c->in, c->in + c->n);
	while (memofs_walk_data(&w, &r)) {
		if (!r.bn)
			continue;
		if (zus_signal_pending())
			return -EINTR;
		err = memofs_owners_reserve(memofs_sb_of_inode(c->src), r.bn, r.n);
		if (err)
			return err;
		err = memofs_map_make(c->dst, r.index - c->in + c->out, r.n);
		if (err)
			return err;
	}
	return 0;
}

static void share_blocks(const struct range *c)
{
	struct memofs_walk w;
	struct memofs_run r;

	memofs_walk_init(&w, c->src, c->in, c->in + c->n);
	while (memofs_walk_data(&w, &r)) {
		uint64_t at = r.index - c->in + c->out;

		if (r.bn)
			memofs_map_share(c->dst, at, r.bn, r.n);
		else
			memofs_map_clear(c->dst, at, at + r.n);
	}
	memofs_map_trim(c->dst, c->out, c->out + c->n);
}

static int clone_range(const struct range *c)
{
	int err = memofs_share_make(c->src);

	if (!err)
		err = memofs_share_make(c->dst);
	if (err)
		return err;
	err = prepare(c);
	if (err) {
		memofs_map_trim(c->dst, c->out, c->out + c->n);
		return err;
	}
	memofs_zero_tail(c->src, zus_zi_size(c->src->ii.zi), UINT64_MAX);
	share_blocks(c);
	return 0;
}

/* A source without a size comes as one without a length; the kernel has checked the rest. */
int memofs_clone(const struct zus_clone *args)
{
	struct range c = { .src = memofs_inode_of(args->src), .dst = memofs_inode_of(args->dst) };
	uint64_t size = zus_zi_size(c.dst->ii.zi), bytes = args->len, end = args->pos_out;
	bool whole = !args->len_up;
	int err;

	if (!S_ISREG(c.src->type) || !S_ISREG(c.dst->type) ||
	    !memofs_is_aligned(args->pos_in | args->pos_out))
		return -EINVAL;
	if (whole)
		bytes = zus_zi_size(c.src->ii.zi);
	err = memofs_check_range(args->pos_in, bytes);
	if (!err)
		err = memofs_check_range(args->pos_out, bytes);
	if (err)
		return err;
	c.in = memofs_blocks_down(args->pos_in);
	c.out = memofs_blocks_down(args->pos_out);
	c.n = memofs_blocks_up(bytes);
	end += bytes;
	memofs_share_settle(c.src);
	memofs_share_settle(c.dst);
	err = clone_range(&c);
	if (err)
		return err;
	memofs_zero_tail(c.dst, size, args->pos_out);
	if (whole)
		memofs_map_drop(c.dst, c.out + c.n, UINT64_MAX);
	if (whole || end > size)
		memofs_set_size(c.dst, end);
	return 0;
}
