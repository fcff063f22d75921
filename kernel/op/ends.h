/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ends.h - messages that the worker of a root sends while nobody waits for them: the last ones
 * about inodes that the kernel has evicted, and those of applications that were killed
 *
 *	evict.c       if everything rode along with other messages or was sent, no item is needed
 *	otherwise     zuf_end_queue(): the item lies in the inode, whose memory stays
 *	worker        the puts of the inode are executed -> SYNC -> no frame is pinned -> SETATTR
 *	              -> EVICT or FREE
 *	              the server has one message of a mount at a time (zuf_chan_post)
 *
 * Neither the worker nor a task that queues an item waits for a server, a pin or memory. An item
 * refers to a struct zuf_sbid, not to the super-block, so it may outlive the super-block.
 */
#ifndef ZUF_ENDS_H
#define ZUF_ENDS_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "shm.h"
#include "tag.h"

struct inode;
struct zuf_endpoint;
struct zuf_root;
struct zuf_sb;
struct zuf_sbid;

/* Hash lists of items by inode number, one table per mount; a search holds root->ends.lock. */
#define ZUF_ENDS_HASH_BITS	10

/*
 * struct zuf_end - what is still to be said to the server about an evicted inode; the item lies
 * in struct zuf_inode
 * The lists are protected by root->ends.lock. The other fields belong to the evicting task, and
 * from zuf_end_queue() on to the worker.
 */
struct zuf_end {
	struct list_head link;		/* in todo, parked or pinned of the mount; in no list
					 * while the item's message is with the server */
	struct hlist_node by_ino;	/* in ends->by_ino while anything is to be done */
	struct list_head sync_link;	/* in ends->syncs until SYNC is executed */
	struct zuf_sbid *sbid;		/* referenced */
	struct zuf_post post;		/* the item's message, while it is with the server */
	u64 sync_seq;			/* zuf_sb.dirty_seq of the item, with @sync_link */
	u64 sync_offset, sync_length;	/* bytes; length 0: nothing is to be synced */
	u32 attr;			/* STATX_* that a killed application left; 0: none */
	atomic_t owners;		/* the VFS and the queue: the last one puts the tag */
	u16 operation;			/* EVICT_INODE or FREE_INODE; valid once @zi is NULL */
	struct zus_inode __shm *zi;	/* a left message may change the inode's links, and these
					 * decide between EVICT and FREE when it is done; else
					 * NULL. Written under the lock once the item is queued */
	u32 ticket;			/* of zuf_held_ticket(), with @has_ticket */
	bool has_ticket;
	bool parked;			/* the item is in ends->parked; under the lock */
	u8 gen;				/* the generation in which the item is counted as active */
	u8 sent;			/* ZUF_END_*: which message is with the server */
	u8 held;			/* ZUF_END_HELD ...: FREE, frames are held (pins.h) */
	bool no_flush;			/* no message can carry the item's puts: do not wait */
};

enum {
	ZUF_END_NONE,
	ZUF_END_SYNC,
	ZUF_END_ATTR,
	ZUF_END_LAST,
};

/* Values of zuf_end.held, which is under the lock from the moment that pins.c knows the item. */
enum {
	ZUF_END_IDLE,
	ZUF_END_HELD,
	ZUF_END_WAITS,		/* in ends->pinned */
};

/* A message whose application was killed before a channel was idle. */
struct zuf_left_msg {
	struct list_head link;
	struct zuf_sbid *sbid;		/* referenced */
	struct zuf_post post;
	/* tag of an inode in @held: what is left of it goes before this message */
	const struct zuf_put_tag *after;
	u32 ticket;			/* zuf_held_ticket(); a PUT_MULTY waits for it */
	u8 gen;				/* the generation in which the message is counted */
	struct zuf_carried held;	/* inodes that wait for the message */
	struct zufs_ioc_hdr msg[];	/* the message, in_len bytes */
};

