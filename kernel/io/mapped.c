// SPDX-License-Identifier: GPL-2.0-only
/*
 * mapped.c - the record of a mapped file
 *
 * The record has two arrays, by page and by 2 MiB. A value is the T1 block whose frame page
 * table entries may show: 0 = the zero page, NOT_THERE = no entry shows the page (but the page
 * is due for SYNC). The mark WAS_WRITABLE says that the page was writable since the last SYNC;
 * fsync sends the marked pages. So the mark is set before an entry becomes writable. It is
 * cleared when no entry is writable any more and when nobody had the frame pinned as SYNC began:
 * otherwise DMA may have stored where the server had already looked.
 *
 * A frame stays in the record when its last mapping goes, because pins of it may last longer. If
 * a frame leaves the record while somebody holds it, the server must keep its block back
 * (held.h), or the pin must be waited for before.
 * As long as a frame is in the record its page has a key for futexes: a single page from the
 * first access on, 2 MiB from the first store on.
 *
 * Between a fault's question to the server and its page table entry the file may change under
 * the fault: a write that shares its locks fills a hole, a list of the server moves a block. So
 * each fault is on @faults while it asks, and whoever drops a range marks the overlapping faults
 * as stale.
 */
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/pfn.h"
#include "contract.h"
#include "devset.h"
#include "element.h"
#include "futexkey.h"
#include "held.h"
#include "mappedrec.h"
#include "pins.h"
#include "sb.h"
#include "t1map.h"
#include "wake.h"

static const gfp_t drop_gfp = GFP_NOIO | __GFP_NOFAIL;

/* ---- values ---- */

/* May a page table entry show another frame than that of @block? */
static bool shows_other(void *entry, u64 offset, u64 block)
{
	return entry && frame_of(entry) != NOT_THERE && frame_of(entry) + offset != block;
}

static int set_frame(struct xarray *xa, pgoff_t index, u64 block, gfp_t gfp)
{
	return xa_err(xa_store(xa, index, xa_mk_value(block), gfp));
}

static void give_keys(struct zuf_mapped *zm, struct zuf_devset *devs, pgoff_t first,
		      void *entry, unsigned long nr)
{
	struct page *page = entry_page(devs, entry, nr);

	if (page)
		zuf_futexkey_set(page, nr, zm->futex_key + first);
}

static void take_keys(struct zuf_mapped *zm, struct zuf_devset *devs, pgoff_t first,
		      void *entry, unsigned long nr)
{
	struct page *page = entry_page(devs, entry, nr);

	if (page)
		zuf_futexkey_clear(page, nr, zm->futex_key + first);
}

void zuf_record_take_keys(struct zuf_mapped *zm, struct zuf_devset *devs)
{
	unsigned long index;
	void *entry;

	xa_for_each(&zm->pages, index, entry)
		take_keys(zm, devs, index, entry, 1);
	xa_for_each_marked(&zm->huge, index, entry, HAS_KEYS)
		take_keys(zm, devs, index << ZUF_HUGE_ORDER, entry, ZUF_HUGE_PAGES);
}

/* ---- frames that are held ---- */

/* A frame leaves the record; no page table entry shows it any more. */
static void leave_frame(struct zuf_mapped *zm, u64 block)
{
	struct zuf_sb *zsb = ZUF_SB(zm->inode->i_sb);
	struct page *page;

	if (!zuf_keeps_back(zsb) || !block || block == NOT_THERE)
		return;
	page = zuf_t1_block_page(zsb->devs, block, 1);
	if (!page || !zuf_page_is_pinned(page))
		return;
	WRITE_ONCE(zm->has_left, true);
	zuf_pins_leave(zsb, block);
}

/* ---- life ---- */

struct zuf_mapped *zuf_mapped_make(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	struct zuf_mapped *zm = zuf_mapped_of(inode), *old;

	if (zm)
		return zm;
	zm = kzalloc(sizeof(*zm), GFP_KERNEL_ACCOUNT);
	if (!zm)
		return NULL;
	zm->inode = inode;
	zm->futex_key = zuf_futexkey_new();
	mutex_init(&zm->lock);
	mutex_init(&zm->vma_lock);
	xa_init_flags(&zm->pages, XA_FLAGS_ACCOUNT);
	xa_init_flags(&zm->huge, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&zm->faults);
	INIT_LIST_HEAD(&zm->dirty_link);
	old = cmpxchg(&zii->mapped, NULL, zm);
	if (!old)
		return zm;
	kfree(zm);
	return old;
}

