// SPDX-License-Identifier: GPL-2.0-only
/*
 * xbuf.c - the role "exec buffer": memory for lists of commands, mapped by the server
 *
 * The server gets what it asks for at once (init_size) from the start. The rest, up to max_size,
 * is allocated page by page when the server touches the mapping. A page that is present stays
 * until the file goes; a page that is not present reads as zeros. So the kernel reads without a
 * lock, although the server may write at any time.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "shm.h"
#include "special.h"
#include "xbuf.h"
#include "zuf/zus_api.h"

#define ZUF_XBUF_MAX	(16U * 1024 * 1024)

struct zuf_xbuf {
	size_t nr_pages;
	struct page *pages[];		/* NULL: not touched yet; set once, by cmpxchg */
};

/* ---- pages ---- */

/* Return the page, allocated if it is not present; NULL: no memory. */
static struct page *xbuf_page(struct zuf_xbuf *xb, size_t index)
{
	struct page *page = smp_load_acquire(&xb->pages[index]), *first;

	if (page)
		return page;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	first = cmpxchg(&xb->pages[index], NULL, page);
	if (!first)
		return page;
	__free_page(page);
	return first;
}

static void xbuf_free(struct zuf_xbuf *xb)
{
	size_t i;

	for (i = 0; i < xb->nr_pages; i++)
		if (xb->pages[i])
			put_page(xb->pages[i]);
	kvfree(xb);
}

static struct zuf_xbuf *xbuf_alloc(u32 init_bytes, u32 max_bytes)
{
	size_t i, nr = DIV_ROUND_UP(max_bytes, PAGE_SIZE);
	/* the header is always present, because results are stored there */
	size_t nr_init = max_t(size_t, 1, DIV_ROUND_UP(init_bytes, PAGE_SIZE));
	struct zuf_xbuf *xb = kvzalloc(struct_size(xb, pages, nr), GFP_KERNEL_ACCOUNT);

	if (!xb)
		return NULL;
	xb->nr_pages = nr;
	for (i = 0; i < nr_init; i++) {
		if (!xbuf_page(xb, i)) {
			xbuf_free(xb);
			return NULL;
		}
	}
	return xb;
}

/* ---- the role ---- */

static int xbuf_create(struct zuf_special *sp, const struct zufs_ioc_alloc_buffer *ab)
{
	struct zuf_xbuf *xb;

	lockdep_assert_held(&sp->lock);
	if (ab->init_size > ab->max_size || !ab->max_size || ab->max_size > ZUF_XBUF_MAX)
		return -EINVAL;
	if (ab->pool_no)
		return -EOPNOTSUPP;
	xb = xbuf_alloc(ab->init_size, ab->max_size);
	if (!xb)
		return -ENOMEM;
	sp->xbuf = xb;
	i_size_write(sp->inode, zuf_xbuf_size(xb));
	zuf_special_set_role(sp, ZUF_ROLE_XBUF);
	return 0;
}

long zuf_ioc_alloc_buffer(struct zuf_special *sp, void __user *arg)
{
	struct zufs_ioc_alloc_buffer ab;

	if (copy_from_user(&ab, arg, sizeof(ab)))
		return -EFAULT;
	mutex_lock(&sp->lock);
	ab.hdr.err = sp->role == ZUF_ROLE_NONE ? xbuf_create(sp, &ab) : -EINVAL;
	mutex_unlock(&sp->lock);
	/* the ABI uses the kernel's own error number for "not supported" */
	if (ab.hdr.err == -EOPNOTSUPP)
		ab.hdr.err = -ENOTSUPP;
	return copy_to_user(arg, &ab, sizeof(ab)) ? -EFAULT : ab.hdr.err;
}

void zuf_xbuf_release(struct zuf_special *sp)
{
	xbuf_free(sp->xbuf);
}

/* ---- the mapping ---- */

static vm_fault_t xbuf_fault(struct vm_fault *vmf)
{
	struct zuf_special *sp = vmf->vma->vm_private_data;
	struct page *page;

	if (vmf->pgoff >= sp->xbuf->nr_pages)
		return VM_FAULT_SIGBUS;
	page = xbuf_page(sp->xbuf, vmf->pgoff);
	if (!page)
		return VM_FAULT_OOM;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct xbuf_vm_ops = {
	.fault = xbuf_fault,
};

int zuf_xbuf_mmap(struct zuf_special *sp, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma_pages(vma) > sp->xbuf->nr_pages)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = sp;
	vma->vm_ops = &xbuf_vm_ops;
	return 0;
}

bool zuf_xbuf_mapped_at(const struct file *file, unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool found;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr);
	found = vma && vma->vm_start == addr && vma->vm_file == file && !vma->vm_pgoff;
	mmap_read_unlock(mm);
	return found;
}

/* ---- access by the kernel ---- */

size_t zuf_xbuf_size(const struct zuf_xbuf *xb)
{
	return xb->nr_pages << PAGE_SHIFT;
}

/* Copy bytes out of one page. */
static void read_page(struct page *page, size_t offset, void *dst, size_t bytes)
{
	void __shm *shared = shm_map(page);

	shm_take(dst, shared + offset, bytes);
	shm_unmap(shared);
}

void zuf_xbuf_read(struct zuf_xbuf *xb, size_t from, void *dst, size_t len)
{
	while (len) {
		size_t offset = offset_in_page(from);
		size_t bytes = min_t(size_t, len, PAGE_SIZE - offset);
		struct page *page = smp_load_acquire(&xb->pages[from >> PAGE_SHIFT]);

		if (page)
			read_page(page, offset, dst, bytes);
		else
			memset(dst, 0, bytes);
		from += bytes;
		dst += bytes;
		len -= bytes;
	}
}

void zuf_xbuf_set_err(struct zuf_xbuf *xb, s32 err)
{
	struct zufs_ioc_hdr __shm *hdr = shm_map(xb->pages[0]);

	shm_store(&hdr->err, err);
	shm_unmap(hdr);
}
