// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.c - what a server sees of an application
 *
 * The window is a 4 MiB mapping per channel. Its end always shows the copy
 * ("bounce") pages, which the channel owns: small transfers go through them.
 * Large ones map the pinned pages of the application from the start of the
 * window and take the mappings away before the application goes on; a transfer
 * that needs the whole window covers the copy pages for that time, they come
 * back by a page fault.
 *
 * Called with the channel claimed (dispatch.c); zuf_win_drop_pages also by the
 * ZT for an operation whose application was killed. No page of the application
 * is ever faulted in here: callers hold locks that a fault may need.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "chan.h"
#include "window.h"

unsigned int zuf_copy_max __read_mostly = 64 * 1024;

/* Between one page and a quarter of the window; read when a channel is made. */
static int copy_max_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, PAGE_SIZE, ZUS_API_MAP_MAX_SIZE / 4);
}

static const struct kernel_param_ops copy_max_ops = {
	.set = copy_max_set,
	.get = param_get_uint,
};
module_param_cb(copy_max, &copy_max_ops, &zuf_copy_max, 0444);
MODULE_PARM_DESC(copy_max, "Largest transfer in bytes that is copied, not mapped (4096..1048576)");

size_t zuf_bounce_size(void)
{
	return PAGE_ALIGN(zuf_copy_max);
}

/* ---- the mapping in the server ---- */

/* The VMA's own protection is read-only, so that win_mkwrite() is asked. */
static pgprot_t win_prot(bool writable)
{
	return vm_get_page_prot(VM_SHARED | VM_READ | (writable ? VM_WRITE : 0));
}

static vm_fault_t win_fault(struct vm_fault *vmf)
{
	struct zuf_chan *ch = vmf->vma->vm_private_data;
	pgoff_t first = ZUS_API_MAP_MAX_PAGES - (zuf_bounce_size() >> PAGE_SHIFT);

	if (vmf->pgoff < first || vmf->pgoff >= ZUS_API_MAP_MAX_PAGES)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn_prot(vmf->vma, vmf->address,
				   vmalloc_to_pfn(ch->bounce + ((vmf->pgoff - first) << PAGE_SHIFT)),
				   win_prot(true));
}