int zuf_mapped_small_private(struct inode *inode)
{
	struct zuf_mapped *zm = zuf_mapped_make(inode);

	lockdep_assert_held(&inode->i_mapping->invalidate_lock);
	if (!zm)
		return -ENOMEM;
	mutex_lock(&zm->lock);
	if (!zm->small_private) {
		zm->small_private = true;
		unmap_mapping_pages(inode->i_mapping, 0, 0, false);
	}
	mutex_unlock(&zm->lock);
	return 0;
}

void zuf_record_join_dirty(struct zuf_mapped *zm)
{
	struct zuf_sb *zsb = ZUF_SB(zm->inode->i_sb);

	if (!list_empty(&zm->dirty_link))
		return;
	spin_lock(&zsb->dirty_lock);
	zm->dirty_seq = zsb->dirty_seq;
	list_add_tail(&zm->dirty_link, &zsb->dirty);
	spin_unlock(&zsb->dirty_lock);
}

void zuf_record_leave_dirty(struct zuf_mapped *zm)
{
	struct zuf_sb *zsb = ZUF_SB(zm->inode->i_sb);

	spin_lock(&zsb->dirty_lock);
	list_del_init(&zm->dirty_link);
	spin_unlock(&zsb->dirty_lock);
	zuf_ends_wake(zsb->sbid);
}

void zuf_record_free(struct zuf_mapped *zm)
{
	xa_destroy(&zm->pages);
	xa_destroy(&zm->huge);
	mutex_destroy(&zm->lock);
	mutex_destroy(&zm->vma_lock);
	kfree(zm);
}

void zuf_mapped_free(struct inode *inode)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	if (!zm)
		return;
	zuf_record_leave_dirty(zm);
	WRITE_ONCE(ZUF_I(inode)->mapped, NULL);
	zuf_record_take_keys(zm, ZUF_SB(inode->i_sb)->devs);
	zuf_record_free(zm);
}

/* ---- parts of 2 MiB ---- */

/* Replace an entry of 2 MiB by single pages, because its pages will no longer be treated alike. */
static void split_huge(struct zuf_mapped *zm, pgoff_t hindex)
{
	void *entry = xa_load(&zm->huge, hindex);
	pgoff_t index = hindex << ZUF_HUGE_ORDER, i;
	bool dirty;

	lockdep_assert_held(&zm->lock);
	if (!entry)
		return;
	dirty = xa_get_mark(&zm->huge, hindex, WAS_WRITABLE);
	for (i = 0; i < ZUF_HUGE_PAGES; i++) {
		u64 block = frame_of(entry);

		if (!xa_load(&zm->pages, index + i))
			set_frame(&zm->pages, index + i, block == NOT_THERE ? block : block + i,
				  drop_gfp);
		if (dirty)
			xa_set_mark(&zm->pages, index + i, WAS_WRITABLE);
	}
	xa_erase(&zm->huge, hindex);
}

/* ---- faults ---- */

static void stale_faults(struct zuf_mapped *zm, pgoff_t first, pgoff_t last)
{
	struct zuf_fault *fault;

	lockdep_assert_held(&zm->lock);
	list_for_each_entry(fault, &zm->faults, link)
		if (fault->first <= last && fault->last >= first)
			fault->stale = true;
}

void zuf_fault_begin(struct zuf_mapped *zm, struct zuf_fault *fault, pgoff_t first,
		    unsigned int order)
{
	lockdep_assert_held(&zm->inode->i_mapping->invalidate_lock);
	fault->first = first;
	fault->last = first + (1UL << order) - 1;
	mutex_lock(&zm->lock);
	zuf_fault_again(zm, fault);
	mutex_unlock(&zm->lock);
}

void zuf_fault_again(struct zuf_mapped *zm, struct zuf_fault *fault)
{
	lockdep_assert_held(&zm->lock);
	fault->stale = false;
	list_add(&fault->link, &zm->faults);
}

bool zuf_fault_commit(struct zuf_mapped *zm, struct zuf_fault *fault)
{
	mutex_lock(&zm->lock);
	list_del(&fault->link);
	if (likely(!fault->stale))
		return true;
	mutex_unlock(&zm->lock);
	return false;
}

void zuf_fault_abort(struct zuf_mapped *zm, struct zuf_fault *fault)
{
	mutex_lock(&zm->lock);
	list_del(&fault->link);
	mutex_unlock(&zm->lock);
}

