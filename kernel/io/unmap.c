// SPDX-License-Identifier: GPL-2.0-only
/*
 * unmap.c - IOM_UNMAP: a server wants to move or free blocks that mappings may show
 *
 * Called by the task that starts a list (list.c). The task holds no lock, but may hold a
 * channel.
 */
#include "ends.h"
#include "held.h"
#include "inode.h"
#include "list.h"
#include "mapped.h"
#include "pins.h"
#include "sb.h"
#include "sbid.h"
#include "unmap.h"

static int unmap_pages(const struct zuf_list_args *args, u64 ino, pgoff_t first, pgoff_t nr)
{
	struct inode *inode = args->inode;
	bool free, going = false;

	if (ino && (!inode || inode->i_ino != ino))
		inode = args->sb ? zuf_inode_find(args->sb, ino, &going) : NULL;
	/* an inode that is not cached is not mapped, but its frames may be held */
	if (!inode)
		return going || (args->sb && zuf_pins_busy(ZUF_SB(args->sb), ino, first, nr)) ?
		       -EBUSY : 0;
	/* an inode that is just coming back might not have its record yet */
	free = (inode == args->inode || !zuf_pins_busy(ZUF_SB(args->sb), ino, first, nr)) &&
	       zuf_mapped_drop(inode, first, nr, 0);
	if (inode != args->inode)
		zuf_forget_inode(inode);
	return free ? 0 : -EBUSY;
}

/*
 * Is there a frame that the server has not been told of? One that has left its record because
 * its block is about to be freed remains untold for a while.
 */
static bool is_untold(const struct zuf_list_args *args)
{
	const struct super_block *sb = args->inode ? args->inode->i_sb : args->sb;

	return sb && zuf_held_is_untold(ZUF_SB(sb)->sbid);
}

int zuf_unmap(const struct zuf_list_args *args, u64 ino, pgoff_t first, pgoff_t nr)
{
	return unmap_pages(args, ino, first, nr) ?: is_untold(args) ? -EBUSY : 0;
}
