// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blocks that the kernel asks for: to copy from them (NIO reads), and for page faults.
 *
 * Nothing changes by a question for reading. A store fault into a hole or an unwritten block gets
 * zeros: they are durable, and the record that says so is, before it is answered. A fault on the
 * page in which the file ends zeroes what lies behind the end, which nobody else may be
 * writing: the node's lock is held for it, as by who makes the file longer (write.c).
 *
 * Writes do not come here: who has been told a block could not be stopped if the answer were to be
 * committed late, or never. put_blocks has nothing to do.
 */
#include "data.h"

#include <errno.h>

#define LARGE_PAGE	TIERFS_SLOT_BLOCKS

static int get_for_read(struct tierfs_node *node, struct zus_blocks *b)
{
	uint64_t index = tierfs_down(b->pos);
	struct tierfs_run run;
	int err = 0;

	while (!err && zus_blocks_room(b)) {
		err = tierfs_map_find(node, index, zus_blocks_room(b), &run);
		if (!err)
			zus_blocks_add_run(b, run.unwritten ? 0 : run.bn, run.n);
		index += run.n;
	}
	return b->n ? 0 : err;
}

/* Does the file end within a block of [index, index + n)? */
static bool ends_within(const struct tierfs_node *node, uint64_t index, uint64_t n)
{
	uint64_t size = zus_zi_size(node->ii.zi);

	return tierfs_in_block(size) && tierfs_down(size) >= index &&
		tierfs_down(size) < index + n;
}

/* These blocks are about to be mapped. A file system that cannot be changed shows what there is. */
static int clean_tail(struct tierfs_node *node, uint64_t index, uint64_t n)
{
	int err = 0;

	if (!ends_within(node, index, n) || tierfs_may_change(tierfs_fs_of(node)))
		return 0;
	tierfs_nodes_lock(&node, 1);
	if (ends_within(node, index, n)) {
		err = tierfs_zero_tail(node, zus_zi_size(node->ii.zi), UINT64_MAX);
		tierfs_pm_fence(tierfs_fs_of(node));
	}
	tierfs_nodes_unlock(&node, 1);
	return err;
}

/*
 * Zeros for a store fault: all n blocks in a row, which for a large page begin at 2 MiB of T1 too.
 * -EAGAIN: somebody was faster. -EOPNOTSUPP: they are not so.
 */
static int zero_blocks(struct tierfs_fill *f, uint64_t index, uint32_t n, uint64_t *bn)
{
	struct tierfs_run run;
	int err = tierfs_map_look(f->node, index, n, &run);

	if (err)
		return err;
	if (run.bn && !run.unwritten)
		return -EAGAIN;
	*bn = run.bn;
	if (!run.bn)
		run.n = tierfs_fill_alloc(f, index, run.n, bn);
	if (!run.n)
		return -ENOSPC;
	if (run.n != n || (n > 1 && *bn % n))
		return -EOPNOTSUPP;
	tierfs_pm_zero(tierfs_fs_of(f->node), tierfs_block_addr(f->node, *bn),
		       (uint64_t)n << TIERFS_BLOCK_SHIFT);
	tierfs_tx_aside(f->tx);
	return tierfs_fill_add(f, index, *bn, n);
}

static int fill_for_store(struct tierfs_node *node, struct zus_blocks *b, uint64_t index,
			  uint32_t n, uint64_t *bn)
{
	struct tierfs_fill f;
	int err = tierfs_may_write(node);

	if (!err)
		err = tierfs_fill_begin(&f, node, false);
	if (err)
		return err;
	err = tierfs_fill_end(&f, zero_blocks(&f, index, n, bn));
	if (!err)
		b->ret_flags |= ZUFS_RET_NEW;
	return err;
}

static int fault_page(struct tierfs_node *node, struct zus_blocks *b)
{
	uint64_t index = tierfs_down(b->pos), bn;
	struct tierfs_run run;
	int err;

	do {
		err = tierfs_map_find(node, index, 1, &run);
		if (err)
			return err;
		bn = run.unwritten ? 0 : run.bn;
		if (bn)
			err = clean_tail(node, index, 1);
		else if (b->rw & ZUFS_RW_WRITE)
			err = fill_for_store(node, b, index, 1, &bn);
	} while (err == -EAGAIN);
	return err ? err : zus_blocks_add(b, bn);
}

/* The kernel asks whether 2 MiB can be mapped as one large page. */
static int fault_large(struct tierfs_node *node, struct zus_blocks *b)
{
	uint64_t index = tierfs_down(b->pos), bn;
	struct tierfs_run run;
	int err;

	if (index % LARGE_PAGE || zus_blocks_wanted(b) != LARGE_PAGE)
		return -EOPNOTSUPP;
	err = tierfs_map_find(node, index, LARGE_PAGE, &run);
	if (err)
		return err;
	bn = run.bn;
	if (run.n != LARGE_PAGE || bn % LARGE_PAGE)
		return -EOPNOTSUPP;
	if (bn && !run.unwritten)
		err = clean_tail(node, index, LARGE_PAGE);
	else if (b->rw & ZUFS_RW_WRITE)
		err = fill_for_store(node, b, index, LARGE_PAGE, &bn);
	else
		err = -EOPNOTSUPP;
	if (!err)
		zus_blocks_set_large(b, bn);
	return err;
}

int tierfs_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	struct tierfs_node *node = tierfs_node_of(ii);

	if (node->broken)
		return -EIO;
	if ((b->rw & ZUFS_RW_MMAP) && zus_blocks_wanted(b) > 1)
		return fault_large(node, b);
	if (b->rw & ZUFS_RW_MMAP)
		return fault_page(node, b);
	return b->rw & ZUFS_RW_WRITE ? -EOPNOTSUPP : get_for_read(node, b);
}

void tierfs_put_blocks(struct zus_ii *ii, const struct zus_blocks *b)
{
	(void)ii;
	(void)b;
}
