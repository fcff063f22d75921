// SPDX-License-Identifier: GPL-2.0-only
/*
 * clean.c - which pages of a record were stored to, and when they are clean again
 *
 * Called by sync.c, before and after the server is sent SYNC (mapped.h has the contract). The
 * marks are those of mappedrec.h, under the lock of the record.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat/pfn.h"
#include "mappedrec.h"
#include "sb.h"
#include "t1map.h"

/*
 * Up to this many clean pages between two dirty ones cost no more to fault in again than to
 * spare.
 */
#define CLEAN_GAP	16

/* Unmap the marked pages, neighbours in one call; *from and *to become their range. */
static void unmap_marked(struct zuf_mapped *zm, unsigned int order, pgoff_t first,
			 pgoff_t last, pgoff_t *from, pgoff_t *to)
{
	struct xarray *xa = order ? &zm->huge : &zm->pages;
	pgoff_t index = first >> order, start, end;
	void *entry;

	lockdep_assert_held(&zm->lock);
	if (!xa_marked(xa, WAS_WRITABLE))
		return;
	entry = xa_find(xa, &index, last >> order, WAS_WRITABLE);
	while (entry) {
		start = index;
		do {
			end = index;
			entry = xa_find_after(xa, &index, last >> order, WAS_WRITABLE);
		} while (entry && (index - end) << order <= CLEAN_GAP);
		unmap_mapping_pages(zm->inode->i_mapping, start << order,
				    (end - start + 1) << order, false);
		*from = min(*from, start << order);
		*to = max(*to, ((end + 1) << order) - 1);
	}
}

/*
 * The marked pages have just been unmapped: a page that is not pinned now cannot be pinned
 * before SYNC has ended. A page that DMA may still store to stays due for SYNC.
 */
static void begin_syncing(struct zuf_mapped *zm, struct xarray *xa, unsigned int order,
			  pgoff_t first, pgoff_t last)
{
	struct zuf_devset *devs = ZUF_SB(zm->inode->i_sb)->devs;
	unsigned long index = first;
	void *entry;

	lockdep_assert_held(&zm->lock);
	if (!xa_marked(xa, WAS_WRITABLE))
		return;
	entry = xa_find(xa, &index, last, WAS_WRITABLE);
	/* looking up a page of device-less T1 may sleep, so the xarray is not locked */
	for (; entry; entry = xa_find_after(xa, &index, last, WAS_WRITABLE)) {
		if (entry_is_pinned(devs, entry, order))
			xa_clear_mark(xa, index, SYNCING);
		else
			xa_set_mark(xa, index, SYNCING);
		cond_resched();
	}
}

bool zuf_mapped_clean_start(struct zuf_mapped *zm, pgoff_t *first, pgoff_t *last)
{
	pgoff_t from = ULONG_MAX, to = 0;

	mutex_lock(&zm->lock);
	unmap_marked(zm, 0, *first, *last, &from, &to);
	unmap_marked(zm, ZUF_HUGE_ORDER, *first, *last, &from, &to);
	if (from <= to) {
		begin_syncing(zm, &zm->pages, 0, from, to);
		begin_syncing(zm, &zm->huge, ZUF_HUGE_ORDER, from >> ZUF_HUGE_ORDER,
			      to >> ZUF_HUGE_ORDER);
	}
	mutex_unlock(&zm->lock);
	if (from > to)
		return false;
	*first = from;
	*last = to;
	return true;
}

static void clear_marks(struct xarray *xa, pgoff_t first, pgoff_t last)
{
	XA_STATE(xas, xa, first);
	unsigned int n = 0;
	void *entry;

	if (!xa_marked(xa, SYNCING))
		return;
	xas_lock(&xas);
	xas_for_each_marked(&xas, entry, last, SYNCING) {
		xas_clear_mark(&xas, SYNCING);
		xas_clear_mark(&xas, WAS_WRITABLE);
		if (++n % XA_CHECK_SCHED)
			continue;
		xas_pause(&xas);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

void zuf_mapped_clean_end(struct zuf_mapped *zm, pgoff_t first, pgoff_t last)
{
	mutex_lock(&zm->lock);
	clear_marks(&zm->pages, first, last);
	clear_marks(&zm->huge, first >> ZUF_HUGE_ORDER, last >> ZUF_HUGE_ORDER);
	if (!xa_marked(&zm->pages, WAS_WRITABLE) && !xa_marked(&zm->huge, WAS_WRITABLE))
		zuf_record_leave_dirty(zm);
	mutex_unlock(&zm->lock);
}
