// SPDX-License-Identifier: GPL-2.0-only
/*
 * retry.c - lists that a server wants executed in the middle of an operation
 *
 *	server: "block 7 is on T2"    -EZUFS_RETRY, list T2_READ
 *	here: the list, waiting       hdr.err = its result
 *	server: same message again    knows by its own iomb that it is not the first time
 *
 * Done by the application, whose pages stay in the window. When it is killed while
 * a list runs the ZT waits in its place: the server must not hear of the end of a
 * transfer before the device is done with the memory.
 */
#include "retry.h"

#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "chan.h"
#include "devset.h"
#include "dispatch.h"
#include "inode.h"
#include "iomap.h"
#include "stats.h"
#include "super.h"
#include "trace.h"
#include "wake.h"

/* Copy the list out of the answer: words, or NULL without one. */
static u64 *take_words(struct zuf_chan *ch, u32 *n)
{
	const struct zufs_ioc_IO *io = (void *)ch->cmd;
	u32 room = (ch->cmd_size - offsetof(struct zufs_ioc_IO, iom_e)) / sizeof(u64);
	u32 max = READ_ONCE(io->ziom.iom_max);
	u64 *words;

	*n = READ_ONCE(io->ziom.iom_n);
	if (!*n || *n > max || max > room)
		return ERR_PTR(-EIO);
	words = kvmalloc_array(*n, sizeof(u64), GFP_NOFS | __GFP_ACCOUNT);
	if (!words)
		return ERR_PTR(-ENOMEM);
	memcpy(words, (const void *)io + offsetof(struct zufs_ioc_IO, iom_e), *n * sizeof(u64));
	return words;
}

static u32 list_flags(const struct zufs_ioc_IO *io)
{
	u32 ret_flags = READ_ONCE(io->ret_flags);

	return (ret_flags & ZUFS_RET_IOM_FLUSH ? ZUFS_IOM_EXEC_FLUSH : 0) |
	       (ret_flags & ZUFS_RET_IOM_FUA ? ZUFS_IOM_EXEC_FUA : 0);
}

/* The list under way, or ERR_PTR: -EIO of ours or of the list. */
static struct zuf_iomap *start_list(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_chan *ch,
				    u64 *words, u32 n)
{
	struct zuf_iomap_args args = {
		.devs = zsb->devs,
		.sb = zsb->sb,
		.inode = op->inode,
		.mm = ch->mm,
		.words = words,
		.n = n,
		.flags = list_flags((void *)ch->cmd),
	};
	struct zuf_iomap *iom = zuf_iomap_create(&args);

	if (!IS_ERR(iom)) {
		zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_IOMAP, 1);
		zuf_iomap_start(iom);
	}
	return iom;
}

/* True: over. False: killed, the list is the ZT's; or the server is gone. */
static bool wait_list(struct zuf_iomap *iom, struct zuf_claim *claim)
{
	unsigned int sleep = claim->unkillable ? TASK_UNINTERRUPTIBLE : TASK_KILLABLE;
	struct zuf_chan *ch = claim->ch;

	if (!___wait_event(*zuf_iomap_waitq(iom), zuf_iomap_is_over(iom) ||
			   READ_ONCE(ch->state) == ZUF_CH_DEAD, sleep, 0, 0, schedule()))
		return zuf_iomap_is_over(iom);
	ch->orphan_list = iom;
	if (zuf_chan_abandon(claim))
		return false;
	ch->orphan_list = NULL;
	return false;
}

int zuf_retry_run(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	struct zuf_iomap *iom;
	unsigned int noio;
	u64 *words;
	u32 n;
	int err = -EAGAIN;

	if (fatal_signal_pending(current) && !claim->unkillable) {
		/* the next wait ends at once */
		zuf_msg_again(ch->cmd, -EINTR);
		return -EAGAIN;
	}
	/* what reclaims memory here must not need a channel, nor what we write out */
	noio = memalloc_noio_save();
	words = take_words(ch, &n);
	iom = IS_ERR(words) ? ERR_CAST(words) : start_list(zsb, op, ch, words, n);
	memalloc_noio_restore(noio);

	if (IS_ERR(iom)) {
		if (!IS_ERR(words))
			kvfree(words);
		else if (words == ERR_PTR(-EIO))
			return -EIO;
		zuf_msg_again(ch->cmd, PTR_ERR(iom));
		return -EAGAIN;
	}
	zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_RETRY, 1);
	trace_zuf_retry(zsb, op, n);
	/* as long as the devices take: the CPU may go off-line meanwhile */
	zuf_cpu_unpin(claim->pinned);
	claim->pinned = false;
	if (wait_list(iom, claim))
		zuf_msg_again(ch->cmd, zuf_iomap_result(iom));
	else
		err = claim->lost ? -EINTR : -EIO;
	if (!claim->lost)
		zuf_iomap_put(iom);
	return err;
}

/* Operations whose answer may be a list. */
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

bool zuf_retry_orphan(struct zuf_chan *ch)
{
	if (READ_ONCE(ch->cmd->err) != -EZUFS_RETRY || !may_retry(ch->sent_op))
		return false;
	WRITE_ONCE(ch->cmd->flags, READ_ONCE(ch->cmd->flags) | ZUFS_H_INTR);
	zuf_msg_again(ch->cmd, -EINTR);
	return true;
}

int zuf_retry_finish(struct zuf_chan *ch)
{
	struct zuf_iomap *iom = ch->orphan_list;

	if (!zuf_iomap_wait(iom))
		return -EINTR;
	WRITE_ONCE(ch->cmd->flags, READ_ONCE(ch->cmd->flags) | ZUFS_H_INTR);
	zuf_msg_again(ch->cmd, zuf_iomap_result(iom));
	ch->orphan_list = NULL;
	zuf_iomap_put(iom);
	return 0;
}
