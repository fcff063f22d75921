// SPDX-License-Identifier: GPL-2.0-only
/*
 * detached.c - records of evicted inodes whose frames are still held (pins.c)
 *
 * Only pins.c knows these records, so they need no lock of their own. A frame is idle when two
 * looks, a tick apart, find it so: the mark LOOKS_IDLE is the result of the first.
 */
#include "mappedrec.h"

#include <linux/jiffies.h>
#include <linux/libnvdimm.h>
#include <linux/sched.h>

#include "held.h"
#include "sb.h"
#include "t1map.h"

/* In the record of an inode this mark has another meaning. */
static void clear_looks(struct zuf_mapped *zm)
{
	unsigned long index;
	void *entry;

	xa_for_each_marked(&zm->pages, index, entry, LOOKS_IDLE)
		xa_clear_mark(&zm->pages, index, LOOKS_IDLE);
	xa_for_each_marked(&zm->huge, index, entry, LOOKS_IDLE)
		xa_clear_mark(&zm->huge, index, LOOKS_IDLE);
	zm->looked = 0;
}

struct zuf_mapped *zuf_mapped_detach(struct inode *inode)
{
	struct zuf_devset *devs = ZUF_SB(inode->i_sb)->devs;
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	unsigned long hindex;
	void *entry;

	zuf_record_leave_dirty(zm);
	WRITE_ONCE(ZUF_I(inode)->mapped, NULL);
	zuf_record_take_keys(zm, devs);
	xa_for_each_marked(&zm->huge, hindex, entry, HAS_KEYS)
		xa_clear_mark(&zm->huge, hindex, HAS_KEYS);
	clear_looks(zm);
	zm->ino = inode->i_ino;
	zm->inode = NULL;
	return zm;
}

void zuf_mapped_attach(struct zuf_mapped *zm, struct inode *inode)
{
	clear_looks(zm);
	zm->inode = inode;
	/* what DMA has stored since the last SYNC is due */
	if (xa_marked(&zm->pages, WAS_WRITABLE) || xa_marked(&zm->huge, WAS_WRITABLE))
		zuf_record_join_dirty(zm);
	WRITE_ONCE(ZUF_I(inode)->mapped, zm);
}

void zuf_mapped_destroy(struct zuf_mapped *zm)
{
	zuf_record_free(zm);
}

bool zuf_mapped_is_pinned(struct zuf_mapped *zm, struct zuf_devset *devs, pgoff_t first,
			  pgoff_t nr)
{
	pgoff_t last = nr && nr <= ULONG_MAX - first ? first + nr - 1 : ULONG_MAX;

	return zuf_record_find_pinned(zm, devs, first, last);
}

/* Nobody sends a SYNC any more for what DMA has stored, so it is written back here. */
static void write_back(struct zuf_devset *devs, void *entry, unsigned long nr)
{
	struct page *page = entry_page(devs, entry, nr);

	if (page && is_zone_device_page(page))
		arch_wb_cache_pmem(page_address(page), nr << PAGE_SHIFT);
}

static void write_back_marked(struct zuf_devset *devs, struct xarray *xa, unsigned int order)
{
	unsigned long index;
	void *entry;

	xa_for_each_marked(xa, index, entry, WAS_WRITABLE) {
		write_back(devs, entry, 1UL << order);
		cond_resched();
	}
}

void zuf_mapped_write_back(struct zuf_mapped *zm, struct zuf_devset *devs)
{
	write_back_marked(devs, &zm->pages, 0);
	write_back_marked(devs, &zm->huge, ZUF_HUGE_ORDER);
}

static void record_trim(struct zuf_mapped *zm, struct zuf_devset *devs, unsigned int order)
{
	struct xarray *xa = order ? &zm->huge : &zm->pages;
	unsigned long index;
	void *entry;

	xa_for_each(xa, index, entry) {
		if (entry_is_pinned(devs, entry, order)) {
			xa_clear_mark(xa, index, LOOKS_IDLE);
		} else if (!xa_get_mark(xa, index, LOOKS_IDLE)) {
			xa_set_mark(xa, index, LOOKS_IDLE);
		} else {
			if (xa_get_mark(xa, index, WAS_WRITABLE))
				write_back(devs, entry, 1UL << order);
			xa_erase(xa, index);
		}
		cond_resched();
	}
}

/* Only the frames of an entry of 2 MiB that are held; nobody needs to know of the others. */
static int leave_entry(struct zuf_held *held, struct zuf_devset *devs, void *entry,
		       unsigned int order, gfp_t gfp)
{
	struct page *page = entry_page(devs, entry, 1UL << order);
	unsigned long i;
	int err = 0;

	for (i = 0; page && !err && i < 1UL << order; i++)
		if (zuf_page_is_pinned(page + i))
			err = zuf_held_add(held, frame_of(entry) + i, gfp);
	return err;
}

int zuf_mapped_leave(struct zuf_mapped *zm, struct zuf_held *held, struct zuf_devset *devs,
		     gfp_t gfp)
{
	unsigned long index;
	void *entry;
	int err = 0;

	xa_for_each(&zm->pages, index, entry)
		err = err ?: leave_entry(held, devs, entry, 0, gfp);
	xa_for_each(&zm->huge, index, entry)
		err = err ?: leave_entry(held, devs, entry, ZUF_HUGE_ORDER, gfp);
	return err;
}

bool zuf_mapped_trim(struct zuf_mapped *zm, struct zuf_devset *devs)
{
	/* a second look within a tick does not count */
	if (zm->looked && !time_after(jiffies, zm->looked + 1))
		return true;
	zm->looked = jiffies ?: 1;
	record_trim(zm, devs, 0);
	record_trim(zm, devs, ZUF_HUGE_ORDER);
	return !xa_empty(&zm->pages) || !xa_empty(&zm->huge);
}