/* The ends of one mount, in struct zuf_sbid. */
struct zuf_ends {
	struct list_head link;		/* in root->ends.mounts */
	struct list_head left;		/* struct zuf_left_msg */
	struct list_head todo;		/* struct zuf_end that can go on */
	struct list_head parked;	/* items that change something and wait for the thaw */
	struct list_head pinned;	/* FREE items that wait for zuf_end_unpinned() */
	struct list_head syncs;		/* items whose SYNC is not executed yet, for sync(2) */
	struct hlist_head by_ino[1 << ZUF_ENDS_HASH_BITS];
	bool posted;			/* a message is with the server: its end kicks the worker */
	struct zuf_post flush;		/* a NOOP that takes waiting puts along */
	struct zuf_end *flush_for;	/* the item whose puts @flush takes */
	u32 flush_taken;		/* zuf_puts.taken before @flush was sent */
	atomic_t nr;			/* items that are not done */
	/*
	 * There are two generations, so that a task that waits for everything that has begun
	 * comes to an end while others go on: what begins later is counted in the generation for
	 * which the task does not wait.
	 */
	unsigned int gen;		/* generation of new items; under the lock */
	atomic_t nr_active[2];		/* items that are neither parked nor pinned */
	atomic_t nr_left[2];		/* messages of killed applications that are not done */
	atomic_t nr_frees;		/* changes that are past the gate: about to be sent, to
					 * ride along, or with the server */
	atomic_t nr_untold;		/* frames that the server must still hear of (held.h) */
	u32 rounds, rounds_told;	/* rounds of telling: how many have begun, have ended */
	bool telling;			/* a T1_BUSY or T1_IDLE may be under way */
	bool frozen;			/* nothing that changes may be sent, nor T1_IDLE */
	int sync_err;			/* the first error of a SYNC, for sync(2) */
	wait_queue_head_t wait;		/* woken when any of these changes */
};

/* The ends of a root. */
struct zuf_root_ends {
	spinlock_t lock;
	struct list_head mounts;	/* struct zuf_ends; the worker serves them in turn */
	struct delayed_work work;
	struct list_head iputs;		/* struct zuf_end of inodes: zuf_forget_inode() */
	struct work_struct iput_work;
	struct list_head umounts;	/* struct zuf_umount that may be sent (umount.c) */
	struct work_struct umount_work;
};

int zuf_ends_module_init(void);
void zuf_ends_module_fini(void);
/* The worker (endwork.c). */
void zuf_ends_work(struct work_struct *work);
void zuf_ends_root_init(struct zuf_root *root);
/* Context: no mount of the root is left. */
void zuf_ends_root_fini(struct zuf_root *root);
void zuf_ends_init(struct zuf_sbid *sbid);
/* Context: no item and no message refers to the mount. */
void zuf_ends_fini(struct zuf_sbid *sbid);
/* Something may be able to go on: run the worker now. */
void zuf_ends_kick(struct zuf_root *root);
/* Run the worker after @delay jiffies, or earlier if it is kicked before. */
void zuf_ends_look_in(struct zuf_root_ends *re, unsigned long delay);
/* Wake the tasks that wait for one of the counts of the mount. */
void zuf_ends_wake(struct zuf_sbid *sbid);

/* ---- an inode ---- */

/**
 * zuf_end_queue() - leave what is still to be said about @inode to the worker
 * Context: any that may sleep, including reclaim and exit; waits for nothing, allocates nothing.
 */
void zuf_end_queue(struct zuf_sb *zsb, struct inode *inode);
void zuf_end_init(struct zuf_end *end);
/* The VFS has done with the inode; its memory goes with the last owner of its item. */
void zuf_end_vfs_done(struct inode *inode);
/**
 * zuf_forget_inode() - iput() for a caller that must not evict, as it may hold a channel
 * Context: the file system stays mounted until the call returns.
 */
void zuf_forget_inode(struct inode *inode);
/* Nobody holds frames of the inode any more, or the mount ends: the item may go on. */
void zuf_end_unpinned(struct zuf_sbid *sbid, struct zuf_end *end);
/* The server knows everything, or is gone; the item is in no list but by_ino and syncs. */
void zuf_end_done(struct zuf_end *end);

/* Run @work in a worker in which a mount may end. */
void zuf_ends_run(struct work_struct *work);

/**
 * zuf_end_sync_start() - from here on sync(2) waits for this item
 * Context: zsb->dirty_lock is held.
 *
 * zuf_end_sync_done() - the SYNC of the item is executed, or will not be
 */
