// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.c - what a server sees of an application
 *
 * The window is a 4 MiB mapping per channel. Its end always shows the copy
 * ("bounce") pages, which belong to the channel: transfers go through them. With a smaller
 * copy_max large transfers map the pinned pages of the application from the start of the
 * window, and remove the mappings before the application goes on. A transfer that
 * needs the whole window covers the copy pages for that time; they come back by a
 * page fault.
 *
 * Called with the channel claimed (call.c, retry.c); zuf_win_drop_pages() also by the
 * ZT for an operation whose application was killed. No page of the application
 * is ever faulted in here: callers hold locks that a fault may need.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "chan.h"
#include "compat/pfn.h"
#include "window.h"

/* Most bytes that are copied: a quarter of the window. */
#define COPY_ALL	(ZUS_API_MAP_MAX_SIZE / 4)

/*
 * To pin, map and unmap a page costs about as much as its second copy, whose memory is in the CPU's
 * cache; and a mapping makes every CPU of the server drop translations (docs/io.md). So by default
 * nothing is mapped.
 */
unsigned int zuf_copy_max __read_mostly = COPY_ALL;

/* The parameter is at least the size of the small copy pages. */
static int copy_max_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, ZUF_BOUNCE_SMALL, COPY_ALL);
}

static const struct kernel_param_ops copy_max_ops = {
	.set = copy_max_set,
	.get = param_get_uint,
};
module_param_cb(copy_max, &copy_max_ops, &zuf_copy_max, 0444);
MODULE_PARM_DESC(copy_max, "Largest transfer in bytes that is copied, not mapped (1048576: all)");

/* Bytes at the end of the window that copy pages can occupy. */
static size_t bounce_size(void)
{
	return PAGE_ALIGN(zuf_copy_max);
}

static size_t big_size(void)
{
	return bounce_size() - ZUF_BOUNCE_SMALL;
}

/* ---- the mapping in the server ---- */

/* The VMA's own protection is read-only, so that win_mkwrite() is called for stores. */
static pgprot_t win_prot(bool writable)
{
	return vm_get_page_prot(VM_SHARED | VM_READ | (writable ? VM_WRITE : 0));
}

/* Return: the copy page at an offset of the window; NULL: there is none. */
static void __shm *bounce_page(struct zuf_chan *ch, pgoff_t pgoff)
{
	size_t to_end = (size_t)(ZUS_API_MAP_MAX_PAGES - pgoff) << PAGE_SHIFT;
	/* pairs with bounce_segs(): the pages were zeroed before they were published */
	void __shm *big = smp_load_acquire(&ch->bounce_big);

	if (pgoff >= ZUS_API_MAP_MAX_PAGES || to_end > bounce_size())
		return NULL;
	if (to_end <= ZUF_BOUNCE_SMALL)
		return ch->bounce + ZUF_BOUNCE_SMALL - to_end;
	return big ? big + bounce_size() - to_end : NULL;
}

