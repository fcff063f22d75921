// SPDX-License-Identifier: GPL-2.0-only
/*
 * dispatch.c - one round trip: claim, fill, hand over, take the answer
 *
 * The command buffer is shared with a hostile writer. The message is built in
 * kernel memory and copied in; of the answer the header is read once, checked,
 * and the fields that the caller has declared are copied out once. Cookies go into the
 * message when its channel is claimed, which is of the server that they are of.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "dispatch.h"
#include "ends.h"
#include "evict.h"
#include "forget.h"
#include "inode.h"
#include "pins.h"
#include "retry.h"
#include "sbid.h"
#include "settle.h"
#include "stats.h"
#include "super.h"
#include "trace.h"
#include "undo.h"
#include "window.h"

/* An operation that found no space waits that long for what others have freed. */
#define SPACE_WAIT	HZ

int zuf_err_from_server(s32 err)
{
	if (likely(err <= 0 && err > -512))
		return err;
	if (err == -ENOTSUPP)
		return -EOPNOTSUPP;
	if (err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND)
		return -EINTR;
	return -EIO;
}

static int bad_answer(struct zuf_sb *zsb, const struct zuf_op *op, s32 err, u16 out_len)
{
	zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_BAD_ANSWER, 1);
	pr_warn_ratelimited("sb %llu: operation %u answered err %d with %u bytes, at most %u fit\n",
			    zsb->sb_id, op->hdr->operation, err, out_len, op->hdr->out_max);
	return -EIO;
}

/* Of the bytes that came, up to @end, the fields that are the answer's own. */
static void take_output(struct zuf_op *op, const void __shm *shared, size_t end)
{
	size_t from = max(op->out_at, op->hdr->out_start);

	end = min_t(size_t, end, op->out_at + op->out_size);
	if (end > from)
		shm_take((void *)op->hdr + from, shared + from, end - from);
}

/*
 * The server was told of a signal and has done nothing. It may be none that the program hears
 * of (freezer, SIGSTOP, a debugger): whether the call starts anew is decided where signals are
 * delivered. What a plugin's ioctl has done only the plugin knows; kernel threads have nobody
 * who would start them anew.
 */
static int interrupted(const struct zuf_claim *claim, const struct zuf_op *op)
{
	if (!claim->told || !task_sigpending(current) || op->hdr->operation == ZUFS_OP_IOCTL ||
	    (current->flags & (PF_KTHREAD | PF_IO_WORKER)))
		return -EINTR;
	return -ERESTARTSYS;
}

/*
 * Copy what the server returns. True: @err is the result; false: the message goes
 * to it again.
 */
static bool take_answer(struct zuf_sb *zsb, struct zuf_claim *claim, struct zuf_op *op, int *err)
{
	struct zuf_chan *ch = claim->ch;
	s32 answer = shm_load(&ch->cmd->err);
	u16 out_len = shm_load(&ch->cmd->out_len);
	size_t start = op->hdr->out_start;

	if (unlikely(answer == -EZUFS_RETRY && (op->flags & ZUF_OPF_IOMAP))) {
		*err = zuf_retry_run(zsb, op, claim);
		if (*err == -EIO)
			bad_answer(zsb, op, answer, out_len);
		else if (*err == -ENOTCONN)
			*err = -EIO;
		return *err != -EAGAIN;
	}
	if (unlikely(answer == -EZUFS_RETRY || out_len > op->hdr->out_max)) {
		if (op->overflow)
			*err = op->overflow(op, ch->cmd, ch->cmd_size);
		else
			*err = bad_answer(zsb, op, answer, out_len);
		if (*err != -EAGAIN)
			return true;
		*err = zuf_retry_again(claim, op->hdr->err);
		if (*err == -ENOTCONN)
			*err = -EIO;
		return *err != -EAGAIN;
	}
	*err = zuf_err_from_server(answer);
	if (unlikely(*err == -EINTR))
		*err = interrupted(claim, op);
	/* it may go again as it was: zuf_dispatch() */
	if (unlikely(answer == -ENOSPC))
		return true;
	op->answered = min_t(size_t, out_len, ch->cmd_size - min(start, ch->cmd_size));
	op->hdr->err = answer;
	if (likely(!answer))
		take_output(op, ch->cmd, start + op->answered);
	return true;
}

static int take_window(struct zuf_chan *ch, struct zuf_op *op)
{
	ssize_t bytes = op->win->len;

	if (op->win_bytes)
		bytes = op->win_bytes(op);
	if (bytes < 0)
		return bytes;
	zuf_win_take(ch, op->win, bytes);
	return 0;
}

static void bind(const struct zuf_op *op, const struct inode *inode, u16 at)
{
	if (likely(at))
		*(u64 *)((void *)op->hdr + at) = ZUF_I(inode)->zus_ii;
}

void zuf_op_bind(const struct zuf_op *op)
{
	const struct zuf_op_inode *more = op->more;

	if (likely(op->inode))
		bind(op, op->inode, op->ii_at);
	for (; unlikely(more) && more->inode; more++)
		bind(op, more->inode, more->at);
}

