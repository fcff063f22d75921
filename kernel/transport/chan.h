/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chan.h - a channel: one ZT of the server on one CPU, and the hand-off to it
 *
 *	application                            ZT (in ZU_IOC_WAIT_OPT)
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

/* A comment per state: who owns the channel. */
enum zuf_chan_state {
	ZUF_CH_AWAY,		/* server: it has not offered the channel (again), or is about to
				 * look after messages of killed applications (park.c) */
	ZUF_CH_IDLE,		/* nobody: the server sleeps, the channel may be claimed */
	ZUF_CH_CLAIMED,		/* application: command buffer and copy pages too */
	ZUF_CH_RUNNING,		/* server: an application waits for the answer */
	ZUF_CH_ANSWERED,	/* application, again */
	ZUF_CH_ORPHAN,		/* server: the application was killed; pages are the channel's */
	ZUF_CH_FINISH,		/* the ZT: it gives back what an ORPHAN held */
	ZUF_CH_DEAD,		/* the server's file or process is gone; final */
};

/*
 * struct zuf_chan - a channel
 * Its owner follows from the state. The special file holds one reference, an application that has
 * claimed the channel holds another one; slots in struct zuf_cpu are RCU pointers.
 */
struct zuf_chan {
	/* fields that every operation touches */
	enum zuf_chan_state state;	/* changed by cmpxchg or xchg only */
	bool brk;			/* deliver a BREAK when idle */
	bool stays;			/* counted in zc->stays; cleared by xchg */
	u16 sent_op;			/* operation that is handed over; owner as of @cmd */
	u16 sent_flags;			/* ZUFS_H_* of that operation; owner as of @cmd */
	refcount_t refs;
	u32 gen;			/* of the server that made the channel */
	struct task_struct *server;	/* the ZT, referenced; set at its first wait */
	struct task_struct *app;	/* the application; valid in RUNNING, ANSWERED; RCU */
	struct zufs_ioc_hdr __shm *cmd;	/* command buffer */
	void __shm *bounce;		/* copy pages, the last of the window */
	void __shm *bounce_big;		/* those before; application's; NULL until used */
	size_t cmd_size;
	struct zuf_cpu *zc;

	bool has_list;			/* the channel is kept while a list runs; a hint */
	unsigned long stays_at;		/* jiffies: when the message began (stays.c); a hint */
	struct zuf_carried carried;	/* puts behind the message; owner as of @cmd */

	/* for the peer's owner (zuf_peer_ops); all are 0 when a message is posted */
	struct zuf_stage *stage;	/* list of the answer; taken by xchg only (retry.c) */
	struct zuf_list *orphan_list;	/* ORPHAN: the ZT waits for this list first; or NULL */
	u8 refusals;			/* ORPHAN: lists that were refused */
	bool undo;			/* ORPHAN: the inode that the message makes is removed */
	u64 undo_ii;			/* ORPHAN: cookie of that inode, while its name is removed;
					 * or 0 */
	struct zuf_undo *left_undo;	/* ORPHAN: the steps that follow; referenced, or NULL */

