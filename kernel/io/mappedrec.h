/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mappedrec.h - what a record is made of: for mapped.c and detached.c only
 *
 * A value of both arrays is the T1 block whose frame page table entries may have: 0 = the zero
 * page, NOT_THERE = none has (but the page is due for SYNC).
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
#define HAS_KEYS	XA_MARK_1	/* of 2 MiB */
#define SYNCING		XA_MARK_2	/* nobody could store there when SYNC began */
#define LOOKS_IDLE	SYNCING		/* of detached records: the first look */
#define NOT_THERE	(1ULL << 52)

static inline u64 frame_of(void *entry)
{
	return xa_to_value(entry);
}

/* The first of @nr pages that lie there, if there are any. */
static inline struct page *entry_page(struct zuf_devset *devs, void *entry, unsigned long nr)
{
	u64 block = frame_of(entry);

	return block && block != NOT_THERE ? zuf_t1_block_page(devs, block, nr) : NULL;
}

/* Does somebody hold one of its frames? */
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