static int enter_page(struct zuf_mapped *zm, pgoff_t index, u64 block)
{
	pgoff_t hindex = index >> ZUF_HUGE_ORDER, in_huge = index & (ZUF_HUGE_PAGES - 1);
	void *entry = xa_load(&zm->pages, index), *huge = xa_load(&zm->huge, hindex);
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	int err;

	lockdep_assert_held(&zm->lock);
	if (shows_other(entry, 0, block) || shows_other(huge, in_huge, block)) {
		unmap_mapping_pages(zm->inode->i_mapping, index, 1, false);
		if (shows_other(huge, in_huge, block))
			leave_frame(zm, frame_of(huge) + in_huge);
		if (shows_other(entry, 0, block))
			leave_frame(zm, frame_of(entry));
		if (huge)
			split_huge(zm, hindex);
	}
	if (!entry || frame_of(entry) != block) {
		err = set_frame(&zm->pages, index, block, GFP_NOIO);
		if (err)
			return err;
		if (entry)
			take_keys(zm, devs, index, entry, 1);
	}
	give_keys(zm, devs, index, xa_mk_value(block), 1);
	return 0;
}

/*
 * Page table entries in the 2 MiB that showed frames other than @block's are gone: those frames
 * leave the record.
 */
static void leave_other(struct zuf_mapped *zm, pgoff_t first, u64 block)
{
	void *entry, *huge = xa_load(&zm->huge, first >> ZUF_HUGE_ORDER);
	pgoff_t index;

	lockdep_assert_held(&zm->lock);
	xa_for_each_range(&zm->pages, index, entry, first, first + ZUF_HUGE_PAGES - 1)
		if (shows_other(entry, 0, block + (index - first)))
			leave_frame(zm, frame_of(entry));
	for (index = 0; index < ZUF_HUGE_PAGES && shows_other(huge, 0, block); index++)
		leave_frame(zm, frame_of(huge) + index);
}

static int enter_huge(struct zuf_mapped *zm, pgoff_t first, u64 block)
{
	pgoff_t hindex = first >> ZUF_HUGE_ORDER, index = first;
	void *entry, *huge = xa_load(&zm->huge, hindex);
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	bool other = shows_other(huge, 0, block);

	lockdep_assert_held(&zm->lock);
	if (huge && frame_of(huge) == block)
		return 0;
	xa_for_each_range(&zm->pages, index, entry, first, first + ZUF_HUGE_PAGES - 1)
		other |= shows_other(entry, 0, block + (index - first));
	if (other) {
		unmap_mapping_pages(zm->inode->i_mapping, first, ZUF_HUGE_PAGES, false);
		leave_other(zm, first, block);
	}
	if (huge && xa_get_mark(&zm->huge, hindex, HAS_KEYS))
		take_keys(zm, devs, first, huge, ZUF_HUGE_PAGES);
	xa_clear_mark(&zm->huge, hindex, HAS_KEYS);
	xa_for_each_range(&zm->pages, index, entry, first, first + ZUF_HUGE_PAGES - 1) {
		if (frame_of(entry) == block + (index - first))
			continue;
		take_keys(zm, devs, index, entry, 1);
		/* an existing value is replaced, so no memory is needed */
		set_frame(&zm->pages, index, block + (index - first), GFP_NOIO);
	}
	return set_frame(&zm->huge, hindex, block, GFP_NOIO);
}

/*
 * Keys for 2 MiB take time. So they are given only when a task can store there, or can sleep on
 * a futex in memory that it can only read.
 */
static void give_huge_keys(struct zuf_mapped *zm, pgoff_t hindex)
{
	lockdep_assert_held(&zm->lock);
	if (xa_get_mark(&zm->huge, hindex, HAS_KEYS))
		return;
	give_keys(zm, ZUF_SB(zm->inode->i_sb)->devs, hindex << ZUF_HUGE_ORDER,
		  xa_load(&zm->huge, hindex), ZUF_HUGE_PAGES);
	xa_set_mark(&zm->huge, hindex, HAS_KEYS);
}

