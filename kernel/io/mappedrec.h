/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mappedrec.h - how a record is stored: for mapped.c and detached.c only
 *
 * A value of either array is the T1 block whose frame page table entries may show. 0 stands for
 * the zero page. NOT_THERE means that no entry shows the page, but the page is still due for
 * SYNC.
 */
#ifndef ZUF_MAPPEDREC_H
#define ZUF_MAPPEDREC_H

#include <linux/mm.h>
#include <linux/xarray.h>

#include "compat/pfn.h"
#include "devset.h"
#include "mapped.h"
#include "t1map.h"

#define WAS_WRITABLE	XA_MARK_0
#define HAS_KEYS	XA_MARK_1	/* only in @huge */
#define SYNCING		XA_MARK_2	/* nobody could store to it when SYNC began */
#define LOOKS_IDLE	SYNCING		/* in detached records: the first look found it idle */
#define NOT_THERE	(1ULL << 52)

static inline u64 frame_of(void *entry)
{
	return xa_to_value(entry);
}

/* The first of the @nr pages of this entry's frame; NULL: the entry has no frame. */
static inline struct page *entry_page(struct zuf_devset *devs, void *entry, unsigned long nr)
{
	u64 block = frame_of(entry);

	return block && block != NOT_THERE ? zuf_t1_block_page(devs, block, nr) : NULL;
}

/* Does somebody hold a frame of the entry? */
static inline bool entry_is_pinned(struct zuf_devset *devs, void *entry, unsigned int order)
{
	struct page *page = entry_page(devs, entry, 1UL << order);
	unsigned long i;

	for (i = 0; page && i < 1UL << order; i++)
		if (zuf_page_is_pinned(page + i))
			return true;
	return false;
}

/* mapped.c */
void zuf_record_take_keys(struct zuf_mapped *zm, struct zuf_devset *devs);
void zuf_record_join_dirty(struct zuf_mapped *zm);
void zuf_record_leave_dirty(struct zuf_mapped *zm);
void zuf_record_free(struct zuf_mapped *zm);
/* A page of the range that somebody has pinned, or NULL. */
struct page *zuf_record_find_pinned(struct zuf_mapped *zm, struct zuf_devset *devs,
				    pgoff_t first, pgoff_t last);

#endif
