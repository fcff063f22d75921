// SPDX-License-Identifier: GPL-2.0-only
/*
 * retry.c - execute lists that a server asks for in the middle of an operation
 *
 *	server: "block 7 is on T2"    -EZUFS_RETRY, list T2_READ
 *	here: execute the list, wait  hdr.err = its result
 *	server: same message again    its own iomb tells it that this is not the first time
 *
 * The ZT takes the list out of its answer and pins the server memory that the list names
 * (struct zuf_stage), so no application waits for a page of the server. The application executes
 * the list. A server that can take the message back on another thread (ZUFS_FSC_RETRY_MOVES) has
 * its channel meanwhile: park.c. For other servers the channel is kept, with the application's
 * pages in the window; stays.c limits how many channels of a CPU are kept.
 *
 * When the application is killed while a list runs, a ZT waits in its place: the server must not
 * hear of the end of a transfer before the device is done with the memory. A killed application
 * itself never hands its message over once more: the ZT does (zuf_call_again(), zuf_park_leave()).
 */
#include "retry.h"

#include <linux/fs.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "call.h"
#include "chan.h"
#include "endpoint.h"
#include "list.h"
#include "park.h"
#include "srvmem.h"
#include "stats.h"
#include "stays.h"
#include "trace.h"
#include "window.h"

/* How often the server is told that nobody executes its list any more. */
#define REFUSALS_MAX 3

/* Is it an operation whose answer may be a list? */
static bool may_retry(u16 operation)
{
	switch (operation) {
	case ZUFS_OP_READ:
	case ZUFS_OP_PRE_READ:
	case ZUFS_OP_WRITE:
	case ZUFS_OP_FALLOCATE:
	case ZUFS_OP_GET_MULTY:
		return true;
	default:
		return false;
	}
}

/* A list as the server gave it. Only this copy counts, whatever becomes of the command buffer. */
struct zuf_stage {
	u64 *words;			/* or ERR_PTR: why there are none */
	u32 n;				/* number of words */
	u32 flags;			/* ZUFS_IOM_EXEC_* */
	struct zuf_srvmem *mem;		/* from zuf_srvmem_pin() */
};

/* ---- the server's thread ---- */

/* Copy the list out of the answer. Return: the words or an ERR_PTR. */
static u64 *take_words(struct zuf_chan *ch, u32 *n)
{
	const struct zufs_ioc_IO __shm *io = (void __shm *)ch->cmd;
	u32 room = (ch->cmd_size - offsetof(struct zufs_ioc_IO, iom_e)) / sizeof(u64);
	u32 max = shm_load(&io->ziom.iom_max);
	u64 *words;

	*n = shm_load(&io->ziom.iom_n);
	if (!*n || *n > max || max > room)
		return ERR_PTR(-EIO);
	words = kvmalloc_array(*n, sizeof(u64), GFP_NOFS | __GFP_ACCOUNT);
	if (!words)
		return ERR_PTR(-ENOMEM);
	shm_take(words, io->iom_e, *n * sizeof(u64));
	return words;
}

static u32 list_flags(const struct zufs_ioc_IO __shm *io)
{
	u32 ret_flags = shm_load(&io->ret_flags);

	return (ret_flags & ZUFS_RET_IOM_FLUSH ? ZUFS_IOM_EXEC_FLUSH : 0) |
	       (ret_flags & ZUFS_RET_IOM_FUA ? ZUFS_IOM_EXEC_FUA : 0);
}

static void stage_free(struct zuf_stage *stage)
{
	if (!stage)
		return;
	zuf_srvmem_drop(stage->mem);
	if (!IS_ERR(stage->words))
		kvfree(stage->words);
	kfree(stage);
}

static struct zuf_stage *stage_take(struct zuf_chan *ch)
{
	return xchg(&ch->stage, NULL);
}

void zuf_retry_unstage(struct zuf_chan *ch)
{
	stage_free(stage_take(ch));
}

void zuf_retry_forget(struct zuf_chan *ch)
{
	zuf_retry_unstage(ch);
	zuf_list_put(ch->orphan_list);
}

