// SPDX-License-Identifier: GPL-2.0-only
/*
 * poison.c - what the driver reports of bad memory, and how it becomes good again
 *
 *	memory_failure -> driver of the DAX device -> poison_notify
 *		the frame is marked (PG_hwpoison)
 *		its entries leave the server's mapping and those of all files
 *
 * A DAX device notifies one holder. That is the whole module here, as partitions of one device may
 * belong to different sets. One of the open sets of a device has registered with the driver
 * (dev->holds).
 *
 * Locks: poison_lock, outside of the locks of sbid.c, of records and of sets. It is held while
 * frames are marked, so that a set in the list stays.
 */
#include "poison.h"
#include "t1map.h"

#include <linux/badblocks.h>
#include <linux/blkdev.h>
#include <linux/cache.h>
#include <linux/dax.h>
#include <linux/libnvdimm.h>
#include <linux/slab.h>
#include <linux/uio.h>

static LIST_HEAD(sets);
static DEFINE_MUTEX(poison_lock);
static bool ever;		/* a frame was marked: marks stay when a set is closed */
static struct dax_device *grace; /* belongs to no device: zuf_poison_fini() */
static zuf_frame_lost_t *drop_from_files __ro_after_init;

void __init zuf_poison_set_lost(zuf_frame_lost_t *lost)
{
	drop_from_files = lost;
}

/* ---- what the driver knows ---- */

static struct badblocks *bad_of(const struct zuf_dev *dev)
{
	return dev->bdev ? zuf_blkdev(dev->bdev)->bd_disk->bb : NULL;
}

static u64 find_known(const struct zuf_dev *dev, struct badblocks *bb, u64 nr, u64 end)
{
	const unsigned int shift = PAGE_SHIFT - SECTOR_SHIFT;
	sector_t start = get_start_sect(zuf_blkdev(dev->bdev)), bad;
	u64 step;

	for (; nr < end; nr += step) {
		step = min_t(u64, end - nr, SZ_1M);
		if (zuf_badblocks_check(bb, start + (nr << shift), step << shift, &bad))
			return max(nr, (u64)(bad - start) >> shift);
	}
	return end;
}

/* The first page of [nr, end) that the driver knows to be bad; end: there is none. */
static u64 next_known(const struct zuf_dev *dev, u64 nr, u64 end)
{
	struct badblocks *bb = bad_of(dev);
	int id;

	if (!bb || !READ_ONCE(bb->count) || !dev->dax)
		return end;
	/* a driver that is unbound frees its list, but waits for those who are in here first */
	id = dax_read_lock();
	if (dax_alive(dev->dax))
		end = find_known(dev, bb, nr, end);
	dax_read_unlock(id);
	return end;
}

static bool is_known(const struct zuf_dev *dev, u64 nr)
{
	return next_known(dev, nr, nr + 1) == nr;
}

/* Mark pages that are known to be bad, so that no load has to find that out. */
static void mark_known(struct zuf_devset *ds, struct zuf_dev *dev)
{
	u64 end = dev->blocks << ds->shadow, nr, found = 0;

	for (nr = next_known(dev, 0, end); nr < end; nr = next_known(dev, nr + 1, end)) {
		SetPageHWPoison(pfn_to_page(dev->pfn + nr));
		found++;
	}
	if (!found)
		return;
	ever = true;
	pr_warn("%pg: T1: %llu pages are known to be bad\n", zuf_blkdev(dev->bdev), found);
}

/* ---- frames that have gone bad ---- */

static void poison_mark(struct zuf_devset *ds, struct zuf_dev *dev, u64 nr)
{
	u64 block = dev->first + nr;

	lockdep_assert_held(&poison_lock);
	ever = true;
	WRITE_ONCE(ds->may_be_poisoned, true);
	SetPageHWPoison(pfn_to_page(dev->pfn + nr));
	pr_err("%pg: T1: memory is poisoned: page %llu\n", zuf_blkdev(dev->bdev), nr);
	/* the shadow lies behind all of T1 in the server's mapping, and in no file */
	if (nr >= dev->blocks) {
		zuf_devset_drop_page(ds, block - dev->blocks + (ds->t1_bytes >> PAGE_SHIFT));
		return;
	}
	zuf_devset_drop_page(ds, block);
	drop_from_files(ds, block);
}

