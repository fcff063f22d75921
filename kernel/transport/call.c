// SPDX-License-Identifier: GPL-2.0-only
/*
 * call.c - carry one operation: window, hand-over, answer
 *
 * The command buffer is shared with a hostile writer. The message was built in kernel memory
 * and is copied in. Of the answer the header is read once and checked, and the fields that
 * the sender has declared are copied out once.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>

#include "call.h"
#include "chan.h"
#include "endpoint.h"
#include "stats.h"
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

static int bad_answer(struct zuf_endpoint *ep, const struct zuf_op *op, s32 err, u16 out_len)
{
	zuf_stats_event(ep->stats, ZUF_EV_BAD_ANSWER, 1);
	pr_warn_ratelimited("sb %llu: operation %u answered err %d with %u bytes, at most %u fit\n",
			    ep->id, op->hdr->operation, err, out_len, op->hdr->out_max);
	return -EIO;
}

/* Copy the answer's own fields, out of the bytes that came, up to @end. */
static void take_output(struct zuf_op *op, const void __shm *shared, size_t end)
{
	size_t from = max(op->out_at, op->hdr->out_start);

	end = min_t(size_t, end, op->out_at + op->out_size);
	if (end > from)
		shm_take((void *)op->hdr + from, shared + from, end - from);
}

/*
 * The server was told of a signal and has done nothing. The program may never notice that signal
 * (freezer, SIGSTOP, a debugger): whether the call is restarted is decided where signals are
 * delivered. For a plugin's ioctl only the plugin knows what it has done; a kernel thread has
 * nobody who would restart its call.
 */
static int call_interrupted(const struct zuf_claim *claim, const struct zuf_op *op)
{
	if (!claim->told || !task_sigpending(current) || op->hdr->operation == ZUFS_OP_IOCTL ||
	    (current->flags & (PF_KTHREAD | PF_IO_WORKER)))
		return -EINTR;
	return -ERESTARTSYS;
}

int zuf_call_again(struct zuf_claim *claim, s32 err)
{
	struct zuf_chan *ch = claim->ch;

	zuf_chan_again(ch, err);
	if (likely(claim->unkillable || !fatal_signal_pending(current)))
		return -EAGAIN;
	zuf_chan_set_flags(ch, ZUFS_H_INTR, 0);
	return zuf_chan_abandon(claim) ? -EINTR : -ENOTCONN;
}

/*
 * Copy what the server returns. Return: true: @err is the result; false: the server gets the
 * message again.
 */
static bool take_answer(struct zuf_endpoint *ep, struct zuf_claim *claim, struct zuf_op *op,
			int *err)
{
	struct zuf_chan *ch = claim->ch;
	s32 answer = shm_load(&ch->cmd->err);
	u16 out_len = shm_load(&ch->cmd->out_len);
	size_t start = op->hdr->out_start;

	if (unlikely(answer == -EZUFS_RETRY && op->retry)) {
		*err = op->retry(ep, op, claim);
		if (*err == -EIO)
			bad_answer(ep, op, answer, out_len);
		else if (*err == -ENOTCONN)
			*err = -EIO;
		return *err != -EAGAIN;
	}
	if (unlikely(answer == -EZUFS_RETRY || out_len > op->hdr->out_max)) {
		if (op->overflow)
			*err = op->overflow(op, ch->cmd, ch->cmd_size);
		else
			*err = bad_answer(ep, op, answer, out_len);
		if (*err != -EAGAIN)
			return true;
		*err = zuf_call_again(claim, op->hdr->err);
		if (*err == -ENOTCONN)
			*err = -EIO;
		return *err != -EAGAIN;
	}
	*err = zuf_err_from_server(answer);
	if (unlikely(*err == -EINTR))
		*err = call_interrupted(claim, op);
	/* leave the message as it was, dispatch.c may send it again */
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

static void trace_sent(const struct zuf_endpoint *ep, const struct zuf_op *op,
		       const struct zuf_chan *ch)
{
	if (trace_zuf_dispatch_enabled())
		trace_zuf_dispatch(ep->id, op->inode ? op->inode->i_ino : 0, op->hdr->operation,
				   op->hdr->in_len, op->hdr->len, ch->carried.nr, ch->cpu, ch->no);
}

static void trace_ended(const struct zuf_endpoint *ep, const struct zuf_op *op, bool lost, int err)
{
	if (trace_zuf_answer_enabled())
		trace_zuf_answer(ep->id, op->inode ? op->inode->i_ino : 0, op->hdr->operation,
				 op->answered, lost, err);
}

static int run_claimed(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	int err;

	op->zc = ch->zc;
	claim->op = op;
	claim->ep = ep;
	zuf_chan_put_msg(ch, op->hdr);
	zuf_puts_attach(op->puts ?: &ch->zc->puts, ch, op->hdr->in_len, ep);
	trace_sent(ep, op, ch);
	do {
		err = zuf_chan_call(claim);
	} while (!err && unlikely(!take_answer(ep, claim, op, &err)));
	trace_ended(ep, op, claim->lost, err);
	return err;
}

int zuf_call(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_win *win = op->win;
	int err;

	if (op->hdr->in_len > claim->ch->cmd_size)
		return -E2BIG;
	if (win) {
		err = zuf_win_open(claim->ch, win, op->hdr);
		if (err)
			return err;
	}
	err = run_claimed(ep, op, claim);
	/* lost: the window belongs to the channel now, or there is none any more */
	if (win && !claim->lost) {
		if (!err)
			err = take_window(claim->ch, op);
		zuf_win_close(claim->ch, win);
	}
	zuf_stats_op(ep->stats, zuf_stat_slot(op->hdr->operation), claim->start, err);
	return err;
}