static vm_fault_t win_fault(struct vm_fault *vmf)
{
	void __shm *page = bounce_page(vmf->vma->vm_private_data, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn_prot(vmf->vma, vmf->address, shm_pfn(page),
				   win_prot(true));
}

/* A page that is shown read-only must stay read-only. */
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

	/* when mremap() is refused a copy of the VMA is closed, which is not the window */
	if (vma->vm_start == ch->win_addr)
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

/* Entries that are made here bypass the counts of a kernel that counts them: then do not map. */
static bool win_maps(void)
{
	return zuf_copy_max < COPY_ALL && !zuf_ptes_are_counted();
}

ssize_t zuf_win_pin(struct zuf_win *win, struct iov_iter *iter, size_t len, bool to_server)
{
	unsigned long addr;
	unsigned int want;
	size_t seg;
	int got;

	if (!win_maps() || !zuf_iter_user_seg(iter, &addr, &seg) || !seg)
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

static bool mark_dirty(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_dirty(folio))
		return true;
	if (!folio_trylock(folio))
		return false;
	folio_mark_dirty(folio);
	folio_unlock(folio);
	return true;
}

unsigned int zuf_unpin_marked(struct page **pages, unsigned int nr)
{
	unsigned int i, left = 0;

	for (i = 0; i < nr; i++) {
		if (likely(mark_dirty(pages[i])))
			continue;
		swap(pages[left], pages[i]);
		left++;
	}
	unpin_user_pages(pages + left, nr - left);
	return left;
}

bool zuf_win_unpin(struct zuf_win *win)
{
	if (!win->pages)
		return true;
	if (win->shown && !win->to_server) {
		win->nr_pages = zuf_unpin_marked(win->pages, win->nr_pages);
		if (unlikely(win->nr_pages))
			return false;
	} else {
		unpin_user_pages(win->pages, win->nr_pages);
	}
	kvfree(win->pages);
	win->pages = NULL;
	return true;
}

void zuf_win_unpin_late(struct page **pages, unsigned int nr)
{
	unpin_user_pages_dirty_lock(pages, nr, true);
	kvfree(pages);
}

struct win_map {
	struct page **page;
	pgprot_t prot;
};

static int win_map_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct win_map *wm = data;

	/* the old entry may be one of copy pages: nothing else is mapped here */
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
	/* whoever holds the lock may wait for anything, and we have the channel: do not wait */
	if (!mmap_read_trylock(ch->mm)) {
		mmput_async(ch->mm);
		win->refused = true;
		return -EAGAIN;
	}
	if (bytes > ZUS_API_MAP_MAX_SIZE - bounce_size())
		unmap_mapping_range(ch->inode->i_mapping, 0, ZUS_API_MAP_MAX_SIZE, 1);
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
	unsigned int left = 0;

	if (!ch->pages)
		return;
	/* a read that has not returned promises nothing about its memory: a mark may be missing */
	if (ch->dirty_pages)
		left = zuf_unpin_marked(ch->pages, ch->nr_pages);
	unpin_user_pages(ch->pages, ch->dirty_pages ? left : ch->nr_pages);
	kvfree(ch->pages);
	ch->pages = NULL;
}

static void unmap_pages(struct zuf_chan *ch)
{
	unmap_mapping_range(ch->inode->i_mapping, 0, (loff_t)ch->nr_pages << PAGE_SHIFT, 1);
}

void zuf_win_drop_pages(struct zuf_chan *ch)
{
	if (!ch->pages)
		return;
	unmap_pages(ch);
	zuf_win_unpin_pages(ch);
}

static void pages_to_caller(struct zuf_chan *ch, struct zuf_win *win)
{
	if (!ch->pages)
		return;
	win->pages = ch->pages;
	ch->pages = NULL;
}

static int win_open_pages(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr)
{
	int err;

	/* from here on the channel owns the pages, also if the application is killed */
	ch->pages = win->pages;
	ch->nr_pages = win->nr_pages;
	ch->dirty_pages = !win->to_server;
	win->pages = NULL;
	err = win_map_pages(ch, win);
	/* a message that is sent again has shown them before */
	win->shown |= !win->refused;
	if (err) {
		if (win->shown)
			unmap_pages(ch);
		pages_to_caller(ch, win);
		return err;
	}
	hdr->offset = win->offset;
	hdr->len = win->len;
	return 0;
}

/* ---- copy pages ---- */

/*
 * Choose where @len bytes go: into the small copy pages, which every channel has, or also into the
 * big ones before them, which a channel gets at its first transfer that needs them.
 */
static int bounce_segs(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr)
{
	size_t big = 0;

	if (win->len > ZUF_BOUNCE_SMALL) {
		if (win->len > bounce_size())
			return -E2BIG;
		if (!ch->bounce_big)
			smp_store_release(&ch->bounce_big, shm_alloc(big_size()));
		if (!ch->bounce_big) {
			if (win->kind == ZUF_WIN_KBUF)
				return -ENOMEM;
			win->len = ZUF_BOUNCE_SMALL;
		} else {
			big = PAGE_ALIGN(win->len - ZUF_BOUNCE_SMALL);
		}
	}
	win->seg[0] = (struct zuf_win_seg){ ch->bounce_big + big_size() - big, big };
	win->seg[1] = (struct zuf_win_seg){ ch->bounce, win->len - big };
	hdr->offset = ZUS_API_MAP_MAX_SIZE - ZUF_BOUNCE_SMALL - big;
	return 0;
}

static void win_copy_in(struct zuf_win *win)
{
	size_t copied;
	int i;

	win->done = 0;
	for (i = 0; i < 2; i++) {
		struct zuf_win_seg *seg = &win->seg[i];

		if (!seg->len)
			continue;
		if (win->kind == ZUF_WIN_KBUF) {
			shm_put(seg->mem, win->kbuf + win->done, seg->len);
			copied = seg->len;
		} else {
			pagefault_disable();
			copied = shm_from_iter(seg->mem, seg->len, win->iter);
			pagefault_enable();
		}
		win->done += copied;
		if (copied < seg->len)
			break;
	}
}