static int run_claimed(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	int err;

	op->zc = ch->zc;
	claim->op = op;
	claim->sbid = zsb->sbid;
	zuf_op_bind(op);
	zuf_chan_put_msg(ch, op->hdr);
	zuf_puts_attach(op->puts ?: &ch->zc->puts, ch, op->hdr->in_len, zsb->sbid);
	trace_zuf_dispatch(zsb, op, ch);
	do {
		err = zuf_chan_call(claim);
	} while (!err && unlikely(!take_answer(zsb, claim, op, &err)));
	trace_zuf_answer(zsb, op, claim->lost, err);
	if (unlikely(op->undo))
		zuf_undo_called(claim, op->undo);
	return err;
}

static int dispatch_claimed(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_win *win = op->win;
	int err;

	if (op->hdr->in_len > claim->ch->cmd_size)
		return -E2BIG;
	if (win) {
		err = zuf_win_open(claim->ch, win, op->hdr, op->inode);
		if (err)
			return err;
	}
	err = run_claimed(zsb, op, claim);
	/* lost: the window is the channel's now; or there is none any more */
	if (win && !claim->lost) {
		if (!err)
			err = take_window(claim->ch, op);
		zuf_win_close(claim->ch, win);
	}
	zuf_stats_op(zuf_sb_stats(zsb), zuf_stat_slot(op->hdr->operation), claim->start, err);
	return err;
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
	/* no lock of it that data would wait for, but names wait for names */
	return op->flags & ZUF_OPF_NAMES ? zuf_settle_names(inode, op->flags) : 0;
}

/*
 * A killed application has dropped its locks, but the server may still be at work on
 * its message. What these locks exclude is not sent meanwhile; nested operations are
 * about no lock, or what is waited for could need them.
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

/* Those that may keep a channel for the time of a disk: chan.c. Swap must get through. */
static u32 claim_flags(const struct zuf_sb *zsb, const struct zuf_op *op)
{
	if (likely(!(op->flags & ZUF_OPF_IOMAP) || !zsb->lists_stay) ||
	    (op->flags & ZUF_OPF_UNKILLABLE))
		return op->flags;
	return (op->flags & ~ZUF_OPF_NESTED) | ZUF_OPF_STAYS;
}

static int send_once(struct zuf_sb *zsb, struct zuf_op *op)
{
	struct zuf_claim claim;
	int err;

	claim.start = zuf_stats_start();
	err = zuf_puts_goose(zsb, op->goose);
	if (likely(!err))
		err = wait_for_left(op);
	if (likely(!err))
		err = zuf_chan_claim(zsb->root, zsb->server_gen, claim_flags(zsb, op), &claim);
	if (likely(!err)) {
		err = dispatch_claimed(zsb, op, &claim);
		if (unlikely(!err && op->keep && op->keep(op)))
			*op->claim = claim;
		else
			zuf_chan_release(&claim);
	} else if (err == -EINTR && (op->flags & ZUF_OPF_FORGET)) {
		zuf_forget_later(zsb, op);
	}
	if (unlikely(err) && op->win)
		zuf_win_abort(op->win);
	return err;
}

/*
 * No space, but inodes that were freed before had not reached the server: now they have; or
 * they did while it was at work on this. Nor had blocks that somebody held.
 */
static int send_again(struct zuf_sb *zsb, struct zuf_op *op)
{
	bool helps, waited;

	/* @puts: one of the messages of a flush */
	if (op->puts || op->flags & (ZUF_OPF_NOWAIT | ZUF_OPF_UNKILLABLE) || !zsb->sbid)
		return -ENOSPC;
	helps = zuf_pins_reclaim(zsb);
	waited = zuf_ends_wait_some(zsb->sbid, SPACE_WAIT);
	if (!(helps || waited || zuf_evicts_may_help(&zsb->sbid->evicts)) || zuf_evict_flush(zsb))
		return -ENOSPC;
	/* the pages are given back: the caller starts over */
	if (op->win && op->win->kind == ZUF_WIN_PAGES)
		return -EFAULT;
	return send_once(zsb, op);
}

/* For a message that must get through: nothing could end the wait of these, or it has ended. */
static bool shall_not_wait(void)
{
	return (current->flags & (PF_EXITING | PF_MEMALLOC)) || fatal_signal_pending(current);
}

int zuf_dispatch(struct zuf_sb *zsb, struct zuf_op *op)
{
	struct zufs_ioc_hdr *hdr = op->hdr;
	int err;

	if (!hdr->out_max)
		hdr->out_max = hdr->out_len;
	if ((op->flags & ZUF_OPF_FORGET) && shall_not_wait()) {
		zuf_forget_later(zsb, op);
		return 0;
	}
	err = send_once(zsb, op);
	if (unlikely(err == -ENOSPC))
		err = send_again(zsb, op);
	return err;
}

int zuf_dispatch_kept(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	int err;

	claim->start = zuf_stats_start();
	err = dispatch_claimed(zsb, op, claim);
	zuf_chan_release(claim);
	return err;
}
