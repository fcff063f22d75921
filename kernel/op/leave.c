// SPDX-License-Identifier: GPL-2.0-only
/*
 * leave.c - the side of a killed application that leaves its message to the server
 *
 * An application that gets a fatal signal does not wait for the server. If its message is with the
 * server already, the ZT goes on with it when it comes back (finish.c). If it has not found a
 * channel, but the message must get through (put, evict, free, undo of a create), a worker sends
 * it (ends.h).
 *
 * Before the locks are dropped the inodes of the message are marked, so that the task that takes
 * these locks next finds out (settle.h).
 */
#include <linux/slab.h>

#include "chan.h"
#include "dispatch.h"
#include "ends.h"
#include "held.h"
#include "leave.h"
#include "sb.h"
#include "sbid.h"
#include "settle.h"
#include "undo.h"
#include "zinode.h"

/* May the server replace blocks that mappings show? */
static bool may_replace(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	return op->hdr->operation == ZUFS_OP_WRITE ||
	       (op->hdr->operation == ZUFS_OP_GET_MULTY && (io->rw & ZUFS_RW_WRITE));
}

/* Is it the second half of a write? An orphaned write must not complete after a later one. */
static bool ends_write(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	return op->hdr->operation == ZUFS_OP_PUT_MULTY && (io->rw & ZUFS_RW_WRITE);
}

/* What waits for a message whose sender holds, or held, no lock that a server relies on? */
static enum zuf_left left_unlocked(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	/* the message of a fault, too, keeps others out until it is done */
	if (may_replace(op))
		return ZUF_LEFT_SHARED;
	if (ends_write(op))
		return io->rw & ZUFS_RW_MMAP ? ZUF_LEFT_SHARED : ZUF_LEFT_EXCLUSIVE;
	return ZUF_LEFT_NO_LOCK;
}

/* Count and mark in one step: a task that finds the inode stale also finds it counted. */
static void hold_inode(struct zuf_carried *carried, const struct zuf_op *op,
		       struct inode *inode, enum zuf_left left)
{
	struct zuf_put_tag *tag = zuf_inode_tag(inode);

	if (left == ZUF_LEFT_NO_LOCK && (op->flags & ZUF_OPF_NAMES))
		left = ZUF_LEFT_NAMES;
	spin_lock(&inode->i_lock);
	zuf_puts_carry(carried, tag, left);
	zuf_settle_left(inode, op, left);
	spin_unlock(&inode->i_lock);
}

/*
 * Make the ends of the inodes of @op wait for the message that has @carried. Tasks that want a lock
 * of these inodes wait too; those of the first inode only with @excludes.
 */
static void hold_inodes(struct zuf_carried *carried, const struct zuf_op *op, bool excludes)
{
	const struct zuf_op_inode *more = op->more;
	enum zuf_left left;

	if (op->inode) {
		left = zuf_op_lock(op, op->inode);
		if (left == ZUF_LEFT_NO_LOCK)
			left = left_unlocked(op);
		if (!excludes)
			left = ZUF_LEFT_NO_LOCK;
		hold_inode(carried, op, op->inode, left);
		if (zuf_left_of(op->hdr) == ZUF_LEFT_WRITE_PUT)
			zuf_puts_carry(carried, zuf_inode_tag(op->inode), ZUF_LEFT_WRITE_PUT);
	}
	for (; more && more->inode; more++)
		hold_inode(carried, op, more->inode, zuf_op_lock(op, more->inode));
}

/*
 * The tag of the inode of a message that must not overtake another one. Nobody else uses that inode
 * any more (undo_create()), so nobody waits for its lock either.
 */
static const struct zuf_put_tag *left_before(const struct zuf_op *op)
{
	const struct zuf_put_tag *tag;

	if (!op->inode || zuf_op_lock(op, op->inode) == ZUF_LEFT_NO_LOCK)
		return NULL;
	tag = zuf_inode_tag(op->inode);
	return zuf_tag_is_left(tag, false) ? tag : NULL;
}

void zuf_leave_later(struct zuf_sb *zsb, const struct zuf_op *op)
{
	const gfp_t gfp = GFP_NOFS | __GFP_NOFAIL | __GFP_ACCOUNT;
	struct zuf_left_msg *left;

	if (op->ends) {
		zuf_end_queue(zsb, op->inode);
		return;
	}
	/* a put of many blocks is large, but its memory need not be contiguous */
	left = kvzalloc(sizeof(*left) + op->hdr->in_len, gfp);
	left->sbid = zsb->sbid;
	zuf_sbid_get(zsb->sbid);
	/* the message goes to the server of these cookies, or nowhere */
	zuf_op_bind(op);
	memcpy(left->msg, op->hdr, op->hdr->in_len);
	left->after = left_before(op);
	hold_inodes(&left->held, op, !left->after);
	zuf_ends_add_left(left, NULL);
}

/*
 * Nobody will look at the answer, so the pages that it replaces must not be mapped when it comes:
 * they leave the mappings now, and faults wait until the message is done (fault_get()).
 */
static void drop_replaced(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	pgoff_t first = io->filepos >> PAGE_SHIFT;
	u64 end = DIV_ROUND_UP_ULL(io->filepos + io->hdr.len, PAGE_SIZE);

	if (end > first)
		ZUF_SB(op->inode->i_sb)->ops->replaced(op->inode, first, end - first);
}

void zuf_leave_hold(struct zuf_carried *carried, const struct zuf_op *op, struct zuf_endpoint *ep)
{
	hold_inodes(carried, op, true);
	if (ep) {
		zuf_ends_left_start(zuf_sbid_of(ep), carried);
		carried->ep = ep;
	}
	if (may_replace(op))
		drop_replaced(op);
}

void zuf_leave_claim(struct zuf_claim *claim)
{
	const struct zuf_op *op = claim->op;
	struct zuf_chan *ch = claim->ch;

	ch->refusals = 0;
	ch->undo = op->flags & ZUF_OPF_UNDO;
	zuf_undo_prepare(ch, op->undo);
	zuf_leave_hold(&ch->carried, op, claim->ep);
	if (unlikely(op->left && !op->left->given)) {
		op->left->given = true;
		ch->carried.post = op->left;
		ch->carried.err = -ENOTCONN;
	}
}