	/* what the window shows of the application; application's, ORPHAN: server's */
	struct zuf_win_seg bounce_used[2]; /* its data in the copy pages */
	u64 left_of;			/* zuf_win.owner of the data that may be left there */
	size_t left_big, left_small;	/* bytes of that data: at the end of the big, at the start
					 * of the small copy pages */
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
	struct vfsmount *mnt;		/* of the root: its inodes stay as long as the channel */
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
 * By this call the calling process claims to be the server (zuf_peer_claim()).
 * Return: the channel or ERR_PTR(-ERANGE: no such slot, -EINVAL: the slot is taken,
 * -ENOMEM, or an error of zuf_peer_claim()).
 */
struct zuf_chan *zuf_chan_create(struct zuf_peer *peer, unsigned int cpu,
				 unsigned int no, size_t cmd_size,
				 struct file *file);
/*
 * The server is gone: take the channel out of its slot, the waiting application gets -EIO.
 * Idempotent.
 */
void zuf_chan_die(struct zuf_chan *ch);
void zuf_chan_put(struct zuf_chan *ch);

/*
 * struct zuf_claim - a claimed channel
 * @op: the operation that uses it
 * @ep: endpoint of the mount; set by zuf_call()
 * @unkillable: a fatal signal does not end the wait for the answer
 * @start: when the operation began, zuf_stats_start()
 * @pin_left: jiffies for which sleeps may still keep the task on the CPU
 * @lost: the channel belongs to the server (ORPHAN), and its buffers must not be touched; or @ch
 *	is NULL: the channel was given back
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
 * Context: sleeps killably when no channel is idle.
 * Return: 0 (the channel is one of the server @gen), -EIO (that server is gone), -EINTR,
 * -EAGAIN (NOWAIT).
 */
int zuf_chan_claim(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_claim *claim);
/**
 * zuf_chan_call() - hand over what is in the command buffer, wait for the answer
 * Context: the channel is CLAIMED or ANSWERED and belongs to the caller.
 * Return: 0 (ANSWERED), -EIO (DEAD), -EINTR (a fatal signal, unless the claim is unkillable: the
 * channel is ORPHAN, and the window's pages belong to it now). Except with -EINTR, what the
 * message carried is done with.
 */
int zuf_chan_call(struct zuf_claim *claim);
/**
 * zuf_chan_abandon() - leave an answered operation to the server's thread
 * The thread finds the channel ORPHAN, as if its message had just been delivered.
 * Return: true; false: the channel is DEAD, nothing has changed.
 */
bool zuf_chan_abandon(struct zuf_claim *claim);
/*
 * Claim an idle channel of any CPU without waiting. Return: NULL: no channel is idle. The caller
 * must check the channel's gen.
 */
struct zuf_chan *zuf_chan_try(struct zuf_peer *peer, bool nested);

/**
 * zuf_chan_post() - hand over a message that nobody waits for
 * It goes through an idle channel of this CPU or any other one, and is finished by the ZT, like
 * the message of a killed application.
 * @flags: ZUF_OPF_NESTED
 * Context: never waits, allocates nothing.
 * Return: 0: @post->done() will be called, or has been. Otherwise it will not be called: -EAGAIN
 * (no channel is idle), -E2BIG, -EIO (that server is gone).
 */
int zuf_chan_post(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_post *post);
/*
 * The CPU whose next message carries the puts of this one. A hint: it may have lost its channels.
 */
struct zuf_cpu *zuf_chan_home(struct zuf_peer *peer);
/* A channel of @zc is idle again: wake one waiter. @reserved: wake only a nested one. */
void zuf_claim_wake(struct zuf_cpu *zc, bool reserved);
/* End the claim, whatever became of the channel. */
void zuf_chan_release(struct zuf_claim *claim);

/* Does the channel serve all operations, not only nested ones? A hint. */
static inline bool zuf_chan_is_normal(const struct zuf_chan *ch)
{
	return ch->no < READ_ONCE(ch->zc->normal_end);
}

/* Is a message of a killed application waiting for a thread like that of @ch? */
static inline bool zuf_chan_is_wanted(const struct zuf_chan *ch)
{
	return unlikely(READ_ONCE(ch->peer->parks_ready)) && zuf_chan_is_normal(ch);
}

/* Set and clear flags of the message that was handed over; the owner of @cmd may do so. */
static inline void zuf_chan_set_flags(struct zuf_chan *ch, u16 set, u16 clear)
{
	u16 flags = (ch->sent_flags | set) & ~clear;

	/* the ZT may be reading it */
	WRITE_ONCE(ch->sent_flags, flags);
	shm_store(&ch->cmd->flags, flags);
}

/*
 * Prepare the message in the command buffer to be sent to the server again, with @err. Its puts
 * have been executed; a signal may have set the flag again that the ZT had cleared.
 */
static inline void zuf_chan_again(struct zuf_chan *ch, int err)
{
	zuf_chan_set_flags(ch, 0, ZUFS_H_HAS_PIGY_PUT);
	shm_store(&ch->cmd->err, err);
}

/* Copy a message, its header first, into the command buffer, which must be large enough. */
static inline void zuf_chan_put_msg(struct zuf_chan *ch, const void *msg)
{
	const struct zufs_ioc_hdr *hdr = msg;

	ch->sent_op = hdr->operation;
	ch->sent_flags = hdr->flags;
	shm_put(ch->cmd, msg, hdr->in_len);
}

/**
 * zuf_chan_wait() - the server's side: answer, then wait for a message
 * Return: 0 (a message or BREAK is in the command buffer), -ERESTARTSYS (a signal; BREAK),
 * -EINTR (the server is being killed), -E2BIG (the channel is dead).
 */
int zuf_chan_wait(struct zuf_chan *ch);
void zuf_chan_break(struct zuf_chan *ch);

/* Call @fn for each channel of the server @gen; @fn may sleep. */
void zuf_chan_for_each(struct zuf_peer *peer, u32 gen, void (*fn)(struct zuf_chan *ch));
/* Send every channel a BREAK. */
void zuf_chan_break_all(struct zuf_peer *peer);

#endif
