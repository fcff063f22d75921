// SPDX-License-Identifier: BSD-2-Clause
/*
 * Size, space and holes: truncate and fallocate.
 *
 * Called by the core with the kernel's exclusive locks; all puts of the file are done and nobody
 * faults in the range. A change of the size is one record. What a truncate cuts off is freed by
 * the same record if it is little; else the inode is on the list of orphans until it is free, slot
 * by slot, so that the next mount goes on where a crash came. What fallocate takes or gives is
 * a record per slot.
 */
#include "data.h"

#include <errno.h>
#include <linux/falloc.h>
#include <zus/thread.h>

/* One record with a size, the times and what was stored before. The node is locked. */
static int record_size(struct tierfs_node *node, uint64_t size)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(node));
	struct tierfs_inode *rec = tierfs_node_change(tx, node);
	int err;

	rec->size = size;
	tierfs_node_take(node, rec, STATX_MTIME | STATX_CTIME);
	tierfs_tx_aside(tx);
	err = tierfs_tx_commit(tx);
	if (!err)
		tierfs_node_show(node);
	return err;
}

/* ---- truncate ---- */

/*
 * In tx, what lies behind file block `index`: it goes at once if one slot has all of it and no
 * index page may have to follow, or *later.
 */
static int cut_tail(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		    uint64_t index, bool *later)
{
	uint64_t first = tierfs_map_look_next(node, index), end;
	uint32_t left = 0;
	int err = 0;

	*later = tierfs_map_is_loose(node);
	if (first == UINT64_MAX)
		return 0;
	end = tierfs_slot_end(first);
	*later = tierfs_map_look_next(node, end) != UINT64_MAX;
	if (!*later) {
		left = (uint32_t)(end - first);
		err = tierfs_map_clear(tx, node, rec, first, &left);
	}
	if (left || rec->height)
		*later = true;
	return err;
}

/* The list of orphans has it while there is something behind its end. */
static int record_cut(struct tierfs_node *node, uint64_t size, bool *later)
{
	struct tierfs_tx *tx = tierfs_tx_begin(tierfs_fs_of(node));
	struct tierfs_inode *rec = tierfs_node_change(tx, node);
	int err;

	rec->size = size;
	tierfs_node_take(node, rec, STATX_MTIME | STATX_CTIME);
	err = cut_tail(tx, node, rec, tierfs_up(size), later);
	if (!err && *later)
		err = tierfs_orphan_add(tx, node, rec);
	if (err)
		tierfs_tx_abort(tx);
	else
		err = tierfs_map_commit(tx, node, rec);
	if (!err)
		tierfs_node_show(node);
	return err;
}

static int record_cut_end(struct tierfs_node *node)
{
	struct tierfs_tx *tx;

	/* without a name it stays there */
	if (!node->rec->nlink)
		return 0;
	tx = tierfs_tx_begin(tierfs_fs_of(node));
	tierfs_orphan_del(tx, node, tierfs_node_change(tx, node));
	return tierfs_tx_commit(tx);
}

int tierfs_cut_end_locked(struct tierfs_node *node)
{
	int err;

	if (!node->rec->cell || !node->rec->nlink)
		return 0;
	err = tierfs_map_truncate(node, tierfs_up(node->rec->size));
	return err ? err : record_cut_end(node);
}

int tierfs_cut_end(struct tierfs_node *node)
{
	int err;

	if (!node->rec->cell || !node->rec->nlink)
		return 0;
	tierfs_nodes_lock(&node, 1);
	err = tierfs_cut_end_locked(node);
	tierfs_nodes_unlock(&node, 1);
	return err;
}

static int truncate_down(struct tierfs_node *node, uint64_t size)
{
	bool later;
	int err = record_cut(node, size, &later);

	if (err)
		return err;
	/* for those who have this page mapped */
	err = tierfs_zero_tail(node, size, UINT64_MAX);
	tierfs_pm_fence(tierfs_fs_of(node));
	if (err || !later)
		return err;
	err = tierfs_map_truncate(node, tierfs_up(size));
	return err ? err : record_cut_end(node);
}

