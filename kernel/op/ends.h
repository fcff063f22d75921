/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ends.h - what is still to be said to a server of inodes that the kernel has evicted, and
 * of messages whose application was killed: by events and one worker of the root
 *
 *	evict.c       all went along, or was sent: nothing is left
 *	else          zuf_end_queue: the item lies in the inode, whose memory stays
 *	worker        what is left of it executed -> SYNC -> no frame is pinned -> SETATTR
 *	              -> EVICT or FREE
 *	              one message of a mount at a time is with the server (zuf_chan_post)
 *
 * Neither the worker nor who queues waits for a server, a pin or memory. An item stands on
 * its own (struct zuf_sbid): it may outlive the super-block.
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

/* Lists of inode numbers per mount: who looks for one has the root's lock. */
#define ZUF_ENDS_HASH_BITS	10

/*
 * struct zuf_end - the end of an inode, in struct zuf_inode
 * The lists are under root->ends.lock; the rest is the evict's, then that of the worker.
 */
struct zuf_end {
	struct list_head link;		/* todo, parked or pinned of the mount; or its message is
					 * with the server */
	struct hlist_node by_ino;	/* while anything is to be done */
	struct list_head sync_link;	/* in ends->syncs until SYNC is executed */
	struct zuf_sbid *sbid;		/* referenced */
	struct zuf_post post;		/* its message, while it is with the server */
	u64 sync_seq;			/* with @sync_link */
	u64 sync_offset, sync_length;	/* bytes; no length: nothing to be synced */
	u32 attr;			/* STATX_* that a killed application left; 0: none */
	atomic_t owners;		/* the VFS, the queue: the last one gives the tag back */
	u16 operation;			/* EVICT_INODE or FREE_INODE; without @zi */
	struct zus_inode __shm *zi;	/* a message that was left may change its links, which
					 * decide when it is done; or NULL. Written under the
					 * lock once it is queued */
	u32 ticket;			/* of zuf_held_ticket(), with @has_ticket */
	bool has_ticket;
	bool parked;			/* on that list; the lock */
	u8 gen;				/* in which it is counted as active */
	u8 sent;			/* ZUF_END_*: what is with the server */
	u8 held;			/* ZUF_END_HELD ...: FREE, frames are held (pins.h) */
	bool no_flush;			/* its puts go with no message: it does not wait for them */
};

enum {
	ZUF_END_NONE,
	ZUF_END_SYNC,
	ZUF_END_ATTR,
	ZUF_END_LAST,
};

/* In zuf_end.held, under the lock as soon as pins.c knows of it. */
enum {
	ZUF_END_IDLE,
	ZUF_END_HELD,
	ZUF_END_WAITS,		/* in ends->pinned */
};

/* A message of somebody who was killed before a channel was idle. */
struct zuf_left_msg {
	struct list_head link;
	struct zuf_sbid *sbid;		/* referenced */
	struct zuf_post post;
	const struct zuf_put_tag *after; /* of @held: what is left of this inode goes before */
	u32 ticket;			/* of zuf_held_ticket(): a put waits for that */
	u8 gen;				/* in which it is counted */
	struct zuf_carried held;	/* inodes that wait for the message */
	struct zufs_ioc_hdr msg[];	/* in_len bytes */
};

/* Of a mount, in struct zuf_sbid. */
struct zuf_ends {
	struct list_head link;		/* in root->ends.mounts */
	struct list_head left;		/* struct zuf_left_msg */
	struct list_head todo;		/* struct zuf_end that can go on */
	struct list_head parked;	/* what changes something and waits for the thaw */
	struct list_head pinned;	/* FREE that waits for zuf_end_unpinned() */
	struct list_head syncs;		/* whose SYNC is not executed, for sync(2) */
	struct hlist_head by_ino[1 << ZUF_ENDS_HASH_BITS];
	bool posted;			/* a message is with the server: its end goes on */
	struct zuf_post flush;		/* NOOP for puts that wait */
	struct zuf_end *flush_for;	/* whose */
	u32 flush_taken;		/* zuf_puts.taken before it */
	atomic_t nr;			/* items that are not done */
	/*
	 * Two generations, so that who waits for what has begun ends while others go on: they
	 * are counted in the one for which he does not wait.
	 */
	unsigned int gen;		/* that of new ones; the lock */
	atomic_t nr_active[2];		/* items, neither parked nor pinned */
	atomic_t nr_left[2];		/* messages of killed applications that are not done */
	atomic_t nr_frees;		/* ends that change something, about to be sent or to go
					 * along */
	atomic_t nr_untold;		/* frames that the server has to hear of (held.h) */
	u32 rounds, rounds_told;	/* of telling: begun, ended */
	bool telling;			/* of them or others, a message may be under way */
	bool frozen;			/* no such end may be, nor T1_IDLE */
	int sync_err;			/* the first of a SYNC, for sync(2) */
	wait_queue_head_t wait;		/* for any of these */
};