/* Mark the frames of a range of a device. Return: how many of them belong to the set. */
static u64 mark_range(struct zuf_devset *ds, struct zuf_dev *dev, u64 offset, u64 len)
{
	u64 pages = dev->blocks << ds->shadow, start = dev->dax_start;
	u64 first = max(offset, start), last = offset + len - 1, nr;

	if (last < start || first - start >= pages << PAGE_SHIFT)
		return 0;
	first = (first - start) >> PAGE_SHIFT;
	last = min(last - start, (pages << PAGE_SHIFT) - 1) >> PAGE_SHIFT;
	for (nr = first; nr <= last; nr++)
		poison_mark(ds, dev, nr);
	return last - first + 1;
}

/*
 * Called from memory_failure(). A frame of no set belongs to another partition: the kernel treats
 * it as it does without a holder. Otherwise the result must not be 0, as the kernel would then
 * take the page out of its own map, where we may store to it. And the task that had the error must
 * go on only if it can: it then repeats its access, which faults.
 */
static int poison_notify(struct dax_device *dax, u64 offset, u64 len, int mf_flags)
{
	struct zuf_devset *ds;
	unsigned int i;
	u64 marked = 0;

	/* the device goes away: that waits for those who use its pages */
	if (!len || len > U64_MAX - offset || (!offset && len == U64_MAX))
		return -EOPNOTSUPP;
	mutex_lock(&poison_lock);
	list_for_each_entry(ds, &sets, poison_link)
		for (i = 0; i < ds->nr_t1; i++)
			if (ds->t1[i].dax == dax)
				marked += mark_range(ds, &ds->t1[i], offset, len);
	mutex_unlock(&poison_lock);
	if (!marked)
		return -EOPNOTSUPP;
	return mf_flags & MF_MUST_KILL ? -EBUSY : -EHWPOISON;
}

static const struct dax_holder_operations holder_ops = {
	.notify_failure = poison_notify,
};

/* ---- the holder of a device ---- */

/* If the device has no holder become its holder, by a reference of our own. */
static void poison_hold(struct zuf_dev *dev)
{
	struct dax_device *dax;
	u64 start;

	lockdep_assert_held(&poison_lock);
	if (!dev->dax || dax_holder(dev->dax))
		return;
	dax = fs_dax_get_by_bdev(zuf_blkdev(dev->bdev), &start, &sets, &holder_ops);
	dev->holds = dax;
}

/* Make another set of the same device its holder. */
static void hand_over(const struct dax_device *dax)
{
	struct zuf_devset *ds;
	unsigned int i;

	lockdep_assert_held(&poison_lock);
	list_for_each_entry(ds, &sets, poison_link)
		for (i = 0; i < ds->nr_t1; i++)
			if (ds->t1[i].dax == dax)
				poison_hold(&ds->t1[i]);
}

void zuf_poison_watch(struct zuf_devset *ds)
{
	unsigned int i;

	mutex_lock(&poison_lock);
	list_add(&ds->poison_link, &sets);
	for (i = 0; i < ds->nr_t1; i++) {
		poison_hold(&ds->t1[i]);
		mark_known(ds, &ds->t1[i]);
	}
	ds->may_be_poisoned = ever;
	mutex_unlock(&poison_lock);
}

void zuf_poison_unwatch(struct zuf_devset *ds)
{
	unsigned int i;

	mutex_lock(&poison_lock);
	list_del_init(&ds->poison_link);
	for (i = 0; i < ds->nr_t1; i++) {
		if (!ds->t1[i].holds)
			continue;
		fs_put_dax(ds->t1[i].dax, &sets);
		ds->t1[i].holds = false;
		hand_over(ds->t1[i].dax);
	}
	mutex_unlock(&poison_lock);
}

int zuf_poison_init(void)
{
	grace = alloc_dax(NULL, NULL);
	return PTR_ERR_OR_ZERO(grace);
}