void zuf_retry_stage(struct zuf_chan *ch)
{
	struct zuf_stage *stage;
	unsigned int noio;

	zuf_retry_unstage(ch);
	if (READ_ONCE(ch->state) != ZUF_CH_RUNNING || !may_retry(ch->sent_op))
		return;
	/* reclaim that starts here must not need a channel, nor wait for data that we write out */
	noio = memalloc_noio_save();
	stage = kzalloc(sizeof(*stage), GFP_NOFS | __GFP_ACCOUNT);
	if (stage) {
		stage->words = take_words(ch, &stage->n);
		stage->flags = list_flags((void __shm *)ch->cmd);
		if (!IS_ERR(stage->words))
			stage->mem = zuf_srvmem_pin(stage->words, stage->n);
	}
	memalloc_noio_restore(noio);
	/* pairs with stage_take() */
	smp_store_release(&ch->stage, stage);
}

/* ---- the application ---- */

/* Return: the list, not started, or an ERR_PTR. Consumes @stage. @park may be NULL. */
static struct zuf_list *make_list(const struct zuf_list_args *on, struct zuf_endpoint *ep,
				   struct zuf_op *op, struct zuf_claim *claim,
				   struct zuf_park *park, struct zuf_stage *stage)
{
	struct zuf_list_args args = *on;
	struct zuf_list *iom;

	args.mem = stage->mem;
	args.words = stage->words;
	args.n = stage->n;
	args.flags = stage->flags;
	args.unkillable = claim->unkillable;
	args.done = park ? zuf_park_done : NULL;
	args.done_arg = park;
	iom = zuf_list_create(&args);
	if (!IS_ERR(iom)) {
		stage->words = NULL;
		stage->mem = NULL;
		zuf_stats_event(ep->stats, ZUF_EV_IOMAP, 1);
		zuf_stats_event(ep->stats, ZUF_EV_RETRY, 1);
		if (trace_zuf_retry_enabled())
			trace_zuf_retry(ep->id, op->inode ? op->inode->i_ino : 0,
					op->hdr->operation, stage->n);
	}
	stage_free(stage);
	return iom;
}

/* ---- the channel is kept ---- */

/*
 * Return: 0: the list has ended; -EINTR: killed, the list belongs to the ZT; -ENOTCONN: the server
 * is gone.
 */
static int wait_list(struct zuf_list *iom, struct zuf_claim *claim)
{
	unsigned int sleep = claim->unkillable ? TASK_UNINTERRUPTIBLE : TASK_KILLABLE;
	struct zuf_chan *ch = claim->ch;

	if (!___wait_event(*zuf_list_waitq(iom), zuf_list_is_over(iom) ||
			   READ_ONCE(ch->state) == ZUF_CH_DEAD, sleep, 0, 0, schedule()))
		return zuf_list_is_over(iom) ? 0 : -ENOTCONN;
	ch->orphan_list = iom;
	if (zuf_chan_abandon(claim))
		return -EINTR;
	ch->orphan_list = NULL;
	return -ENOTCONN;
}

static void start_list(struct zuf_list *iom)
{
	/* reclaim that starts here must not need a channel, nor wait for data that we write out */
	unsigned int noio = memalloc_noio_save();

	zuf_list_start(iom);
	memalloc_noio_restore(noio);
}

static int run_kept(struct zuf_list *iom, struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	int err;

	zuf_stays_list(ch, true);
	start_list(iom);
	err = wait_list(iom, claim);
	if (err == -EINTR)
		return err;
	zuf_stays_list(ch, false);
	if (!err)
		err = zuf_call_again(claim, zuf_list_result(iom));
	zuf_list_put(iom);
	return err;
}

/* ---- the channel is given back ---- */

/* Give the channel back; what was in the window belongs to the caller again. */
static void give_channel(struct zuf_op *op, struct zuf_claim *claim)
{
	if (op->win) {
		zuf_win_close(claim->ch, op->win);
		zuf_win_abort(op->win);
	}
	zuf_chan_release(claim);
	claim->ch = NULL;
	claim->lost = true;
}

/* The message needs a thread of the server again: claim a channel like everybody else. */
static int claim_again(struct zuf_endpoint *ep, const struct zuf_op *op, struct zuf_claim *claim)
{
	const struct zuf_claim before = *claim;
	u32 flags = op->flags & ~ZUF_OPF_NOWAIT;
	int err;

	err = zuf_chan_claim(ep->peer, ep->gen, flags, claim);
	if (err) {
		claim->ch = NULL;
		claim->lost = true;
		return err;
	}
	claim->told = before.told;
	claim->pin_left = before.pin_left;
	return 0;
}

/*
 * The window could not be shown again: tell the server, which drops what it had under way. Its
 * answer does not matter. Return: @err, or the error of telling the server.
 */
