// SPDX-License-Identifier: GPL-2.0-only
/*
 * dispatch.c - one round trip: claim, fill, hand over, take the answer
 *
 * The command buffer is shared with a hostile writer. The message is built in
 * kernel memory and copied in; of the answer the header is read once, checked,
 * and the bytes that the caller asked for are copied out once.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "dispatch.h"
#include "evict.h"
#include "forget.h"
#include "inode.h"
#include "retry.h"
#include "stats.h"
#include "super.h"
#include "trace.h"
#include "window.h"

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

/*
 * Copy what the server returns. True: @err is the result; false: the message goes
 * to it again.
 */
static bool take_answer(struct zuf_sb *zsb, struct zuf_claim *claim, struct zuf_op *op, int *err)
{
	struct zuf_chan *ch = claim->ch;
	const struct zufs_ioc_hdr *shared = ch->cmd;
	s32 answer = READ_ONCE(shared->err);
	u16 out_len = READ_ONCE(shared->out_len);
	size_t start = op->hdr->out_start, end;

	if (unlikely(answer == -EZUFS_RETRY && (op->flags & ZUF_OPF_IOMAP))) {
		*err = zuf_retry_run(zsb, op, claim);
		if (*err == -EIO)
			bad_answer(zsb, op, answer, out_len);
		return *err != -EAGAIN;
	}
	if (unlikely(answer == -EZUFS_RETRY || out_len > op->hdr->out_max)) {
		if (op->overflow)
			*err = op->overflow(op, ch->cmd, ch->cmd_size);
		else
			*err = bad_answer(zsb, op, answer, out_len);
		if (*err != -EAGAIN)
			return true;
		zuf_msg_again(ch->cmd, op->hdr->err);
		return false;
	}
	*err = zuf_err_from_server(answer);
	/* it may go again as it was: zuf_dispatch() */
	if (unlikely(answer == -ENOSPC))
		return true;
	op->answered = min_t(size_t, out_len, ch->cmd_size - min(start, ch->cmd_size));
	op->hdr->err = answer;
	end = min3(start + out_len, op->size, ch->cmd_size);
	start = max(start, sizeof(*shared));
	if (end > start)
		memcpy((void *)op->hdr + start, (void *)shared + start, end - start);
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

static int run_claimed(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	int err;

	op->zc = ch->zc;
	claim->op = op;
	ch->sent_op = op->hdr->operation;
	memcpy(ch->cmd, op->hdr, op->hdr->in_len);
	zuf_puts_attach(op->puts ?: &ch->zc->puts, ch);
	trace_zuf_dispatch(zsb, op, ch);
	do {
		err = zuf_chan_call(claim);
		if (!claim->lost)
			zuf_puts_done(&ch->carried);
	} while (!err && unlikely(!take_answer(zsb, claim, op, &err)));
	trace_zuf_answer(zsb, op, claim->lost, err);
	return err;
}

static int dispatch_claimed(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	struct zuf_win *win = op->win;
	int err;

	if (op->hdr->in_len > ch->cmd_size)
		return -E2BIG;
	if (win) {
		err = zuf_win_open(ch, win, op->hdr);
		if (err)
			return err;
	}
	err = run_claimed(zsb, op, claim);
	/* lost: the window is the channel's now */
	if (win && !claim->lost) {
		if (!err)
			err = take_window(ch, op);
		zuf_win_close(ch, win);
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
	struct zuf_put_tag *tag = READ_ONCE(ZUF_I(inode)->put_tag);
	bool shared = op->flags & ZUF_OPF_SHARED;

	if (likely(!tag || !zuf_tag_is_left(tag, shared)) ||
	    zuf_op_lock(op, inode) == ZUF_LEFT_NO_LOCK)
		return 0;
	if (op->flags & ZUF_OPF_NOWAIT)
		return -EAGAIN;
	return zuf_puts_wait_left(tag, shared, op->flags & ZUF_OPF_UNKILLABLE);
}

/*
 * A killed application has dropped its locks, but the server may still be at work on
 * its message. What these locks exclude is not sent meanwhile; nested operations are
 * about no lock, or what is waited for could need them.
 */
static int wait_for_left(const struct zuf_op *op)
{
	struct inode *const *more = op->more_inodes;
	int err;

	if (!op->inode || (op->flags & ZUF_OPF_NESTED))
		return 0;
	err = wait_left(op, op->inode);
	for (; !err && more && *more; more++)
		err = wait_left(op, *more);
	return err;
}

/* -EINTR: it may not be done yet; whoever gooses the inode waits for it. */
static int send_before(struct zuf_sb *zsb, const struct zuf_op *op)
{
	struct zuf_op first = {
		.hdr = op->before, .size = op->before->in_len, .flags = ZUF_OPF_NESTED,
		.inode = op->before_inode,
	};

	return zuf_dispatch(zsb, &first) == -EINTR ? -EINTR : 0;
}

static int send_once(struct zuf_sb *zsb, struct zuf_op *op)
{
	struct zuf_claim claim;
	int err;

	claim.start = zuf_stats_start();
	err = zuf_puts_goose(zsb, op->goose);
	if (unlikely(!err && op->before))
		err = send_before(zsb, op);
	if (likely(!err))
		err = wait_for_left(op);
	if (likely(!err))
		err = zuf_chan_claim(zsb->root, zsb->server_gen, op->flags, &claim);
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

/* No space, but inodes that were freed before had not reached the server: now they have. */
static int send_again(struct zuf_sb *zsb, struct zuf_op *op)
{
	/* @puts: one of the messages of a flush */
	if (op->puts || op->flags & (ZUF_OPF_NOWAIT | ZUF_OPF_UNKILLABLE) ||
	    zuf_evict_flush(zsb))
		return -ENOSPC;
	/* the pages are given back: the caller starts over */
	if (op->win && op->win->kind == ZUF_WIN_PAGES)
		return -EFAULT;
	return send_once(zsb, op);
}

int zuf_dispatch(struct zuf_sb *zsb, struct zuf_op *op)
{
	struct zufs_ioc_hdr *hdr = op->hdr;
	bool freed_waits;
	int err;

	if (!hdr->out_max)
		hdr->out_max = hdr->out_len;
	if ((op->flags & ZUF_OPF_FORGET) &&
	    ((current->flags & (PF_EXITING | PF_MEMALLOC)) || op->pinned)) {
		/* nothing could end their wait for a server that hangs */
		zuf_forget_later(zsb, op);
		return 0;
	}
	freed_waits = zuf_evicts_wait(&zsb->evicts);
	err = send_once(zsb, op);
	if (unlikely(err == -ENOSPC && freed_waits))
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