/* A page that is shown read-only stays read-only. */
static vm_fault_t win_mkwrite(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static int win_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int win_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static void win_close(struct vm_area_struct *vma)
{
	struct zuf_chan *ch = vma->vm_private_data;

	WRITE_ONCE(ch->win_addr, 0);
}

const struct vm_operations_struct zuf_win_vm_ops = {
	.close = win_close,
	.fault = win_fault,
	.pfn_mkwrite = win_mkwrite,
	.may_split = win_may_split,
	.mremap = win_mremap,
};

int zuf_win_mmap(struct zuf_chan *ch, struct vm_area_struct *vma)
{
	int err = 0;

	if (vma->vm_end - vma->vm_start != ZUS_API_MAP_MAX_SIZE)
		return -EINVAL;
	mutex_lock(&ch->lock);
	if (ch->win_addr || (ch->mm && ch->mm != vma->vm_mm)) {
		err = -EBUSY;
		goto out;
	}
	if (!ch->mm) {
		mmgrab(vma->vm_mm);
		ch->mm = vma->vm_mm;
	}
	vm_flags_set(vma, VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = ch;
	vma->vm_ops = &zuf_win_vm_ops;
	WRITE_ONCE(ch->win_addr, vma->vm_start);
out:
	mutex_unlock(&ch->lock);
	return err;
}

/* ---- mapped pages ---- */

ssize_t zuf_win_pin(struct zuf_win *win, struct iov_iter *iter, size_t len, bool to_server)
{
	unsigned long addr;
	unsigned int want;
	size_t seg;
	int got;

	if (!zuf_iter_user_seg(iter, &addr, &seg) || !seg)
		return -EOPNOTSUPP;
	win->offset = offset_in_page(addr);
	len = min3(len, seg, (size_t)ZUS_API_MAP_MAX_SIZE - win->offset);
	want = DIV_ROUND_UP(win->offset + len, PAGE_SIZE);
	win->pages = kvmalloc_array(want, sizeof(*win->pages), GFP_KERNEL);
	if (!win->pages)
		return -ENOMEM;
	got = pin_user_pages_fast(addr & PAGE_MASK, want,
				  FOLL_NOFAULT | (to_server ? 0 : FOLL_WRITE), win->pages);
	if (got <= 0) {
		kvfree(win->pages);
		win->pages = NULL;
		return got < 0 ? got : -EFAULT;
	}
	win->kind = ZUF_WIN_PAGES;
	win->to_server = to_server;
	win->nr_pages = got;
	win->len = min(len, ((size_t)got << PAGE_SHIFT) - win->offset);
	return win->len;
}

void zuf_win_unpin(struct zuf_win *win)
{
	if (!win->pages)
		return;
	unpin_user_pages(win->pages, win->nr_pages);
	kvfree(win->pages);
	win->pages = NULL;
}

struct win_map {
	struct page **page;
	pgprot_t prot;
};

static int win_map_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct win_map *wm = data;

	/* the copy pages may stand here: nothing else does */
	set_pte(pte, pte_mkspecial(pfn_pte(page_to_pfn(*wm->page++), wm->prot)));
	return 0;
}

static int win_map_pages(struct zuf_chan *ch, struct zuf_win *win)
{
	size_t bytes = (size_t)win->nr_pages << PAGE_SHIFT;
	struct win_map wm = { .page = ch->pages, .prot = win_prot(!win->to_server) };
	unsigned long addr = READ_ONCE(ch->win_addr);
	struct vm_area_struct *vma;
	int err = -EIO;

	if (!addr || !mmget_not_zero(ch->mm))
		return -EIO;
	if (bytes > ZUS_API_MAP_MAX_SIZE - zuf_bounce_size())
		unmap_mapping_range(ch->inode->i_mapping, 0, ZUS_API_MAP_MAX_SIZE, 1);
	if (mmap_read_lock_killable(ch->mm)) {
		mmput_async(ch->mm);
		return -EINTR;
	}
	vma = vma_lookup(ch->mm, addr);
	if (vma && vma->vm_ops == &zuf_win_vm_ops && vma->vm_private_data == ch &&
	    vma->vm_start == addr)
		err = apply_to_page_range(ch->mm, addr, bytes, win_map_pte, &wm);
	mmap_read_unlock(ch->mm);
	mmput_async(ch->mm);
	return err;
}

void zuf_win_unpin_pages(struct zuf_chan *ch)
{
	if (!ch->pages)
		return;
	unpin_user_pages_dirty_lock(ch->pages, ch->nr_pages, ch->dirty_pages);
	kvfree(ch->pages);
	ch->pages = NULL;
}

void zuf_win_drop_pages(struct zuf_chan *ch)
{
	if (!ch->pages)
		return;
	unmap_mapping_range(ch->inode->i_mapping, 0, (loff_t)ch->nr_pages << PAGE_SHIFT, 1);
	zuf_win_unpin_pages(ch);
}

static int win_open_pages(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr)
{
	int err;

	/* from here on the channel has them, also when the app is killed */
	ch->pages = win->pages;
	ch->nr_pages = win->nr_pages;
	ch->dirty_pages = !win->to_server;
	win->pages = NULL;
	err = win_map_pages(ch, win);
	if (err) {
		zuf_win_drop_pages(ch);
		return err;
	}
	hdr->offset = win->offset;
	hdr->len = win->len;
	return 0;
}

/* ---- copy pages ---- */

static int win_copy_in(struct zuf_chan *ch, struct zuf_win *win)
{
	if (win->kind == ZUF_WIN_KBUF) {
		memcpy(ch->bounce, win->kbuf, win->len);
		return 0;
	}
	pagefault_disable();
	win->done = copy_from_iter(ch->bounce, win->len, win->iter);
	pagefault_enable();
	if (!win->done)
		return -EFAULT;
	win->len = win->done;
	return 0;
}

int zuf_win_open(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr)
{
	int err;

	if (win->kind == ZUF_WIN_PAGES)
		return win_open_pages(ch, win, hdr);
	if (win->len > zuf_bounce_size())
		return -E2BIG;
	if (win->to_server) {
		err = win_copy_in(ch, win);
		if (err)
			return err;
		ch->bounce_used = win->len;
	} else if (win->kind == ZUF_WIN_KBUF) {
		memset(ch->bounce, 0, win->len);
	}
	hdr->offset = ZUS_API_MAP_MAX_SIZE - zuf_bounce_size();
	hdr->len = win->len;
	return 0;
}

void zuf_win_take(struct zuf_chan *ch, struct zuf_win *win, size_t bytes)
{
	bytes = min(bytes, win->len);
	if (win->kind == ZUF_WIN_PAGES) {
		win->done = bytes;
	} else if (win->to_server) {
		/* what the server did not use is still the caller's to send */
		if (win->kind == ZUF_WIN_ITER)
			iov_iter_revert(win->iter, win->done - bytes);
		win->done = bytes;
	} else if (win->kind == ZUF_WIN_KBUF) {
		memcpy(win->kbuf, ch->bounce, bytes);
		win->done = bytes;
	} else {
		pagefault_disable();
		win->done = copy_to_iter(ch->bounce, bytes, win->iter);
		pagefault_enable();
	}
}

void zuf_win_close(struct zuf_chan *ch, struct zuf_win *win)
{
	if (win->kind == ZUF_WIN_PAGES)
		zuf_win_drop_pages(ch);
	else
		zuf_win_clear(ch);
}

void zuf_win_clear(struct zuf_chan *ch)
{
	memset(ch->bounce, 0, ch->bounce_used);
	ch->bounce_used = 0;
}

void zuf_win_abort(struct zuf_win *win)
{
	zuf_win_unpin(win);
	if (win->kind == ZUF_WIN_ITER)
		iov_iter_revert(win->iter, win->done);
	win->done = 0;
}