static int truncate_up(struct tierfs_node *node, uint64_t old, uint64_t size)
{
	int err = tierfs_cut_end_locked(node);

	if (!err)
		err = tierfs_zero_tail(node, old, size);
	return err ? err : record_size(node, size);
}

int tierfs_truncate(struct zus_ii *ii, struct zus_io *io)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	uint64_t old = zus_zi_size(ii->zi);
	int err = tierfs_may_write(node);

	if (!S_ISREG(node->type))
		return -EINVAL;
	if (!err)
		err = tierfs_check_range(io->pos, 0);
	if (err)
		return err;
	tierfs_nodes_lock(&node, 1);
	if (io->pos > old)
		err = truncate_up(node, old, io->pos);
	else
		err = truncate_down(node, io->pos);
	tierfs_nodes_unlock(&node, 1);
	return err;
}

/* ---- ranges of bytes ---- */

/* A range as whole blocks and what sticks out of them at both sides. */
struct range {
	uint64_t pos;
	uint64_t end;
	uint64_t first;			/* whole blocks [first, last), if any */
	uint64_t last;
	uint64_t size;			/* what i_size is raised to in the end; 0 = it stays */
};

static struct range range_of(uint64_t pos, uint64_t end)
{
	struct range r = {
		.pos = pos, .end = end, .first = tierfs_up(pos), .last = tierfs_down(end),
	};

	return r;
}

/* Zeroes what is no whole block of the range. */
static int zero_edges(struct tierfs_node *node, const struct range *r)
{
	uint64_t head = tierfs_min(r->first << TIERFS_BLOCK_SHIFT, r->end);
	uint64_t tail = tierfs_max(r->last << TIERFS_BLOCK_SHIFT, head);
	int err;

	tierfs_nodes_lock(&node, 1);
	err = tierfs_zero_part(node, r->pos, head);
	if (!err)
		err = tierfs_zero_part(node, tail, r->end);
	tierfs_nodes_unlock(&node, 1);
	return err;
}

static int punch_slot(struct tierfs_node *node, uint64_t index, uint64_t end)
{
	int err;

	tierfs_nodes_lock(&node, 1);
	err = tierfs_map_cut(node, index, end);
	tierfs_node_show(node);
	tierfs_nodes_unlock(&node, 1);
	return err;
}

static int punch(struct tierfs_node *node, const struct range *r)
{
	uint64_t index = r->first, end;
	int err = zero_edges(node, r);

	while (!err && (index = tierfs_map_next(node, index)) < r->last) {
		end = tierfs_min(tierfs_slot_end(index), r->last);
		err = punch_slot(node, index, end);
		if (!err && zus_signal_pending())
			err = -EINTR;
		index = end;
	}
	return err;
}

/* ---- preallocation ---- */

/* Is there so much space as the holes of file blocks [index, end) want? */
static int check_space(const struct tierfs_node *node, uint64_t index, uint64_t end)
{
	uint64_t left = tierfs_blocks_left(tierfs_fs_of(node)), holes = 0;
	struct tierfs_run run;
	int err;

	while (index < end) {
		err = tierfs_map_find(node, index, end - index, &run);
		if (err)
			return err;
		if (!run.bn)
			holes += run.n;
		if (holes > left)
			return -ENOSPC;
		if (zus_signal_pending())
			return -EINTR;
		index += run.n;
	}
	return 0;
}

/* Does this run of blocks want a change? All of it, or nothing: its n is cut where that ends. */
static bool wants_change(const struct range *r, bool zero, uint64_t index, struct tierfs_run *run)
{
	if (!run->bn)
		return true;
	if (!zero || run->unwritten)
		return false;
	if (index < r->first || index >= r->last) {
		run->n = 1;
		return false;
	}
	run->n = (uint32_t)tierfs_min(run->n, r->last - index);
	return true;
}