int zuf_mapped_enter(struct zuf_mapped *zm, pgoff_t first, unsigned int order, u64 block,
		     bool dirty)
{
	int err = order ? enter_huge(zm, first, block) : enter_page(zm, first, block);

	lockdep_assert_held(&zm->lock);
	if (err || !dirty)
		return err;
	/* a fault that has asked before may have found a hole */
	stale_faults(zm, first, first + (1UL << order) - 1);
	if (order) {
		xa_set_mark(&zm->huge, first >> ZUF_HUGE_ORDER, WAS_WRITABLE);
		give_huge_keys(zm, first >> ZUF_HUGE_ORDER);
	} else {
		xa_set_mark(&zm->pages, first, WAS_WRITABLE);
	}
	zuf_record_join_dirty(zm);
	return 0;
}

void zuf_mapped_give_keys(struct zuf_mapped *zm, pgoff_t first, pgoff_t last)
{
	pgoff_t hindex;
	void *entry;

	lockdep_assert_held(&zm->lock);
	xa_for_each_range(&zm->huge, hindex, entry, first >> ZUF_HUGE_ORDER, last >> ZUF_HUGE_ORDER)
		give_huge_keys(zm, hindex);
}

/* ---- drop ---- */

/* Return a page of the range that somebody has pinned, or NULL. */
static struct page *find_pinned_page(struct zuf_mapped *zm, struct zuf_devset *devs,
				     pgoff_t first, pgoff_t last)
{
	struct page *page;
	pgoff_t index;
	void *entry;

	xa_for_each_range(&zm->pages, index, entry, first, last) {
		page = entry_page(devs, entry, 1);
		if (page && zuf_page_is_pinned(page))
			return page;
	}
	return NULL;
}

static struct page *find_pinned_huge(struct zuf_mapped *zm, struct zuf_devset *devs,
				     pgoff_t first, pgoff_t last)
{
	pgoff_t hindex, index;
	struct page *page;
	void *entry;

	xa_for_each_range(&zm->huge, hindex, entry, first >> ZUF_HUGE_ORDER,
			  last >> ZUF_HUGE_ORDER) {
		pgoff_t start = hindex << ZUF_HUGE_ORDER, end = start + ZUF_HUGE_PAGES - 1;

		page = entry_page(devs, entry, ZUF_HUGE_PAGES);
		for (index = max(first, start); page && index <= min(last, end); index++)
			if (zuf_page_is_pinned(page + (index - start)))
				return page + (index - start);
	}
	return NULL;
}

struct page *zuf_record_find_pinned(struct zuf_mapped *zm, struct zuf_devset *devs,
				pgoff_t first, pgoff_t last)
{
	return find_pinned_page(zm, devs, first, last) ?:
	       find_pinned_huge(zm, devs, first, last);
}

/* How pages leave a record; no page table entry shows them any more. */
enum forget {
	FORGET_FRAMES,		/* forget frames; pages that were stored to stay due for SYNC */
	FORGET_IDLE,		/* as FORGET_FRAMES, but keep frames that are held */
	FORGET_ALL,
};

static void forget_range(struct zuf_mapped *zm, unsigned int order, pgoff_t first, pgoff_t last,
			 enum forget what)
{
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	struct xarray *xa = order ? &zm->huge : &zm->pages;
	pgoff_t index;
	void *entry;

	xa_for_each_range(xa, index, entry, first, last) {
		if (what == FORGET_IDLE && entry_is_pinned(devs, entry, order))
			continue;
		if (!order || xa_get_mark(xa, index, HAS_KEYS))
			take_keys(zm, devs, index << order, entry, 1UL << order);
		xa_clear_mark(xa, index, HAS_KEYS);
		if (what == FORGET_ALL || !xa_get_mark(xa, index, WAS_WRITABLE))
			xa_erase(xa, index);
		else if (frame_of(entry) != NOT_THERE)
			set_frame(xa, index, NOT_THERE, drop_gfp);
	}
}

static void record_forget(struct zuf_mapped *zm, pgoff_t first, pgoff_t last, enum forget what)
{
	pgoff_t hfirst = first >> ZUF_HUGE_ORDER, hlast = last >> ZUF_HUGE_ORDER;

	lockdep_assert_held(&zm->lock);
	if (first & (ZUF_HUGE_PAGES - 1))
		split_huge(zm, hfirst++);
	if ((last + 1) & (ZUF_HUGE_PAGES - 1))
		split_huge(zm, hlast--);
	forget_range(zm, 0, first, last, what);
	if (hfirst <= hlast && hlast != ULONG_MAX)
		forget_range(zm, ZUF_HUGE_ORDER, hfirst, hlast, what);
}

