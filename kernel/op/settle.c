// SPDX-License-Identifier: GPL-2.0-only
/*
 * settle.c - an inode after an application was killed in an operation on it
 *
 * The thread of the server that ends the message cannot read the inode: it has none of
 * its locks, and perhaps no inode. So the application marks the inode stale with its
 * locks held, counts the message in the inode's tag, and goes. The mark is cleared
 * last, under i_lock, by whoever has read the inode when no such message was left:
 * there is no moment in which another one passes with the old size.
 *
 * Blocks behind the end that a killed write has got are given back, unless the user may
 * have put some there (fallocate with KEEP_SIZE): nobody could tell them apart, and so
 * they stay until the file is cut or gone.
 */
#include <linux/sched/signal.h>
#include <linux/fs.h>

#include "dispatch.h"
#include "ends.h"
#include "mapped.h"
#include "settle.h"
#include "space.h"
#include "super.h"
#include "wake.h"

/* ---- what is left ---- */

/* How far a message may have got blocks for @inode; 0: it does not get any. */
static u64 end_of_blocks(const struct inode *inode, const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	const struct zufs_ioc_clone *clone = container_of(op->hdr, struct zufs_ioc_clone, hdr);

	switch (op->hdr->operation) {
	case ZUFS_OP_GET_MULTY:
		return io->rw & ZUFS_RW_WRITE ? io->filepos + io->hdr.len : 0;
	case ZUFS_OP_WRITE:
		return io->filepos + io->hdr.len;
	case ZUFS_OP_CLONE:
		return inode == op->inode ? clone->pos_out + clone->len : 0;
	default:
		return 0;
	}
}

static void note_tail(struct inode *inode, u64 end)
{
	struct zuf_inode *zii = ZUF_I(inode);

	lockdep_assert_held(&inode->i_lock);
	if (!S_ISREG(inode->i_mode) || end <= i_size_read(inode))
		return;
	zii->tail_end = max(zii->tail_end, end);
	WRITE_ONCE(zii->stale, zii->stale | ZUF_STALE_TAIL);
}

void zuf_settle_left(struct inode *inode, const struct zuf_op *op, enum zuf_left left)
{
	const struct zufs_ioc_attr *attr = container_of(op->hdr, struct zufs_ioc_attr, hdr);
	struct zuf_inode *zii = ZUF_I(inode);

	lockdep_assert_held(&inode->i_lock);
	if (left == ZUF_LEFT_NAMES)
		WRITE_ONCE(zii->stale, zii->stale | ZUF_STALE_LINKS);
	if (left != ZUF_LEFT_EXCLUSIVE)
		return;
	note_tail(inode, end_of_blocks(inode, op));
	if (op->hdr->operation == ZUFS_OP_SETATTR) {
		zii->unsent |= attr->zuf_attr;
		WRITE_ONCE(zii->stale, zii->stale | ZUF_STALE_ATTR);
	}
	WRITE_ONCE(zii->stale, zii->stale | ZUF_STALE_ALL);
}

void zuf_settle_tail(struct inode *inode, u64 end)
{
	spin_lock(&inode->i_lock);
	note_tail(inode, end);
	spin_unlock(&inode->i_lock);
}

/* ---- read it again ---- */

/* Of what no message is left any more. -EIO: it cannot be read and is out of date as before. */
static int read_back(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	const struct zuf_put_tag *tag = zuf_inode_tag(inode);
	int err = 0;
	u32 done;

	spin_lock(&inode->i_lock);
	done = zii->stale & ZUF_STALE_READ;
	if (atomic_read(&tag->left[ZUF_LEFT_EXCLUSIVE]))
		done &= ~ZUF_STALE_ALL;
	if (atomic_read(&tag->left[ZUF_LEFT_NAMES]))
		done &= ~ZUF_STALE_LINKS;
	/* the server's stores come before the end of its message */
	smp_rmb();
	if (zii->zi && (done & ZUF_STALE_ALL))
		err = zuf_inode_refresh_locked(inode);
	else if (zii->zi && done)
		err = zuf_inode_refresh_links(inode);
	if (likely(!err))
		smp_store_release(&zii->stale, zii->stale & ~done);
	spin_unlock(&inode->i_lock);
	return err;
}

void zuf_settle_look_slow(struct inode *inode)
{
	read_back(inode);
}

static int wait_done(struct inode *inode, u32 op_flags)
{
	struct zuf_put_tag *tag = zuf_inode_tag(inode);
	bool shared = op_flags & ZUF_OPF_SHARED;

	if (!zuf_tag_is_left(tag, shared))
		return 0;
	if (op_flags & ZUF_OPF_NOWAIT)
		return -EAGAIN;
	return zuf_puts_wait_left(tag, shared, op_flags & ZUF_OPF_UNKILLABLE);
}

int zuf_settle_slow(struct inode *inode, u32 op_flags)
{
	int err = wait_done(inode, op_flags);

	return err ?: read_back(inode);
}

int zuf_settle_names(struct inode *inode, u32 op_flags)
{
	atomic_t *left = zuf_inode_tag(inode)->left;

	if (op_flags & ZUF_OPF_UNKILLABLE)
		wait_var_event(left, !atomic_read(&left[ZUF_LEFT_NAMES]));
	else if (zuf_wait_var_killable(left, !atomic_read(&left[ZUF_LEFT_NAMES])))
		return -EINTR;
	zuf_settle_look(inode);
	return 0;
}

/* ---- bring it to an end ---- */

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
	if (!read_back(inode) && may_change_links(inode))
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
