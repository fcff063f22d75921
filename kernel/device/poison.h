/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poison.h - frames of T1 that the hardware cannot read any more
 *
 * Code that reads T1 for the kernel copies it machine-check-safe (shm.h) and gets -EIO. A program
 * that loads from a mapping is stopped by the machine: memory_failure() asks the driver, and the
 * driver asks us. The frame is marked, its entries are removed from all mappings, and the next
 * access gets a SIGBUS with the address. A write(2) of whole blocks makes the frame good again,
 * if the device can do that.
 */
#ifndef ZUF_POISON_H
#define ZUF_POISON_H

#include <linux/init.h>
#include <linux/mm.h>
#include "devset.h"

struct iov_iter;

/*
 * Called when a frame, given by its T1 block, has gone bad: removes the frame from the mappings of
 * all files. The frame is marked already; poison_lock is held.
 */
typedef void zuf_frame_lost_t(const struct zuf_devset *ds, u64 block);
/* Context: called before any set is open. */
void __init zuf_poison_set_lost(zuf_frame_lost_t *lost);

int zuf_poison_init(void);
void zuf_poison_fini(void);

/* Watch a set from its open on: the driver reports its bad frames to us, until unwatch. */
void zuf_poison_watch(struct zuf_devset *ds);
void zuf_poison_unwatch(struct zuf_devset *ds);

/**
 * zuf_is_poisoned() - is one of @nr frames marked?
 * Context: the caller holds the lock under which it makes a page table entry. Code that marks a
 * frame takes that lock after marking, to remove entries.
 */
static inline bool zuf_is_poisoned(const struct zuf_devset *ds, struct page *page,
				   unsigned long nr)
{
	unsigned long i;

	if (likely(!READ_ONCE(ds->may_be_poisoned)))
		return false;
	for (i = 0; i < nr; i++)
		if (PageHWPoison(page + i))
			return true;
	return false;
}

/* May a frame of the set be marked, or known to the driver as bad? */
bool zuf_poison_is_there(const struct zuf_devset *ds);

/**
 * zuf_poison_overwrite() - store data durably where frames may be poisoned
 * @dpp: where the bytes go; they lie in T1 and are contiguous
 * Whole blocks are good again afterwards, if the device can do that.
 * Return: number of bytes; fewer than @len: the user's memory is not there; -EIO: the first block
 * is bad and stays so, and its content is lost.
 */
ssize_t zuf_poison_overwrite(struct zuf_devset *ds, u64 dpp, size_t len, struct iov_iter *iter);

#endif
