/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shm.h - access memory that the server can write at any time: the only way in and out
 *
 * This memory is command buffers, copy pages, exec buffers, T1 and the inodes in it. sparse lets
 * nobody dereference a pointer to it (__shm), and `make lint` lets no other file remove the mark:
 * all code that looks at such memory does so by these functions, and each call is one look. A value
 * is good for that one time: a second look may bring another value. So the kernel does not read
 * back what it has written there, and it copies what it needs of an answer before checking it.
 */
#ifndef ZUF_SHM_H
#define ZUF_SHM_H

#include <linux/compiler.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#ifdef __CHECKER__
#define __shm __attribute__((noderef, address_space(__shm)))
#else
#define __shm
#endif

/* One access of a scalar. */
#define shm_load(p)	(*(const volatile typeof(*(p)) __force *)(p))
#define shm_store(p, v)	((void)(*(volatile typeof(*(p)) __force *)(p) = (v)))

static inline void shm_put(void __shm *dst, const void *src, size_t len)
{
	memcpy((void __force *)dst, src, len);
}

/* The barrier() stops the compiler from reading a field of the copy from its source once more. */
static inline void shm_take(void *dst, const void __shm *src, size_t len)
{
	memcpy(dst, (const void __force *)src, len);
	barrier();
}

static inline void shm_zero(void __shm *dst, size_t len)
{
	memset((void __force *)dst, 0, len);
}

/*
 * The number of bytes before the first page that cannot be read. No emulator has memory that
 * cannot be read. So where the kernel can inject faults, a marked frame (PG_hwpoison) stands for
 * such memory.
 */
static inline size_t shm_readable(const void __shm *src, size_t len)
{
#if defined(CONFIG_FAULT_INJECTION) && defined(CONFIG_MEMORY_FAILURE)
	const void *mem = (const void __force *)src;
	size_t done;

	for (done = 0; done < len; done += PAGE_SIZE - offset_in_page(mem + done))
		if (PageHWPoison(virt_to_page(mem + done)))
			return done;
#endif
	return len;
}

/* Copy from memory that may be poisoned. Return: number of bytes that could not be copied. */
static inline size_t shm_take_mc(void *dst, const void __shm *src, size_t len)
{
	size_t left = len - shm_readable(src, len);

	if (likely(!left))
		left = copy_mc_to_kernel(dst, (const void __force *)src, len);
	barrier();
	return left;
}

/* Copy from and to an application; short if its memory is not there. */
static inline size_t shm_from_iter(void __shm *dst, size_t len, struct iov_iter *iter)
{
	return copy_from_iter((void __force *)dst, len, iter);
}

static inline size_t shm_to_iter(const void __shm *src, size_t len, struct iov_iter *iter)
{
	return copy_to_iter((const void __force *)src, len, iter);
}

/* Like the above: from memory that may be poisoned, and durably to T1. */
static inline size_t shm_to_iter_mc(const void __shm *src, size_t len, struct iov_iter *iter)
{
	return _copy_mc_to_iter((const void __force *)src, shm_readable(src, len), iter);
}

static inline size_t shm_from_iter_durable(void __shm *dst, size_t len, struct iov_iter *iter)
{
	return _copy_from_iter_flushcache((void __force *)dst, len, iter);
}

/* ---- pages that a server may map ---- */

/* The memory is shared with the server from here on. */
static inline void __shm *shm_of(void *mem)
{
	return (void __shm __force *)mem;
}

static inline void __shm *shm_alloc(size_t size)
{
	return shm_of(vmalloc_user(size));
}

static inline void shm_free(void __shm *mem)
{
	vfree((void __force *)mem);
}

/* Map one page, for a short time. */
static inline void __shm *shm_map(struct page *page)
{
	return shm_of(kmap_local_page(page));
}

static inline void shm_unmap(const void __shm *mem)
{
	kunmap_local((const void __force *)mem);
}

static inline unsigned long shm_pfn(const void __shm *page)
{
	return vmalloc_to_pfn((const void __force *)page);
}

/* Map all of the memory that shm_alloc() has returned. */
static inline int shm_mmap(struct vm_area_struct *vma, void __shm *mem)
{
	return remap_vmalloc_range(vma, (void __force *)mem, 0);
}

#endif