/* Of a root. */
struct zuf_root_ends {
	spinlock_t lock;
	struct list_head mounts;	/* struct zuf_ends, in turn */
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
/* No mount is left. */
void zuf_ends_root_fini(struct zuf_root *root);
void zuf_ends_init(struct zuf_sbid *sbid);
/* No item and no message refers to it. */
void zuf_ends_fini(struct zuf_sbid *sbid);
/* Something may go on: the worker looks. */
void zuf_ends_kick(struct zuf_root *root);
/* It looks after so many jiffies, or when it is kicked before. */
void zuf_ends_look_in(struct zuf_root_ends *re, unsigned long delay);
/* And who waits for one of the counts. */
void zuf_ends_wake(struct zuf_sbid *sbid);

/* ---- an inode ---- */

/**
 * zuf_end_queue() - leave the rest to the worker
 * Context: any that may sleep, reclaim and exit too; waits for nothing, allocates nothing.
 */
void zuf_end_queue(struct zuf_sb *zsb, struct inode *inode);
void zuf_end_init(struct zuf_end *end);
/* Memory of the inode: the VFS has done with it. */
void zuf_end_vfs_done(struct inode *inode);
/**
 * zuf_forget_inode() - iput() where its evict must not happen: a channel may be held
 * Context: the file system is mounted until the call returns.
 */
void zuf_forget_inode(struct inode *inode);
/* Nobody holds frames of it any more, or the mount ends: it may go on. */
void zuf_end_unpinned(struct zuf_sbid *sbid, struct zuf_end *end);
/* The server knows all, or is gone; the item is on no list but by_ino and syncs. */
void zuf_end_done(struct zuf_end *end);

/* Run @work in a worker where a mount may end. */
void zuf_ends_run(struct work_struct *work);

/**
 * zuf_end_sync_start() - from here on sync(2) waits for this item; dirty_lock of the mount
 * zuf_end_sync_done() - SYNC is executed, or void
 */
void zuf_end_sync_start(struct zuf_sb *zsb, struct zuf_end *end, u64 seq);
void zuf_end_sync_done(struct zuf_sbid *sbid, struct zuf_end *end, int err);
/* Is there one of before @seq? */
bool zuf_ends_sync_due(struct zuf_sbid *sbid, u64 seq);

/**
 * zuf_end_wait_ino() - an inode with this number will be made: wait for what is left of the last
 * Return: 0; -EINTR: killed; -ESTALE: it is not even freed.
 */
int zuf_end_wait_ino(struct zuf_sbid *sbid, u64 ino);
/**
 * zuf_end_inherit() - what a killed application left of the last inode of this number, and
 * waits for the thaw, is the next one's to tell: nobody who looks for it waits so long
 * Return: STATX_*, most often 0.
 */
u32 zuf_end_inherit(struct zuf_sbid *sbid, u64 ino);
/*
 * Would zuf_end_wait_ino() wait, or fail? The caller has an inode of this number that is new in
 * the cache.
 */
bool zuf_end_has_ino(struct zuf_sbid *sbid, u64 ino);

/* ---- the gate of what changes the file system: FREE_INODE, a SETATTR that was left ---- */

/* Does it have to pass? */
static inline bool zuf_end_changes(const struct zuf_end *end)
{
	return end->attr || end->operation == ZUFS_OP_FREE_INODE;
}

/* True: it may be sent, zuf_ends_free_end() follows; false: not before the thaw. */
bool zuf_ends_free_begin(struct zuf_sbid *sbid);
void zuf_ends_free_end(struct zuf_sbid *sbid);
/**
 * zuf_ends_freeze() - nothing passes from here on, and nothing that has is under way
 * Also what killed applications have left is done.
 * Context: s_umount exclusive.
 * Return: 0 or -EINTR: nothing has changed.
 */
int zuf_ends_freeze(struct zuf_sb *zsb);
/**
 * zuf_ends_wait_quiet() - all that has begun before the call is done, parked or pinned
 * While frozen: also the puts of inodes that were evicted since. -EINTR: killed.
 * Context: s_umount exclusive.
 */
int zuf_ends_wait_quiet(struct zuf_sb *zsb);
/**
 * zuf_ends_wait_some() - what the worker has to send, and what was left to the server, is done
 * For who does not depend on it: others may go on adding. At most @timeout jiffies, killably.
 * Return: there was something.
 */
bool zuf_ends_wait_some(struct zuf_sbid *sbid, long timeout);
/* Does anything that is to be freed wait for zuf_end_unpinned()? */
bool zuf_ends_has_pinned(struct zuf_sbid *sbid);
/* Frozen: is anything to be freed, or told, after the thaw? */
bool zuf_ends_hold_back(struct zuf_sbid *sbid);
void zuf_ends_thaw(struct zuf_sbid *sbid);

/* ---- messages ---- */

/**
 * zuf_ends_add_left() - the worker sends it; @left is freed (kvfree) when it is done
 * @of: the message that it belongs to, which is not done yet; or NULL
 */
void zuf_ends_add_left(struct zuf_left_msg *left, const struct zuf_carried *of);
/* A killed application has left a message to the server; and that is done with. */
void zuf_ends_left_start(struct zuf_sbid *sbid, struct zuf_carried *carried);
void zuf_ends_left_done(struct zuf_endpoint *ep, unsigned int gen);

static inline unsigned int zuf_ends_nr_left(const struct zuf_ends *ends)
{
	return atomic_read(&ends->nr_left[0]) + atomic_read(&ends->nr_left[1]);
}

/* Is all of that done, but for what is under way by itself? No FREE is held back by pins. */
bool zuf_ends_are_done(const struct zuf_sbid *sbid);

#endif
