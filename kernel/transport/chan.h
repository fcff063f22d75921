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
#include "op.h"
#include "peer.h"
#include "shm.h"
#include "tag.h"

struct file;
struct mm_struct;
struct page;
struct zuf_list;
struct zuf_stage;
struct zuf_undo;

enum zuf_chan_state {
	ZUF_CH_AWAY,		/* server's: it has not (again) offered itself, or is to look
				 * after what killed applications have left (park.c) */
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
	bool stays;			/* counted in zc->stays; by xchg once it is claimed */
	u16 sent_op;			/* operation that is handed over; owner as of @cmd */
	u16 sent_flags;			/* and its ZUFS_H_*; the same */
	refcount_t refs;
	u32 gen;			/* the server's that made it */
	struct task_struct *server;	/* the ZT, referenced; set at its first wait */
	struct task_struct *app;	/* valid in RUNNING, under RCU */
	struct zufs_ioc_hdr __shm *cmd;	/* command buffer */
	void __shm *bounce;		/* copy pages, the last of the window */
	void __shm *bounce_big;		/* those before; app's; NULL until used */
	size_t cmd_size;
	struct zuf_cpu *zc;

	bool has_list;			/* kept while a list runs; as the next, a hint */
	unsigned long stays_at;		/* jiffies: when the message began (stays.c) */
	struct zuf_carried carried;	/* puts behind the message; owner as of @cmd */

	/* of the peer's owner (zuf_peer_ops), and 0 when a message is posted */
	struct zuf_stage *stage;	/* list of the answer; by xchg only (retry.c) */
	struct zuf_list *orphan_list;	/* ORPHAN: the ZT waits for it first; or NULL */
	u8 refusals;			/* ORPHAN: lists that it was not granted */
	bool undo;			/* ORPHAN: what it makes goes again */
	u64 undo_ii;			/* ORPHAN: whose name is being removed for that; or 0 */
	struct zuf_undo *left_undo;	/* ORPHAN: what follows; referenced, or NULL */

	/* what the window shows of the application; app's, ORPHAN: server's */
	struct zuf_win_seg bounce_used[2]; /* of it, in the copy pages */
	u64 left_of;			/* zuf_win.owner of the data that may be left there */
	size_t left_big, left_small;	/* so much of it: at the end of the big, the start of the
					 * small ones */
	struct page **pages;
	unsigned int nr_pages;
	bool dirty_pages;		/* the server may write them */

	/* set up */
	struct zuf_peer *peer;		/* referenced */
	unsigned int cpu, no;
	struct mutex lock;		/* mappings, @server */
	struct mm_struct *mm;		/* of the server, mmgrab'ed; NULL = not mapped */
	unsigned long win_addr;		/* window in mm, 0 = not mapped */
	unsigned long cmd_addr;
	struct vfsmount *mnt;		/* of the root: its inodes stay as long as we do */
	struct inode *inode;		/* of the special file, referenced */
	struct rcu_head rcu;
};

/* Bytes of copy pages that every channel has. */
#define ZUF_BOUNCE_SMALL SZ_64K
/* Segments up to this many bytes are copied, larger ones mapped: window.c. */
extern unsigned int zuf_copy_max;

/**
 * zuf_chan_create() - make a channel and put it into its slot
 * @file: the special file
 * The caller says that it is the server.
 * Return: the channel or ERR_PTR(-ERANGE: no such slot, -EINVAL: slot taken,
 * -ENOMEM, or why it is not the server: zuf_peer_claim()).
 */
struct zuf_chan *zuf_chan_create(struct zuf_peer *peer, unsigned int cpu,
				 unsigned int no, size_t cmd_size,
				 struct file *file);
/* The server is gone: out of the slot, the waiting app gets -EIO. Idempotent. */
void zuf_chan_die(struct zuf_chan *ch);
void zuf_chan_put(struct zuf_chan *ch);

/*
 * struct zuf_claim - a claimed channel
 * @op: what it does
 * @ep: of the mount; set by zuf_call()
 * @unkillable: a fatal signal does not end the wait for the answer
 * @start: when the operation began, zuf_stats_start()
 * @pin_left: jiffies for which its sleeps may still keep the task on the CPU
 * @lost: the channel is the server's (ORPHAN), its buffers may not be touched; or @ch is NULL:
 *	it was given back
 * @told: the server was told of a signal (ZUFS_H_INTR)
 */
struct zuf_claim {
	struct zuf_chan *ch;
	const struct zuf_op *op;
	struct zuf_endpoint *ep;
	u64 start;
	bool unkillable;
	u8 pin_left;
	bool lost;
	bool told;
};

