/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfn.h - frames of T1 in page tables, on every kernel
 *
 * "pmem" are frames of a DAX device, which has struct pages; "mem" are frames
 * of memory that the kernel allocated, in compound pages of 2 MiB. What is
 * inserted stays usable for pin_user_pages(). The VMA is VM_MIXEDMAP.
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

static inline vm_fault_t zuf_insert_pmem(struct vm_fault *vmf, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	vm_fault_t ret;

	/* what is idle cannot be inserted, which takes a reference of its own */
	page_ref_inc(page);
	ret = vmf_insert_page_mkwrite(vmf, page, vmf->flags & FAULT_FLAG_WRITE);
	put_page(page);
	return ret;
}

/* A 2 MiB entry needs a compound page, which is the business of fs/dax alone. */
static inline vm_fault_t zuf_insert_pmem_pmd(struct vm_fault *vmf, unsigned long pfn)
{
	return VM_FAULT_FALLBACK;
}

static inline bool zuf_can_insert_mem_pmd(void)
{
	return true;
}

static inline vm_fault_t zuf_insert_mem_pmd(struct vm_fault *vmf, unsigned long pfn)
{
	return vmf_insert_folio_pmd(vmf, pfn_folio(pfn), vmf->vma->vm_flags & VM_WRITE);
}

/* dax_direct_access() with a plain frame number; poisoned pages are let through. */
static inline long zuf_dax_access(struct dax_device *dax, pgoff_t pgoff, long nr_pages,
				  void **virt, unsigned long *pfn)
{
	return dax_direct_access(dax, pgoff, nr_pages, DAX_RECOVERY_WRITE, virt, pfn);
}

#else
#include <linux/pfn_t.h>

static inline vm_fault_t zuf_insert_pmem(struct vm_fault *vmf, unsigned long pfn)
{
	return vmf_insert_mixed(vmf->vma, vmf->address,
				__pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP));
}

static inline vm_fault_t zuf_insert_pmem_pmd(struct vm_fault *vmf, unsigned long pfn)
{
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP),
				  vmf->vma->vm_flags & VM_WRITE);
}

/*
 * Kernels that can mark a 2 MiB entry as special do so for all memory but
 * DAX devices, and then it cannot be pinned: these take 4 KiB entries.
 */
static inline bool zuf_can_insert_mem_pmd(void)
{
	return !IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP);
}

static inline vm_fault_t zuf_insert_mem_pmd(struct vm_fault *vmf, unsigned long pfn)
{
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), vmf->vma->vm_flags & VM_WRITE);
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

#if !ZUF_HAVE_PAGEMAP_ONE_ARG
#define get_dev_pagemap(pfn) get_dev_pagemap(pfn, NULL)
#endif

#endif
