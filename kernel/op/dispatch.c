// SPDX-License-Identifier: GPL-2.0-only
/*
 * dispatch.c - send one operation: do what must precede it, get a channel, retry if that helps
 *
 * Cookies go into a message only when a channel is claimed for it: the channel then belongs to the
 * server that the cookies are for.
 */
#include <linux/errno.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "dispatch.h"
#include "ends.h"
#include "leave.h"
#include "list.h"
#include "retry.h"
#include "ride.h"
#include "sb.h"
#include "sbid.h"
#include "settle.h"
#include "stats.h"
#include "undo.h"
#include "window.h"

/* How long an operation that found no space waits for space that others have freed. */
#define SPACE_WAIT	HZ

static void op_bind_inode(const struct zuf_op *op, const struct inode *inode, u16 at)
{
	if (likely(at))
		*(u64 *)((void *)op->hdr + at) = ZUF_I(inode)->zus_ii;
}

void zuf_op_bind(const struct zuf_op *op)
{
	const struct zuf_op_inode *more = op->more;

	if (likely(op->inode))
		op_bind_inode(op, op->inode, op->ii_at);
	for (; unlikely(more) && more->inode; more++)
		op_bind_inode(op, more->inode, more->at);
}

enum zuf_left zuf_op_lock(const struct zuf_op *op, const struct inode *inode)
{
	if (op->flags & (ZUF_OPF_NESTED | ZUF_OPF_NO_LOCK))
		return ZUF_LEFT_NO_LOCK;
	if ((op->flags & ZUF_OPF_NAMES) && !S_ISDIR(inode->i_mode))
		return ZUF_LEFT_NO_LOCK;
	return op->flags & ZUF_OPF_SHARED ? ZUF_LEFT_SHARED : ZUF_LEFT_EXCLUSIVE;
}

static int wait_left(const struct zuf_op *op, struct inode *inode)
{
	struct zuf_put_tag *tag = zuf_inode_tag(inode);
	bool shared = op->flags & ZUF_OPF_SHARED;

	if (likely(!(zuf_tag_is_left(tag, shared) || zuf_is_stale(inode))))
		return 0;
	if (zuf_op_lock(op, inode) != ZUF_LEFT_NO_LOCK)
		return zuf_settle_slow(inode, op->flags);
	/* no lock that data would wait for, but changes of names wait for each other */
	return op->flags & ZUF_OPF_NAMES ? zuf_settle_names(inode, op->flags) : 0;
}

/*
 * A killed application has dropped its locks, but the server may still be at work on its message.
 * Messages that these locks exclude are not sent meanwhile. Nested operations do not wait: they
 * rely on no lock, and the message that is waited for could need them.
 */
static int wait_for_left(const struct zuf_op *op)
{
	const struct zuf_op_inode *more = op->more;
	int err;

	if (!op->inode || (op->flags & ZUF_OPF_NESTED))
		return 0;
	err = wait_left(op, op->inode);
	for (; !err && more && more->inode; more++)
		err = wait_left(op, more->inode);
	return err;
}

/*
 * Flags of the claim: STAYS for operations that may keep a channel for the time of a disk
 * (stays.c), but not for swap, which must get through.
 */
static u32 claim_flags(const struct zuf_sb *zsb, const struct zuf_op *op)
{
	if (likely(!op->retry || !zsb->lists_stay) ||
	    (op->flags & ZUF_OPF_UNKILLABLE))
		return op->flags;
	return (op->flags & ~ZUF_OPF_NESTED) | ZUF_OPF_STAYS;
}

static int call_claimed(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	int err;

	zuf_op_bind(op);
	if (op->win && !op->win->to_server && op->win->kind != ZUF_WIN_PAGES)
		op->win->owner = op->inode ? zuf_inode_win_id(op->inode) : 0;
	err = zuf_call(&zsb->sbid->ep, op, claim);
	if (unlikely(op->undo))
		zuf_undo_called(claim, op->undo);
	return err;
}

static int send_once(struct zuf_sb *zsb, struct zuf_op *op)
{
	struct zuf_endpoint *ep = &zsb->sbid->ep;
	struct zuf_claim claim;
	int err;

	claim.start = zuf_stats_start();
	err = zuf_flush(zsb, op->flush);
	if (likely(!err))
		err = wait_for_left(op);
	if (likely(!err))
		err = zuf_chan_claim(ep->peer, ep->gen, claim_flags(zsb, op), &claim);
	if (likely(!err)) {
		err = call_claimed(zsb, op, &claim);
		if (unlikely(!err && op->keep && op->keep(op)))
			*op->claim = claim;
		else
			zuf_chan_release(&claim);
	} else if (err == -EINTR && (op->flags & ZUF_OPF_FORGET)) {
		zuf_leave_later(zsb, op);
	}
	if (unlikely(err) && op->win)
		zuf_win_abort(op->win);
	return err;
}

/*
 * The server found no space, but inodes that were freed before had not reached it: now they have,
 * or they did while it was at work on this operation. The same holds for blocks that somebody held.
 */
static int send_again(struct zuf_sb *zsb, struct zuf_op *op)
{
	bool helps, waited;

	if (op->flags & (ZUF_OPF_NOWAIT | ZUF_OPF_UNKILLABLE))
		return -ENOSPC;
	helps = zsb->ops->reclaim(zsb);
	waited = zuf_ends_wait_some(zsb->sbid, SPACE_WAIT);
	if (!(helps || waited || zuf_evicts_may_help(&zsb->sbid->evicts)) || zuf_evict_flush(zsb))
		return -ENOSPC;
	/* the pages have been given back, so the caller starts over */
	if (op->win && op->win->kind == ZUF_WIN_PAGES)
		return -EFAULT;
	return send_once(zsb, op);
}

/*
 * For a message that must get through: must the current task not wait? Nothing could end the wait
 * of an exiting task or of reclaim; that of a killed task has ended already.
 */
static bool must_not_wait(void)
{
	return (current->flags & (PF_EXITING | PF_MEMALLOC)) || fatal_signal_pending(current);
}

int zuf_dispatch(struct zuf_sb *zsb, struct zuf_op *op)
{
	struct zufs_ioc_hdr *hdr = op->hdr;
	int err;

	if (!hdr->out_max)
		hdr->out_max = hdr->out_len;
	if ((op->flags & ZUF_OPF_FORGET) && must_not_wait()) {
		zuf_leave_later(zsb, op);
		return 0;
	}
	err = send_once(zsb, op);
	/* what must get through is not asked, but told: it was, whatever the server says to it */
	if (unlikely(err == -ENOSPC && !(op->flags & ZUF_OPF_FORGET)))
		err = send_again(zsb, op);
	return err;
}

int zuf_dispatch_kept(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	int err;

	claim->start = zuf_stats_start();
	err = call_claimed(zsb, op, claim);
	zuf_chan_release(claim);
	return err;
}

/* ---- lists of commands in the middle of an operation ---- */

int zuf_retry_op(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_sb *zsb = ZUF_SB(op->inode->i_sb);
	const struct zuf_list_args on = {
		.devs = zsb->devs,
		.unmap = zsb->ops->unmap,
		.sb = zsb->sb,
		.inode = op->inode,
		.lists = &zsb->sbid->lists,
	};

	return zuf_retry_run(&on, zsb->fs_caps & ZUFS_FSC_RETRY_MOVES, ep, op, claim);
}
