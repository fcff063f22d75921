/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfn.h - frames of T1 in page tables, on every kernel
 *
 * "pmem" are frames of a DAX device, which has struct pages; "mem" are frames
 * of memory that the kernel allocated, each a page of its own. A frame that is inserted
 * stays usable for pin_user_pages(). VMAs of files have ZUF_VM_MIXED. An entry has the rights
 * of vm_page_prot: in a shared mapping of a file that wants to know of stores it is
 * read-only, until zuf_make_writable().
 *
 * Kernels with pfn_t do not count mapped pages of DAX devices, unless we insert them as pages.
 * Later kernels count each of them; a count of 0 is idle, and a frame that is inserted without its
 * page cannot be pinned.
 *
 * An entry that is not counted may be in a TLB for longer than the VMA is known to the file:
 * munmap() clears its entries, unlinks the VMA and only then flushes. If a task frees a block
 * in between it finds nothing to unmap, and another thread stores into a block that has a new
 * owner. So VMAs are mixed, as a mixed VMA is flushed before it is unlinked (tlb_end_vma()). Where
 * entries hold references, these are put after the flush.
 */
#ifndef ZUF_COMPAT_PFN_H
#define ZUF_COMPAT_PFN_H

#include <linux/dax.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/page_table_check.h>

#if ZUF_HAVE_PLAIN_PFN
#define ZUF_VM_MIXED	0

static inline vm_fault_t zuf_insert_mem(struct vm_fault *vmf, struct page *page)
{
	return vmf_insert_page_mkwrite(vmf, page, (vmf->flags & FAULT_FLAG_WRITE) &&
				       (vmf->vma->vm_flags & VM_SHARED));
}

static inline vm_fault_t zuf_insert_pmem(struct vm_fault *vmf, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	vm_fault_t ret;

	/* an idle page cannot be inserted: the insertion takes one more reference */
	page_ref_inc(page);
	ret = zuf_insert_mem(vmf, page);
	put_page(page);
	return ret;
}

/* zuf_insert_pmem() for a private mapping: the core copies from the page. */
static inline vm_fault_t zuf_insert_pmem_private(struct vm_fault *vmf, unsigned long pfn)
{
	return zuf_insert_pmem(vmf, pfn);
}

/* A 2 MiB entry needs a compound page, which only fs/dax can make. */
#define zuf_inserts_pmem_pmd false

static inline vm_fault_t zuf_insert_pmem_pmd(struct vm_fault *vmf, unsigned long pfn,
					     bool write)
{
	return VM_FAULT_FALLBACK;
}

/* The zero page, which shows a hole. */
static inline vm_fault_t zuf_insert_zero(struct vm_fault *vmf)
{
	return vmf_insert_mixed(vmf->vma, vmf->address, zero_pfn(vmf->address));
}

/* The number of references of a frame that nobody uses. */
static inline int zuf_page_idle_refs(const struct page *page)
{
	return is_zone_device_page(page) ? 0 : 1;
}

/* dax_direct_access() with a plain frame number; poisoned pages are let through. */
static inline long zuf_dax_access(struct dax_device *dax, pgoff_t pgoff, long nr_pages,
				  void **virt, unsigned long *pfn)
{
	return dax_direct_access(dax, pgoff, nr_pages, DAX_RECOVERY_WRITE, virt, pfn);
}

#else
#include <linux/pfn_t.h>

#define ZUF_VM_MIXED	VM_MIXEDMAP

static inline vm_fault_t zuf_insert_mem(struct vm_fault *vmf, struct page *page)
{
	return vmf_insert_page(vmf->vma, vmf->address, page);
}

static inline vm_fault_t zuf_insert_pmem(struct vm_fault *vmf, unsigned long pfn)
{
	return vmf_insert_mixed(vmf->vma, vmf->address,
				__pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP));
}

/*
 * Insert the frame as a counted page: from an entry without a page the core makes a private copy by
 * reading the address, in whatever process it runs (a debugger's), and uprobes lose count.
 */
static inline vm_fault_t zuf_insert_pmem_private(struct vm_fault *vmf, unsigned long pfn)
{
	return zuf_insert_mem(vmf, pfn_to_page(pfn));
}

#define zuf_inserts_pmem_pmd true

static inline vm_fault_t zuf_insert_pmem_pmd(struct vm_fault *vmf, unsigned long pfn,
					     bool write)
{
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP), write);
}

