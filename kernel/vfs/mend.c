// SPDX-License-Identifier: GPL-2.0-only
/*
 * mend.c - bring to an end what a killed application has left half done of an inode
 *
 * Whoever changes the file next does that, or its evict (settle.h has what comes before).
 *
 * Blocks behind the end that a killed write has got are given back, unless the user may
 * have put some there (fallocate with KEEP_SIZE): nobody could tell them apart, and so
 * they stay until the file is cut or gone.
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

/* The values are absolute and in the shared inode: to tell them twice does no harm. */
static int send_attr_again(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	int err = zuf_setattr_send(inode, zii->unsent);

	/* not sent, or not done: it is still to be told */
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
	u64 tail = READ_ONCE(zii->tail_end);	/* a write that failed may raise it, unlocked */
	u64 end = min_t(u64, round_up(tail, i_blocksize(inode)), inode->i_sb->s_maxbytes);
	int err = 0;

	if (zii->tail_known && !IS_SWAPFILE(inode) && end > start)
		err = zuf_space_give_back(inode, start, end);
	if (err == -EINTR || err > 0)
		return min(err, 0);
	/* a server that cannot: as if they were the user's */
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
	/* what follows are messages of their own, and nobody depends on them */
	if (op_flags & ZUF_OPF_NOWAIT)
		return err;
	if (!err && (zii->stale & ZUF_STALE_ATTR))
		err = send_attr_again(inode);
	if (!err && (zii->stale & ZUF_STALE_TAIL))
		err = give_tail_back(inode);
	return err;
}

/* By a pipe or DMA, for as long as that likes. */
static bool is_held(const struct inode *inode)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	return zm && !zuf_keeps_back(ZUF_SB(inode->i_sb)) &&
	       zuf_mapped_is_pinned(zm, ZUF_SB(inode->i_sb)->devs, 0, 0);
}

/* A file's by changes of names alone, a directory's by whatever has its lock. */
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
	/* nobody but the message that is under way knows how many names are left */
	if (!zuf_settle_read(inode) && may_change_links(inode))
		zii->end.zi = zii->zi;
	if ((!inode->i_nlink && !zii->end.zi) || sb_rdonly(sb))
		return;
	/* a step of the inode's item: after what is left */
	if (zii->stale & ZUF_STALE_ATTR)
		zii->end.attr = zii->unsent;
	/*
	 * In reclaim, in exit, in workers, behind a server that hangs: they stay until it is cut.
	 * It is no step of the item: the server may answer with a list, which needs somebody who
	 * executes it.
	 */
	if ((zii->stale & (ZUF_STALE_READ | ZUF_STALE_TAIL)) != ZUF_STALE_TAIL ||
	    (current->flags & (PF_MEMALLOC | PF_EXITING | PF_KTHREAD)))
		return;
	/* not while somebody holds frames, or while it is frozen: a freeze waits for it */
	if (is_held(inode) || !zuf_ends_free_begin(zsb->sbid))
		return;
	give_tail_back(inode);
	zuf_ends_free_end(zsb->sbid);
}
