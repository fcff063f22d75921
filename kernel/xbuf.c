// SPDX-License-Identifier: GPL-2.0-only
/*
 * xbuf.c - the role "exec buffer": kernel memory that holds lists of iomap
 * commands, mapped by the server
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "special.h"
#include "zuf/zus_api.h"

#define ZUF_XBUF_MAX	(16U * 1024 * 1024)

struct zuf_xbuf {
	void *mem;
	size_t size;
};

static int xbuf_create(struct zuf_special *sp, const struct zufs_ioc_alloc_buffer *ab)
{
	struct zuf_xbuf *xb;

	if (ab->init_size > ab->max_size || !ab->max_size || ab->max_size > ZUF_XBUF_MAX)
		return -EINVAL;
	if (ab->init_size != ab->max_size || ab->pool_no)
		return -EOPNOTSUPP;
	xb = kzalloc(sizeof(*xb), GFP_KERNEL_ACCOUNT);
	if (!xb)
		return -ENOMEM;
	xb->size = PAGE_ALIGN(ab->max_size);
	xb->mem = vmalloc_user(xb->size);
	if (!xb->mem) {
		kfree(xb);
		return -ENOMEM;
	}
	sp->xbuf = xb;
	i_size_write(sp->inode, xb->size);
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
	/* the ABI speaks of the kernel's own number for "not supported" */
	if (ab.hdr.err == -EOPNOTSUPP)
		ab.hdr.err = -ENOTSUPP;
	return copy_to_user(arg, &ab, sizeof(ab)) ? -EFAULT : ab.hdr.err;
}

int zuf_xbuf_mmap(struct zuf_special *sp, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > sp->xbuf->size)
		return -EINVAL;
	return remap_vmalloc_range(vma, sp->xbuf->mem, 0);
}

void zuf_xbuf_release(struct zuf_special *sp)
{
	vfree(sp->xbuf->mem);
	kfree(sp->xbuf);
}