void zuf_end_sync_start(struct zuf_sb *zsb, struct zuf_end *end, u64 seq);
void zuf_end_sync_done(struct zuf_sbid *sbid, struct zuf_end *end, int err);
/* Is there an item in syncs whose sequence number is below @seq? */
bool zuf_ends_sync_due(struct zuf_sbid *sbid, u64 seq);

/**
 * zuf_end_wait_ino() - wait for what is left of the last inode of this number, before a new inode
 * with the number is made
 * Return: 0; -EINTR: the task was killed; -ESTALE: FREE_INODE of the last inode is not sent yet.
 */
int zuf_end_wait_ino(struct zuf_sbid *sbid, u64 ino);
/**
 * zuf_end_inherit() - take over the attributes that a killed application left of the last inode
 * of this number: while its item waits for the thaw, the new inode sends them instead, so that
 * a lookup does not wait for the thaw
 * Return: STATX_*, most often 0.
 */
u32 zuf_end_inherit(struct zuf_sbid *sbid, u64 ino);
/*
 * Would zuf_end_wait_ino() wait, or fail? The caller has an inode of this number that is new in
 * the inode cache.
 */
bool zuf_end_has_ino(struct zuf_sbid *sbid, u64 ino);

/* ---- the gate of what changes the file system: FREE_INODE, a SETATTR that was left ---- */

/* Does the item change the file system, so that it must pass the gate? */
static inline bool zuf_end_changes(const struct zuf_end *end)
{
	return end->attr || end->operation == ZUFS_OP_FREE_INODE;
}

/*
 * Return: true: the message may be sent, and zuf_ends_free_end() must follow; false: it must not
 * be sent before the thaw.
 */
bool zuf_ends_free_begin(struct zuf_sbid *sbid);
void zuf_ends_free_end(struct zuf_sbid *sbid);
/**
 * zuf_ends_freeze() - close the gate and wait until nothing that has passed it is under way
 * What killed applications have left is done then as well.
 * Context: s_umount exclusive.
 * Return: 0, or -EINTR: the gate is open as before.
 */
int zuf_ends_freeze(struct zuf_sb *zsb);
/**
 * zuf_ends_wait_quiet() - wait until all that began before the call is done, parked or pinned
 * While the mount is frozen this includes the puts of inodes that were evicted since the freeze.
 * Context: s_umount exclusive.
 * Return: 0, or -EINTR: the task was killed.
 */
int zuf_ends_wait_quiet(struct zuf_sb *zsb);
/**
 * zuf_ends_wait_some() - wait until what the worker has to send, and what was left to the server,
 * is done
 * For a caller that does not depend on it, as others may go on adding. The wait takes at most
 * @timeout jiffies and is killable.
 * Return: true if there was something to wait for.
 */
bool zuf_ends_wait_some(struct zuf_sbid *sbid, long timeout);
/* Does an inode that is to be freed wait for zuf_end_unpinned()? */
bool zuf_ends_has_pinned(struct zuf_sbid *sbid);
/* While frozen: is anything to be freed, or to be told to the server, after the thaw? */
bool zuf_ends_hold_back(struct zuf_sbid *sbid);
void zuf_ends_thaw(struct zuf_sbid *sbid);

/* ---- messages ---- */

/**
 * zuf_ends_add_left() - have the worker send @left, and free it (kvfree) when it is done
 * @of: the message that @left belongs to, which is not done yet; or NULL
 */
void zuf_ends_add_left(struct zuf_left_msg *left, const struct zuf_carried *of);
/*
 * A killed application has left a message to the server (start); that message is done with
 * (done).
 */
void zuf_ends_left_start(struct zuf_sbid *sbid, struct zuf_carried *carried);
void zuf_ends_left_done(struct zuf_endpoint *ep, unsigned int gen);

static inline unsigned int zuf_ends_nr_left(const struct zuf_ends *ends)
{
	return atomic_read(&ends->nr_left[0]) + atomic_read(&ends->nr_left[1]);
}

/*
 * Are all items and messages of the mount done, and has the server heard of all frames? An item
 * that waits for pins is not done. Messages that ride along are not looked at: zuf_evicts_wait().
 */
bool zuf_ends_are_done(const struct zuf_sbid *sbid);

#endif
