/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chan.h - a channel: one ZT of the server on one CPU, and the hand-off to it
 *
 *	app                                    ZT (in ZU_IOC_WAIT_OPT)
 *	zuf_chan_claim   IDLE -> CLAIMED
 *	  fills the command buffer
 *	zuf_chan_call    CLAIMED -> RUNNING    wakes up, returns to user space
 *	  sleeps                               comes back: RUNNING -> ANSWERED
 *	  takes the answer                     sleeps
 *	zuf_chan_release ANSWERED -> IDLE
 */
#ifndef ZUF_CHAN_H
#define ZUF_CHAN_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include "dispatch.h"
#include "root.h"

struct mm_struct;
struct page;
struct zuf_iomap;
struct zuf_root;

enum zuf_chan_state {
	ZUF_CH_AWAY,		/* server's: it has not (again) offered itself */
	ZUF_CH_IDLE,		/* nobody's: the server sleeps, may be claimed */
	ZUF_CH_CLAIMED,		/* app's: command buffer and bounce pages too */
	ZUF_CH_RUNNING,		/* server's, an app waits for the answer */
	ZUF_CH_ANSWERED,	/* app's again */
	ZUF_CH_ORPHAN,		/* server's, the app went away; pages are the channel's */
	ZUF_CH_FINISH,		/* the ZT gives back what an ORPHAN held */
	ZUF_CH_DEAD,		/* the server's file or process is gone; final */
};

/*
 * struct zuf_chan
 * Owned as the state says. The special file holds one reference, an app that
 * has claimed the channel another; slots in struct zuf_cpu are RCU pointers.
 */
struct zuf_chan {
	/* what an operation touches */
	enum zuf_chan_state state;	/* by cmpxchg only */
	bool brk;			/* deliver a BREAK when idle */
	bool let_go;			/* CPU goes off-line: waiting app drops its pin */
	u16 sent_op;			/* operation that is handed over; set by the app */
	refcount_t refs;
	struct task_struct *server;	/* the ZT, referenced; set at its first wait */
	struct task_struct *app;	/* valid in RUNNING, under RCU */
	struct zufs_ioc_hdr *cmd;	/* command buffer, shared with the server */
	void *bounce;			/* copy pages, the last of the window */
	void *bounce_big;		/* those before; app's; NULL until used */
	size_t cmd_size;
	struct zuf_cpu *zc;

	struct zuf_iomap *orphan_list;	/* ORPHAN: the ZT waits for it first; or NULL */
	bool undo;			/* ORPHAN: what it makes goes again */
	u64 undo_ii;			/* ORPHAN: whose name is being removed for that; or 0 */
	struct zuf_carried carried;	/* puts behind the message; owner as of @cmd */

	/* what the window shows of the application; app's, ORPHAN: server's */
	struct zuf_win_seg bounce_used[2]; /* of it, in the copy pages */
	struct page **pages;
	unsigned int nr_pages;
	bool dirty_pages;		/* the server may write them */

	/* set up */
	struct zuf_root *root;		/* referenced */
	unsigned int cpu, no;
	u32 gen;			/* the server's that made it */
	struct mutex lock;		/* mappings, @server */
	struct mm_struct *mm;		/* of the server, mmgrab'ed; NULL = not mapped */
	unsigned long win_addr;		/* window in mm, 0 = not mapped */
	unsigned long cmd_addr;
	struct inode *inode;		/* of the special file, referenced */
	struct rcu_head rcu;
};

/* Bytes of copy pages that every channel has. */
#define ZUF_BOUNCE_SMALL SZ_64K
/* Transfers up to this many bytes are copied, larger ones mapped. */
extern unsigned int zuf_copy_max;

/**
 * zuf_chan_create() - make a channel and put it into its slot
 * The caller says that it is the server.
 * Return: the channel or ERR_PTR(-ERANGE: no such slot, -EINVAL: slot taken,
 * -ENOMEM, or why it is not the server: zuf_root_claim()).
 */
struct zuf_chan *zuf_chan_create(struct zuf_root *root, unsigned int cpu,
				 unsigned int no, size_t cmd_size,
				 struct inode *inode);
/* The server is gone: out of the slot, the waiting app gets -EIO. Idempotent. */
void zuf_chan_die(struct zuf_chan *ch);
void zuf_chan_put(struct zuf_chan *ch);

/*
 * struct zuf_claim - a claimed channel
 * @op: what it does
 * @unkillable: a fatal signal does not end the wait for the answer
 * @start: when the operation began, zuf_stats_start()
 * @pinned: the task may not leave its CPU until the release
 * @lost: the channel is the server's (ORPHAN), its buffers may not be touched
 */
struct zuf_claim {
	struct zuf_chan *ch;
	const struct zuf_op *op;
	u64 start;
	bool unkillable;
	bool pinned;
	bool lost;
};

/**
 * zuf_chan_claim() - get a channel of this CPU, or of the nearest that has one
 * @flags: ZUF_OPF_NESTED: may use the reserved channel, because the caller may be
 *	below an operation (fault, put, reclaim); NOWAIT, UNKILLABLE
 * Context: sleeps killably when nothing is idle.
 * Return: 0, -EIO (no such server any more), -EINTR, -EAGAIN (NOWAIT).
 */
int zuf_chan_claim(struct zuf_root *root, u32 gen, u32 flags, struct zuf_claim *claim);
/**
 * zuf_chan_call() - hand over what is in the command buffer, wait for the answer
 * Context: the channel is CLAIMED or ANSWERED by the caller.
 * Return: 0 (ANSWERED), -EIO (DEAD), -EINTR (fatal signal, unless the claim is
 * unkillable: ORPHAN, the window's pages are the channel's now).
 */
int zuf_chan_call(struct zuf_claim *claim);
/**
 * zuf_chan_abandon() - leave an answered operation to the server's thread
 * It finds the channel ORPHAN, as if its message had just been delivered.
 * Return: false: the channel is DEAD, nothing has changed.
 */
bool zuf_chan_abandon(struct zuf_claim *claim);
/* End the claim, whatever became of the channel. */
void zuf_chan_release(struct zuf_claim *claim);

/**
 * zuf_chan_wait() - the server's side: answer, then wait for a message
 * Return: 0 (message or BREAK in the command buffer), -EINTR (BREAK), -E2BIG (dead).
 */
int zuf_chan_wait(struct zuf_chan *ch);
void zuf_chan_break(struct zuf_chan *ch);

/* Call @fn for each channel of the server @gen; @fn may sleep. */
void zuf_chan_for_each(struct zuf_root *root, u32 gen, void (*fn)(struct zuf_chan *ch));
/* Every channel of the root gets a BREAK. */
void zuf_chan_break_all(struct zuf_root *root);
/* A CPU goes off-line: apps that wait there may move. */
void zuf_chan_cpu_down(struct zuf_root *root, unsigned int cpu);
void zuf_chan_cpu_up(struct zuf_root *root, unsigned int cpu);

#endif
