/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mapped.h - what mappings of a file show: its frames, and which may have been stored to
 *
 * There is no page cache to ask. A page that is not in the record has no page table
 * entry anywhere but for private copies; one that is in it may have some. An inode
 * that was never mapped has no record: for it all of this is one load.
 */
#ifndef ZUF_MAPPED_H
#define ZUF_MAPPED_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/xarray.h>
#include "inode.h"

struct zuf_mapped {
	struct inode *inode;		/* NULL: detached, only pins are left of it */
	struct zuf_devset *devs;	/* detached: referenced, as is @sbid */
	struct zuf_sbid *sbid;
	u64 futex_key;			/* of its first page */
	struct mutex lock;		/* the record; entries that appear; drops. Inside the
					 * invalidate lock, outside i_mmap_rwsem */
	struct xarray pages;		/* page of the file -> frame (mapped.c) */
	struct xarray huge;		/* 2 MiB of the file -> its first frame */
	struct list_head flights;	/* faults that are asking the server */
	struct list_head dirty_link;	/* in zsb->dirty, under its lock */
	struct mutex vma_lock;		/* @vmas, and MMAP_CLOSE against the next mmap */
	unsigned long vmas;
};

/* A fault between its question to the server and its page table entry. */
struct zuf_flight {
	struct list_head link;
	pgoff_t first, last;
	bool stale;			/* a drop came: the answer may be out of date */
};

enum {
	ZUF_DROP_COWS	= 1 << 0, /* private copies too */
	ZUF_DROP_FORGET	= 1 << 1, /* what was stored there is no longer of the file */
};

/* The record of an inode, or NULL. */
static inline struct zuf_mapped *zuf_mapped_of(const struct inode *inode)
{
	/* pairs with the cmpxchg of zuf_mapped_make() */
	return READ_ONCE(ZUF_I(inode)->mapped);
}

/* Make it when there is none; NULL: no memory. */
struct zuf_mapped *zuf_mapped_make(struct inode *inode);
/* The inode is being evicted. */
void zuf_mapped_free(struct inode *inode);

/* ---- faults; the invalidate lock is held shared ---- */

void zuf_mapped_fly(struct zuf_mapped *zm, struct zuf_flight *flight, pgoff_t first,
		    unsigned int order);
/**
 * zuf_mapped_land() - the answer is there: what follows is atomic against drops
 * Return: true: @zm->lock is held, the caller enters and inserts, then unlocks;
 * false: it is not, the answer must not be used.
 */
bool zuf_mapped_land(struct zuf_mapped *zm, struct zuf_flight *flight);
/* There was no answer. */
void zuf_mapped_abort(struct zuf_mapped *zm, struct zuf_flight *flight);

/**
 * zuf_mapped_enter() - note the frame of a page (@order 0) or of 2 MiB (@order 9)
 * Entries for another frame, the zero page (@block 0) too, are taken away before.
 * @dirty: the entry will be writable
 * Context: @zm->lock.
 * Return: 0 or -ENOMEM: nothing may be inserted.
 */
int zuf_mapped_enter(struct zuf_mapped *zm, pgoff_t first, unsigned int order, u64 block,
		     bool dirty);

/* ---- everybody else ---- */

/**
 * zuf_mapped_drop() - take a range out of all mappings
 * @nr: pages; 0: to the end
 * @flags: ZUF_DROP_*
 * Faults that are under way ask the server once more. Pages that were stored to stay
 * due for SYNC unless FORGET. Without locks of the caller (a list of the server):
 * pages may come back at once.
 * Return: false: somebody has a frame pinned, whose record stays.
 */
bool zuf_mapped_drop(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);

/**
 * zuf_mapped_break() - the same, and wait for who has frames pinned
 * @other: second mapping whose invalidate lock is held, or @inode's own
 * Context: inode lock and invalidate lock exclusive; the latter is dropped for the
 * wait, as a fault may be what ends the pin.
 * Return: 0, 1: has waited: what was found out before may not hold any more, nothing is
 * dropped, call again; -EINTR: killed.
 */
int zuf_mapped_break(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags,
		     struct address_space *other);

/**
 * zuf_mapped_detach_pinned() - the inode is freed: are there pins that last longer?
 * Return: NULL, or what zuf_mapped_wait_unpinned() waits for and frees.
 */
struct zuf_mapped *zuf_mapped_detach_pinned(struct inode *inode);
/* Ends with the mount, too. */
void zuf_mapped_wait_unpinned(struct zuf_mapped *zm);

/**
 * zuf_mapped_rewrite() - a write was answered: drop what it has replaced
 * @words: the blocks of the pages, as of GET_MULTY; or NULL: the server has copied,
 *	only holes are known to have been filled
 */
void zuf_mapped_rewrite(struct inode *inode, pgoff_t first, pgoff_t nr, const u64 *words);

/* May something have been stored that no SYNC has told of? No lock. */
static inline bool zuf_mapped_is_dirty(const struct zuf_mapped *zm)
{
	return !list_empty_careful(&zm->dirty_link);
}

/**
 * zuf_mapped_clean_start() - find what was stored to in [*first, *last], write-protect it
 * Return: false: nothing; else the range from the first such page to the last one.
 * Context: this and zuf_mapped_clean_end(): no fault is under way, or what comes
 * in between is lost.
 */
bool zuf_mapped_clean_start(struct zuf_mapped *zm, pgoff_t *first, pgoff_t *last);
/* The server has made it durable. */
void zuf_mapped_clean_end(struct zuf_mapped *zm, pgoff_t first, pgoff_t last);

#endif
