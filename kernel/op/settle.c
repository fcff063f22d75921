// SPDX-License-Identifier: GPL-2.0-only
/*
 * settle.c - read an inode again after an application was killed in an operation on it
 *
 * The server's thread that ends the message cannot read the inode: it holds none of the
 * inode's locks, and perhaps no inode. So the application, with its locks held, marks the inode
 * stale, counts the message in the inode's tag, and goes. The mark is cleared last, under i_lock,
 * by a task that has read the inode when no such message was left. So there is no moment in
 * which another task passes with the old size.
 */
#include <linux/sched/signal.h>
#include <linux/fs.h>

#include "op.h"
#include "settle.h"
#include "wake.h"

/* ---- what is left ---- */

/* Up to which byte the server may allocate blocks of @inode for @op; 0: it allocates none. */
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

void zuf_settle_unsent(struct inode *inode, u32 statx_bits)
{
	struct zuf_inode *zii = ZUF_I(inode);

	lockdep_assert_held_write(&inode->i_rwsem);
	spin_lock(&inode->i_lock);
	zii->unsent |= statx_bits;
	WRITE_ONCE(zii->stale, zii->stale | ZUF_STALE_ATTR);
	spin_unlock(&inode->i_lock);
}

void zuf_settle_tail(struct inode *inode, u64 end)
{
	spin_lock(&inode->i_lock);
	note_tail(inode, end);
	spin_unlock(&inode->i_lock);
}

/* ---- read it again ---- */

int zuf_settle_read(struct inode *inode)
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
	/* the server's stores precede the end of its message: read the tag before the inode */
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
	zuf_settle_read(inode);
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

	return err ?: zuf_settle_read(inode);
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