/*
 * No set is open. A notification of a device that we have given back may not have left
 * poison_notify() yet. The end of a device, of any, waits for all readers of all devices.
 */
void zuf_poison_fini(void)
{
	kill_dax(grace);
	put_dax(grace);
}

/* ---- make memory good again ---- */

bool zuf_poison_is_there(const struct zuf_devset *ds)
{
	struct badblocks *bb;
	unsigned int i;

	/* the kernel's own memory cannot be made good again */
	if (zuf_devset_is_memory(ds))
		return false;
	if (READ_ONCE(ds->may_be_poisoned))
		return true;
	for (i = 0; i < ds->nr_t1; i++) {
		bb = bad_of(&ds->t1[i]);
		if (bb && READ_ONCE(bb->count))
			return true;
	}
	return false;
}

/* The driver clears the block and stores to it. */
static bool poison_recover(const struct zuf_dev *dev, u64 nr, void *data)
{
	struct kvec vec = { .iov_base = data, .iov_len = PAGE_SIZE };
	struct iov_iter iter;
	size_t done = 0;
	int id;

	iov_iter_kvec(&iter, WRITE, &vec, 1, PAGE_SIZE);
	id = dax_read_lock();
	if (dax_alive(dev->dax))
		done = dax_recovery_write(dev->dax, PHYS_PFN(dev->dax_start) + nr,
					  dev->virt + (nr << PAGE_SHIFT), PAGE_SIZE, &iter);
	dax_read_unlock(id);
	return done == PAGE_SIZE;
}

/* All of the page was stored to: can it be read now? @data is overwritten. */
static bool read_back(struct page *page, void *data)
{
	if (copy_mc_to_kernel(data, page_address(page), PAGE_SIZE))
		return false;
	ClearPageHWPoison(page);
	return true;
}

static ssize_t poison_heal(const struct zuf_dev *dev, struct page *page, u64 nr, bool known,
			   struct iov_iter *iter)
{
	void *data = kmalloc(PAGE_SIZE, GFP_NOIO);
	size_t copied;
	bool healed;

	if (!data)
		return -EIO;
	/* before anything is stored: otherwise the block could get half of the data */
	copied = copy_from_iter(data, PAGE_SIZE, iter);
	if (copied < PAGE_SIZE) {
		iov_iter_revert(iter, copied);
		kfree(data);
		return 0;
	}
	if (known) {
		healed = poison_recover(dev, nr, data);
	} else {
		memcpy_flushcache(page_address(page), data, PAGE_SIZE);
		healed = true;
	}
	healed = healed && (!PageHWPoison(page) || read_back(page, data));
	kfree(data);
	if (healed)
		return PAGE_SIZE;
	iov_iter_revert(iter, PAGE_SIZE);
	return -EIO;
}

/* Overwrite one block, or a part of it. */
static ssize_t overwrite_block(struct zuf_devset *ds, u64 dpp, size_t len, struct iov_iter *iter)
{
	u64 block = dpp >> PAGE_SHIFT;
	struct page *page = zuf_t1_block_page(ds, block, 1);
	struct zuf_dev *dev = &ds->t1[zuf_dev_find(ds->t1, ds->nr_t1, block)];
	u64 nr = block - dev->first;
	bool known;

	if (!page)
		return -EIO;
	known = is_known(dev, nr);
	if (likely(!known && !PageHWPoison(page)))
		return shm_from_iter_durable(zuf_t1_addr(ds, dpp, len), len, iter);
	return len == PAGE_SIZE ? poison_heal(dev, page, nr, known, iter) : -EIO;
}

ssize_t zuf_poison_overwrite(struct zuf_devset *ds, u64 dpp, size_t len, struct iov_iter *iter)
{
	size_t done = 0, want;
	ssize_t got = 0;

	while (done < len) {
		want = min_t(size_t, len - done, PAGE_SIZE - offset_in_page(dpp + done));
		got = overwrite_block(ds, dpp + done, want, iter);
		if (got > 0)
			done += got;
		if (got != want)
			break;
	}
	return done ?: got;
}
