// SPDX-License-Identifier: GPL-2.0-only
/*
 * t1map.c - T1 as one linear array: its addresses, and the server's mapping
 *
 * zuf_t1_addr() is called for every block that is copied and takes no lock:
 * a set is constant once it is open, except for chunks that appear. Faults hold
 * mmap_lock (or the lock of the VMA) and take the set's lock, so that nothing
 * is inserted behind zuf_devset_revoke(). Reclaim in a fault must not enter a file
 * system again: its server may wait for this very fault.
 */
#include "devset.h"

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include "compat/pfn.h"
#include "poison.h"
#include "t1dev.h"
#include "t1map.h"

/* The device that holds a block, which must be below the size of T1. */
static struct zuf_dev *t1_find(struct zuf_devset *ds, u64 block)
{
	return &ds->t1[zuf_dev_find(ds->t1, ds->nr_t1, block)];
}

static void __shm *t1_chunk_addr(const struct zuf_dev *dev, u64 offset, size_t len)
{
	u64 in_chunk = offset & ZUFS_ALLOC_MASK;
	void *chunk;

	if (len > ZUF_CHUNK_SIZE - in_chunk)
		return NULL;
	/* Pairs with zuf_t1dev_chunk(). */
	chunk = smp_load_acquire(&dev->chunks[offset / ZUF_CHUNK_SIZE]);
	return chunk ? shm_of(chunk + in_chunk) : NULL;
}

void __shm *zuf_t1_addr(struct zuf_devset *ds, u64 dpp, size_t len)
{
	u64 offset = dpp & ~ZUFS_DPP_POOL_MASK;
	const struct zuf_dev *dev;

	if ((dpp & ZUFS_DPP_POOL_MASK) != ZUFS_POOL_T1 || !offset)
		return NULL;
	if (offset >= ds->t1_bytes || len > ds->t1_bytes - offset)
		return NULL;

	dev = t1_find(ds, offset >> ZUFS_PAGE_SHIFT);
	offset -= dev->first << ZUFS_PAGE_SHIFT;
	if (len > (dev->blocks << ZUFS_PAGE_SHIFT) - offset)
		return NULL;
	if (dev->chunks)
		return t1_chunk_addr(dev, offset, len);
	return shm_of(dev->virt + offset);
}

struct page *zuf_t1_page(struct zuf_devset *ds, u64 offset, size_t *len)
{
	struct zuf_dev *dev = t1_find(ds, offset >> ZUFS_PAGE_SHIFT);
	unsigned int nofs;
	void *chunk;

	offset -= dev->first << ZUFS_PAGE_SHIFT;
	*len = min_t(u64, *len, (dev->blocks << ZUFS_PAGE_SHIFT) - offset);
	if (!dev->chunks)
		return pfn_to_page(dev->pfn + (offset >> PAGE_SHIFT));

	*len = min_t(u64, *len, ZUF_CHUNK_SIZE - (offset & ZUFS_ALLOC_MASK));
	nofs = memalloc_nofs_save();
	mutex_lock(&ds->lock);
	chunk = zuf_t1dev_chunk(dev, offset >> ZUFS_PAGE_SHIFT);
	mutex_unlock(&ds->lock);
	memalloc_nofs_restore(nofs);
	return chunk ? virt_to_page(chunk + (offset & ZUFS_ALLOC_MASK)) : NULL;
}

struct page *zuf_t1_block_page(struct zuf_devset *ds, u64 block, unsigned long nr)
{
	u64 total = ds->t1_bytes >> ZUFS_PAGE_SHIFT;
	size_t len = nr << ZUFS_PAGE_SHIFT;
	struct page *page;

	if (!block || block >= total || nr > total - block)
		return NULL;
	page = zuf_t1_page(ds, block << ZUFS_PAGE_SHIFT, &len);
	return len == nr << ZUFS_PAGE_SHIFT ? page : NULL;
}

bool zuf_t1_is_synchronous(const struct zuf_devset *ds)
{
	unsigned int i;

	for (i = 0; i < ds->nr_t1; i++)
		if (!ds->t1[i].dax || !dax_synchronous(ds->t1[i].dax))
			return false;
	return true;
}

/*
 * Find the device behind a page of the mapping, and the block within the device. The first
 * half of the mapping is T1, the second half (with a shadow) the shadow halves.
 */
