/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ride.h - EVICT_INODE and FREE_INODE that ride along with other messages of their mount
 *
 * Nobody waits for such a message, so where the server takes it (ZUFS_FSC_EVICT_RIDES) it
 * rides along with the next one of its CPU, like a put (puts.h). A caller that needs the
 * outcome, space that is free again for example, calls zuf_evict_flush().
 */
#ifndef ZUF_RIDE_H
#define ZUF_RIDE_H

#include <linux/mutex.h>
#include "tag.h"

struct zuf_endpoint;
struct zuf_sb;
struct zuf_sbid;

/*
 * What of a mount waits or is under way. Two tags, so that a flush ends while
 * others go on evicting: they count in the one for which it does not wait. In
 * struct zuf_sbid; the tags outlive it while a message counts in them.
 */
struct zuf_evicts {
	struct zuf_put_tag *tag[2];	/* NULL: nothing may ride along */
	unsigned int cur;		/* the one that counts new ones; @lock */
	unsigned long freed_at;		/* jiffies when a FREE_INODE of its own was executed */
	struct mutex lock;		/* of those who flush */
};

/* After the mount's fs_caps are known; without memory messages go alone. */
void zuf_evicts_init(struct zuf_sb *zsb);
void zuf_evicts_fini(struct zuf_evicts *ev);

/* Let a message of @ep that @tag counts ride along; false: it must go alone. */
bool zuf_ride(struct zuf_endpoint *ep, struct zuf_put_tag *tag, const struct zufs_ioc_hdr *hdr);
/* With the next message of this CPU; false: it must go alone. */
bool zuf_evict_ride(struct zuf_sbid *sbid, const struct zufs_ioc_hdr *hdr);

/* Is there anything that zuf_evict_flush() would wait for? */
static inline bool zuf_evicts_wait(const struct zuf_evicts *ev)
{
	return ev->tag[0] && (zuf_tag_pending(ev->tag[0]) || zuf_tag_pending(ev->tag[1]));
}

/* A FREE_INODE of its own has been executed. */
void zuf_evicts_freed(struct zuf_sbid *sbid);
/* There was no space: may there be some, because inodes were freed a moment ago? */
bool zuf_evicts_may_help(const struct zuf_evicts *ev);

/**
 * zuf_flush() - have every put of an inode executed
 * Before, the server has heard of all frames that left records while they were held (held.h):
 * whatever frees blocks flushes.
 * @tag: of the inode; NULL: nothing is done
 * Context: sleeps, killably. Callers keep new I/O on the inode away.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_flush(struct zuf_sb *zsb, struct zuf_put_tag *tag);

/**
 * zuf_evict_flush() - have executed what was sent before the call
 * Context: sleeps, killably. Never from a message's own round trip.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_evict_flush(struct zuf_sb *zsb);

/* What a server that works needs for what is under way, and one that hangs may cost. */
#define ZUF_EVICT_SOME_MS	100

/**
 * zuf_evict_flush_some() - the same, for who does not depend on it
 * All that waits is sent; what is under way is waited for, but not for ever: the server
 * may hang in the message that it went with.
 * Return: 0; -EINTR.
 */
int zuf_evict_flush_some(struct zuf_sb *zsb);

#endif
