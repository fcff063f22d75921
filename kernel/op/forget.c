// SPDX-License-Identifier: GPL-2.0-only
/*
 * forget.c - what a killed application leaves behind
 *
 * An application that gets a fatal signal does not wait for the server. Either
 * its message is with the server already: then the ZT calls zuf_orphan_finish()
 * when it comes back. Or it has not found a channel, but the message must get
 * through (put, evict, free, undo of a create): then a worker sends it (ends.h).
 */
#include <linux/slab.h>

#include "chan.h"
#include "contract.h"
#include "dispatch.h"
#include "ends.h"
#include "forget.h"
#include "held.h"
#include "inode.h"
#include "mapped.h"
#include "retry.h"
#include "sbid.h"
#include "settle.h"
#include "stats.h"
#include "super.h"
#include "undo.h"
#include "window.h"
#include "wake.h"

/* May the server replace blocks that mappings show? */
static bool may_replace(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	return op->hdr->operation == ZUFS_OP_WRITE ||
	       (op->hdr->operation == ZUFS_OP_GET_MULTY && (io->rw & ZUFS_RW_WRITE));
}

/* The second half of a write: what it makes visible shall not come after the next one. */
static bool ends_write(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	return op->hdr->operation == ZUFS_OP_PUT_MULTY && (io->rw & ZUFS_RW_WRITE);
}

/* What waits for a message whose sender has, or had, no lock that a server relies on. */
static enum zuf_left left_unlocked(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);

	/* a fault's, too, keeps others out until it is done */
	if (may_replace(op))
		return ZUF_LEFT_SHARED;
	if (ends_write(op))
		return io->rw & ZUFS_RW_MMAP ? ZUF_LEFT_SHARED : ZUF_LEFT_EXCLUSIVE;
	return ZUF_LEFT_NO_LOCK;
}

/* In one step: who finds it stale finds it counted. */
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
 * The end of the inodes of @op waits for what has @carried; also who wants a lock of them, of
 * the first one only if it @excludes.
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
	}
	for (; more && more->inode; more++)
		hold_inode(carried, op, more->inode, zuf_op_lock(op, more->inode));
}

/*
 * The inode of a message that must not overtake another one. It is an inode that nobody else
 * uses any more (undo_create()), so nobody waits for its lock either.
 */
static const struct zuf_put_tag *left_before(const struct zuf_op *op)
{
	const struct zuf_put_tag *tag;

	if (!op->inode || zuf_op_lock(op, op->inode) == ZUF_LEFT_NO_LOCK)
		return NULL;
	tag = zuf_inode_tag(op->inode);
	return zuf_tag_is_left(tag, false) ? tag : NULL;
}

void zuf_forget_later(struct zuf_sb *zsb, const struct zuf_op *op)
{
	const gfp_t gfp = GFP_NOFS | __GFP_NOFAIL | __GFP_ACCOUNT;
	struct zuf_left_msg *left;

	if (op->ends) {
		zuf_end_queue(zsb, op->inode);
		return;
	}
	/* a put of many blocks is large, but need not be contiguous */
	left = kvzalloc(sizeof(*left) + op->hdr->in_len, gfp);
	left->sbid = zsb->sbid;
	kref_get(&zsb->sbid->ref);
	/* it goes to the server of these cookies, or nowhere */
	zuf_op_bind(op);
	memcpy(left->msg, op->hdr, op->hdr->in_len);
	left->after = left_before(op);
	hold_inodes(&left->held, op, !left->after);
	zuf_ends_add_left(left, NULL);
}

/* A page fault (of one page) that has found a hole: nothing is held for it, no put is due. */
static bool is_hole_fault(const struct zufs_ioc_IO *io)
{
	return io->ziom.iom_n == 1 && io->hdr.len <= PAGE_SIZE && (io->rw & ZUFS_RW_MMAP) &&
	       !(io->rw & ZUFS_RW_WRITE) && !zuf_word_block(io->iom_e[0]);
}

/*
 * What the write has replaced is the server's with the put, but it has not heard yet who holds
 * it: the put goes with the root's worker, and takes along what waits for it.
 */
static void put_later(struct zuf_chan *ch, const struct zufs_ioc_IO *io)
{
	struct zuf_sbid *sbid = ch->carried.sbid;
	struct zufs_ioc_IO *msg;
	struct zuf_left_msg *left;

	left = kvzalloc(sizeof(*left) + io->hdr.in_len, GFP_NOFS | __GFP_NOFAIL);
	msg = (void *)left->msg;
	shm_take(msg, (void __shm *)ch->cmd, io->hdr.in_len);
	msg->hdr = io->hdr;
	msg->ziom.iom_n = io->ziom.iom_n;
	left->sbid = sbid;
	kref_get(&sbid->ref);
	left->held = ch->carried;
	left->held.sbid = NULL;
	left->held.post = NULL;
	ch->carried.nr = 0;
	zuf_ends_add_left(left, &ch->carried);
}

/* Turn an answered GET_MULTY into its put. False: there is none, or not here. */
static bool orphan_put(struct zuf_chan *ch)
{
	struct zufs_ioc_IO __shm *shared = (void __shm *)ch->cmd;
	struct zuf_sbid *sbid = ch->carried.sbid;
	struct zufs_ioc_IO io;

	shm_take(&io, shared, sizeof(io));
	if (is_hole_fault(&io))
		return false;
	if (io.ziom.iom_n > ZUS_API_MAP_MAX_PAGES ||
	    zufs_io_size(io.ziom.iom_n) > ch->cmd_size)
		io.ziom.iom_n = 0;
	io.hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_PUT_MULTY, zufs_io_size(io.ziom.iom_n),
					      0, 0);
	if (sbid && zuf_held_is_untold(sbid)) {
		put_later(ch, &io);
		return false;
	}
	ch->sent_op = ZUFS_OP_PUT_MULTY;
	ch->sent_flags = 0;
	/* what stands between, and the words, is the server's own and stays */
	shm_store(&shared->ziom.iom_n, io.ziom.iom_n);
	shm_put(&shared->hdr, &io.hdr, sizeof(io.hdr));
	return true;
}