static struct zuf_dev *t1_locate(struct zuf_devset *ds, u64 pgoff, u64 *block)
{
	u64 total = ds->t1_bytes >> ZUFS_PAGE_SHIFT;
	bool in_shadow = ds->shadow && pgoff >= total;
	struct zuf_dev *dev;

	if (in_shadow)
		pgoff -= total;
	if (pgoff >= total)
		return NULL;
	dev = t1_find(ds, pgoff);
	*block = pgoff - dev->first + (in_shadow ? dev->blocks : 0);
	return dev;
}

/* Is there room for a 2 MiB entry, and do address and offset line up? */
static bool t1_pmd_fits(const struct vm_fault *vmf)
{
	unsigned long start = vmf->address & PMD_MASK;
	unsigned long page = (vmf->address & ~PMD_MASK) >> PAGE_SHIFT;

	return start >= vmf->vma->vm_start && start + PMD_SIZE <= vmf->vma->vm_end &&
		page == (vmf->pgoff & (PTRS_PER_PMD - 1));
}

/* Insert the page of the fault, then its neighbours within the chunk and the VMA. */
static vm_fault_t t1_insert_chunk(struct vm_fault *vmf, struct page *chunk, unsigned long nr)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long before = min(nr, (vmf->address - vma->vm_start) >> PAGE_SHIFT);
	unsigned long after = min_t(unsigned long, ZUF_CHUNK_BLOCKS - nr,
				    (vma->vm_end - vmf->address) >> PAGE_SHIFT);
	unsigned long addr = vmf->address - (before << PAGE_SHIFT);
	unsigned long i;
	vm_fault_t ret;

	if (PageHWPoison(chunk + nr))
		return VM_FAULT_HWPOISON;
	ret = vmf_insert_page(vma, vmf->address, chunk + nr);
	if (ret != VM_FAULT_NOPAGE)
		return ret;
	for (i = nr - before; i < nr + after; i++, addr += PAGE_SIZE) {
		/* Present entries are kept; a page that fails here faults again on access. */
		if (!PageHWPoison(chunk + i) && vm_insert_page(vma, addr, chunk + i) == -ENOMEM)
			break;
	}
	return ret;
}

static vm_fault_t t1_fault_mem(struct zuf_dev *dev, u64 block, struct vm_fault *vmf,
			       unsigned int order)
{
	void *chunk;

	/* each page has its own reference count, so no 2 MiB entry */
	if (order)
		return VM_FAULT_FALLBACK;
	chunk = zuf_t1dev_chunk(dev, block);
	if (!chunk)
		return VM_FAULT_OOM;
	return t1_insert_chunk(vmf, virt_to_page(chunk), block % ZUF_CHUNK_BLOCKS);
}

static vm_fault_t t1_fault_pmem(const struct zuf_devset *ds, const struct zuf_dev *dev,
				u64 block, struct vm_fault *vmf, unsigned int order)
{
	u64 first = round_down(block, 1ULL << order);

	if (zuf_is_poisoned(ds, pfn_to_page(dev->pfn + first), 1UL << order))
		return order ? VM_FAULT_FALLBACK : VM_FAULT_HWPOISON;
	if (order)
		return zuf_insert_pmem_pmd(vmf, dev->pfn + round_down(block, ZUF_CHUNK_BLOCKS),
					   vmf->vma->vm_flags & VM_WRITE);
	return zuf_insert_pmem(vmf, dev->pfn + block);
}

static vm_fault_t t1_fault_locked(struct zuf_devset *ds, struct vm_fault *vmf,
				  unsigned int order)
{
	struct zuf_dev *dev;
	u64 block;

	if (ds->revoked)
		return VM_FAULT_SIGBUS;
	dev = t1_locate(ds, vmf->pgoff, &block);
	if (!dev)
		return VM_FAULT_SIGBUS;
	if (dev->chunks)
		return t1_fault_mem(dev, block, vmf, order);
	return t1_fault_pmem(ds, dev, block, vmf, order);
}

vm_fault_t zuf_t1_fault(struct zuf_devset *ds, struct vm_fault *vmf, unsigned int order)
{
	unsigned int nofs;
	vm_fault_t ret;

	if (order && (order != ZUF_HUGE_ORDER || !t1_pmd_fits(vmf)))
		return VM_FAULT_FALLBACK;

	nofs = memalloc_nofs_save();
	mutex_lock(&ds->lock);
	ret = t1_fault_locked(ds, vmf, order);
	mutex_unlock(&ds->lock);
	memalloc_nofs_restore(nofs);
	return ret;
}
