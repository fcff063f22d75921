/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shm.h - memory that the server can write at any time: the only way in and out
 *
 * Command buffers, copy pages, exec buffers, T1 and the inodes in it. A pointer to them (__shm)
 * is none that sparse lets anybody follow, and `make lint` lets no other file take the mark
 * away: so who looks at such memory does it here, and each look is one. What it brought is
 * good for once: a second look may bring something else. So what the kernel has written there
 * it does not read back, and what it needs of an answer it copies before it checks it.
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

/* The barrier: or the compiler could take a field of the copy from its source once more. */
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
 * No emulator has memory that cannot be read. So where the kernel can inject faults a frame
 * that is marked (PG_hwpoison) stands for some: bytes before the first such one.
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

/* Of memory that may be poisoned: bytes that could not be copied. */
static inline size_t shm_take_mc(void *dst, const void __shm *src, size_t len)
{
	size_t left = len - shm_readable(src, len);

	if (likely(!left))
		left = copy_mc_to_kernel(dst, (const void __force *)src, len);
	barrier();
	return left;
}

/* To and from an application; short when its memory is not there. */
static inline size_t shm_from_iter(void __shm *dst, size_t len, struct iov_iter *iter)
{
	return copy_from_iter((void __force *)dst, len, iter);
}

static inline size_t shm_to_iter(const void __shm *src, size_t len, struct iov_iter *iter)
{
	return copy_to_iter((const void __force *)src, len, iter);
}

/* The same with memory that may be poisoned, and durably. */
static inline size_t shm_to_iter_mc(const void __shm *src, size_t len, struct iov_iter *iter)
{
	return _copy_mc_to_iter((const void __force *)src, shm_readable(src, len), iter);
}

static inline size_t shm_from_iter_durable(void __shm *dst, size_t len, struct iov_iter *iter)
{
	return _copy_from_iter_flushcache((void __force *)dst, len, iter);
}

/* ---- pages that a server may map ---- */

/* Memory that is shared from here on. */
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

/* One page, for a moment. */
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

/* All of what shm_alloc() has made. */
static inline int shm_mmap(struct vm_area_struct *vma, void __shm *mem)
{
	return remap_vmalloc_range(vma, (void __force *)mem, 0);
}

#endif
