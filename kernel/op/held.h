/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held.h - blocks that the server keeps back, because a pipe or DMA holds their frames
 * (ZUFS_FSC_QUARANTINE)
 *
 *	record       zuf_held_add()    a frame leaves the record while it is held: UNTOLD
 *	worker       T1_BUSY           the server has executed it: TOLD
 *	freeing task zuf_held_wait_told() before it sends; messages that no task waits for are
 *	             kept back instead
 *	worker       two looks         the frame is idle: it leaves the set, T1_IDLE
 *
 * The set belongs to the mount, not to a file: what a block was, and is, does not matter. All
 * messages are sent by the worker (of pins.c), one after the other, so the server hears them in
 * the order in which blocks came and went.
 */
#ifndef ZUF_HELD_H
#define ZUF_HELD_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include "puts.h"
#endif

struct zuf_devset;
struct zuf_sbid;

struct zuf_held {
	struct zuf_devset *devs;	/* the owner's */
	struct zuf_sbid *sbid;		/* referenced; NULL: there is nobody to be told */
	struct xarray blocks;		/* block -> state (held.c) */
	atomic_t nr;			/* blocks in the set */
	void (*kick)(struct zuf_held *held); /* the worker must run at once */
	unsigned long pause;		/* jiffies between two looks */
	/* the rest belongs to the worker, and to the end of its message */
	bool ended;			/* the mount ends: only what is untold is still sent */
	spinlock_t lock;		/* @stage, when it is POSTED */
	u8 stage;			/* of @msg (held.c) */
	s32 answer;			/* to @msg */
	unsigned long looked;		/* jiffies of the last look */
	unsigned long next;		/* block where the next look begins */
	unsigned long tell_next;	/* block where the round of telling goes on; 0: no round */
	bool last_of_round;		/* @msg is the last message of its round */
	struct zuf_post post;		/* of @msg */
	struct {
		struct zufs_ioc_t1_runs t1;
		struct zufs_t1_run runs[ZUFS_T1_RUNS_MAX];
	} msg;
};

void zuf_held_init(struct zuf_held *held, struct zuf_devset *devs,
		   void (*kick)(struct zuf_held *held));
/* Context: no block is in the set. */
void zuf_held_fini(struct zuf_held *held);
/* The server of the mount has ZUFS_FSC_QUARANTINE: from here on it is told. */
void zuf_held_start(struct zuf_held *held, struct zuf_sbid *sbid);

/**
 * zuf_held_add() - a frame leaves a record while somebody holds it
 * Context: the entries of the frame are gone, and nothing is sent yet that takes the block away.
 * Return: 0 or -ENOMEM.
 */
int zuf_held_add(struct zuf_held *held, u64 block, gfp_t gfp);

/**
 * zuf_held_work() - one step of the worker: tell the server, look at the frames, tell again
 * Return: in how many jiffies the worker must come again, unless it is kicked earlier;
 * MAX_JIFFY_OFFSET: never.
 */
unsigned long zuf_held_work(struct zuf_held *held);

/**
 * zuf_held_end() - the mount ends, nothing is added any more
 * If there is no block and no message, the set is over at once: neither the next mount of the
 * devices nor the removal of the module meets a worker that has nothing to do. Otherwise the
 * worker goes on.
 * Context: the worker does not run.
 */
void zuf_held_end(struct zuf_held *held);

/* The set has ended and holds no block and no message any more. Context: the worker. */
bool zuf_held_is_over(const struct zuf_held *held);

/*
 * Move the blocks to the set of another mount of the same devices; @from has ended.
 * Return: 0 or -ENOMEM.
 */
int zuf_held_move(struct zuf_held *from, struct zuf_held *to);

/* Make durable what DMA has stored so far in the blocks of the set. */
void zuf_held_write_back(struct zuf_held *held);

/* Must the server still hear of some frames before a block may be freed? */
bool zuf_held_is_untold(const struct zuf_sbid *sbid);
/**
 * zuf_held_ticket() - for a caller that waits until all frames that have left so far are told
 * The wait does not include frames that leave later, which others may add without an end.
 */
u32 zuf_held_ticket(const struct zuf_sbid *sbid);
/* Is everything told that had left when @ticket was taken? */
bool zuf_held_is_told(const struct zuf_sbid *sbid, u32 ticket);
/**
 * zuf_held_wait_told() - wait, killably, until the server knows of all frames that have left
 * Context: no channel is held. VFS locks may be held: the server's answer needs none.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_held_wait_told(struct zuf_sbid *sbid);

#endif
