// SPDX-License-Identifier: GPL-2.0-only
/*
 * srvmem.c - pin memory of a server for a list, and unpin it
 *
 * A page that a device has written must be marked dirty, under its page lock. The holder of that
 * lock may wait for whatever file system the page belongs to, so the lock is only tried: a work
 * item looks again at pages that are locked; it keeps the module, and nothing else.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "element.h"
#include "srvmem.h"
#include "window.h"

/* Jiffies between two looks at pages that somebody has locked. */
#define PAUSE	(HZ / 20 + 1)

static struct workqueue_struct *late_wq;
static atomic_t nr_late;

static void srvmem_free(struct zuf_srvmem *mem)
{
	kvfree(mem->pages);
	bitmap_free(mem->read_into);
	kfree(mem);
}

/* ---- pin ---- */

static int next_mem(const u64 *words, u32 n, u32 *i, struct zuf_iom_elem *e)
{
	int ret;

	do
		ret = zuf_iom_next(NULL, false, words, n, i, e);
	while (ret > 0 && !zuf_iom_is_mem(e));
	return ret;
}

/* Return: the number of pages that the list names, or an error. */
static int count_pages(const u64 *words, u32 n)
{
	struct zuf_iom_elem e;
	u64 pages = 0;
	u32 i = 0;
	int ret;

	while ((ret = next_mem(words, n, &i, &e)) > 0) {
		if (e.pages > ZUF_SRVMEM_MAX - pages)
			return -E2BIG;
		pages += e.pages;
	}
	return ret ?: pages;
}

static struct zuf_srvmem *srvmem_alloc(unsigned int pages)
{
	struct zuf_srvmem *mem = kzalloc(sizeof(*mem), GFP_NOFS | __GFP_ACCOUNT);

	if (!mem)
		return NULL;
	mem->pages = kvmalloc_array(pages, sizeof(*mem->pages), GFP_NOFS | __GFP_ACCOUNT);
	mem->read_into = bitmap_zalloc(pages, GFP_NOFS | __GFP_ACCOUNT);
	if (mem->pages && mem->read_into)
		return mem;
	srvmem_free(mem);
	return NULL;
}

static int pin_elem(struct zuf_srvmem *mem, const struct zuf_iom_elem *e)
{
	bool read = e->op == IOM_T2_ZUSMEM_READ;
	unsigned int done = 0;
	int got;

	if (read)
		bitmap_set(mem->read_into, mem->nr, e->pages);
	while (done < e->pages) {
		got = pin_user_pages_fast(e->mem + ((unsigned long)done << PAGE_SHIFT),
					  e->pages - done, read ? FOLL_WRITE : 0,
					  mem->pages + mem->nr);
		if (got <= 0)
			return got == -EINTR ? got : -EFAULT;
		mem->nr += got;
		done += got;
		cond_resched();
	}
	return 0;
}

struct zuf_srvmem *zuf_srvmem_pin(const u64 *words, u32 n)
{
	int pages = count_pages(words, n), err = 0;
	struct zuf_srvmem *mem;
	struct zuf_iom_elem e;
	u32 i = 0;

	if (pages <= 0)
		return pages ? ERR_PTR(pages) : NULL;
	mem = srvmem_alloc(pages);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	while (!err && next_mem(words, n, &i, &e) > 0)
		err = pin_elem(mem, &e);
	if (!err)
		return mem;
	zuf_srvmem_drop(mem);
	return ERR_PTR(err);
}

void zuf_srvmem_drop(struct zuf_srvmem *mem)
{
	if (IS_ERR_OR_NULL(mem))
		return;
	unpin_user_pages(mem->pages, mem->nr);
	srvmem_free(mem);
}

/* ---- let go ---- */

static void late_work(struct work_struct *work)
{
	struct zuf_srvmem *mem = container_of(to_delayed_work(work), struct zuf_srvmem, late);

	mem->nr = zuf_unpin_marked(mem->pages, mem->nr);
	if (mem->nr) {
		queue_delayed_work(late_wq, &mem->late, PAUSE);
		return;
	}
	srvmem_free(mem);
	module_put(THIS_MODULE);
	if (atomic_dec_and_test(&nr_late))
		wake_up_var(&nr_late);
}

/* Unpin the pages that no device has written. Return: how many are left; they come first. */
static unsigned int unpin_unread(struct zuf_srvmem *mem)
{
	unsigned int i, left = 0;

	for (i = 0; i < mem->nr; i++) {
		if (!test_bit(i, mem->read_into))
			continue;
		swap(mem->pages[left], mem->pages[i]);
		left++;
	}
	unpin_user_pages(mem->pages + left, mem->nr - left);
	return left;
}

void zuf_srvmem_done(struct zuf_srvmem *mem)
{
	if (!mem)
		return;
	mem->nr = zuf_unpin_marked(mem->pages, unpin_unread(mem));
	if (likely(!mem->nr)) {
		srvmem_free(mem);
		return;
	}
	__module_get(THIS_MODULE);
	atomic_inc(&nr_late);
	INIT_DELAYED_WORK(&mem->late, late_work);
	queue_delayed_work(late_wq, &mem->late, PAUSE);
}

/* ---- module life ---- */

int zuf_srvmem_init(void)
{
	late_wq = alloc_workqueue("zuf_srvmem", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return late_wq ? 0 : -ENOMEM;
}

void zuf_srvmem_fini(void)
{
	/* only memory of lists that have ended after the module began to go is left */
	wait_var_event(&nr_late, !atomic_read(&nr_late));
	destroy_workqueue(late_wq);
}