/* The zero page, which shows a hole. */
static inline vm_fault_t zuf_insert_zero(struct vm_fault *vmf)
{
	return vmf_insert_mixed(vmf->vma, vmf->address,
				pfn_to_pfn_t(my_zero_pfn(vmf->address)));
}

/* The number of references of a frame that nobody uses. */
static inline int zuf_page_idle_refs(const struct page *page)
{
	return 1;
}

/* dax_direct_access() with a plain frame number; poisoned pages are let through. */
static inline long zuf_dax_access(struct dax_device *dax, pgoff_t pgoff, long nr_pages,
				  void **virt, unsigned long *pfn)
{
	pfn_t raw;
	long nr;

	nr = dax_direct_access(dax, pgoff, nr_pages, DAX_RECOVERY_WRITE, virt, &raw);
	if (nr > 0)
		*pfn = pfn_t_to_pfn(raw);
	return nr;
}
#endif

/* Is the PMD empty, or a 2 MiB entry for @pfn? The caller excludes others. */
static inline bool zuf_pmd_takes(const struct vm_fault *vmf, unsigned long pfn)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	return pmd_none(pmd) || (pmd_leaf(pmd) && pmd_pfn(pmd) == pfn);
}

/* Is the address mapped by a 2 MiB entry meanwhile? */
static inline bool zuf_pmd_is_huge(const struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	return !pmd_none(pmd) && pmd_leaf(pmd);
}

struct zuf_writable {
	struct vm_area_struct *vma;
	unsigned long pfn;
};

/* Context: called under the lock of the page table. */
static inline int zuf_make_pte_writable(pte_t *ptep, unsigned long addr, void *data)
{
	struct zuf_writable *w = data;
	pte_t pte = READ_ONCE(*ptep);

	if (pte_present(pte) && pte_pfn(pte) == w->pfn && !pte_write(pte)) {
		pte = pte_mkdirty(zuf_pte_mkwrite(pte_mkyoung(pte)));
		set_pte_at(w->vma->vm_mm, addr, ptep, pte);
	}
	return 0;
}

/*
 * If the 4 KiB entry of the address is for @pfn, make it writable. Adding rights needs no flush: a
 * CPU that has the old ones cached faults again, and finds nothing to do.
 * Context: no entry of 2 MiB can come into being.
 */
static inline vm_fault_t zuf_make_writable(struct vm_fault *vmf, unsigned long pfn)
{
	struct zuf_writable w = { .vma = vmf->vma, .pfn = pfn };

	if (apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK, PAGE_SIZE,
				zuf_make_pte_writable, &w))
		return VM_FAULT_OOM;
	return VM_FAULT_NOPAGE;
}

/*
 * Does the kernel count which pages are in page tables (page_table_check=on)? Such a kernel stops
 * when an entry bypasses these counts, or maps memory of one process writable in another one. Some
 * kernels leave special entries out of the counts, which cannot be told from outside.
 */
static inline bool zuf_ptes_are_counted(void)
{
#ifdef CONFIG_PAGE_TABLE_CHECK
	return !static_key_enabled(&page_table_check_disabled);
#else
	return false;
#endif
}

/* Look once: are all references of the frame those of T1 itself and of page table entries? */
static inline bool zuf_page_looks_idle(struct page *page, int *mapped)
{
	int refs;

	*mapped = atomic_read(&page->_mapcount) + 1;
	smp_rmb();
	refs = page_ref_count(page);
	smp_rmb();
	return atomic_read(&page->_mapcount) + 1 == *mapped &&
	       refs == zuf_page_idle_refs(page) + *mapped;
}

/*
 * Does anybody but T1 itself and page tables hold the frame: DMA, a pipe? A counted entry takes its
 * reference before it is mapped and gives it back after it is unmapped. As another file may have
 * entries for the frame, which come and go meanwhile, a single look could take a pin for an entry.
 */
static inline bool zuf_page_is_pinned(struct page *page)
{
	unsigned long flags;
	int before, after;
	bool idle;

	if (likely(page_ref_count(page) == zuf_page_idle_refs(page)))
		return false;
	local_irq_save(flags);
	idle = zuf_page_looks_idle(page, &before) && zuf_page_looks_idle(page, &after) &&
	       before == after;
	local_irq_restore(flags);
	return !idle;
}

#if !ZUF_HAVE_PAGEMAP_ONE_ARG
#define get_dev_pagemap(pfn) get_dev_pagemap(pfn, NULL)
#endif

#endif
