// SPDX-License-Identifier: GPL-2.0-only
/*
 * mapped.c - the record of a mapped file
 *
 * Two arrays, by page and by 2 MiB. A value is the T1 block whose frame page table
 * entries may have: 0 = the zero page, NOT_THERE = none has (but the page is due for
 * SYNC). The mark says "was writable since the last SYNC". It is what fsync sends, so it
 * is set before the entry becomes writable and cleared when no entry is.
 *
 * A frame stays in the record when the last mapping goes: pins of it may last longer.
 * As long as it is there its page has a key for futexes, from the first store on (a
 * single page from the first access on).
 *
 * Between a fault's question and its page table entry the file may change under it:
 * a write that shares its locks fills a hole, a list of the server moves a block. So
 * each fault is on @flights while it asks, and whoever drops a range marks those stale.
 */
#include "mapped.h"

#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat/pfn.h"
#include "contract.h"
#include "devset.h"
#include "futexkey.h"
#include "root.h"
#include "sbid.h"
#include "super.h"

#define WAS_WRITABLE	XA_MARK_0
#define HAS_KEYS	XA_MARK_1	/* of 2 MiB */
#define NOT_THERE	(1ULL << 52)

#define HUGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define HUGE_PAGES	(1UL << HUGE_ORDER)

static const gfp_t drop_gfp = GFP_NOIO | __GFP_NOFAIL;

/* ---- values ---- */

static u64 frame_of(void *entry)
{
	return xa_to_value(entry);
}

/* The first of @nr pages that lie there, if there are any. */
static struct page *entry_page(struct zuf_devset *devs, void *entry, unsigned long nr)
{
	u64 block = frame_of(entry);

	return block && block != NOT_THERE ? zuf_t1_block_page(devs, block, nr) : NULL;
}

/* Might a page table entry show something else than @block? */
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

static void take_all_keys(struct zuf_mapped *zm, struct zuf_devset *devs)
{
	unsigned long index;
	void *entry;

	xa_for_each(&zm->pages, index, entry)
		take_keys(zm, devs, index, entry, 1);
	xa_for_each_marked(&zm->huge, index, entry, HAS_KEYS)
		take_keys(zm, devs, index << HUGE_ORDER, entry, HUGE_PAGES);
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
	INIT_LIST_HEAD(&zm->flights);
	INIT_LIST_HEAD(&zm->dirty_link);
	old = cmpxchg(&zii->mapped, NULL, zm);
	if (!old)
		return zm;
	kfree(zm);
	return old;
}

static void join_dirty(struct zuf_mapped *zm)
{
	struct zuf_sb *zsb = ZUF_SB(zm->inode->i_sb);

	if (!list_empty(&zm->dirty_link))
		return;
	spin_lock(&zsb->dirty_lock);
	list_add_tail(&zm->dirty_link, &zsb->dirty);
	spin_unlock(&zsb->dirty_lock);
}

static void leave_dirty(struct zuf_mapped *zm)
{
	struct zuf_sb *zsb = ZUF_SB(zm->inode->i_sb);

	spin_lock(&zsb->dirty_lock);
	list_del_init(&zm->dirty_link);
	spin_unlock(&zsb->dirty_lock);
}

static void record_free(struct zuf_mapped *zm)
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
	leave_dirty(zm);
	WRITE_ONCE(ZUF_I(inode)->mapped, NULL);
	take_all_keys(zm, ZUF_SB(inode->i_sb)->devs);
	record_free(zm);
}

/* ---- parts of 2 MiB ---- */

