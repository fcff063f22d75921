/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poison.h - frames of T1 that the hardware cannot read any more
 *
 * Whoever reads T1 for the kernel copies it machine-check-safe (shm.h) and gets -EIO. Who
 * loads from a mapping is told by the machine: memory_failure() asks the driver, the driver
 * asks us. The frame is marked, its entries go from all mappings, and the next access is a
 * SIGBUS with the address. A write(2) of whole blocks brings it back where the device can.
 */
#ifndef ZUF_POISON_H
#define ZUF_POISON_H

#include <linux/init.h>
#include <linux/mm.h>
#include "devset.h"

struct iov_iter;

/*
 * Called when a frame, by its T1 block, has gone bad: it leaves the mappings of all files. It is
 * marked already; poison_lock is held.
 */
typedef void zuf_frame_lost_t(const struct zuf_devset *ds, u64 block);
/* Before any set is open. */
void __init zuf_poison_set_lost(zuf_frame_lost_t *lost);

int zuf_poison_init(void);
void zuf_poison_fini(void);

/* A set that is open from now on; the driver tells us of its frames until it is not. */
void zuf_poison_watch(struct zuf_devset *ds);
void zuf_poison_unwatch(struct zuf_devset *ds);

/**
 * zuf_is_poisoned() - is one of @nr frames marked?
 * Context: to be asked with the lock held under which an entry is made; who marks takes it
 * afterwards, to take entries away.
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

/* May a frame be marked, or known to the driver as bad? */
bool zuf_poison_is_there(const struct zuf_devset *ds);

/**
 * zuf_poison_overwrite() - store data durably where frames may be poisoned
 * @dpp: bytes from there, which lie in T1 and are contiguous
 * Whole blocks are good again afterwards, if the device can.
 * Return: bytes; less: the user's memory is not there; -EIO: the first block is bad and stays
 * so, what it had is lost.
 */
ssize_t zuf_poison_overwrite(struct zuf_devset *ds, u64 dpp, size_t len, struct iov_iter *iter);

#endif
