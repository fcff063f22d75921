// SPDX-License-Identifier: BSD-2-Clause
/*
 * write(2): data come through the window.
 *
 * Called by the core on any thread with the locks of zus/fs.h. What meets written blocks is stored
 * there, without a lock and without a record, unless times have changed. What needs blocks, or
 * makes the file longer, is data past the caches and then a record with map, size and times; the
 * fence between them is the commit's. So a crash shows all of such a part or nothing of it. In one
 * record are as many parts as fit; then comes the next one.
 */
#include "data.h"

#include <errno.h>
#include <zus/thread.h>

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

/* Data of a part at the byte pos of a run; fresh: what it leaves of its blocks is zeroed. */
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
	if (!err)
		err = tierfs_cut_end(node);
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