/* Of 2 MiB make single pages: its parts will have different fates. */
static void split_huge(struct zuf_mapped *zm, pgoff_t hindex)
{
	void *entry = xa_load(&zm->huge, hindex);
	pgoff_t index = hindex << HUGE_ORDER, i;
	bool dirty;

	if (!entry)
		return;
	dirty = xa_get_mark(&zm->huge, hindex, WAS_WRITABLE);
	for (i = 0; i < HUGE_PAGES; i++) {
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

static void stale_flights(struct zuf_mapped *zm, pgoff_t first, pgoff_t last)
{
	struct zuf_flight *flight;

	list_for_each_entry(flight, &zm->flights, link)
		if (flight->first <= last && flight->last >= first)
			flight->stale = true;
}

void zuf_mapped_fly(struct zuf_mapped *zm, struct zuf_flight *flight, pgoff_t first,
		    unsigned int order)
{
	flight->first = first;
	flight->last = first + (1UL << order) - 1;
	flight->stale = false;
	mutex_lock(&zm->lock);
	list_add(&flight->link, &zm->flights);
	mutex_unlock(&zm->lock);
}

bool zuf_mapped_land(struct zuf_mapped *zm, struct zuf_flight *flight)
{
	mutex_lock(&zm->lock);
	list_del(&flight->link);
	if (likely(!flight->stale))
		return true;
	mutex_unlock(&zm->lock);
	return false;
}

void zuf_mapped_abort(struct zuf_mapped *zm, struct zuf_flight *flight)
{
	mutex_lock(&zm->lock);
	list_del(&flight->link);
	mutex_unlock(&zm->lock);
}

static int enter_page(struct zuf_mapped *zm, pgoff_t index, u64 block)
{
	pgoff_t hindex = index >> HUGE_ORDER, in_huge = index & (HUGE_PAGES - 1);
	void *entry = xa_load(&zm->pages, index), *huge = xa_load(&zm->huge, hindex);
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	int err;

	if (shows_other(entry, 0, block) || shows_other(huge, in_huge, block)) {
		unmap_mapping_pages(zm->inode->i_mapping, index, 1, false);
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

static int enter_huge(struct zuf_mapped *zm, pgoff_t first, u64 block)
{
	pgoff_t hindex = first >> HUGE_ORDER, index = first;
	void *entry, *huge = xa_load(&zm->huge, hindex);
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	bool other = shows_other(huge, 0, block);

	if (huge && frame_of(huge) == block)
		return 0;
	if (huge && xa_get_mark(&zm->huge, hindex, HAS_KEYS))
		take_keys(zm, devs, first, huge, HUGE_PAGES);
	xa_clear_mark(&zm->huge, hindex, HAS_KEYS);
	xa_for_each_range(&zm->pages, index, entry, first, first + HUGE_PAGES - 1) {
		if (frame_of(entry) == block + (index - first))
			continue;
		other |= frame_of(entry) != NOT_THERE;
		take_keys(zm, devs, index, entry, 1);
		/* there is memory: a value is replaced */
		set_frame(&zm->pages, index, block + (index - first), GFP_NOIO);
	}
	if (other)
		unmap_mapping_pages(zm->inode->i_mapping, first, HUGE_PAGES, false);
	return set_frame(&zm->huge, hindex, block, GFP_NOIO);
}

/* It takes time, so not before somebody can store there. */
static void give_huge_keys(struct zuf_mapped *zm, pgoff_t hindex)
{
	if (xa_get_mark(&zm->huge, hindex, HAS_KEYS))
		return;
	give_keys(zm, ZUF_SB(zm->inode->i_sb)->devs, hindex << HUGE_ORDER,
		  xa_load(&zm->huge, hindex), HUGE_PAGES);
	xa_set_mark(&zm->huge, hindex, HAS_KEYS);
}

int zuf_mapped_enter(struct zuf_mapped *zm, pgoff_t first, unsigned int order, u64 block,
		     bool dirty)
{
	int err = order ? enter_huge(zm, first, block) : enter_page(zm, first, block);

	if (err || !dirty)
		return err;
	/* who has asked before may have found a hole */
	stale_flights(zm, first, first + (1UL << order) - 1);
	if (order) {
		xa_set_mark(&zm->huge, first >> HUGE_ORDER, WAS_WRITABLE);
		give_huge_keys(zm, first >> HUGE_ORDER);
	} else {
		xa_set_mark(&zm->pages, first, WAS_WRITABLE);
	}
	join_dirty(zm);
	return 0;
}

/* ---- drop ---- */

/* Nothing shows them any more; what was stored there is due for SYNC all the same. */
static void forget_range(struct zuf_mapped *zm, unsigned int order, pgoff_t first, pgoff_t last,
			 bool dirty_too)
{
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	struct xarray *xa = order ? &zm->huge : &zm->pages;
	pgoff_t index;
	void *entry;

	xa_for_each_range(xa, index, entry, first, last) {
		if (!order || xa_get_mark(xa, index, HAS_KEYS))
			take_keys(zm, devs, index << order, entry, 1UL << order);
		xa_clear_mark(xa, index, HAS_KEYS);
		if (dirty_too || !xa_get_mark(xa, index, WAS_WRITABLE))
			xa_erase(xa, index);
		else if (frame_of(entry) != NOT_THERE)
			set_frame(xa, index, NOT_THERE, drop_gfp);
	}
}

static void forget(struct zuf_mapped *zm, pgoff_t first, pgoff_t last, bool dirty_too)
{
	pgoff_t hfirst = first >> HUGE_ORDER, hlast = last >> HUGE_ORDER;

	if (first & (HUGE_PAGES - 1))
		split_huge(zm, hfirst++);
	if ((last + 1) & (HUGE_PAGES - 1))
		split_huge(zm, hlast--);
	forget_range(zm, 0, first, last, dirty_too);
	if (hfirst <= hlast && hlast != ULONG_MAX)
		forget_range(zm, HUGE_ORDER, hfirst, hlast, dirty_too);
}

/* A page of the range that somebody has pinned, or NULL. */
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

	xa_for_each_range(&zm->huge, hindex, entry, first >> HUGE_ORDER, last >> HUGE_ORDER) {
		pgoff_t start = hindex << HUGE_ORDER, end = start + HUGE_PAGES - 1;

		page = entry_page(devs, entry, HUGE_PAGES);
		for (index = max(first, start); page && index <= min(last, end); index++)
			if (zuf_page_is_pinned(page + (index - start)))
				return page + (index - start);
	}
	return NULL;
}

static struct page *find_pinned(struct zuf_mapped *zm, struct zuf_devset *devs,
				pgoff_t first, pgoff_t last)
{
	return find_pinned_page(zm, devs, first, last) ?:
	       find_pinned_huge(zm, devs, first, last);
}

/* NULL: dropped; or who is in the way, and the record stays. */
static struct page *drop(struct zuf_mapped *zm, pgoff_t first, pgoff_t nr, u32 flags)
{
	pgoff_t last = nr && nr <= ULONG_MAX - first ? first + nr - 1 : ULONG_MAX;
	struct inode *inode = zm->inode;
	struct page *pinned;

	mutex_lock(&zm->lock);
	stale_flights(zm, first, last);
	unmap_mapping_pages(inode->i_mapping, first, last - first + 1, flags & ZUF_DROP_COWS);
	pinned = find_pinned(zm, ZUF_SB(inode->i_sb)->devs, first, last);
	if (!pinned)
		forget(zm, first, last, flags & ZUF_DROP_FORGET);
	mutex_unlock(&zm->lock);
	return pinned;
}

bool zuf_mapped_drop(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	return !zm || !drop(zm, first, nr, flags);
}

/*
 * Killable: a pipe that nobody empties holds pages for long. There is no event that tells of
 * the last pin in each case, so look, ever more rarely:
 *  - Of memory a page that stays allocated goes back to our own reference without a word.
 *  - Of pmem put_page() and unpin_user_page() wake up who waits for the count. But kernels
 *    that do not pin for O_DIRECT (6.1) end it in __bio_release_pages(), whose
 *    folio_put_refs() only looks for 0, and pmem is idle at 1. folio_put() does the same.
 *  - Where 0 is idle (compat/pfn.h) nobody is woken by the count's address, but by the page's.
 */
static int wait_unpinned(struct page *page)
{
	unsigned long pause;

	for (pause = 1; zuf_page_is_pinned(page); pause = min(2 * pause, HZ / 20UL + 1)) {
		/* whoever holds it may be frozen before us */
		__set_current_state(TASK_KILLABLE | TASK_FREEZABLE_UNSAFE);
		if (schedule_timeout(pause) && fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

int zuf_mapped_break(struct inode *inode, pgoff_t first, pgoff_t nr, u32 flags,
		     struct address_space *other)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	struct page *pinned = zm ? drop(zm, first, nr, flags) : NULL;
	int err;

	if (likely(!pinned))
		return 0;
	filemap_invalidate_unlock_two(inode->i_mapping, other);
	err = wait_unpinned(pinned);
	filemap_invalidate_lock_two(inode->i_mapping, other);
	return err ?: 1;
}

struct zuf_mapped *zuf_mapped_detach_pinned(struct inode *inode)
{
	struct zuf_sb *zsb = ZUF_SB(inode->i_sb);
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	if (!zm || !zsb->sbid || !find_pinned(zm, zsb->devs, 0, ULONG_MAX))
		return NULL;
	leave_dirty(zm);
	WRITE_ONCE(ZUF_I(inode)->mapped, NULL);
	take_all_keys(zm, zsb->devs);
	zm->inode = NULL;
	zm->devs = zuf_devset_get(zsb->devs);
	zm->sbid = zsb->sbid;
	kref_get(&zm->sbid->ref);
	return zm;
}

/* How often a wait for pins looks whether the mount is still there. */
#define DETACHED_LOOK	(HZ / 10 + 1)

static bool mount_has_ended(struct zuf_sbid *sbid)
{
	return !READ_ONCE(sbid->sb) || !zuf_root_is_live(sbid->root, sbid->server_gen);
}

void zuf_mapped_wait_unpinned(struct zuf_mapped *zm)
{
	struct page *page;

	while (!mount_has_ended(zm->sbid) &&
	       (page = find_pinned(zm, zm->devs, 0, ULONG_MAX)))
		wait_var_event_timeout(&page->_refcount, !zuf_page_is_pinned(page),
				       DETACHED_LOOK);
	zuf_devset_put(zm->devs);
	zuf_sbid_put(zm->sbid);
	record_free(zm);
}

/* Is what the record has of a page not what the write has left there? */
static bool is_replaced(u64 frame, const u64 *word)
{
	if (frame == NOT_THERE)
		return false;
	return word ? frame != zuf_word_block(*word) : !frame;
}

static void drop_page(struct zuf_mapped *zm, pgoff_t index)
{
	unmap_mapping_pages(zm->inode->i_mapping, index, 1, false);
	forget(zm, index, index, false);
}

static void rewrite_huge(struct zuf_mapped *zm, pgoff_t first, pgoff_t last, const u64 *words)
{
	pgoff_t hindex, index;
	void *entry;

	xa_for_each_range(&zm->huge, hindex, entry, first >> HUGE_ORDER, last >> HUGE_ORDER) {
		pgoff_t start = hindex << HUGE_ORDER;
		pgoff_t end = min(last, start + HUGE_PAGES - 1);

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
	stale_flights(zm, first, last);
	if (words)
		rewrite_huge(zm, first, last, words);
	xa_for_each_range(&zm->pages, index, entry, first, last)
		if (is_replaced(frame_of(entry), words ? &words[index - first] : NULL))
			drop_page(zm, index);
	mutex_unlock(&zm->lock);
}

/* ---- what was stored to ---- */

static bool find_marked(struct xarray *xa, pgoff_t first, pgoff_t last, pgoff_t *from,
			pgoff_t *to)
{
	pgoff_t index = first;
	void *entry = xa_find(xa, &index, last, WAS_WRITABLE);

	if (!entry)
		return false;
	*from = index;
	for (; entry; entry = xa_find_after(xa, &index, last, WAS_WRITABLE))
		*to = index;
	return true;
}

bool zuf_mapped_clean_start(struct zuf_mapped *zm, pgoff_t *first, pgoff_t *last)
{
	pgoff_t from, to, hfrom, hto;
	bool pages, huge;

	mutex_lock(&zm->lock);
	pages = find_marked(&zm->pages, *first, *last, &from, &to);
	huge = find_marked(&zm->huge, *first >> HUGE_ORDER, *last >> HUGE_ORDER, &hfrom, &hto);
	if (huge) {
		hfrom <<= HUGE_ORDER;
		hto = (hto << HUGE_ORDER) + HUGE_PAGES - 1;
		from = pages ? min(from, hfrom) : hfrom;
		to = pages ? max(to, hto) : hto;
	}
	if (pages || huge) {
		*first = from;
		*last = to;
		unmap_mapping_pages(zm->inode->i_mapping, from, to - from + 1, false);
	}
	mutex_unlock(&zm->lock);
	return pages || huge;
}

/* What DMA may still store to stays due. */
static bool may_be_stored(struct zuf_mapped *zm, pgoff_t first, unsigned int order)
{
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;

	return order ? find_pinned_huge(zm, devs, first, first + HUGE_PAGES - 1) :
		       find_pinned_page(zm, devs, first, first);
}

static void clear_marks(struct zuf_mapped *zm, struct xarray *xa, unsigned int order,
			pgoff_t first, pgoff_t last)
{
	pgoff_t index = first;
	void *entry = xa_find(xa, &index, last, WAS_WRITABLE);

	for (; entry; entry = xa_find_after(xa, &index, last, WAS_WRITABLE))
		if (!may_be_stored(zm, index << order, order))
			xa_clear_mark(xa, index, WAS_WRITABLE);
}

void zuf_mapped_clean_end(struct zuf_mapped *zm, pgoff_t first, pgoff_t last)
{
	mutex_lock(&zm->lock);
	clear_marks(zm, &zm->pages, 0, first, last);
	clear_marks(zm, &zm->huge, HUGE_ORDER, first >> HUGE_ORDER, last >> HUGE_ORDER);
	if (!xa_marked(&zm->pages, WAS_WRITABLE) && !xa_marked(&zm->huge, WAS_WRITABLE))
		leave_dirty(zm);
	mutex_unlock(&zm->lock);
}
