// SPDX-License-Identifier: GPL-2.0-only
/*
 * sync.c - fsync, msync, sync: SYNC of what was stored through mappings
 *
 * Everything else is durable when the server has answered it. So the set of pages
 * that have been writable since their last SYNC (mapped.c) is all there is to do: it is
 * taken out of the mappings first, the server writes its caches back, and only when
 * it says that it has are the pages clean. A refusal leaves them due.
 *
 * Inodes with such pages are on a list of the super-block, without a reference: sync
 * takes one for the time of the message, evict sends what is left (inode.c).
 */
#include <linux/fs.h>
#include <linux/pagemap.h>

#include "dispatch.h"
#include "inode.h"
#include "mapped.h"
#include "super.h"
#include "sync.h"

static void fill_sync(struct zufs_ioc_sync *msg, struct inode *inode, pgoff_t first,
		      pgoff_t last, bool datasync)
{
	*msg = (struct zufs_ioc_sync){
		.hdr = ZUF_HDR(ZUFS_OP_SYNC, sizeof(*msg),
			       offsetof(struct zufs_ioc_sync, write_unmapped), 0),
		.zus_ii = ZUF_I(inode)->zus_ii,
		.offset = (u64)first << PAGE_SHIFT,
		.length = (u64)(last - first + 1) << PAGE_SHIFT,
		.flags = datasync ? ZUFS_SF_DATASYNC : 0,
	};
	/* a server may leave its count away */
	msg->hdr.out_max = sizeof(msg->write_unmapped);
}

static int send_sync(struct inode *inode, pgoff_t first, pgoff_t last, bool datasync)
{
	struct zufs_ioc_sync msg;
	struct zuf_op op = ZUF_OP(&msg, .goose = ZUF_I(inode)->put_tag, .inode = inode);

	fill_sync(&msg, inode, first, last, datasync);
	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

int zuf_sync_range(struct inode *inode, loff_t start, loff_t end, bool datasync)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	pgoff_t first = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	int err;

	if (!zm || !zuf_mapped_is_dirty(zm) || !zuf_mapped_clean_start(zm, &first, &last))
		return 0;
	err = send_sync(inode, first, last, datasync);
	if (!err)
		zuf_mapped_clean_end(zm, first, last);
	return err;
}

static int sync_inode(struct inode *inode, loff_t start, loff_t end, bool datasync)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	int err;

	if (!zm || !zuf_mapped_is_dirty(zm))
		return 0;
	inode_lock(inode);
	filemap_invalidate_lock(inode->i_mapping);
	err = zuf_sync_range(inode, start, end, datasync);
	filemap_invalidate_unlock(inode->i_mapping);
	inode_unlock(inode);
	return err;
}

int zuf_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return sync_inode(file_inode(file), start, end, datasync);
}

bool zuf_sync_evict(struct inode *inode, struct zufs_ioc_sync *msg)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	pgoff_t first = 0, last = ULONG_MAX;

	if (!zm || !zuf_mapped_is_dirty(zm) || !zuf_mapped_clean_start(zm, &first, &last))
		return false;
	fill_sync(msg, inode, first, last, true);
	return true;
}

/* ---- all of a file system ---- */

/* Take the next one off @todo and hold it; it is on zsb->dirty again. */
static struct inode *next_dirty(struct zuf_sb *zsb, struct list_head *todo)
{
	struct inode *inode = NULL;
	struct zuf_mapped *zm;

	spin_lock(&zsb->dirty_lock);
	while (!inode && !list_empty(todo)) {
		zm = list_first_entry(todo, struct zuf_mapped, dirty_link);
		list_move_tail(&zm->dirty_link, &zsb->dirty);
		/* NULL: its evict tells the server */
		inode = igrab(zm->inode);
	}
	spin_unlock(&zsb->dirty_lock);
	return inode;
}

/* What is stored from now on is for the next one. */
static int sync_all(struct zuf_sb *zsb)
{
	struct inode *inode;
	LIST_HEAD(todo);
	int err = 0, ret;

	spin_lock(&zsb->dirty_lock);
	list_splice_init(&zsb->dirty, &todo);
	spin_unlock(&zsb->dirty_lock);
	while ((inode = next_dirty(zsb, &todo))) {
		ret = sync_inode(inode, 0, LLONG_MAX, true);
		iput(inode);
		if (!err)
			err = ret;
		cond_resched();
	}
	return err;
}

int zuf_sync_fs(struct super_block *sb, int wait)
{
	struct zuf_sb *zsb = ZUF_SB(sb);
	int err;

	/* the call that does not wait comes first, the one that does follows */
	if (!wait)
		return 0;
	/* before we return, also what another one has begun must have ended */
	if (mutex_lock_killable(&zsb->sync_lock))
		return -EINTR;
	err = list_empty_careful(&zsb->dirty) ? 0 : sync_all(zsb);
	mutex_unlock(&zsb->sync_lock);
	return err;
}