/* Frames of the range that somebody holds leave the record; the server must keep them back. */
static void leave_range(struct zuf_mapped *zm, pgoff_t first, pgoff_t last)
{
	pgoff_t hindex, index;
	void *entry;

	lockdep_assert_held(&zm->lock);
	xa_for_each_range(&zm->pages, index, entry, first, last)
		leave_frame(zm, frame_of(entry));
	xa_for_each_range(&zm->huge, hindex, entry, first >> ZUF_HUGE_ORDER,
			  last >> ZUF_HUGE_ORDER) {
		pgoff_t start = hindex << ZUF_HUGE_ORDER, end = start + ZUF_HUGE_PAGES - 1;

		if (frame_of(entry) == NOT_THERE)
			continue;
		for (index = max(first, start); index <= min(last, end); index++)
			leave_frame(zm, frame_of(entry) + (index - start));
	}
}

/* Return: NULL: dropped. Otherwise a page that somebody has pinned, and the record stays. */
static struct page *record_drop(struct zuf_mapped *zm, pgoff_t first, pgoff_t nr, u32 flags)
{
	pgoff_t last = nr && nr <= ULONG_MAX - first ? first + nr - 1 : ULONG_MAX;
	enum forget what = flags & ZUF_DROP_FORGET ? FORGET_ALL : FORGET_FRAMES;
	struct inode *inode = zm->inode;
	struct page *pinned = NULL;

	mutex_lock(&zm->lock);
	stale_faults(zm, first, last);
	unmap_mapping_pages(inode->i_mapping, first, last - first + 1, flags & ZUF_DROP_COWS);
	if ((flags & ZUF_DROP_HOLD) && zuf_keeps_back(ZUF_SB(inode->i_sb))) {
		leave_range(zm, first, last);
		if (what == FORGET_FRAMES)
			what = FORGET_IDLE;
	} else {
		pinned = zuf_record_find_pinned(zm, ZUF_SB(inode->i_sb)->devs, first, last);
	}
	if (!pinned)
		record_forget(zm, first, last, what);
	mutex_unlock(&zm->lock);
	return pinned;
}

bool zuf_mapped_drop(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	return !zm || !record_drop(zm, first, nr, flags);
}

/*
 * The wait is killable, because a pipe that nobody empties holds pages for long. No event tells
 * of the last unpin in every case, so this function polls, ever more rarely:
 *  - DRAM: a page that stays allocated drops back to the reference of T1 without an event.
 *  - pmem: put_page() and unpin_user_page() wake a waiter for the page count. But kernels
 *    that do not pin for O_DIRECT (6.1) drop the page in __bio_release_pages(), whose
 *    folio_put_refs() only checks for 0, and pmem is idle at 1. folio_put() does the same.
 *  - pmem that is idle at 0 (compat/pfn.h): the waker uses the address of the page, not that
 *    of the count.
 */
int zuf_mapped_wait_unpinned(struct page *page, unsigned long until)
{
	unsigned long pause;

	for (pause = 1; zuf_page_is_pinned(page); pause = min(2 * pause, HZ / 20UL + 1)) {
		/* the task that holds the page may be frozen before this one */
		__set_current_state(TASK_KILLABLE | zuf_freezable());
		if (schedule_timeout(pause) && fatal_signal_pending(current))
			return -EINTR;
		if (until && time_after(jiffies, until))
			return -EBUSY;
	}
	return 0;
}

/*
 * If there is a @page, wait for it as zuf_mapped_break() does. Return: as zuf_mapped_break(); 0:
 * there is none.
 */
static int let_unpin(struct inode *inode, struct page *page, unsigned long until)
{
	int err;

	if (likely(!page))
		return 0;
	filemap_invalidate_unlock(inode->i_mapping);
	err = zuf_mapped_wait_unpinned(page, until);
	/* faults that hold the invalidate lock wait for the server */
	if (err == -EINTR || zuf_lock_mapping_killable(inode->i_mapping))
		return ZUF_BREAK_LOST;
	return err ?: ZUF_BREAK_AGAIN;
}

struct page *zuf_mapped_break_or_find(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	zuf_assert_guarded(inode);
	return zm ? record_drop(zm, first, nr, flags) : NULL;
}

int zuf_mapped_break(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags)
{
	zuf_assert_guarded(inode);
	return let_unpin(inode, zuf_mapped_break_or_find(inode, first, nr, flags), 0);
}

