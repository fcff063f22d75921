/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * puts.h - messages without an answer that ride along with the next one of a CPU: puts
 * (PUT_MULTY), and where the server takes them there EVICT_INODE and FREE_INODE (evict.h)
 *
 *	nio.c      zuf_puts_queue     the put waits in the buffer of the CPU
 *	dispatch   zuf_puts_attach    goes behind the next message there
 *	dispatch   zuf_puts_done      the server has executed it
 *	inode      zuf_puts_goose     all puts of an inode, now
 *
 * Puts go with messages of their own mount only: what hangs in the plugin of one file system
 * holds nothing of another one. A put waits at most ZUF_PUTS_DEADLINE_MS. Each pending one is
 * counted in the tag of its inode (evict.h: of its mount), whose memory it keeps.
 */
#ifndef ZUF_PUTS_H
#define ZUF_PUTS_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "zuf/zus_api.h"

struct zuf_chan;
struct zuf_cpu;
struct zuf_post;
struct zuf_root;
struct zuf_sb;
struct zuf_sbid;

/* What the original ABI lets wait: so many puts, so many bytes of them. */
#define ZUF_PUTS_MAX		6
#define ZUF_PUTS_BYTES		25248
/* Of all kinds, where the server takes others. */
#define ZUF_PUTS_ALL_MAX	32
#define ZUF_PUTS_DEADLINE_MS	10
/* A larger one goes at once: it is not worth the copy. Two MiB of blocks may wait. */
#define ZUF_PUTS_MSG_MAX	zufs_io_size(512)

/* How the caller held the inode lock of a message that it left to the server. */
enum zuf_left {
	ZUF_LEFT_EXCLUSIVE,
	ZUF_LEFT_SHARED,
	ZUF_LEFT_NAMES,		/* of a change of names: keeps out other ones of this inode */
	ZUF_LEFT_KINDS,
	ZUF_LEFT_NO_LOCK = ZUF_LEFT_KINDS,
};

/*
 * Lies in what it counts for. Written by every I/O of its inode: on a cache line of its own.
 */
struct zuf_put_tag {
	atomic_t uses;		/* one of the owner, one of each put and left message that the
				 * server has not done yet */
	atomic_t left[ZUF_LEFT_KINDS]; /* of them, left messages by their lock */
	int last_cpu;		/* whose buffer got the last one: a hint */
	const struct zuf_sbid *sbid; /* its mount; only compared */
	bool note_idle;		/* keep @idle_at */
	unsigned long idle_at;	/* jiffies when the last one was done */
	void (*release)(struct zuf_put_tag *tag); /* nobody uses it any more */
} ____cacheline_aligned_in_smp;

/*
 * A message that nobody waits for in place; zuf_chan_post(). It belongs to the channel until
 * @done, which is called once, in process context, by the ZT or by whom it dies with.
 * @hdr: whole message, in_len bytes, copied
 * @tag: counts it until then; or NULL
 * @puts: whose waiting puts go along; NULL: the channel's CPU
 * @sbid: the mount, whose puts they are; NULL: none
 * @done: @err: what the server has answered, unchecked; -ENOTCONN: the channel is gone
 */
struct zuf_post {
	const struct zufs_ioc_hdr *hdr;
	struct zuf_put_tag *tag;
	struct zuf_puts *puts;
	const struct zuf_sbid *sbid;
	void (*done)(struct zuf_post *post, int err);
	bool given;		/* of a zuf_op: @done is or will be called */
};

/* The puts of one CPU; @lock, which is taken by its operations and by goosers. */
struct zuf_puts {
	spinlock_t lock;
	struct zuf_root *root;
	u8 *buf;		/* ZUF_PUTS_BYTES; NULL until a channel comes */
	u32 used;		/* bytes of it */
	u32 nr;
	u32 taken;		/* so many have gone, ever */
	u16 len[ZUF_PUTS_ALL_MAX];
	struct zuf_put_tag *tag[ZUF_PUTS_ALL_MAX];
	unsigned long oldest;	/* jiffies of the first */
	bool armed;		/* the work will look at them */
	struct delayed_work work;
	struct list_head noops;	/* of the work, at the server: one a mount (puts.c) */
};

/* Inodes whose cookies one message can have. */
#define ZUF_OP_INODES		5

