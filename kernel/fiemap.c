// SPDX-License-Identifier: GPL-2.0-only
/*
 * fiemap.c - extents of a file, as the server tells them
 *
 * The server writes them into a kernel buffer, a chunk at a time; each chunk goes on
 * where the last extent ended. They must rise and lie in what was asked for, so a list
 * ends. The inode lock is shared while the server is asked; the user's memory, which may
 * be a mapping of the same file, is touched without it.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dispatch.h"
#include "fiemap.h"
#include "inode.h"
#include "super.h"

/* Extents of one message: they fit the copy pages that every channel has. */
#define CHUNK_EXTENTS 256

static_assert(CHUNK_EXTENTS * sizeof(struct fiemap_extent) <= SZ_16K);

struct walk {
	struct inode *inode;
	struct fiemap_extent_info *info;
	u64 pos, end;			/* what is still to be asked for */
	struct fiemap_extent *extents;
};

static ssize_t bytes_mapped(struct zuf_op *op)
{
	const struct zufs_ioc_fiemap *msg = container_of(op->hdr, struct zufs_ioc_fiemap, hdr);

	if (msg->extents_mapped > msg->extents_max)
		return -EIO;
	return msg->extents_mapped * sizeof(struct fiemap_extent);
}

/* One message for at most @max extents; how many came, or -errno. */
static int ask_server(struct walk *walk, u32 max, u32 *mapped)
{
	struct zufs_ioc_fiemap msg = {
		.hdr = ZUF_HDR(ZUFS_OP_FIEMAP, sizeof(msg), 0, sizeof(msg)),
		.zus_ii = ZUF_I(walk->inode)->zus_ii,
		.start = walk->pos,
		.length = walk->end - walk->pos,
		.flags = walk->info->fi_flags & FIEMAP_FLAG_SYNC,
		.extents_max = max,
	};
	struct zuf_win win = {
		.kind = ZUF_WIN_KBUF,
		.kbuf = walk->extents,
		.len = max * sizeof(*walk->extents),
	};
	struct zuf_op op = ZUF_OP(&msg, .win = max ? &win : NULL, .win_bytes = bytes_mapped,
				  .flags = ZUF_OPF_SHARED, .inode = walk->inode);
	int err;

	inode_lock_shared(walk->inode);
	err = zuf_dispatch(ZUF_SB(walk->inode->i_sb), &op);
	inode_unlock_shared(walk->inode);
	if (err)
		return err;
	if (op.answered < sizeof(msg))
		return -EIO;
	*mapped = msg.extents_mapped;
	return 0;
}

/* Does it follow what came before, and concern what was asked for? */
static bool is_valid(const struct walk *walk, const struct fiemap_extent *e, bool first)
{
	u64 end;

	if (!e->fe_length || check_add_overflow(e->fe_logical, e->fe_length, &end))
		return false;
	if (e->fe_logical >= walk->end || end <= walk->pos)
		return false;
	/* only the one that the range begins in may begin before it */
	return first || e->fe_logical >= walk->pos;
}

/* Hand on a chunk. 1: it was the end, of the list or of the user's array. */
static int emit(struct walk *walk, u32 nr, bool is_start)
{
	struct fiemap_extent *e;
	u32 i;
	int ret;

	for (i = 0; i < nr; i++) {
		e = &walk->extents[i];
		if (!is_valid(walk, e, is_start && !i)) {
			pr_warn_ratelimited("sb %llu: inode %llu: an extent makes no sense\n",
					    ZUF_SB(walk->inode->i_sb)->sb_id,
					    (u64)walk->inode->i_ino);
			return -EIO;
		}
		ret = fiemap_fill_next_extent(walk->info, e->fe_logical, e->fe_physical,
					      e->fe_length, e->fe_flags);
		if (ret)
			return ret;
		walk->pos = e->fe_logical + e->fe_length;
	}
	return walk->pos >= walk->end;
}

static int walk_chunks(struct walk *walk)
{
	const struct fiemap_extent_info *info = walk->info;
	bool is_start = true;
	u32 max, mapped;
	int ret;

	do {
		max = min_t(u32, info->fi_extents_max - info->fi_extents_mapped, CHUNK_EXTENTS);
		ret = ask_server(walk, max, &mapped);
		if (!ret)
			ret = emit(walk, mapped, is_start);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		is_start = false;
		cond_resched();
	} while (!ret && mapped == max);
	return ret < 0 ? ret : 0;
}

int zuf_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len)
{
	struct walk walk = { .inode = inode, .info = info, .pos = start };
	int err = fiemap_prep(inode, info, start, &len, 0);

	if (err)
		return err;
	walk.end = start + len;
	if (!info->fi_extents_max)
		return ask_server(&walk, 0, &info->fi_extents_mapped);
	walk.extents = kcalloc(CHUNK_EXTENTS, sizeof(*walk.extents), GFP_KERNEL_ACCOUNT);
	if (!walk.extents)
		return -ENOMEM;
	err = walk_chunks(&walk);
	kfree(walk.extents);
	return err;
}
