/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfn.h - frames of T1 in page tables, on every kernel
 *
 * "pmem" are frames of a DAX device, which has struct pages; "mem" are frames
 * of memory that the kernel allocated, each a page of its own. What is inserted
 * stays usable for pin_user_pages(). VMAs of memory have ZUF_VM_MEM. An entry comes with
 * the rights of vm_page_prot: in a shared mapping of a file that wants to know of
 * stores it is read-only, until zuf_make_writable().
 *
 * Kernels with pfn_t do not count pages of DAX devices that are mapped; later
 * ones count each of them, 0 is idle, and a frame that is inserted without its
 * page cannot be pinned.
 */
#ifndef ZUF_COMPAT_PFN_H
#define ZUF_COMPAT_PFN_H

#include <linux/dax.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>

#if ZUF_HAVE_PLAIN_PFN
#define ZUF_VM_MEM	0

static inline vm_fault_t zuf_insert_mem(struct vm_fault *vmf, struct page *page)
{
	return vmf_insert_page_mkwrite(vmf, page, (vmf->flags & FAULT_FLAG_WRITE) &&
				       (vmf->vma->vm_flags & VM_SHARED));
}

static inline vm_fault_t zuf_insert_pmem(struct vm_fault *vmf, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	vm_fault_t ret;

	/* what is idle cannot be inserted, which takes a reference of its own */
	page_ref_inc(page);
	ret = zuf_insert_mem(vmf, page);
	put_page(page);
	return ret;
}

/* A 2 MiB entry needs a compound page, which is the business of fs/dax alone. */
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

static inline bool zuf_pmem_is_pinned(struct page *page)
{
	return page_ref_count(page) > 1 + atomic_read(&page->_mapcount);
}

/* dax_direct_access() with a plain frame number; poisoned pages are let through. */
static inline long zuf_dax_access(struct dax_device *dax, pgoff_t pgoff, long nr_pages,
				  void **virt, unsigned long *pfn)
{
	return dax_direct_access(dax, pgoff, nr_pages, DAX_RECOVERY_WRITE, virt, pfn);
}

#else
#include <linux/pfn_t.h>

#define ZUF_VM_MEM	VM_MIXEDMAP

static inline vm_fault_t zuf_insert_mem(struct vm_fault *vmf, struct page *page)
{
	return vmf_insert_page(vmf->vma, vmf->address, page);
}

static inline vm_fault_t zuf_insert_pmem(struct vm_fault *vmf, unsigned long pfn)
{
	return vmf_insert_mixed(vmf->vma, vmf->address,
				__pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP));
}

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

static inline bool zuf_pmem_is_pinned(struct page *page)
{
	return page_ref_count(page) > 1;
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

/* Where the caller excludes others: the entry is none, or one of 2 MiB. */
static inline bool zuf_pmd_takes(const struct vm_fault *vmf, unsigned long pfn)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	return pmd_none(pmd) || (pmd_leaf(pmd) && pmd_pfn(pmd) == pfn);
}

/* Is the address mapped by 2 MiB meanwhile? */
static inline bool zuf_pmd_is_huge(const struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	return !pmd_none(pmd) && pmd_leaf(pmd);
}

struct zuf_writable {
	struct vm_area_struct *vma;
	unsigned long pfn;
};

/* Under the lock of the page table. */
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
 * If the 4 KiB entry of the address is for @pfn, let it be stored through. More
 * rights need no flush: who has the old ones cached comes here again in vain.
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

/* Does somebody hold a frame but T1 itself and page tables: DMA, a pipe? */
static inline bool zuf_page_is_pinned(struct page *page)
{
	if (is_zone_device_page(page))
		return zuf_pmem_is_pinned(page);
	return page_ref_count(page) > 2 + atomic_read(&page->_mapcount);
}

#if !ZUF_HAVE_PAGEMAP_ONE_ARG
#define get_dev_pagemap(pfn) get_dev_pagemap(pfn, NULL)
#endif

#endif
