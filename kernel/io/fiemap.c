// SPDX-License-Identifier: GPL-2.0-only
/*
 * fiemap.c - extents of an inode, as the server reports them
 *
 * The server writes extents into a kernel buffer, a chunk at a time; each chunk continues where
 * the last extent ended. Extents must rise and lie in the requested range, so a list has an end.
 * The inode lock is shared while the server is asked; the user's memory, which may be a mapping
 * of the same file, is touched without it.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "devset.h"
#include "dispatch.h"
#include "fiemap.h"
#include "inode.h"
#include "sb.h"

/* Number of extents in one message: they fit the copy pages that every channel has. */
#define CHUNK_EXTENTS 256

static_assert(CHUNK_EXTENTS * sizeof(struct fiemap_extent) <= SZ_16K);

struct walk {
	struct inode *inode;
	struct fiemap_extent_info *info;
	zuf_extent_fn *each;		/* callback of a kernel caller; NULL: fill @info */
	void *each_data;
	u64 pos, end;			/* the range that is still to be asked for */
	u32 flags;			/* FIEMAP_FLAG_* for the server */
	bool locked;			/* the caller holds the inode lock */
	struct fiemap_extent *extents;
};

static ssize_t bytes_mapped(struct zuf_op *op)
{
	const struct zufs_ioc_fiemap *msg = container_of(op->hdr, struct zufs_ioc_fiemap, hdr);

	if (msg->extents_mapped > msg->extents_max)
		return -EIO;
	return msg->extents_mapped * sizeof(struct fiemap_extent);
}

/* Ask for at most @max extents with one message; *mapped: how many came. Return: 0 or -errno. */
static int ask_server(struct walk *walk, u32 max, u32 *mapped)
{
	struct zufs_ioc_fiemap msg = {
		.hdr = ZUF_HDR(ZUFS_OP_FIEMAP, sizeof(msg), 0, sizeof(msg)),
		.start = walk->pos,
		.length = walk->end - walk->pos,
		.flags = walk->flags,
		.extents_max = max,
	};
	struct zuf_win win = {
		.kind = ZUF_WIN_KBUF,
		.kbuf = walk->extents,
		.len = max * sizeof(*walk->extents),
	};
	struct zuf_op op = ZUF_OP(&msg, .win = max ? &win : NULL, .win_bytes = bytes_mapped,
				  .flags = ZUF_OPF_SHARED,
				  ZUF_INODE(walk->inode, struct zufs_ioc_fiemap, zus_ii),
				  ZUF_OUT(struct zufs_ioc_fiemap, extents_mapped, sizeof(msg)));
	int err = walk->locked ? 0 : zuf_lock_shared_killable(walk->inode);

	if (err)
		return err;
	err = zuf_dispatch(ZUF_SB(walk->inode->i_sb), &op);
	if (!walk->locked)
		inode_unlock_shared(walk->inode);
	if (err)
		return err;
	if (op.answered < sizeof(msg))
		return -EIO;
	*mapped = msg.extents_mapped;
	return 0;
}

/* Does the extent follow the one before, and overlap the requested range? */
static bool is_valid(const struct walk *walk, const struct fiemap_extent *e, bool first)
{
	u64 end;

	if (!e->fe_length || check_add_overflow(e->fe_logical, e->fe_length, &end))
		return false;
	if (e->fe_logical >= walk->end || end <= walk->pos)
		return false;
	/* only the extent in which the range begins may begin before it */
	return first || e->fe_logical >= walk->pos;
}

static int bad_extent(const struct walk *walk)
{
	pr_warn_ratelimited("sb %llu: inode %llu: an extent makes no sense\n",
			    ZUF_SB(walk->inode->i_sb)->sb_id, (u64)walk->inode->i_ino);
	return -EIO;
}

static int emit_one(struct walk *walk, const struct fiemap_extent *e)
{
	if (walk->each)
		return walk->each(walk->each_data, e);
	return fiemap_fill_next_extent(walk->info, e->fe_logical, e->fe_physical,
				       e->fe_length, e->fe_flags);
}

/* Pass a chunk on. Return: 1: the end of the range, of the list or of the user's array. */
static int fiemap_emit(struct walk *walk, u32 nr, bool is_start)
{
	struct fiemap_extent *e;
	u32 i;
	int ret;

	for (i = 0; i < nr; i++) {
		e = &walk->extents[i];
		if (!is_valid(walk, e, is_start && !i))
			return bad_extent(walk);
		ret = emit_one(walk, e);
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
			ret = fiemap_emit(walk, mapped, is_start);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		is_start = false;
		cond_resched();
	} while (!ret && mapped == max);
	return ret < 0 ? ret : 0;
}

static int walk_run(struct walk *walk)
{
	int err;

	walk->extents = kcalloc(CHUNK_EXTENTS, sizeof(*walk->extents), GFP_KERNEL_ACCOUNT);
	if (!walk->extents)
		return -ENOMEM;
	err = walk_chunks(walk);
	kfree(walk->extents);
	return err;
}

int zuf_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len)
{
	bool more = ZUF_SB(inode->i_sb)->fs_caps & ZUFS_FSC_FIEMAP_MORE;
	u32 flags = more ? FIEMAP_FLAG_XATTR : 0;
	struct walk walk = { .inode = inode, .info = info, .pos = start };
	int err;

	/* as for any inode without extents */
	if (!more && S_ISDIR(inode->i_mode))
		return -EOPNOTSUPP;
	err = fiemap_prep(inode, info, start, &len, flags);
	if (err)
		return err;
	walk.flags = info->fi_flags & (flags | FIEMAP_FLAG_SYNC);
	walk.end = start + len;
	if (!info->fi_extents_max)
		return ask_server(&walk, 0, &info->fi_extents_mapped);
	return walk_run(&walk);
}

/* ---- FIBMAP ---- */

/* May whoever has the device write to the extent in place? */
static bool is_plain(const struct fiemap_extent *e)
{
	return !(e->fe_flags & ~(FIEMAP_EXTENT_LAST | FIEMAP_EXTENT_MERGED));
}

/* Return: 0: a hole, or the block is not on the one T1 device. */
sector_t zuf_bmap(struct address_space *mapping, sector_t block)
{
	struct inode *inode = mapping->host;
	struct zuf_devset *devs = ZUF_SB(inode->i_sb)->devs;
	u64 pos = (u64)block << inode->i_blkbits;
	struct fiemap_extent e = { };
	struct walk walk = { .inode = inode, .pos = pos, .end = pos + i_blocksize(inode),
			     .extents = &e };
	u32 mapped;

	if (zuf_devset_is_memory(devs) || devs->nr_t1 != 1)
		return 0;
	if (ask_server(&walk, 1, &mapped) || !mapped || !is_valid(&walk, &e, true) ||
	    !is_plain(&e) || e.fe_logical > pos)
		return 0;
	return (e.fe_physical + (pos - e.fe_logical)) >> inode->i_blkbits;
}

/* ---- for swapon ---- */

int zuf_fiemap_each(struct inode *inode, u64 start, u64 end, zuf_extent_fn *each, void *data)
{
	struct fiemap_extent_info info = { .fi_extents_max = U32_MAX };
	struct walk walk = {
		.inode = inode, .info = &info, .each = each, .each_data = data,
		.pos = start, .end = end, .locked = true,
	};

	return walk_run(&walk);
}