/*
 * What ends with a message: the puts that travel with it and, when its application was
 * killed, its hold on the inodes that it names. Owner as of the command buffer.
 */
struct zuf_carried {
	/* every operation looks at these */
	u32 nr;
	s32 err;			/* what @post hears */
	u8 gen;				/* in which @sbid counts it (ends.h) */
	struct zuf_sbid *sbid;		/* a killed application's mount counts it; or NULL */
	struct zuf_post *post;		/* nobody waits for it in place (chan.h); or NULL */

	u8 left[ZUF_PUTS_ALL_MAX + ZUF_OP_INODES];	/* enum zuf_left; a put: NO_LOCK */
	struct zuf_put_tag *tag[ZUF_PUTS_ALL_MAX + ZUF_OP_INODES];
};

int zuf_puts_module_init(void);
void zuf_puts_module_fini(void);

void zuf_puts_init(struct zuf_puts *puts, struct zuf_root *root);
/* No channel and no mount is left: nothing is pending. */
void zuf_puts_fini(struct zuf_puts *puts);
/* A channel comes: puts may wait there. No memory: they go alone. */
void zuf_puts_make_buffer(struct zuf_puts *puts);

void zuf_put_tag_init(struct zuf_put_tag *tag, const struct zuf_sbid *sbid,
		      void (*release)(struct zuf_put_tag *tag));
/* The owner has done with it. */
void zuf_put_tag_put(struct zuf_put_tag *tag);

/* What the server has not done yet; the owner still has the tag. */
static inline int zuf_tag_pending(const struct zuf_put_tag *tag)
{
	return atomic_read(&tag->uses) - 1;
}

/**
 * zuf_puts_queue() - let a put wait for the next operation of a CPU
 * @gen: the server that it is for
 * @msg: complete message, copied
 * Context: never waits; reclaim and exit may call it.
 * Return: false: it does not fit, or its server is gone: the caller sends it.
 */
bool zuf_puts_queue(struct zuf_root *root, u32 gen, struct zuf_cpu *zc,
		    struct zuf_put_tag *tag, const struct zufs_ioc_hdr *msg);

/* One more for whom zuf_puts_goose() waits, and by its lock others: until zuf_puts_done(). */
void zuf_puts_carry(struct zuf_carried *carried, struct zuf_put_tag *tag, enum zuf_left left);

/* Is the server at work on a message that the inode lock should keep apart from ours? */
static inline bool zuf_tag_is_left(const struct zuf_put_tag *tag, bool shared)
{
	return atomic_read(&tag->left[ZUF_LEFT_EXCLUSIVE]) ||
	       (!shared && atomic_read(&tag->left[ZUF_LEFT_SHARED]));
}

/* Wait until that is not so. -EINTR: killed (never with @unkillable). */
int zuf_puts_wait_left(struct zuf_put_tag *tag, bool shared, bool unkillable);

/**
 * zuf_puts_attach() - move waiting puts behind the message in the command buffer
 * @in_len: its bytes
 * @sbid: its mount, whose puts are taken: the first ones that follow each other and fit
 */
void zuf_puts_attach(struct zuf_puts *puts, struct zuf_chan *ch, size_t in_len,
		     const struct zuf_sbid *sbid);
/* The message is done with, whoever finds out. */
void zuf_puts_done(struct zuf_carried *carried);

/* Does a put of it wait there? */
bool zuf_puts_has(struct zuf_puts *puts, const struct zuf_put_tag *tag);
/* A CPU where one does, or nr_cpu_ids. */
unsigned int zuf_puts_find(struct zuf_root *root, const struct zuf_put_tag *tag);

/**
 * zuf_puts_goose() - have every put of an inode executed
 * Before, the server has heard of all frames that left records while they were held (held.h):
 * whatever frees blocks gooses.
 * Context: sleeps, killably. Callers keep new I/O on the inode away.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_puts_goose(struct zuf_sb *zsb, struct zuf_put_tag *tag);

/* The first half of it: all is under way, none waits any more. */
int zuf_puts_send(struct zuf_sb *zsb, struct zuf_put_tag *tag);
/* The second, for at most so many jiffies: what is left of them, 0 = it was not enough. */
long zuf_puts_wait_some(struct zuf_put_tag *tag, long timeout);

/* The server is gone: no put means anything any more. */
void zuf_puts_drop_all(struct zuf_root *root);

#endif