int zuf_mapped_end_stores(struct inode *inode, unsigned long timeout)
{
	struct zuf_mapped *zm = zuf_mapped_make(inode);
	unsigned long until = (jiffies + timeout) ?: 1;
	int ret;

	zuf_assert_exclusive(inode);
	if (!zm)
		return -ENOMEM;
	do {
		ret = let_unpin(inode, record_drop(zm, 0, 0, 0), until);
	} while (ret == ZUF_BREAK_AGAIN);
	if (!ret)
		WRITE_ONCE(zm->no_stores, true);
	return ret;
}

void zuf_mapped_allow_stores(struct inode *inode)
{
	WRITE_ONCE(zuf_mapped_of(inode)->no_stores, false);
}

/* ---- writes ---- */

/* Does the record show another frame for a page than the one that the write has left there? */
static bool is_replaced(u64 frame, const u64 *word)
{
	if (frame == NOT_THERE)
		return false;
	return word ? frame != zuf_word_block(*word) : !frame;
}

/*
 * A write has moved a page that somebody holds. The page's old block may belong to another file
 * by now, and the server will free it without asking. From now on writes wait for pins, so that
 * this does not happen again.
 */
static void note_replaced(const struct inode *inode, struct page *page)
{
	struct zuf_sb *zsb = ZUF_SB(inode->i_sb);

	if (READ_ONCE(zsb->replaces) || zuf_keeps_back(zsb) || !page ||
	    !zuf_page_is_pinned(page))
		return;
	WRITE_ONCE(zsb->replaces, true);
	pr_warn("sb %llu: inode %llu: a write has moved a page that is in use; others will wait\n",
		zsb->sb_id, (u64)inode->i_ino);
}

void zuf_mapped_replaced(struct inode *inode, pgoff_t first, pgoff_t nr)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	if (zm)
		note_replaced(inode, record_drop(zm, first, nr, ZUF_DROP_HOLD));
}

static void replace_page(struct zuf_mapped *zm, pgoff_t index, void *entry)
{
	lockdep_assert_held(&zm->lock);
	/* check for pins when no entry is left through which the page could be pinned */
	unmap_mapping_pages(zm->inode->i_mapping, index, 1, false);
	leave_frame(zm, frame_of(entry));
	note_replaced(zm->inode, entry_page(ZUF_SB(zm->inode->i_sb)->devs, entry, 1));
	record_forget(zm, index, index, FORGET_FRAMES);
}

static void rewrite_huge(struct zuf_mapped *zm, pgoff_t first, pgoff_t last, const u64 *words)
{
	pgoff_t hindex, index;
	void *entry;

	lockdep_assert_held(&zm->lock);
	xa_for_each_range(&zm->huge, hindex, entry, first >> ZUF_HUGE_ORDER,
			  last >> ZUF_HUGE_ORDER) {
		pgoff_t start = hindex << ZUF_HUGE_ORDER;
		pgoff_t end = min(last, start + ZUF_HUGE_PAGES - 1);

		for (index = max(first, start); index <= end; index++) {
			if (!shows_other(entry, index - start,
					 zuf_word_block(words[index - first])))
				continue;
			split_huge(zm, hindex);
			break;
		}
	}
}

void zuf_mapped_rewrite(struct inode *inode, pgoff_t first, pgoff_t nr, const u64 *words)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	pgoff_t index, last = first + nr - 1;
	void *entry;

	if (!zm || !nr)
		return;
	mutex_lock(&zm->lock);
	stale_faults(zm, first, last);
	if (words)
		rewrite_huge(zm, first, last, words);
	xa_for_each_range(&zm->pages, index, entry, first, last)
		if (is_replaced(frame_of(entry), words ? &words[index - first] : NULL))
			replace_page(zm, index, entry);
	mutex_unlock(&zm->lock);
}

void zuf_mapped_drop_block(struct inode *inode, u64 block)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	unsigned long index;
	void *entry;

	mutex_lock(&zm->lock);
	xa_for_each(&zm->pages, index, entry)
		if (frame_of(entry) == block)
			unmap_mapping_pages(inode->i_mapping, index, 1, false);
	xa_for_each(&zm->huge, index, entry)
		if (frame_of(entry) != NOT_THERE && block - frame_of(entry) < ZUF_HUGE_PAGES)
			unmap_mapping_pages(inode->i_mapping, index << ZUF_HUGE_ORDER,
					    ZUF_HUGE_PAGES, false);
	mutex_unlock(&zm->lock);
}
