// SPDX-License-Identifier: BSD-2-Clause
/*
 * Giving parts of a file blocks, in one transaction: what write, store faults and fallocate have in
 * common.
 *
 * Parts come in ascending order. As long as what was added of a slot is one run it is kept as such;
 * then as the slot's words, because a slot's map is changed once in a transaction (mapset.c).
 * The node is locked from begin to end, what lies in T1 of its map stays as it was.
 */
#include "data.h"

#include <errno.h>

int tierfs_fill_begin(struct tierfs_fill *f, struct tierfs_node *node, bool unwritten)
{
	tierfs_nodes_lock(&node, 1);
	if (node->broken) {
		tierfs_nodes_unlock(&node, 1);
		return -EIO;
	}
	f->node = node;
	f->unwritten = unwritten;
	f->n = 0;
	f->spilled = false;
	f->tx = tierfs_tx_begin(tierfs_fs_of(node));
	f->rec = tierfs_node_change(f->tx, node);
	return 0;
}

/* The block that would follow the one before `index`, or 0. */
static uint64_t goal_of(const struct tierfs_fill *f, uint64_t index)
{
	struct tierfs_run run;

	if (f->n && f->index + f->n == index)
		return f->bn + f->n;
	if (!index || tierfs_map_look(f->node, index - 1, 1, &run) || !run.bn)
		return 0;
	return run.bn + 1;
}

uint32_t tierfs_fill_alloc(struct tierfs_fill *f, uint64_t index, uint64_t max, uint64_t *bn)
{
	uint64_t goal = goal_of(f, index);

	/* a large file and its blocks agree modulo 2 MiB, from the beginning of a slot on */
	if (!(index % TIERFS_SLOT_BLOCKS) && goal % TIERFS_SLOT_BLOCKS &&
	    (index || max == TIERFS_SLOT_BLOCKS))
		goal = 0;
	return (uint32_t)tierfs_blocks_alloc(f->tx, index, goal, max, bn);
}

/* What was collected goes into the map. */
static int flush(struct tierfs_fill *f)
{
	uint32_t n = f->n;

	f->n = 0;
	if (!n)
		return 0;
	if (f->spilled)
		return tierfs_map_put(f->tx, f->node, f->rec, tierfs_slot_of(f->index), f->words);
	return tierfs_map_set(f->tx, f->node, f->rec, f->index, f->bn, n, f->unwritten);
}

static void enter(struct tierfs_fill *f, uint64_t index, uint64_t bn, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		f->words[(index + i) % TIERFS_SLOT_BLOCKS] =
			tierfs_run_word(tierfs_fs_of(f->node), bn + i, 1, f->unwritten);
}

int tierfs_fill_add(struct tierfs_fill *f, uint64_t index, uint64_t bn, uint32_t n)
{
	int err = 0;

	if (f->n && tierfs_slot_of(f->index) != tierfs_slot_of(index))
		err = flush(f);
	if (err)
		return err;
	if (!f->n) {
		f->index = index;
		f->bn = bn;
		f->n = n;
		f->spilled = false;
		return 0;
	}
	if (!f->spilled && f->index + f->n == index && f->bn + f->n == bn) {
		f->n += n;
		return 0;
	}
	if (!f->spilled) {
		err = tierfs_map_words(f->node, tierfs_slot_of(index), f->words);
		if (err)
			return err;
		enter(f, f->index, f->bn, f->n);
		f->spilled = true;
	}
	enter(f, index, bn, n);
	/* the last part: for who asks what would follow */
	f->index = index;
	f->bn = bn;
	f->n = n;
	return 0;
}

int tierfs_fill_end(struct tierfs_fill *f, int err)
{
	struct tierfs_node *node = f->node;

	if (!err)
		err = flush(f);
	if (err) {
		tierfs_tx_abort(f->tx);
	} else {
		tierfs_node_take(node, f->rec, STATX_MTIME | STATX_CTIME);
		err = tierfs_map_commit(f->tx, node, f->rec);
		if (!err)
			tierfs_node_show(node);
	}
	tierfs_nodes_unlock(&node, 1);
	return err;
}
