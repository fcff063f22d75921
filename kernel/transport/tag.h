/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tag.h - count what the server has not done yet of one object (an inode, a mount), and keep track
 * of what travels with one message
 *
 * A put that waits or travels, and a message that a killed caller has left, use the tag of
 * their inode. So a task that must not overtake them can wait, and the object's memory stays.
 */
#ifndef ZUF_TAG_H
#define ZUF_TAG_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/types.h>
#include "zuf/zus_api.h"

struct zuf_endpoint;

/* How the caller held the inode lock of a message that it left to the server. */
enum zuf_left {
	ZUF_LEFT_EXCLUSIVE,
	ZUF_LEFT_SHARED,
	ZUF_LEFT_NAMES,		/* a change of names: excludes other ones of this inode */
	ZUF_LEFT_KINDS,
	ZUF_LEFT_NO_LOCK = ZUF_LEFT_KINDS,
	ZUF_LEFT_WRITE_PUT,	/* no lock; the put of a write, which must not be lost in silence */
};

/*
 * struct zuf_put_tag - lies in the object that it counts for
 * Every I/O of the inode writes the tag, so it has a cache line of its own.
 */
struct zuf_put_tag {
	atomic_t uses;		/* one for the owner, one for each put and left message that the
				 * server has not done yet */
	atomic_t left[ZUF_LEFT_KINDS]; /* left messages, by their lock */
	int last_cpu;		/* CPU whose buffer got the last put: a hint */
	const struct zuf_endpoint *ep; /* the mount; only compared */
	bool note_idle;		/* keep @idle_at */
	unsigned long idle_at;	/* jiffies when the last use was put */
	void (*release)(struct zuf_put_tag *tag); /* nobody uses the tag any more */
	void (*lost)(struct zuf_put_tag *tag); /* the server has ended before it executed the put
						* of a write; must not sleep. NULL: that is
						* nobody's business */
} ____cacheline_aligned_in_smp;

void zuf_put_tag_init(struct zuf_put_tag *tag, const struct zuf_endpoint *ep,
		      void (*release)(struct zuf_put_tag *tag));
/* Put one use: of the owner, or of something that is done. */
void zuf_put_tag_put(struct zuf_put_tag *tag);

/* How much the server has not done yet; the owner must still have the tag. */
static inline int zuf_tag_pending(const struct zuf_put_tag *tag)
{
	return atomic_read(&tag->uses) - 1;
}

/* Is the server at work on a left message that the caller's inode lock should exclude? */
static inline bool zuf_tag_is_left(const struct zuf_put_tag *tag, bool shared)
{
	return atomic_read(&tag->left[ZUF_LEFT_EXCLUSIVE]) ||
	       (!shared && atomic_read(&tag->left[ZUF_LEFT_SHARED]));
}

/*
 * Wait until zuf_tag_is_left() is false.
 * Return: 0, or -EINTR: killed (never with @unkillable).
 */
int zuf_puts_wait_left(struct zuf_put_tag *tag, bool shared, bool unkillable);
/* Wait until nothing is pending. Return: 0, or -EINTR: killed. */
int zuf_tag_wait(struct zuf_put_tag *tag);
/* zuf_tag_wait() for at most @timeout jiffies. Return: jiffies that are left; 0: not enough. */
long zuf_tag_wait_some(struct zuf_put_tag *tag, long timeout);

/* ---- with a message ---- */

/* Most puts that one message can carry, and most inodes whose cookies it can have. */
#define ZUF_PUTS_ALL_MAX	32
#define ZUF_OP_INODES		5

/*
 * struct zuf_post - a message that nobody waits for in place; zuf_chan_post()
 * It belongs to the channel until @done, which is called once, in process context, by the ZT or by
 * the task that finds the channel dead.
 * @hdr: whole message, in_len bytes, copied
 * @tag: counts the message until then; or NULL
 * @puts: the waiting puts that go along; NULL: those of the channel's CPU
 * @ep: the mount that these puts belong to; NULL: no puts go along
 * @done: @err: what the server has answered, unchecked; -ENOTCONN: the channel is gone
 */
struct zuf_post {
	const struct zufs_ioc_hdr *hdr;
	struct zuf_put_tag *tag;
	struct zuf_puts *puts;
	const struct zuf_endpoint *ep;
	void (*done)(struct zuf_post *post, int err);
	bool given;		/* of a zuf_op: @done is or will be called */
};

/*
 * struct zuf_carried - what ends with a message: the puts that travel with it and, when its
 * application was killed, its hold on the inodes that it names. Owner as of the command buffer.
 */
struct zuf_carried {
	/* every operation looks at these */
	u32 nr;				/* entries of @tag */
	s32 err;			/* what @post is told */
	u8 gen;				/* generation in which @ep counts the message (ends.h) */
	struct zuf_endpoint *ep;	/* counts a killed application's message; or NULL */
	struct zuf_post *post;		/* nobody waits for the message in place; or NULL */

	u8 left[ZUF_PUTS_ALL_MAX + ZUF_OP_INODES];	/* enum zuf_left */
	struct zuf_put_tag *tag[ZUF_PUTS_ALL_MAX + ZUF_OP_INODES];
};

/* What a message is when nobody waits for it: WRITE_PUT or NO_LOCK. */
enum zuf_left zuf_left_of(const struct zufs_ioc_hdr *msg);
/* Count the message in @tag, and by its lock @left, until zuf_puts_done(). */
void zuf_puts_carry(struct zuf_carried *carried, struct zuf_put_tag *tag, enum zuf_left left);
/* The server has ended before it executed a message that counts in @tag as @left. */
static inline void zuf_put_lost(struct zuf_put_tag *tag, enum zuf_left left)
{
	if (left == ZUF_LEFT_WRITE_PUT && tag->lost)
		tag->lost(tag);
}

/* The server has ended before it executed the message; zuf_puts_done() follows. */
void zuf_puts_lost(const struct zuf_carried *carried);
/* The message is done with; anybody may find that out. */
void zuf_puts_done(struct zuf_carried *carried);

#endif
