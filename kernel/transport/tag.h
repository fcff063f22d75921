/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tag.h - counts what the server has not done yet of one object (an inode, a mount), and what
 * travels with one message
 *
 * A put that waits or travels, and a message that a killed caller has left, use the tag of
 * their inode. So whoever must not overtake them can wait, and the object's memory stays.
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
	const struct zuf_endpoint *ep; /* its mount; only compared */
	bool note_idle;		/* keep @idle_at */
	unsigned long idle_at;	/* jiffies when the last one was done */
	void (*release)(struct zuf_put_tag *tag); /* nobody uses it any more */
} ____cacheline_aligned_in_smp;

void zuf_put_tag_init(struct zuf_put_tag *tag, const struct zuf_endpoint *ep,
		      void (*release)(struct zuf_put_tag *tag));
/* One use less: of the owner, or of what is done. */
void zuf_put_tag_put(struct zuf_put_tag *tag);

/* What the server has not done yet; the owner still has the tag. */
static inline int zuf_tag_pending(const struct zuf_put_tag *tag)
{
	return atomic_read(&tag->uses) - 1;
}

/* Is the server at work on a message that the inode lock should keep apart from ours? */
static inline bool zuf_tag_is_left(const struct zuf_put_tag *tag, bool shared)
{
	return atomic_read(&tag->left[ZUF_LEFT_EXCLUSIVE]) ||
	       (!shared && atomic_read(&tag->left[ZUF_LEFT_SHARED]));
}

/* Wait until that is not so. -EINTR: killed (never with @unkillable). */
int zuf_puts_wait_left(struct zuf_put_tag *tag, bool shared, bool unkillable);
/* Wait until nothing is pending. -EINTR: killed. */
int zuf_tag_wait(struct zuf_put_tag *tag);
/* The same for at most so many jiffies: what is left of them, 0 = it was not enough. */
long zuf_tag_wait_some(struct zuf_put_tag *tag, long timeout);

/* ---- with a message ---- */

/* Puts that one message can carry, inodes whose cookies it can have. */
#define ZUF_PUTS_ALL_MAX	32
#define ZUF_OP_INODES		5

/*
 * A message that nobody waits for in place; zuf_chan_post(). It belongs to the channel until
 * @done, which is called once, in process context, by the ZT or by whom it dies with.
 * @hdr: whole message, in_len bytes, copied
 * @tag: counts it until then; or NULL
 * @puts: whose waiting puts go along; NULL: the channel's CPU
 * @ep: the mount, whose puts they are; NULL: none
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
 * What ends with a message: the puts that travel with it and, when its application was
 * killed, its hold on the inodes that it names. Owner as of the command buffer.
 */
struct zuf_carried {
	/* every operation looks at these */
	u32 nr;
	s32 err;			/* what @post hears */
	u8 gen;				/* in which @ep counts it (ends.h) */
	struct zuf_endpoint *ep;	/* a killed application's mount counts it; or NULL */
	struct zuf_post *post;		/* nobody waits for it in place (chan.h); or NULL */

	u8 left[ZUF_PUTS_ALL_MAX + ZUF_OP_INODES];	/* enum zuf_left; a put: NO_LOCK */
	struct zuf_put_tag *tag[ZUF_PUTS_ALL_MAX + ZUF_OP_INODES];
};

/* One more that the tag counts, and by its lock: until zuf_puts_done(). */
void zuf_puts_carry(struct zuf_carried *carried, struct zuf_put_tag *tag, enum zuf_left left);
/* The message is done with, whoever finds out. */
void zuf_puts_done(struct zuf_carried *carried);

#endif
