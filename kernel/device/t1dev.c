// SPDX-License-Identifier: GPL-2.0-only
/*
 * t1dev.c - the memory behind a T1 device
 *
 * This is either a DAX device, mapped by its driver for as long as we hold its page
 * map, or kernel memory that is allocated piece by piece. Called by devset.c,
 * which owns the zuf_dev, and by the fault of the mapping (t1map.c).
 */
#include "t1dev.h"

#include <linux/blkdev.h>
#include <linux/memremap.h>
#include <linux/uio.h>
#include "compat/pfn.h"
#include "whynot.h"

bool zuf_t1dev_is_dax(struct block_device *bdev)
{
	struct dax_device *dax;
	u64 start;

	dax = fs_dax_get_by_bdev(bdev, &start, NULL, NULL);
	fs_put_dax(dax, NULL);
	return dax;
}

/*
 * Map all pages from @first on as one range. A driver may hand the range out in pieces
 * (a poisoned page ends one); they must be adjacent in virtual and physical memory.
 */
static int t1dev_walk(struct zuf_dev *dev, struct block_device *bdev, pgoff_t first, u64 pages,
		      struct fs_context *fc)
{
	unsigned long pfn;
	void *virt;
	u64 done;
	long nr;

	for (done = 0; done < pages; done += nr) {
		nr = zuf_dax_access(dev->dax, first + done, pages - done, &virt, &pfn);
		if (nr <= 0) {
			zuf_whynot(fc, "%pg: T1: no direct access to page %llu of %llu: %pe",
				   bdev, done, pages, ERR_PTR(nr));
			return nr ? nr : -EIO;
		}
		if (!done) {
			dev->virt = virt;
			dev->pfn = pfn;
		} else if (virt != dev->virt + (done << PAGE_SHIFT) || pfn != dev->pfn + done) {
			zuf_whynot(fc, "%pg: T1: expected one range of %llu pages, gap after %llu",
				   bdev, pages, done);
			return -EINVAL;
		}
	}
	return 0;
}

static int t1dev_check_pages(struct zuf_dev *dev, struct block_device *bdev, u64 pages,
			     struct fs_context *fc)
{
	unsigned long last = dev->pfn + pages - 1;

	if (dev->pfn % ZUF_CHUNK_BLOCKS) {
		zuf_whynot(fc,
			   "%pg: T1: expected memory that starts at a multiple of 2 MiB, not %#llx",
			   bdev, (u64)PFN_PHYS(dev->pfn));
		return -EINVAL;
	}
	dev->pgmap = get_dev_pagemap(dev->pfn);
	if (!dev->pgmap || PFN_PHYS(last) > dev->pgmap->range.end) {
		zuf_whynot(fc,
			   "%pg: T1: expected struct pages, found none (namespace in raw mode?)",
			   bdev);
		return -EINVAL;
	}
	dev->node = page_to_nid(pfn_to_page(dev->pfn));
	if (page_to_nid(pfn_to_page(last)) != dev->node)
		pr_warn("%pg: T1: lies across NUMA nodes, node %d is used for all of it\n",
			bdev, dev->node);
	if (!dax_synchronous(dev->dax))
		pr_warn("%pg: T1: a flush of the CPU caches does not make its data durable\n",
			bdev);
	return 0;
}

int zuf_t1dev_map(struct zuf_dev *dev, struct fs_context *fc)
{
	struct block_device *bdev = zuf_blkdev(dev->bdev);
	u64 pages = bdev_nr_bytes(bdev) >> PAGE_SHIFT;
	int err, id;

	dev->dax = fs_dax_get_by_bdev(bdev, &dev->dax_start, NULL, NULL);
	if (!dev->dax) {
		zuf_whynot(fc, "%pg: T1: expected a DAX device (persistent memory), found a disk",
			   bdev);
		return -EINVAL;
	}
	id = dax_read_lock();
	err = t1dev_walk(dev, bdev, PHYS_PFN(dev->dax_start), pages, fc);
	if (!err)
		err = t1dev_check_pages(dev, bdev, pages, fc);
	dax_read_unlock(id);
	if (err)
		zuf_t1dev_fini(dev);
	return err;
}

int zuf_t1dev_load_shadow(struct zuf_dev *dev, struct fs_context *fc)
{
	size_t bytes = dev->blocks << ZUFS_PAGE_SHIFT;
	size_t done;

	for (done = 0; done < bytes; done += ZUF_CHUNK_SIZE) {
		if (copy_mc_to_kernel(dev->virt + done, dev->virt + bytes + done,
				      ZUF_CHUNK_SIZE)) {
			zuf_whynot(fc, "%pg: shadow: poisoned memory in the 2 MiB at %zu",
				   zuf_blkdev(dev->bdev), bytes + done);
			return -EIO;
		}
		cond_resched();
	}
	return 0;
}

int zuf_t1dev_alloc(struct zuf_dev *dev)
{
	dev->chunks = kvcalloc(dev->blocks / ZUF_CHUNK_BLOCKS, sizeof(*dev->chunks),
			       GFP_KERNEL_ACCOUNT);
	dev->node = NUMA_NO_NODE;
	return dev->chunks ? 0 : -ENOMEM;
}

void *zuf_t1dev_chunk(struct zuf_dev *dev, u64 block)
{
	void **slot = &dev->chunks[block / ZUF_CHUNK_BLOCKS];
	struct page *page;

	if (*slot)
		return *slot;
	page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_RETRY_MAYFAIL |
			   __GFP_NOWARN, ZUF_CHUNK_ORDER);
	if (!page) {
		pr_warn_ratelimited("no memory for 2 MiB of T1 at block %llu\n",
				    round_down(block, ZUF_CHUNK_BLOCKS));
		return NULL;
	}
	/* pages may be in mappings of applications: each is pinned and unpinned on its own */
	split_page(page, ZUF_CHUNK_ORDER);
	/* The zeroes come before the pointer; pairs with zuf_t1_addr(). */
	smp_store_release(slot, page_address(page));
	return *slot;
}

static void t1dev_free_chunk(struct page *page)
{
	unsigned long i;

	for (i = 0; i < ZUF_CHUNK_BLOCKS; i++)
		__free_page(page + i);
}

static void t1dev_free_chunks(struct zuf_dev *dev)
{
	u64 i;

	for (i = 0; i < dev->blocks / ZUF_CHUNK_BLOCKS; i++) {
		if (dev->chunks[i])
			t1dev_free_chunk(virt_to_page(dev->chunks[i]));
		cond_resched();
	}
	kvfree(dev->chunks);
	dev->chunks = NULL;
}

void zuf_t1dev_fini(struct zuf_dev *dev)
{
	if (dev->chunks)
		t1dev_free_chunks(dev);
	put_dev_pagemap(dev->pgmap);
	dev->pgmap = NULL;
	fs_put_dax(dev->dax, NULL);
	dev->dax = NULL;
	dev->virt = NULL;
}
