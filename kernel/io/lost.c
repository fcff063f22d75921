// SPDX-License-Identifier: GPL-2.0-only
/*
 * lost.c - a frame of T1 has gone bad: out of the mappings of all files (poison.c)
 *
 * Locks: poison_lock is held, outside of those of sbid.c and of records.
 */
#include <linux/fs.h>

#include "ends.h"
#include "lost.h"
#include "mapped.h"
#include "sbid.h"

/* Out of the mappings of all files of a mount; whose blocks they are nobody else knows. */
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
		/* a place in the list is kept by who stands there */
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
