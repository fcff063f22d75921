// SPDX-License-Identifier: BSD-2-Clause
/*
 * Data of files through the window: read and write; sync.
 *
 * Called by the core on any thread with the locks of zus/fs.h. Reads take no lock of the node. A
 * write that meets written blocks stores there, without a lock and without a record, unless times
 * have changed. What needs blocks, or makes the file longer, is data past the caches and then a
 * record with map, size and times; the fence between them is the commit's. So a crash shows all of
 * such a part or nothing of it. In one record are as many parts as fit; then comes the next one.
 *
 * Bytes behind i_size may be anything. Who moves i_size up zeroes what comes into sight first, and
 * does so with the node's lock: a fault on that page zeroes too (fault.c).
 */
#include "data.h"

#include <errno.h>
#include <string.h>
#include <zus/thread.h>

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
		err = tierfs_map_find(node, tierfs_down(pos), tierfs_up(tierfs_in_block(pos) + left),
				      &run);
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

/* ---- write ---- */

struct writing {
	struct tierfs_node *node;
	const uint8_t *buf;		/* of the byte at pos */
	uint64_t pos;
	uint64_t end;
	bool loose;			/* something was stored in place, and no fence came since */
};

static void advance(struct writing *w, uint64_t n)
{
	w->pos += n;
	w->buf += n;
}

/* What lies before i_size in written blocks, up to the first one that is none. */
static int overwrite(struct writing *w)
{
	uint64_t end = tierfs_min(w->end, zus_zi_size(w->node->ii.zi)), n;
	struct tierfs_run run;
	int err;

	while (w->pos < end) {
		err = tierfs_map_find(w->node, tierfs_down(w->pos),
				      tierfs_up(end) - tierfs_down(w->pos), &run);
		if (err)
			return err;
		if (!run.bn || run.unwritten)
			break;
		n = ((uint64_t)run.n << TIERFS_BLOCK_SHIFT) - tierfs_in_block(w->pos);
		n = tierfs_min(n, end - w->pos);
		tierfs_pm_copy(tierfs_fs_of(w->node),
			       tierfs_block_addr(w->node, run.bn) + tierfs_in_block(w->pos), w->buf,
			       n);
		w->loose = true;
		advance(w, n);
	}
	return 0;
}

/* Data of a part at the byte pos of a run; fresh: what it does not cover of its blocks is zeroed. */
static void store(const struct writing *w, uint64_t bn, uint64_t pos, uint64_t n, bool fresh)
{
	const uint8_t *addr = tierfs_block_addr(w->node, bn);
	const struct tierfs *fs = tierfs_fs_of(w->node);
	uint32_t head = tierfs_in_block(pos), tail = tierfs_in_block(pos + n);

	if (fresh && head)
		tierfs_pm_zero(fs, addr, head);
	if (fresh && tail)
		tierfs_pm_zero(fs, addr + head + n, TIERFS_BLOCK - tail);
	tierfs_pm_copy(fs, addr + head, w->buf + (pos - w->pos), n);
}

/*
 * Stores the next part, from pos on, in one slot; *done = its bytes, 0 = the record ends before it:
 * there is no space, or it lies in written blocks.
 */
static int write_part(struct tierfs_fill *f, const struct writing *w, uint64_t pos, uint64_t size,
		      uint64_t *done)
{
	uint64_t index = tierfs_down(pos), first = index << TIERFS_BLOCK_SHIFT;
	uint64_t max = tierfs_min(tierfs_up(w->end), tierfs_slot_end(index)) - index, bn;
	struct tierfs_run run;
	bool mapped;
	int err = tierfs_map_look(w->node, index, max, &run);

	*done = 0;
	if (err)
		return err;
	bn = run.bn;
	mapped = bn && !run.unwritten;
	if (mapped && pos < size)
		return 0;
	/* the block in which the file ends */
	if (mapped && first < size)
		run.n = 1;
	if (!bn)
		run.n = tierfs_fill_alloc(f, index, run.n, &bn);
	if (!run.n)
		return pos == w->pos ? -ENOSPC : 0;
	*done = tierfs_min(first + ((uint64_t)run.n << TIERFS_BLOCK_SHIFT), w->end) - pos;
	store(w, bn, pos, *done, !mapped || first >= size);
	return mapped ? 0 : tierfs_fill_add(f, index, bn, run.n);
}

/* One record: parts that need blocks or lie behind i_size, or only the first of them. */
static int write_record(struct writing *w, bool only_first)
{
	uint64_t size, pos = w->pos, done;
	struct tierfs_fill f;
	int err = tierfs_fill_begin(&f, w->node, false);

	if (err)
		return err;
	size = zus_zi_size(w->node->ii.zi);
	err = tierfs_zero_tail(w->node, size, pos);
	while (!err && pos < w->end) {
		err = write_part(&f, w, pos, size, &done);
		if (err || !done)
			break;
		pos += done;
		if (only_first || tierfs_tx_left(f.tx) < TIERFS_PART_BYTES)
			break;
	}
	f.rec->size = tierfs_max(size, pos);
	tierfs_tx_aside(f.tx);
	/* somebody has filled it meanwhile: nothing to be recorded */
	if (!err && pos == w->pos)
		err = -EAGAIN;
	err = tierfs_fill_end(&f, err);
	if (err)
		return err == -EAGAIN ? 0 : err;
	w->loose = false;
	advance(w, pos - w->pos);
	return 0;
}

static int write_on(struct writing *w)
{
	int err = overwrite(w);

	if (err || w->pos == w->end)
		return err;
	err = write_record(w, false);
	/* less may fit: the map of the second slot may need what the first one does not */
	if (err == -ENOSPC || err == -EFBIG)
		err = write_record(w, true);
	return err;
}

ssize_t tierfs_write(struct zus_ii *ii, struct zus_io *io)
{
	struct tierfs_node *node = tierfs_node_of(ii);
	struct writing w = {
		.node = node, .buf = io->buf, .pos = io->pos, .end = io->pos + io->len,
	};
	int err = tierfs_may_write(node), touch_err = 0;

	if (!err)
		err = tierfs_check_range(io->pos, io->len);
	while (!err && w.pos < w.end) {
		err = write_on(&w);
		if (!err && w.pos < w.end && zus_signal_pending())
			err = -EINTR;
	}
	if (w.loose)
		touch_err = tierfs_touch(node);
	if (touch_err)
		return touch_err;
	return w.pos > io->pos ? (ssize_t)(w.pos - io->pos) : err;
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