/* The next part, within a slot: unwritten blocks for holes, with `zero` for written blocks too. */
static int reserve_part(struct tierfs_fill *f, const struct range *r, bool zero, uint64_t *index,
			uint64_t end)
{
	struct tierfs_run run;
	int err = tierfs_map_look(f->node, *index, end - *index, &run);

	if (err)
		return err;
	if (wants_change(r, zero, *index, &run)) {
		if (!run.bn)
			run.n = tierfs_fill_alloc(f, *index, run.n, &run.bn);
		if (!run.n)
			return -ENOSPC;
		err = tierfs_fill_add(f, *index, run.bn, run.n);
	}
	*index += run.n;
	return err;
}

/* The last record of all has the size; before it what comes into sight is zeroed. */
static int grow(struct tierfs_fill *f, const struct range *r)
{
	uint64_t size = f->rec->size;

	if (r->size <= size)
		return 0;
	f->rec->size = r->size;
	tierfs_tx_aside(f->tx);
	return tierfs_zero_tail(f->node, size, r->size);
}

/* One record of what a slot needs from *index on. */
static int reserve_slot(struct tierfs_node *node, const struct range *r, bool zero, uint64_t *index)
{
	uint64_t begin = *index, end = tierfs_min(tierfs_slot_end(begin), tierfs_up(r->end));
	struct tierfs_fill f;
	int err = tierfs_fill_begin(&f, node, true), stop = 0;

	if (err)
		return err;
	while (!err && !stop && *index < end) {
		err = reserve_part(&f, r, zero, index, end);
		stop = tierfs_tx_left(f.tx) < TIERFS_PART_BYTES;
	}
	/* what there was space for is the file's; the next call finds that there is no more */
	if (err == -ENOSPC && *index > begin)
		err = 0;
	if (!err && *index == tierfs_up(r->end))
		err = grow(&f, r);
	return tierfs_fill_end(&f, err);
}

static int reserve(struct tierfs_node *node, const struct range *r, bool zero)
{
	uint64_t index = tierfs_down(r->pos), end = tierfs_up(r->end);
	struct tierfs_run run;
	int err = 0;

	while (!err && index < end) {
		if (zus_signal_pending())
			return -EINTR;
		err = tierfs_map_find(node, index, end - index, &run);
		if (!err && !wants_change(r, zero, index, &run))
			index += run.n;
		else if (!err)
			err = reserve_slot(node, r, zero, &index);
	}
	return err;
}

static int allocate(struct tierfs_node *node, struct range *r, uint32_t mode)
{
	bool zero = mode & FALLOC_FL_ZERO_RANGE;
	struct tierfs_fill f;
	int err = check_space(node, tierfs_down(r->pos), tierfs_up(r->end));

	if (!(mode & FALLOC_FL_KEEP_SIZE))
		r->size = r->end;
	if (!err && zero)
		err = zero_edges(node, r);
	if (!err)
		err = reserve(node, r, zero);
	if (err || r->size <= zus_zi_size(node->ii.zi))
		return err;
	/* the last slot had all its blocks */
	err = tierfs_fill_begin(&f, node, true);
	return err ? err : tierfs_fill_end(&f, grow(&f, r));
}

static int change_space(struct tierfs_node *node, struct range *r, uint32_t mode)
{
	if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return punch(node, r);
	switch (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE) {
	case 0:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_UNSHARE_RANGE:
		return allocate(node, r, mode);
	}
	return -EOPNOTSUPP;
}

int tierfs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	struct range r = range_of(io->pos, io->pos + io->len);
	int err = tierfs_may_write(node), touch_err;

	if (!err)
		err = tierfs_check_range(io->pos, io->len);
	if (err)
		return err;
	if (!S_ISREG(node->type))
		return -EINVAL;
	err = tierfs_cut_end(node);
	if (err)
		return err;
	err = change_space(node, &r, mode);
	touch_err = tierfs_touch(node);
	return err ? err : touch_err;
}
