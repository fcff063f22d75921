// SPDX-License-Identifier: GPL-2.0-only
/*
 * lost.c - remove a poisoned frame of T1 from the mappings of all files (poison.c)
 *
 * Locks: the caller holds poison_lock, which is outside the locks of sbid.c and of records.
 */
#include <linux/fs.h>

#include "ends.h"
#include "lost.h"
#include "mapped.h"
#include "sbid.h"

/* Unmap the block from all files of a mount: nobody knows which file it belongs to. */
static void drop_from_mount(struct super_block *sb, void *arg)
{
	struct inode *inode, *prev = NULL;
	u64 block = *(u64 *)arg;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!zuf_mapped_of(inode) || !igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		zuf_mapped_drop_block(inode, block);
		/* the reference to @inode keeps the place in the list */
		if (prev)
			zuf_forget_inode(prev);
		prev = inode;
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
	}
	spin_unlock(&sb->s_inode_list_lock);
	if (prev)
		zuf_forget_inode(prev);
}

void zuf_frame_lost(const struct zuf_devset *ds, u64 block)
{
	zuf_sbid_for_each_sb(ds, drop_from_mount, &block);
}
