/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mapped.h - what mappings of a file show: its frames, and which may have been stored to
 *
 * There is no page cache that could be asked. A page that is not in the record has no page table
 * entry anywhere, except for private copies; a page that is in the record may have some. An
 * inode that was never mapped has no record: for such an inode every check here costs one load.
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
	struct inode *inode;		/* NULL: detached, only its pins are left (pins.c) */
	u64 ino;			/* detached: the number of its former inode */
	struct zuf_end *end;		/* the item that waits until the frames are idle
					 * (ends.h); or NULL */
	bool is_freed;			/* the inode of this number is gone, or will be */
	struct hlist_node pin_link;	/* detached: in the list of its mount */
	unsigned long looked;		/* detached: jiffies of the last look at its frames; or 0 */
	u64 futex_key;			/* futex key of the file's first page */
	struct mutex lock;		/* guards the record, the entries that appear, and drops.
					 * Inside the invalidate lock, outside i_mmap_rwsem */
	struct xarray pages;		/* page of the file -> frame (mapped.c) */
	struct xarray huge;		/* 2 MiB of the file -> its first frame */
	bool no_stores;			/* the file is swap space; invalidate lock */
	bool has_left;			/* frames have left the record while they were held:
					 * fsync and puts must know (pins.h) */
	bool small_private;		/* private areas get no entries of 2 MiB */
	struct list_head faults;	/* faults that are asking the server; @lock */
	struct list_head dirty_link;	/* in zsb->dirty, under zsb->dirty_lock */
	u64 dirty_seq;			/* zsb->dirty_seq when the record joined zsb->dirty; same
					 * lock */
	struct mutex vma_lock;		/* @vmas, and the order of MMAP_CLOSE and the next mmap */
	unsigned long vmas;
};

/* A fault between its question to the server and its page table entry. */
struct zuf_fault {
	struct list_head link;
	pgoff_t first, last;
	bool stale;			/* a drop came: the answer may be out of date */
};

enum {
	ZUF_DROP_COWS	= 1 << 0, /* drop private copies too */
	ZUF_DROP_FORGET	= 1 << 1, /* stores to the range are no longer due for SYNC */
	ZUF_DROP_HOLD	= 1 << 2, /* if the server keeps blocks back, held frames do not stop the
				   * drop: the server is told of them (held.h) */
};

/* Clone, dedupe and swapon wait this long for pinned pages, then fail with -EBUSY. */
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

/* Return the record of the inode and create it if there is none; NULL: no memory. */
struct zuf_mapped *zuf_mapped_make(struct inode *inode);
/* Free the record of an inode that is being evicted. */
void zuf_mapped_free(struct inode *inode);

/**
 * zuf_mapped_small_private() - from now on private areas are mapped page by page
 * Context: the caller holds the invalidate lock.
 * Return: 0 or -ENOMEM.
 */
int zuf_mapped_small_private(struct inode *inode);

/* ---- faults: the caller holds the invalidate lock, shared ---- */

void zuf_fault_begin(struct zuf_mapped *zm, struct zuf_fault *fault, pgoff_t first,
		    unsigned int order);
/**
 * zuf_fault_commit() - the server has answered: make what follows atomic against drops
 * Return: true: @zm->lock is held, the caller enters the frame, inserts the page table entry and
 * unlocks. False: @zm->lock is not held and the answer must not be used.
 */
bool zuf_fault_commit(struct zuf_mapped *zm, struct zuf_fault *fault);
/**
 * zuf_fault_again() - the frame is entered in the record, its page table entry comes later
 *
 * The caller must call zuf_fault_commit() afterwards.
 * Context: the caller holds @zm->lock.
 */
void zuf_fault_again(struct zuf_mapped *zm, struct zuf_fault *fault);
/* The fault ends without an answer. */
void zuf_fault_abort(struct zuf_mapped *zm, struct zuf_fault *fault);

/**
 * zuf_mapped_enter() - note the frame of a page (@order 0) or of 2 MiB (@order 9)
 * @block: T1 block of the frame; 0: the zero page
 * @dirty: the page table entry will be writable
 *
 * Page table entries for any other frame, the zero page included, are removed before.
 * Context: the caller holds @zm->lock.
 * Return: 0; -ENOMEM: the caller must not insert an entry.
 */
int zuf_mapped_enter(struct zuf_mapped *zm, pgoff_t first, unsigned int order, u64 block,
		     bool dirty);

/**
 * zuf_mapped_give_keys() - make futexes work in the 2 MiB pages of the range
 *
 * Single pages have their keys from the start, and so have 2 MiB pages that may be stored to.
 * Context: the caller holds @zm->lock.
 */
void zuf_mapped_give_keys(struct zuf_mapped *zm, pgoff_t first, pgoff_t last);

/* ---- all other callers ---- */

/**
 * zuf_mapped_drop() - take a range out of all mappings
 * @nr: number of pages; 0: to the end of the file
 * @flags: ZUF_DROP_*
 *
 * Faults that are under way ask the server once more. Pages that were stored to stay due for
 * SYNC unless @flags has FORGET; without FORGET, frames that somebody holds also stay in the
 * record even when @flags has HOLD. The caller (a list of the server) need not hold locks; then
 * pages may be mapped again at once.
 * Return: false: somebody has a frame of the range pinned, and the record is unchanged.
 */