/**
 * zuf_chan_claim() - get a channel of this CPU, or of the nearest that has one
 * @flags: ZUF_OPF_NESTED: may use the reserved channel, because the caller may be
 *	below an operation (fault, put, reclaim); NOWAIT, UNKILLABLE, STAYS
 * Context: sleeps killably when nothing is idle.
 * Return: 0 (it is a channel of the server @gen), -EIO (no such server any more), -EINTR,
 * -EAGAIN (NOWAIT).
 */
int zuf_chan_claim(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_claim *claim);
/**
 * zuf_chan_call() - hand over what is in the command buffer, wait for the answer
 * Context: the channel is CLAIMED or ANSWERED by the caller.
 * Return: 0 (ANSWERED), -EIO (DEAD), -EINTR (fatal signal, unless the claim is
 * unkillable: ORPHAN, the window's pages are the channel's now). What the message carried is
 * done with but for -EINTR.
 */
int zuf_chan_call(struct zuf_claim *claim);
/**
 * zuf_chan_abandon() - leave an answered operation to the server's thread
 * It finds the channel ORPHAN, as if its message had just been delivered.
 * Return: false: the channel is DEAD, nothing has changed.
 */
bool zuf_chan_abandon(struct zuf_claim *claim);
/* An idle one of any CPU, for who does not wait; NULL: none is. The caller looks at its gen. */
struct zuf_chan *zuf_chan_try(struct zuf_peer *peer, bool nested);

/**
 * zuf_chan_post() - hand over a message that nobody waits for
 * Through a channel that is idle, of this CPU or any other; finished by the ZT, as what a
 * killed application leaves.
 * @flags: ZUF_OPF_NESTED
 * Context: never waits, allocates nothing.
 * Return: 0: @post->done() will be called, may have been; else it will not: -EAGAIN (no
 * channel is idle), -E2BIG, -EIO (no such server any more).
 */
int zuf_chan_post(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_post *post);
/* The CPU whose next message those of this one go with: a hint, it may have lost its channels. */
struct zuf_cpu *zuf_chan_home(struct zuf_peer *peer);
/* A channel of this CPU is idle again: one of those who wait for it; @reserved: a nested one. */
void zuf_claim_wake(struct zuf_cpu *zc, bool reserved);
/* End the claim, whatever became of the channel. */
void zuf_chan_release(struct zuf_claim *claim);

/* It serves all, not only nested operations; a hint. */
static inline bool zuf_chan_is_normal(const struct zuf_chan *ch)
{
	return ch->no < READ_ONCE(ch->zc->normal_end);
}

/* Has a killed application left a message for a thread like that of @ch? */
static inline bool zuf_chan_is_wanted(const struct zuf_chan *ch)
{
	return unlikely(READ_ONCE(ch->peer->parks_ready)) && zuf_chan_is_normal(ch);
}

/* Add to the flags, or take from them, of what was handed over; owner as of @cmd. */
static inline void zuf_chan_set_flags(struct zuf_chan *ch, u16 set, u16 clear)
{
	u16 flags = (ch->sent_flags | set) & ~clear;

	/* the ZT may be looking */
	WRITE_ONCE(ch->sent_flags, flags);
	shm_store(&ch->cmd->flags, flags);
}

/*
 * The server gets the message in the command buffer again, with @err. Its puts have been
 * executed; a signal may have brought the flag back that the ZT had taken away.
 */
static inline void zuf_chan_again(struct zuf_chan *ch, int err)
{
	zuf_chan_set_flags(ch, 0, ZUFS_H_HAS_PIGY_PUT);
	shm_store(&ch->cmd->err, err);
}

/* A message, its header first, into the command buffer, which is large enough. */
static inline void zuf_chan_put_msg(struct zuf_chan *ch, const void *msg)
{
	const struct zufs_ioc_hdr *hdr = msg;

	ch->sent_op = hdr->operation;
	ch->sent_flags = hdr->flags;
	shm_put(ch->cmd, msg, hdr->in_len);
}

/**
 * zuf_chan_wait() - the server's side: answer, then wait for a message
 * Return: 0 (message or BREAK in the command buffer), -ERESTARTSYS (a signal; BREAK),
 * -EINTR (being killed), -E2BIG (dead).
 */
int zuf_chan_wait(struct zuf_chan *ch);
void zuf_chan_break(struct zuf_chan *ch);

/* Call @fn for each channel of the server @gen; @fn may sleep. */
void zuf_chan_for_each(struct zuf_peer *peer, u32 gen, void (*fn)(struct zuf_chan *ch));
/* Every channel gets a BREAK. */
void zuf_chan_break_all(struct zuf_peer *peer);

#endif
