// SPDX-License-Identifier: BSD-2-Clause
/*
 * Data of files through the window: read; sync; what write.c, fault.c and space.c have in common.
 *
 * Called by the core on any thread with the locks of zus/fs.h. Reads take no lock of the node.
 *
 * Bytes behind i_size may be anything. Who moves i_size up zeroes what comes into sight first, and
 * does so with the node's lock: a fault on that page zeroes too (fault.c).
 */
#include "data.h"

#include <errno.h>
#include <string.h>

/* ---- bytes of blocks that are there ---- */

int tierfs_zero_part(struct tierfs_node *node, uint64_t pos, uint64_t end)
{
	struct tierfs_run run;
	int err;

	if (pos >= end)
		return 0;
	err = tierfs_map_look(node, tierfs_down(pos), 1, &run);
	if (!err && run.bn && !run.unwritten)
		tierfs_pm_zero(tierfs_fs_of(node),
			       tierfs_block_addr(node, run.bn) + tierfs_in_block(pos), end - pos);
	return err;
}

int tierfs_zero_tail(struct tierfs_node *node, uint64_t size, uint64_t end)
{
	return tierfs_zero_part(node, size, tierfs_min(end, tierfs_up(size) << TIERFS_BLOCK_SHIFT));
}

int tierfs_touch(struct tierfs_node *node)
{
	const struct zus_inode *zi = node->ii.zi;
	struct tierfs *fs = tierfs_fs_of(node);
	struct tierfs_inode *rec;
	struct tierfs_tx *tx;
	int err;

	if ((zus_zi_mtime(zi) == __atomic_load_n(&node->rec->mtime, __ATOMIC_RELAXED) &&
	     zus_zi_ctime(zi) == __atomic_load_n(&node->rec->ctime, __ATOMIC_RELAXED)) ||
	    tierfs_may_change(fs)) {
		tierfs_pm_fence(fs);
		return 0;
	}
	tierfs_nodes_lock(&node, 1);
	tx = tierfs_tx_begin(fs);
	rec = tierfs_node_change(tx, node);
	tierfs_node_take(node, rec, STATX_MTIME | STATX_CTIME);
	tierfs_tx_aside(tx);
	err = tierfs_tx_commit(tx);
	tierfs_nodes_unlock(&node, 1);
	return err;
}

/* ---- read ---- */

ssize_t tierfs_read(struct zus_ii *ii, struct zus_io *io)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	uint8_t *buf = io->buf;
	uint64_t pos = io->pos, left = io->len, n;
	struct tierfs_run run;
	int err;

	if (node->broken)
		return -EIO;
	for (; left; left -= n, pos += n, buf += n) {
		n = tierfs_up(tierfs_in_block(pos) + left);
		err = tierfs_map_find(node, tierfs_down(pos), n, &run);
		if (err)
			return left < io->len ? (ssize_t)(io->len - left) : err;
		n = ((uint64_t)run.n << TIERFS_BLOCK_SHIFT) - tierfs_in_block(pos);
		n = tierfs_min(n, left);
		if (run.bn && !run.unwritten)
			memcpy(buf, tierfs_block_addr(node, run.bn) + tierfs_in_block(pos), n);
		else
			memset(buf, 0, n);
	}
	return (ssize_t)io->len;
}

/* ---- sync ---- */

/* Flushes what mappings may have stored to file blocks [index, end). */
static int flush_blocks(struct tierfs_node *node, uint64_t index, uint64_t end)
{
	struct tierfs_run run;
	int err;

	while ((index = tierfs_map_next(node, index)) < end) {
		err = tierfs_map_find(node, index, end - index, &run);
		if (err)
			return err;
		if (run.bn && !run.unwritten)
			tierfs_pm_flush(tierfs_fs_of(node), tierfs_block_addr(node, run.bn),
					(uint64_t)run.n << TIERFS_BLOCK_SHIFT);
		index += run.n;
	}
	return 0;
}

int tierfs_sync(struct zus_ii *ii, struct zus_sync *s)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	uint64_t size = zus_zi_size(ii->zi), end = size;
	int err = 0, touch_err;

	if (node->broken)
		return -EIO;
	if (s->offset < size && s->length < size - s->offset)
		end = s->offset + s->length;
	if (S_ISREG(node->type) && s->offset < end)
		err = flush_blocks(node, tierfs_down(s->offset), tierfs_up(end));
	touch_err = tierfs_touch(node);
	return err ? err : touch_err;
}
