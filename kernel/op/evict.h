/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evict.h - telling the server that the kernel has done with an inode
 *
 * Nobody waits for such a message, so where the server takes it (ZUFS_FSC_EVICT_RIDES) it
 * rides along with the next one of its CPU, like a put (puts.h). Who needs the
 * outcome, space that is free again for example, calls zuf_evict_flush().
 */
#ifndef ZUF_EVICT_H
#define ZUF_EVICT_H

#include <linux/mutex.h>
#include "puts.h"

struct inode;
struct zuf_end;
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

/**
 * zuf_evict_end() - the inode is being evicted: EVICT_INODE or FREE_INODE
 * Its puts, what it has for SYNC and what a killed chmod has left come before.
 * Context: may sleep. In reclaim, in exit and in kernel threads it waits for nothing and
 * allocates nothing. No answer matters: a server that is gone has forgotten the inode.
 */
void zuf_evict_end(struct inode *inode);
/**
 * zuf_evict_decide() - by its links: EVICT_INODE or FREE_INODE
 * @end: queued with @zi, and no message of it is left any more
 * Context: the worker; not under root->lock.
 */
void zuf_evict_decide(struct zuf_end *end);
/* EVICT_INODE or FREE_INODE for a cookie that got no inode. */
void zuf_evict_send(struct zuf_sb *zsb, u64 zus_ii, u16 operation);
/**
 * zuf_evict_send_race() - EVICT_INODE for one cookie too many of a cached inode
 * @inode: its own end waits for this; or NULL
 */
void zuf_evict_send_race(struct zuf_sb *zsb, u64 zus_ii, struct inode *inode);

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