static int retry_refuse(struct zuf_claim *claim, int err)
{
	int ret, i;

	for (i = 0; i <= REFUSALS_MAX; i++) {
		ret = zuf_chan_call(claim);
		if (ret)
			return ret == -EIO ? -ENOTCONN : ret;
		if (shm_load(&claim->ch->cmd->err) != -EZUFS_RETRY)
			return err;
		zuf_chan_again(claim->ch, err);
	}
	return -EIO;
}

/* Return: -EAGAIN: hand the message over; otherwise the error that ends the operation. */
static int give_message(struct zuf_op *op, struct zuf_claim *claim, struct zuf_park *park)
{
	int result = zuf_list_result(park->iom), err = 0;
	struct zuf_chan *ch = claim->ch;

	op->zc = ch->zc;
	if (op->win)
		err = zuf_win_open(ch, op->win, op->hdr);
	if (unlikely(err)) {
		op->hdr->offset = ZUS_API_MAP_MAX_SIZE - ZUF_BOUNCE_SMALL;
		op->hdr->len = 0;
		result = err;
	}
	zuf_park_give(park, ch, op, result);
	if (claim->told)
		zuf_chan_set_flags(ch, ZUFS_H_INTR, 0);
	zuf_park_end(park);
	if (likely(!err))
		return -EAGAIN;
	/* the caller learns that from win->refused; -EAGAIN has another meaning here */
	return retry_refuse(claim, err == -EAGAIN ? -EBUSY : err);
}

static int run_parked(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim,
		      struct zuf_list *iom, struct zuf_park *park)
{
	int err;

	zuf_park_add(park, iom);
	give_channel(op, claim);
	start_list(iom);
	zuf_list_put(iom);
	err = zuf_park_wait(park, claim->unkillable);
	if (!err)
		err = claim_again(ep, op, claim);
	if (!err)
		return give_message(op, claim, park);
	if (err == -EINTR)
		return zuf_park_leave(park, op, ep) ? -EINTR : -ENOTCONN;
	zuf_park_end(park);
	return -ENOTCONN;
}

int zuf_retry_run(const struct zuf_list_args *on, bool moves, struct zuf_endpoint *ep,
		  struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_stage *stage = stage_take(claim->ch);
	struct zuf_park *park = NULL;
	struct zuf_list *iom;
	unsigned int noio;
	int err;

	if (unlikely(fatal_signal_pending(current)) && !claim->unkillable) {
		stage_free(stage);
		return zuf_call_again(claim, -EINTR);
	}
	if (!stage || IS_ERR(stage->words)) {
		err = stage ? PTR_ERR(stage->words) : -ENOMEM;
		stage_free(stage);
		return err == -EIO ? err : zuf_call_again(claim, err);
	}
	/* for the reason given in start_list() */
	noio = memalloc_noio_save();
	if (moves)
		park = zuf_park_create(op, claim->ch, stage->n);
	iom = make_list(on, ep, op, claim, park, stage);
	memalloc_noio_restore(noio);
	if (!IS_ERR(iom))
		return park ? run_parked(ep, op, claim, iom, park) : run_kept(iom, claim);
	if (park)
		zuf_park_free(park);
	return zuf_call_again(claim, PTR_ERR(iom));
}

/* ---- the message of a killed application ---- */

bool zuf_retry_orphan(struct zuf_chan *ch)
{
	if (shm_load(&ch->cmd->err) != -EZUFS_RETRY || !may_retry(ch->sent_op))
		return false;
	/* a limit, as tasks that wait for these inodes wait for the end of this */
	if (ch->refusals++ == REFUSALS_MAX) {
		zuf_stats_event(ch->peer->stats, ZUF_EV_BAD_ANSWER, 1);
		pr_warn_ratelimited("operation %u of a killed task asks for ever more lists\n",
				    ch->sent_op);
		return false;
	}
	zuf_chan_set_flags(ch, ZUFS_H_INTR, 0);
	zuf_chan_again(ch, -EINTR);
	return true;
}

int zuf_retry_resume(struct zuf_chan *ch)
{
	struct zuf_list *iom = ch->orphan_list;

	if (!zuf_list_wait(iom))
		return -EINTR;
	zuf_stays_list(ch, false);
	zuf_chan_set_flags(ch, ZUFS_H_INTR, 0);
	zuf_chan_again(ch, zuf_list_result(iom));
	ch->orphan_list = NULL;
	zuf_list_put(iom);
	return 0;
}
