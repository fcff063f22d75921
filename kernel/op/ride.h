/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ride.h - EVICT_INODE and FREE_INODE that ride along with other messages of their mount
 *
 * Nobody waits for such a message. So if the server takes it (ZUFS_FSC_EVICT_RIDES) it rides along
 * with the next message of its CPU, like a put (puts.h). A caller that needs the outcome, for
 * example space that is free again, calls zuf_evict_flush().
 */
#ifndef ZUF_RIDE_H
#define ZUF_RIDE_H

#include <linux/mutex.h>
#include "tag.h"

struct zuf_endpoint;
struct zuf_sb;
struct zuf_sbid;

/*
 * struct zuf_evicts - the messages of a mount that wait for a ride or are under way
 * There are two tags, so that a flush ends while others go on evicting: new messages are counted
 * in the tag for which the flush does not wait. Lies in struct zuf_sbid; a tag outlives it while
 * a message is counted in the tag.
 */
struct zuf_evicts {
	struct zuf_put_tag *tag[2];	/* NULL: nothing may ride along */
	unsigned int cur;		/* the tag that counts new messages; @lock */
	unsigned long freed_at;		/* jiffies when a FREE_INODE that did not ride was done */
	struct mutex lock;		/* held by a task that flushes */
};

/* Call when the mount's fs_caps are known. Without memory all messages go alone. */
void zuf_evicts_init(struct zuf_sb *zsb);
void zuf_evicts_fini(struct zuf_evicts *ev);

/* Let a message of @ep ride along, counted in @tag. Return: false: it must be sent alone. */
bool zuf_ride(struct zuf_endpoint *ep, struct zuf_put_tag *tag, const struct zufs_ioc_hdr *hdr);
/* Let @hdr ride along with the next message of this CPU. Return: false: it must be sent alone. */
bool zuf_evict_ride(struct zuf_sbid *sbid, const struct zufs_ioc_hdr *hdr);

/* Is there anything that zuf_evict_flush() would wait for? */
static inline bool zuf_evicts_wait(const struct zuf_evicts *ev)
{
	return ev->tag[0] && (zuf_tag_pending(ev->tag[0]) || zuf_tag_pending(ev->tag[1]));
}

/* A FREE_INODE that did not ride along has been executed. */
void zuf_evicts_freed(struct zuf_sbid *sbid);
/* After -ENOSPC: may there be space now, because inodes were freed a moment ago? */
bool zuf_evicts_may_help(const struct zuf_evicts *ev);

/**
 * zuf_flush() - have every put of an inode executed
 * When it returns, the server has also heard of all frames that left records while they were held
 * (held.h): every caller that frees blocks flushes first.
 * @tag: the tag of the inode; NULL: nothing is done
 * Context: sleeps, killably. The caller keeps new I/O on the inode away.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_flush(struct zuf_sb *zsb, struct zuf_put_tag *tag);

/**
 * zuf_evict_flush() - wait until the evicts and frees from before the call are executed
 * Context: sleeps, killably. Must not be called from within a message's own round trip.
 * Return: 0, also when the server is gone; -EINTR.
 */
int zuf_evict_flush(struct zuf_sb *zsb);

/*
 * Long enough for a working server to finish what is under way, and short enough to lose on one
 * that hangs.
 */
#define ZUF_EVICT_SOME_MS	100

/**
 * zuf_evict_flush_some() - zuf_evict_flush() for a caller that does not depend on the outcome
 * Everything that waits is sent. The wait for what is under way takes ZUF_EVICT_SOME_MS at most:
 * the server may hang in the message that it went with.
 * Return: 0; -EINTR.
 */
int zuf_evict_flush_some(struct zuf_sb *zsb);

#endif