/* A pipe allocates pages for what it receives. */
static void win_copy_out(struct zuf_win *win, size_t bytes)
{
	unsigned int noio = memalloc_noio_save();
	size_t want, copied;
	int i;

	win->done = 0;
	for (i = 0; i < 2 && win->done < bytes; i++) {
		struct zuf_win_seg *seg = &win->seg[i];

		want = min(seg->len, bytes - win->done);
		if (!want)
			continue;
		if (win->kind == ZUF_WIN_KBUF) {
			shm_take(win->kbuf + win->done, seg->mem, want);
			copied = want;
		} else {
			pagefault_disable();
			copied = shm_to_iter(seg->mem, want, win->iter);
			pagefault_enable();
		}
		win->done += copied;
		if (copied < want)
			break;
	}
	memalloc_noio_restore(noio);
}

/*
 * Data that the server has brought from one inode must not be seen by a reader of another one, if
 * the server says that it has brought more than it did. Within one inode nothing is wiped.
 */
static void win_wipe_left(struct zuf_chan *ch, const struct zuf_win *win)
{
	if (unlikely(ch->left_of != win->owner || !win->owner)) {
		shm_zero(ch->bounce, ch->left_small);
		if (ch->left_big)
			shm_zero(ch->bounce_big + big_size() - ch->left_big, ch->left_big);
		ch->left_of = win->owner;
		ch->left_small = 0;
		ch->left_big = 0;
	}
	ch->left_big = max(ch->left_big, win->seg[0].len);
	ch->left_small = max(ch->left_small, win->seg[1].len);
}

/*
 * An allocation here must not evict inodes of ours, which takes a channel while we hold one; and
 * it must not wait for data that others write out.
 */
static int win_set_up(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr)
{
	unsigned int noio = memalloc_noio_save();
	int err;

	if (win->kind == ZUF_WIN_PAGES)
		err = win_open_pages(ch, win, hdr);
	else
		err = bounce_segs(ch, win, hdr);
	memalloc_noio_restore(noio);
	return err;
}

int zuf_win_open(struct zuf_chan *ch, struct zuf_win *win, struct zufs_ioc_hdr *hdr)
{
	int err = win_set_up(ch, win, hdr);

	if (err || win->kind == ZUF_WIN_PAGES)
		return err;
	if (win->to_server) {
		memcpy(ch->bounce_used, win->seg, sizeof(win->seg));
		win_copy_in(win);
		if (!win->done) {
			/* part of the data may be there although it does not count */
			zuf_win_clear(ch);
			return -EFAULT;
		}
		win->len = win->done;
	} else {
		win_wipe_left(ch, win);
		/* the server may fill less than this */
		if (win->kind == ZUF_WIN_KBUF) {
			shm_zero(win->seg[1].mem, win->seg[1].len);
			shm_zero(win->seg[0].mem, win->seg[0].len);
		}
	}
	hdr->len = win->len;
	return 0;
}

void zuf_win_take(struct zuf_chan *ch, struct zuf_win *win, size_t bytes)
{
	bytes = min(bytes, win->len);
	if (win->kind == ZUF_WIN_PAGES) {
		win->done = bytes;
	} else if (win->to_server) {
		/* the caller may still send what the server did not use */
		if (win->kind == ZUF_WIN_ITER)
			iov_iter_revert(win->iter, win->done - bytes);
		win->done = bytes;
	} else {
		win_copy_out(win, bytes);
	}
}

void zuf_win_close(struct zuf_chan *ch, struct zuf_win *win)
{
	if (win->kind == ZUF_WIN_PAGES) {
		unmap_pages(ch);
		pages_to_caller(ch, win);
	} else {
		zuf_win_clear(ch);
	}
}

void zuf_win_clear(struct zuf_chan *ch)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (ch->bounce_used[i].len)
			shm_zero(ch->bounce_used[i].mem, ch->bounce_used[i].len);
		ch->bounce_used[i].len = 0;
	}
}

void zuf_win_abort(struct zuf_win *win)
{
	if (win->kind == ZUF_WIN_ITER && win->to_server)
		iov_iter_revert(win->iter, win->done);
	win->done = 0;
}
