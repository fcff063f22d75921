// SPDX-License-Identifier: BSD-2-Clause
/*
 * Size, space and holes: truncate and fallocate.
 *
 * Called by the core with the kernel's exclusive locks; all puts of the file are done and
 * pages of the range are not mapped. So blocks may be taken away at once, and a
 * contract that was left open (io.c) is over. What needs space comes first: without it the file
 * stays as it was, but for blocks that a range has got already. To truncate or punch needs some
 * where the block at an edge is shared: out of the reserve (alloc.c) when T1 is full.
 */
#include "data.h"

#include <linux/falloc.h>
#include <string.h>
#include <zus/thread.h>

/* Makes the blocks of a range that is to be zeroed the file's own. */
static int own_bytes(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	struct memofs_walk w;
	struct memofs_run r;

	memofs_walk_bytes(&w, mi, pos, end);
	while (memofs_walk_next(&w, &r)) {
		uint64_t n = r.n;
		int ret = r.bn ? memofs_own(mi, &r, true) : 0;

		if (ret < 0)
			return ret;
		if (r.n < n)
			memofs_walk_init(&w, mi, r.index + r.n, w.end);
	}
	return 0;
}

/* Zeroes what is there of a range of bytes, which is the file's own. */
static void zero_bytes(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	struct memofs_walk w;
	struct memofs_run r;

	memofs_walk_bytes(&w, mi, pos, end);
	while (memofs_walk_next(&w, &r)) {
		struct memofs_part p = memofs_part_of(mi, &r, pos, end);

		if (p.addr)
			memset(p.addr, 0, p.len);
	}
}

static int truncate_to(struct memofs_inode *mi, uint64_t size)
{
	uint64_t old = zus_zi_size(mi->ii.zi), stop = memofs_blocks_up(size) << ZUS_BLOCK_SHIFT;
	int err;

	if (size > old) {
		memofs_zero_tail(mi, old, size);
		memofs_set_size(mi, size);
		return 0;
	}
	err = own_bytes(mi, size, stop);
	if (err)
		return err;
	zero_bytes(mi, size, stop);
	memofs_set_size(mi, size);
	memofs_map_drop(mi, memofs_blocks_up(size), UINT64_MAX);
	return 0;
}

int memofs_truncate(struct zus_ii *ii, struct zus_io *io)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	int err = memofs_check_range(io->pos, 0);

	if (!S_ISREG(mi->type))
		return -EINVAL;
	if (err)
		return err;
	memofs_share_settle(mi);
	err = truncate_to(mi, io->pos);
	memofs_share_settle(mi);
	return err;
}

/* Reads as zeros afterwards; blocks that lie in the range as a whole are taken away. */
static int punch(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t first = memofs_blocks_up(pos), last = memofs_blocks_down(end);
	uint64_t head = memofs_min(first << ZUS_BLOCK_SHIFT, end);
	uint64_t tail = last << ZUS_BLOCK_SHIFT > head ? last << ZUS_BLOCK_SHIFT : head;
	int err = own_bytes(mi, pos, head);

	if (!err)
		err = own_bytes(mi, tail, end);
	if (err)
		return err;
	zero_bytes(mi, pos, head);
	zero_bytes(mi, tail, end);
	if (first < last)
		memofs_map_drop(mi, first, last);
	return 0;
}

/* Whole blocks go, what lies behind moves up; the end of the file is no part of it. */
static int collapse(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t size = zus_zi_size(mi->ii.zi);
	int err;

	if (!memofs_is_aligned(pos) || !memofs_is_aligned(end) || end >= size)
		return -EINVAL;
	err = memofs_map_shift(mi, memofs_blocks_down(pos),
			       -(int64_t)memofs_blocks_down(end - pos));
	if (!err)
		memofs_set_size(mi, size - (end - pos));
	return err;
}

/* A hole of whole blocks, what lies behind moves on. */
static int insert(struct memofs_inode *mi, uint64_t pos, uint64_t end)
{
	uint64_t size = zus_zi_size(mi->ii.zi);
	int err;

	if (!memofs_is_aligned(pos) || !memofs_is_aligned(end) || pos >= size)
		return -EINVAL;
	err = memofs_check_range(size, end - pos);
	if (!err)
		err = memofs_map_shift(mi, memofs_blocks_down(pos),
				       (int64_t)memofs_blocks_down(end - pos));
	if (!err)
		memofs_set_size(mi, size + (end - pos));
	return err;
}

static void zero_part(struct memofs_inode *mi, const struct memofs_part *p)
{
	uint64_t first = memofs_blocks_up(p->pos), end = memofs_blocks_down(p->pos + p->len);

	memset(p->addr, 0, p->len);
	if (first < end)
		memofs_map_unwritten(mi, first, end - first);
}

/*
 * Gives every block of the range memory; what was a hole is unwritten. ZERO_RANGE: the range reads
 * as zeros, and no whole block of it is written. UNSHARE_RANGE and
 * ZERO_RANGE: no block of it is shared any more.
 */
static int reserve(struct memofs_inode *mi, uint64_t pos, uint64_t end, uint32_t mode)
{
	bool own = mode & (FALLOC_FL_ZERO_RANGE | FALLOC_FL_UNSHARE_RANGE);
	uint32_t change = MEMOFS_RESERVE;
	struct memofs_walk w;
	struct memofs_run r;
	int more;

	memofs_walk_bytes(&w, mi, pos, end);
	while ((more = own ? memofs_walk_owned(&w, mi, &r, &change) :
			     memofs_walk_filled(&w, mi, &r, &change)) > 0) {
		struct memofs_part p = memofs_part_of(mi, &r, pos, end);

		if (zus_signal_pending())
			return -EINTR;
		if (mode & FALLOC_FL_ZERO_RANGE)
			zero_part(mi, &p);
	}
	return more;
}

/* True if the range cannot fit whatever of it is there already. */
static bool is_hopeless(const struct memofs_inode *mi, uint64_t len)
{
	return memofs_blocks_down(len) > zus_zi_blocks(mi->ii.zi) +
		memofs_blocks_left(memofs_sb_of_inode(mi));
}

/* Memory for a range, and the end of the file behind it unless told to keep that. */
static int allocate(struct memofs_inode *mi, uint64_t pos, uint64_t end, uint32_t mode)
{
	uint64_t size = zus_zi_size(mi->ii.zi);
	bool may_grow = !(mode & FALLOC_FL_KEEP_SIZE);
	int err;

	if (is_hopeless(mi, end - pos))
		return -ENOSPC;
	if (may_grow)
		memofs_zero_tail(mi, size, end);
	err = reserve(mi, pos, end, mode);
	if (!err && may_grow && end > size)
		memofs_set_size(mi, end);
	return err;
}

static int change_space(struct memofs_inode *mi, uint64_t pos, uint64_t end, uint32_t mode)
{
	switch (mode) {
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
		return punch(mi, pos, end);
	case FALLOC_FL_COLLAPSE_RANGE:
		return collapse(mi, pos, end);
	case FALLOC_FL_INSERT_RANGE:
		return insert(mi, pos, end);
	}
	switch (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE) {
	case 0:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_UNSHARE_RANGE:
		return allocate(mi, pos, end, mode);
	}
	return -EOPNOTSUPP;
}

int memofs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	struct memofs_inode *mi = memofs_inode_of(ii);
	int err = memofs_check_range(io->pos, io->len);

	if (err)
		return err;
	if (!S_ISREG(mi->type))
		return -EINVAL;
	memofs_share_settle(mi);
	err = change_space(mi, io->pos, io->pos + io->len, mode);
	memofs_share_settle(mi);
	return err;
}
