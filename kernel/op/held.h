/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held.h - blocks that the server keeps back, because a pipe or DMA holds their frames
 * (ZUFS_FSC_QUARANTINE)
 *
 *	record       zuf_held_add     a frame leaves it while it is held: UNTOLD
 *	worker       T1_BUSY          the server has executed it: TOLD
 *	who frees    zuf_held_wait_told, before he sends; what nobody waits for is kept back
 *	worker       two looks        it is idle: off the list, T1_IDLE
 *
 * The set belongs to the mount, not to a file: what a block was, and is, does not matter. All
 * messages are the worker's (that of pins.c), one after the other, so the server hears
 * them in the order in which blocks came and went.
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
	atomic_t nr;			/* of them */
	void (*kick)(struct zuf_held *held); /* the worker shall come at once */
	unsigned long pause;		/* jiffies between two looks */
	/* the rest is the worker's, and of its message's end */
	bool ended;			/* nothing but what is untold */
	spinlock_t lock;		/* @stage, when it is POSTED */
	u8 stage;			/* of @msg (held.c) */
	s32 answer;
	unsigned long looked;		/* jiffies of the last look */
	unsigned long next;		/* block where the next one begins */
	unsigned long tell_next;	/* the same of a round of telling; 0: none is begun */
	bool last_of_round;		/* @msg */
	struct zuf_post post;
	struct {
		struct zufs_ioc_t1_runs t1;
		struct zufs_t1_run runs[ZUFS_T1_RUNS_MAX];
	} msg;
};

void zuf_held_init(struct zuf_held *held, struct zuf_devset *devs,
		   void (*kick)(struct zuf_held *held));
/* Nothing is in it. */
void zuf_held_fini(struct zuf_held *held);
/* The server of this mount has the bit. */
void zuf_held_start(struct zuf_held *held, struct zuf_sbid *sbid);

/**
 * zuf_held_add() - a frame that somebody holds leaves a record
 * To be called after its entries are gone, and before anything is sent that takes the block
 * away.
 * Return: 0 or -ENOMEM.
 */
int zuf_held_add(struct zuf_held *held, u64 block, gfp_t gfp);

/**
 * zuf_held_work() - the worker's step: tell, look, tell
 * Return: in how many jiffies to come again, if nobody kicks; MAX_JIFFY_OFFSET: never.
 */
unsigned long zuf_held_work(struct zuf_held *held);

/**
 * zuf_held_end() - the mount ends, nothing is added any more
 * Without a block or a message it is over at once: nobody who wants the devices next, or the
 * module to go, meets a worker that has nothing to do. Else the worker goes on.
 * Context: the worker does not run.
 */
void zuf_held_end(struct zuf_held *held);

/* It has ended: no block and no message is left. For the worker. */
bool zuf_held_is_over(const struct zuf_held *held);

/* The blocks become those of another mount of the same devices; @from has ended. -ENOMEM. */
int zuf_held_move(struct zuf_held *from, struct zuf_held *to);

/* What DMA has stored in them so far is durable. */
void zuf_held_write_back(struct zuf_held *held);

/* Has the server of some frames to hear before a block may be freed? */
bool zuf_held_is_untold(const struct zuf_sbid *sbid);
/**
 * zuf_held_ticket() - for who waits until what has left so far is told, not what others
 * let leave meanwhile, maybe without an end
 */
u32 zuf_held_ticket(const struct zuf_sbid *sbid);
bool zuf_held_is_told(const struct zuf_sbid *sbid, u32 ticket);
/**
 * zuf_held_wait_told() - wait, killably, until the server knows
 * Context: no channel is held. Locks may be: its answer needs none.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_held_wait_told(struct zuf_sbid *sbid);

#endif
