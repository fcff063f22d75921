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

struct zuf_devset;
struct zuf_held;

struct zuf_mapped {
	struct inode *inode;		/* NULL: detached, only pins are left of it (pins.c) */
	u64 ino;			/* detached: of which inode */
	struct zuf_end *end;		/* what waits until it is idle (ends.h); or NULL */
	bool is_freed;			/* the inode of this number is gone, or will be */
	struct hlist_node pin_link;	/* detached: among those of its mount */
	unsigned long looked;		/* detached: jiffies of the last look; or 0 */
	u64 futex_key;			/* of its first page */
	struct mutex lock;		/* the record; entries that appear; drops. Inside the
					 * invalidate lock, outside i_mmap_rwsem */
	struct xarray pages;		/* page of the file -> frame (mapped.c) */
	struct xarray huge;		/* 2 MiB of the file -> its first frame */
	bool no_stores;			/* invalidate lock: it is swap space */
	bool has_left;			/* frames have that were held: fsync (pins.h) */
	bool small_private;		/* private areas have no entries of 2 MiB */
	struct list_head faults;	/* faults that are asking the server */
	struct list_head dirty_link;	/* in zsb->dirty, under its lock */
	u64 dirty_seq;			/* the same: zsb->dirty_seq when it came */
	struct mutex vma_lock;		/* @vmas, and MMAP_CLOSE against the next mmap */
	unsigned long vmas;
};

/* A fault between its question to the server and its page table entry. */
struct zuf_fault {
	struct list_head link;
	pgoff_t first, last;
	bool stale;			/* a drop came: the answer may be out of date */
};

enum {
	ZUF_DROP_COWS	= 1 << 0, /* private copies too */
	ZUF_DROP_FORGET	= 1 << 1, /* what was stored there is no longer of the file */
	ZUF_DROP_HOLD	= 1 << 2, /* frames that somebody holds are in nobody's way, if the
				   * server keeps them back: it is told (held.h) */
};

/* Clone, dedupe and swapon wait so long for who has a page pinned; then -EBUSY. */
#define ZUF_PINS_TIMEOUT	(5 * HZ)