/* The message becomes one that gives a cookie back. */
static bool send_evict(struct zuf_chan *ch, u16 operation, u64 cookie)
{
	struct zufs_ioc_evict_inode evict = {
		.hdr = ZUF_HDR(operation, sizeof(evict), 0, sizeof(evict)),
		.zus_ii = cookie,
		.flags = operation == ZUFS_OP_EVICT_INODE ? ZI_LOOKUP_RACE : 0,
	};

	evict.hdr.out_max = sizeof(evict);
	zuf_chan_put_msg(ch, &evict);
	return true;
}

/* Or one that removes the name of the inode that it has made. */
static bool send_undo(struct zuf_chan *ch, u64 cookie)
{
	struct zufs_ioc_new_inode __shm *ni = (void __shm *)ch->cmd;
	struct zufs_ioc_dentry dentry = {
		.hdr = ZUF_HDR(ZUFS_OP_REMOVE_DENTRY, sizeof(dentry), 0, sizeof(dentry)),
		.zus_ii = cookie,
		.zus_dir_ii = shm_load(&ni->dir_ii),
	};

	shm_take(&dentry.str, &ni->str, sizeof(dentry.str));
	dentry.hdr.out_max = sizeof(dentry);
	zuf_chan_put_msg(ch, &dentry);
	ch->undo_ii = cookie;
	return true;
}

/* Turn the answered message into one that gives its inode back; false: none. */
static bool orphan_give_back(struct zuf_chan *ch)
{
	struct zufs_ioc_new_inode __shm *ni = (void __shm *)ch->cmd;
	u64 cookie;

	if (ch->sent_op == ZUFS_OP_LOOKUP)
		cookie = shm_load(&((struct zufs_ioc_lookup __shm *)ch->cmd)->zus_ii);
	else if (ch->sent_op == ZUFS_OP_IGET)
		cookie = shm_load(&((struct zufs_ioc_iget __shm *)ch->cmd)->zus_ii);
	else if (ch->sent_op == ZUFS_OP_NEW_INODE)
		cookie = shm_load(&ni->zus_ii);
	else
		return false;
	if (!cookie)
		return false;
	if (ch->sent_op != ZUFS_OP_NEW_INODE)
		return send_evict(ch, ZUFS_OP_EVICT_INODE, cookie);
	if (shm_load(&ni->flags) & ZI_TMPFILE)
		return send_evict(ch, ZUFS_OP_FREE_INODE, cookie);
	return ch->undo ? send_undo(ch, cookie) : send_evict(ch, ZUFS_OP_EVICT_INODE, cookie);
}

/* The name is gone, or it stays: then so does the inode. */
static bool orphan_undone(struct zuf_chan *ch)
{
	u64 cookie = ch->undo_ii;

	ch->undo_ii = 0;
	return send_evict(ch, shm_load(&ch->cmd->err) ? ZUFS_OP_EVICT_INODE : ZUFS_OP_FREE_INODE,
			  cookie);
}

/*
 * Nobody will look at the answer, so what it replaces must not be mapped when it comes:
 * out of the mappings now, and faults wait until the message is done (fault_get()).
 */
static void drop_replaced(const struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	pgoff_t first = io->filepos >> PAGE_SHIFT;
	u64 end = DIV_ROUND_UP_ULL(io->filepos + io->hdr.len, PAGE_SIZE);

	if (end > first)
		zuf_mapped_drop(op->inode, first, end - first, ZUF_DROP_HOLD);
}

void zuf_orphan_hold(struct zuf_carried *carried, const struct zuf_op *op, struct zuf_sbid *sbid)
{
	hold_inodes(carried, op, true);
	if (sbid) {
		zuf_ends_left_start(sbid, carried);
		carried->sbid = sbid;
	}
	if (may_replace(op))
		drop_replaced(op);
}

void zuf_orphan_prepare(struct zuf_chan *ch, const struct zuf_op *op, struct zuf_sbid *sbid)
{
	ch->refusals = 0;
	ch->undo = op->flags & ZUF_OPF_UNDO;
	zuf_undo_prepare(ch, op->undo);
	zuf_orphan_hold(&ch->carried, op, sbid);
	if (unlikely(op->left && !op->left->given)) {
		op->left->given = true;
		ch->carried.post = op->left;
		ch->carried.err = -ENOTCONN;
	}
}

bool zuf_orphan_finish(struct zuf_chan *ch)
{
	/* it starts over: the window stays */
	if (zuf_retry_orphan(ch))
		return true;
	zuf_win_drop_pages(ch);
	zuf_win_clear(ch);
	if (unlikely(ch->undo_ii))
		return orphan_undone(ch);
	if (unlikely(ch->left_undo) && zuf_undo_next(ch))
		return true;
	if (!shm_load(&ch->cmd->err) &&
	    (ch->sent_op == ZUFS_OP_GET_MULTY ? orphan_put(ch) : orphan_give_back(ch)))
		return true;
	ch->carried.err = shm_load(&ch->cmd->err);
	/* last: an inode whose end waits for this may be freed now */
	zuf_puts_done(&ch->carried);
	return false;
}
