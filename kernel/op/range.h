/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * range.h - ranges of a file that are being read or written: overlapping ones take turns
 *
 * Reads and writes that stay inside of i_size share the inode lock and may go on side by side.
 * Among these a write excludes reads and writes of the same pages, in order of arrival.
 * A task that holds the inode lock exclusively needs no range: all holders share that lock.
 * Ranges count pages, not bytes: a server never has two writes in one block.
 */
#ifndef ZUF_RANGE_H
#define ZUF_RANGE_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#endif

/* A range that is held or waited for; lies on the stack of the caller. */
struct zuf_range {
	struct list_head link;	/* in zuf_ranges.list, if that is in use; zuf_ranges.lock */
	u64 first, last;	/* pages */
	bool write;
	atomic_t blockers;	/* earlier conflicting ranges; decremented under zuf_ranges.lock */
};

/* The ranges of one inode. */
struct zuf_ranges {
	struct zuf_range *only;	/* NULL, the only holder, or ZUF_RANGES_LISTED; cmpxchg */
	spinlock_t lock;
	struct list_head list;	/* in order of arrival; @lock */
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	struct lockdep_map dep_map;
#endif
};

/* Value of @only: the holders are in the list. In every other state the list is empty. */
#define ZUF_RANGES_LISTED ((struct zuf_range *)1UL)

void zuf_ranges_init(struct zuf_ranges *ranges);

/* The slow paths of zuf_range_lock() and zuf_range_unlock(). */
int zuf_range_lock_listed(struct zuf_ranges *ranges, struct zuf_range *me, bool nowait);
void zuf_range_unlock_listed(struct zuf_ranges *ranges, struct zuf_range *me);

/**
 * zuf_range_lock() - wait until no range that came before is in conflict with @me
 * @me: first, last and write are set; must stay until zuf_range_unlock()
 * @nowait: return -EAGAIN instead of waiting
 * Context: the inode lock is held shared. Sleeps, killably.
 * Return: 0; -EAGAIN or -EINTR: nothing is held.
 */
static inline int zuf_range_lock(struct zuf_ranges *ranges, struct zuf_range *me, bool nowait)
{
	int err = 0;

	rwlock_acquire(&ranges->dep_map, 0, nowait, _RET_IP_);
	/* publishes @me; pairs with the cmpxchg of list_the_only() */
	if (unlikely(cmpxchg(&ranges->only, NULL, me)))
		err = zuf_range_lock_listed(ranges, me, nowait);
	if (unlikely(err))
		rwlock_release(&ranges->dep_map, _RET_IP_);
	return err;
}

static inline void zuf_range_unlock(struct zuf_ranges *ranges, struct zuf_range *me)
{
	rwlock_release(&ranges->dep_map, _RET_IP_);
	if (unlikely(cmpxchg_release(&ranges->only, me, NULL) != me))
		zuf_range_unlock_listed(ranges, me);
}

#endif
