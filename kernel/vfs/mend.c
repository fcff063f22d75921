// SPDX-License-Identifier: GPL-2.0-only
/*
 * mend.c - complete what a killed application has left half done on an inode
 *
 * Whoever changes the file next does that, or the inode's evict (settle.h has the steps before).
 *
 * Blocks behind the end that a killed write has allocated are given back, unless the user may
 * have allocated some there (fallocate with KEEP_SIZE): nobody could tell them apart, so they
 * stay until the file is truncated or deleted.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "attr.h"
#include "inode.h"
#include "mapped.h"
#include "mend.h"
#include "op.h"
#include "sb.h"
#include "sbid.h"
#include "space.h"

static void clear_stale(struct inode *inode, u32 bits)
{
	struct zuf_inode *zii = ZUF_I(inode);

	spin_lock(&inode->i_lock);
	WRITE_ONCE(zii->stale, zii->stale & ~bits);
	spin_unlock(&inode->i_lock);
}

/* The values are absolute and in the shared inode: to send them twice does no harm. */
static int send_attr_again(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	int err = zuf_setattr_send(inode, zii->unsent);

	/* not sent, or not executed: it must still be sent */
	if (err == -ERESTARTSYS || (err == -EINTR && fatal_signal_pending(current)))
		return err;
	zii->unsent = 0;
	clear_stale(inode, ZUF_STALE_ATTR);
	return 0;
}

static int give_tail_back(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	loff_t start = round_up(i_size_read(inode), i_blocksize(inode));
	u64 tail = READ_ONCE(zii->tail_end);	/* a failed write may raise it without the lock */
	u64 end = min_t(u64, round_up(tail, i_blocksize(inode)), inode->i_sb->s_maxbytes);
	int err = 0;

	if (zii->tail_known && !IS_SWAPFILE(inode) && end > start)
		err = zuf_space_give_back(inode, start, end);
	if (err == -EINTR || err > 0)
		return min(err, 0);
	/* if the server cannot give blocks back, treat them as the user's */
	spin_lock(&inode->i_lock);
	if (zii->tail_end == tail) {
		zii->tail_end = 0;
		WRITE_ONCE(zii->stale, zii->stale & ~ZUF_STALE_TAIL);
	}
	spin_unlock(&inode->i_lock);
	return 0;
}

int zuf_settle_change_slow(struct inode *inode, u32 op_flags)
{
	const struct zuf_inode *zii = ZUF_I(inode);
	int err = zuf_settle(inode, op_flags);

	lockdep_assert_held_write(&inode->i_rwsem);
	/* what follows needs messages of its own, and no caller depends on it */
	if (op_flags & ZUF_OPF_NOWAIT)
		return err;
	if (!err && (zii->stale & ZUF_STALE_ATTR))
		err = send_attr_again(inode);
	if (!err && (zii->stale & ZUF_STALE_TAIL))
		err = give_tail_back(inode);
	return err;
}

/* Do a pipe or DMA hold frames of the inode? They may do so for as long as they like. */
static bool is_held(const struct inode *inode)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	return zm && !zuf_keeps_back(ZUF_SB(inode->i_sb)) &&
	       zuf_mapped_is_pinned(zm, ZUF_SB(inode->i_sb)->devs, 0, 0);
}

/*
 * May a message that is left change the link count? For a file only changes of names can, for a
 * directory whatever holds its lock.
 */
static bool may_change_links(const struct inode *inode)
{
	return ZUF_I(inode)->stale &
	       (S_ISDIR(inode->i_mode) ? ZUF_STALE_READ : ZUF_STALE_LINKS);
}

void zuf_settle_evict(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	const struct super_block *sb = inode->i_sb;
	struct zuf_sb *zsb = ZUF_SB(sb);

	if (likely(!zii->stale) || !zsb->zus_sbi)
		return;
	/* only the message that is under way knows how many names remain */
	if (!zuf_settle_read(inode) && may_change_links(inode))
		zii->end.zi = zii->zi;
	if ((!inode->i_nlink && !zii->end.zi) || sb_rdonly(sb))
		return;
	/* a step of the inode's item, after the messages that are left */
	if (zii->stale & ZUF_STALE_ATTR)
		zii->end.attr = zii->unsent;
	/*
	 * In reclaim, in exit, in workers, and behind a server that hangs the blocks stay until
	 * the file is truncated. Giving them back cannot be a step of the item: the server may
	 * answer with a list, which needs a task that executes it.
	 */
	if ((zii->stale & (ZUF_STALE_READ | ZUF_STALE_TAIL)) != ZUF_STALE_TAIL ||
	    (current->flags & (PF_MEMALLOC | PF_EXITING | PF_KTHREAD)))
		return;
	/* not while somebody holds frames, and not while frozen: a freeze waits for this */
	if (is_held(inode) || !zuf_ends_free_begin(zsb->sbid))
		return;
	give_tail_back(inode);
	zuf_ends_free_end(zsb->sbid);
}