bool zuf_mapped_drop(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);

/**
 * zuf_mapped_break() - as zuf_mapped_drop(), but wait for pinned frames
 * Context: the caller holds the invalidate lock exclusively; it is dropped for the wait, because
 * a fault may be what ends the pin. The caller holds the inode lock exclusively, or shares it
 * and has locked the range (range.h).
 * Return: 0: dropped. ZUF_BREAK_AGAIN: the call has waited and dropped nothing; what the caller
 * found out before may no longer hold, so it must check again and call again. ZUF_BREAK_LOST:
 * the task was killed, and the invalidate lock is no longer held.
 */
int zuf_mapped_break(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);

/**
 * zuf_mapped_break_or_find() - as zuf_mapped_break(), but the caller waits for a pinned frame
 * Context: the locks of zuf_mapped_break(); none of them is dropped.
 * Return: NULL: the range is dropped. Otherwise a page that somebody has pinned, and nothing is
 * dropped; the page belongs to T1 and stays valid as long as the mount.
 */
struct page *zuf_mapped_break_or_find(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags);
/**
 * zuf_mapped_wait_unpinned() - wait until nobody has the page pinned
 * @until: deadline in jiffies; 0: wait for ever
 * Context: the caller holds no lock that anybody needs to drop the pin.
 * Return: 0; -EINTR: killed; -EBUSY: the deadline has passed.
 */
int zuf_mapped_wait_unpinned(struct page *page, unsigned long until);

/**
 * zuf_mapped_end_stores() - refuse stores through all mappings, including present ones
 * @timeout: jiffies to wait for pinned frames
 * Context: as zuf_mapped_break().
 * Return: 0: stores are refused until zuf_mapped_allow_stores(). -EBUSY, -ENOMEM, or
 * ZUF_BREAK_LOST.
 */
int zuf_mapped_end_stores(struct inode *inode, unsigned long timeout);
void zuf_mapped_allow_stores(struct inode *inode);

/* ---- detached records: only pins.c knows them ---- */

/**
 * zuf_mapped_detach() - take the record from an evicted inode whose frames are still held
 *
 * The inode must have a record.
 * Context: allocates nothing.
 * Return: the record.
 */
struct zuf_mapped *zuf_mapped_detach(struct inode *inode);
/* Give the record to the inode, which is back in the cache and which nobody else can see yet. */
void zuf_mapped_attach(struct zuf_mapped *zm, struct inode *inode);
/*
 * Start the write-back to T1 of what DMA has stored so far; the caller issues the fence
 * (pmem_wmb).
 */
void zuf_mapped_write_back(struct zuf_mapped *zm, struct zuf_devset *devs);
void zuf_mapped_destroy(struct zuf_mapped *zm);
bool zuf_mapped_is_pinned(struct zuf_mapped *zm, struct zuf_devset *devs, pgoff_t first,
			  pgoff_t nr);
/**
 * zuf_mapped_leave() - the frames of the record that somebody holds become blocks of @held
 * Return: 0; -ENOMEM: call again.
 */
int zuf_mapped_leave(struct zuf_mapped *zm, struct zuf_held *held, struct zuf_devset *devs,
		     gfp_t gfp);
/* Remove frames that nobody holds (two looks a tick apart found them idle); false: @zm is empty. */
bool zuf_mapped_trim(struct zuf_mapped *zm, struct zuf_devset *devs);

/**
 * zuf_mapped_rewrite() - a write was answered: drop the frames that it has replaced
 * @words: blocks of the pages, as GET_MULTY answered them. NULL: the server has copied, and it
 *	is only known that holes were filled
 */
void zuf_mapped_rewrite(struct inode *inode, pgoff_t first, pgoff_t nr, const u64 *words);

/* As zuf_mapped_rewrite(), for a server that copies and only says that pages have new blocks. */
void zuf_mapped_replaced(struct inode *inode, pgoff_t first, pgoff_t nr);

/* T1 block @block is poisoned: remove its page table entries, so that the next access finds out. */
void zuf_mapped_drop_block(struct inode *inode, u64 block);

/* May stores have happened that no SYNC has reported? Takes no lock. */
static inline bool zuf_mapped_is_dirty(const struct zuf_mapped *zm)
{
	return !list_empty_careful(&zm->dirty_link);
}

/**
 * zuf_mapped_clean_start() - find pages in [*first, *last] that were stored to, and unmap them
 *
 * Pages in between stay mapped, except for a few.
 * Context: from zuf_mapped_clean_start() to zuf_mapped_clean_end() no fault may be under way, or
 * a store in between is lost.
 * Return: false: there is no such page. True: *first and *last are the first and the last one.
 */
bool zuf_mapped_clean_start(struct zuf_mapped *zm, pgoff_t *first, pgoff_t *last);
/* The server has made the pages of the range durable. */
void zuf_mapped_clean_end(struct zuf_mapped *zm, pgoff_t first, pgoff_t last);

#endif