enum {
	ZUF_BREAK_AGAIN = 1,
	ZUF_BREAK_LOST,
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

/**
 * zuf_mapped_small_private() - from now on private areas are mapped page by page
 * Context: the invalidate lock is held.
 * Return: 0 or -ENOMEM.
 */
int zuf_mapped_small_private(struct inode *inode);

/* ---- faults; the invalidate lock is held shared ---- */

void zuf_fault_begin(struct zuf_mapped *zm, struct zuf_fault *fault, pgoff_t first,
		    unsigned int order);
/**
 * zuf_fault_commit() - the answer is there: what follows is atomic against drops
 * Return: true: @zm->lock is held, the caller enters and inserts, then unlocks;
 * false: it is not, the answer must not be used.
 */
bool zuf_fault_commit(struct zuf_mapped *zm, struct zuf_fault *fault);
/**
 * zuf_fault_again() - the frame is entered, its entry comes later
 * To be followed by zuf_fault_commit().
 * Context: @zm->lock.
 */
void zuf_fault_again(struct zuf_mapped *zm, struct zuf_fault *fault);
/* There was no answer. */
void zuf_fault_abort(struct zuf_mapped *zm, struct zuf_fault *fault);

/**
 * zuf_mapped_enter() - note the frame of a page (@order 0) or of 2 MiB (@order 9)
 * Entries for another frame, the zero page (@block 0) too, are taken away before.
 * @dirty: the entry will be writable
 * Context: @zm->lock.
 * Return: 0 or -ENOMEM: nothing may be inserted.
 */
int zuf_mapped_enter(struct zuf_mapped *zm, pgoff_t first, unsigned int order, u64 block,
		     bool dirty);

/**
 * zuf_mapped_give_keys() - futexes work in pages of 2 MiB of the range
 * Single pages have their keys from the start, 2 MiB that may be stored to as well.
 * Context: @zm->lock.
 */
void zuf_mapped_give_keys(struct zuf_mapped *zm, pgoff_t first, pgoff_t last);

/* ---- everybody else ---- */

/**
 * zuf_mapped_drop() - take a range out of all mappings
 * @nr: pages; 0: to the end
 * @flags: ZUF_DROP_*
 * Faults that are under way ask the server once more. Pages that were stored to stay
 * due for SYNC unless FORGET, and then frames that somebody holds stay in the record, even
 * where they are in nobody's way. Without locks of the caller (a list of the server):
 * pages may come back at once.
 * Return: false: somebody has a frame pinned, whose record stays.
 */
bool zuf_mapped_drop(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);

/**
 * zuf_mapped_break() - the same, and wait for who has frames pinned
 * Context: invalidate lock exclusive, dropped for the wait, as a fault may be what ends the
 * pin; inode lock exclusive, or shared with the range locked (range.h).
 * Return: 0; AGAIN: has waited: what was found out before may not hold any more, nothing is
 * dropped, call again; LOST: killed, the invalidate lock is not held any more.
 */
int zuf_mapped_break(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);

/**
 * zuf_mapped_break_or_find() - the same, but who is in the way is the caller's to wait for
 * Context: locks as zuf_mapped_break(); none is dropped.
 * Return: NULL: dropped; or a page that somebody has pinned, and nothing is dropped. It is T1's,
 * and good as long as the mount.
 */
struct page *zuf_mapped_break_or_find(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);
/**
 * zuf_mapped_wait_unpinned() - wait until nobody has the page pinned
 * @until: jiffies; 0: for ever
 * Context: no lock that anybody needs.
 * Return: 0; -EINTR: killed; -EBUSY: the time is over.
 */
int zuf_mapped_wait_unpinned(struct page *page, unsigned long until);

/**
 * zuf_mapped_end_stores() - refuse stores through all mappings, also those that are there
 * @timeout: jiffies; so long may somebody have frames pinned
 * Context: as zuf_mapped_break().
 * Return: 0, until zuf_mapped_allow_stores(); -EBUSY, -ENOMEM; ZUF_BREAK_LOST.
 */
int zuf_mapped_end_stores(struct inode *inode, unsigned long timeout);
void zuf_mapped_allow_stores(struct inode *inode);

/* ---- detached records: nobody else knows them (pins.c) ---- */

/**
 * zuf_mapped_detach() - the inode, which has a record, is evicted, but frames are held longer
 * Context: allocates nothing.
 * Return: its record.
 */
struct zuf_mapped *zuf_mapped_detach(struct inode *inode);
/* Give it to the inode that has come back; nobody else can see that yet. */
void zuf_mapped_attach(struct zuf_mapped *zm, struct inode *inode);
/* What DMA has stored there so far is on its way to T1: a fence (pmem_wmb) is the caller's. */
void zuf_mapped_write_back(struct zuf_mapped *zm, struct zuf_devset *devs);
void zuf_mapped_destroy(struct zuf_mapped *zm);
bool zuf_mapped_is_pinned(struct zuf_mapped *zm, struct zuf_devset *devs, pgoff_t first,
			  pgoff_t nr);
/**
 * zuf_mapped_leave() - what somebody holds of it becomes the set's
 * Return: 0; -ENOMEM: call again.
 */
int zuf_mapped_leave(struct zuf_mapped *zm, struct zuf_held *held, struct zuf_devset *devs,
		     gfp_t gfp);
/* Frames that nobody holds leave it (seen twice, a tick apart); false: it is empty. */
bool zuf_mapped_trim(struct zuf_mapped *zm, struct zuf_devset *devs);

/**
 * zuf_mapped_rewrite() - a write was answered: drop what it has replaced
 * @words: the blocks of the pages, as of GET_MULTY; or NULL: the server has copied,
 *	only holes are known to have been filled
 */
void zuf_mapped_rewrite(struct inode *inode, pgoff_t first, pgoff_t nr, const u64 *words);

/* The same if the server has copied, and says only that pages have got other blocks. */
void zuf_mapped_replaced(struct inode *inode, pgoff_t first, pgoff_t nr);

/* A frame, by its T1 block, is poisoned: its entries go, the next access finds that out. */
void zuf_mapped_drop_block(struct inode *inode, u64 block);

/* May something have been stored that no SYNC has told of? No lock. */
static inline bool zuf_mapped_is_dirty(const struct zuf_mapped *zm)
{
	return !list_empty_careful(&zm->dirty_link);
}

/**
 * zuf_mapped_clean_start() - find what was stored to in [*first, *last], write-protect it
 * What lies between stays mapped, but for a few pages.
 * Return: false: nothing; else the range from the first such page to the last one.
 * Context: this and zuf_mapped_clean_end(): no fault is under way, or what comes
 * in between is lost.
 */
bool zuf_mapped_clean_start(struct zuf_mapped *zm, pgoff_t *first, pgoff_t *last);
/* The server has made it durable. */
void zuf_mapped_clean_end(struct zuf_mapped *zm, pgoff_t first, pgoff_t last);

#endif
