// SPDX-License-Identifier: GPL-2.0-only
/*
 * list.c - execute a list of commands: T2 transfers, unmapping, cache write-back
 *
 * The list is a kernel copy, and all of it is checked before anything is done. The
 * task that starts it walks it in order: UNMAP and WBINV happen then; transfers are
 * submitted as bios under one plug and end in any order. The last bio leaves the
 * rest to a worker: T1 that was read into is written back from the CPU caches,
 * T2 is flushed if the server asks for it, then waiters and args.done are told.
 *
 * Ownership: one reference of the creator, and one of the list itself from its start to its
 * end. Only the list holds devices, inode numbers and server pages; nobody waits
 * for the pages (srvmem.c).
 */
#include "list.h"

#include <linux/blkdev.h>
#include <linux/libnvdimm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "devset.h"
#include "element.h"
#include "lists.h"
#include "poison.h"
#include "srvmem.h"
#include "t1map.h"
#include "t2.h"
#include "trace.h"

struct zuf_list {
	refcount_t refs;
	atomic_t pending;		/* bios, and the task that submits them */
	int err;			/* the first error; set once by cmpxchg */
	bool read_only;			/* the mount was read-only when the list was created */
	bool flushed;			/* the second round is under way: flushes */
	bool over;			/* nothing is under way; stored with release, by @wait */
	wait_queue_head_t wait;
	struct work_struct work;
	struct zuf_list_args args;	/* devs and mount are referenced, words and mem owned */
	struct zuf_t2_batch batch;
};

/* Two queues, because a call of args.done may wait for a list that the other one finishes. */
static struct workqueue_struct *list_wq;
static struct workqueue_struct *list_done_wq;
static atomic_t nr_lists;	/* in memory: the module's end waits for them, as nobody else may */

static void list_work(struct work_struct *work);

static int next_elem(const struct zuf_list *iom, u32 *i, struct zuf_iom_elem *e)
{
	return zuf_iom_next(iom->args.devs, iom->read_only, iom->args.words, iom->args.n, i, e);
}

/* ---- life ---- */

static void list_free(struct zuf_list *iom)
{
	zuf_srvmem_drop(iom->args.mem);
	zuf_devset_put(iom->args.devs);
	kvfree(iom->args.words);
	kfree(iom);
	if (atomic_dec_and_test(&nr_lists))
		wake_up_var(&nr_lists);
}

struct zuf_list *zuf_list_get(struct zuf_list *iom)
{
	refcount_inc(&iom->refs);
	return iom;
}

void zuf_list_put(struct zuf_list *iom)
{
	if (iom && refcount_dec_and_test(&iom->refs))
		list_free(iom);
}

static void list_fail(struct zuf_list *iom, int err)
{
	if (err)
		cmpxchg(&iom->err, 0, err);
}

/* ---- check ---- */

/* Are all elements good, and was the memory that they name pinned? */
static int list_check(const struct zuf_list *iom)
{
	struct zuf_srvmem *mem = iom->args.mem;
	struct zuf_iom_elem e;
	u64 pages = 0;
	u32 i = 0;
	int ret;

	while ((ret = next_elem(iom, &i, &e)) > 0) {
		if (e.op == IOM_UNMAP && !e.ino && !iom->args.inode)
			return -EIO;
		if (zuf_iom_is_mem(&e))
			pages += e.pages;
	}
	if (ret || !pages)
		return ret;
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	return mem && mem->nr == pages ? 0 : -EIO;
}

/* ---- end ---- */

static void list_over(struct zuf_list *iom)
{
	zuf_srvmem_done(iom->args.mem);
	iom->args.mem = NULL;
	/* not with the last reference: a waiter may want to open the devices next */
	zuf_devset_put(iom->args.devs);
	iom->args.devs = NULL;
	if (iom->args.lists) {
		struct zuf_endpoint *ep = iom->args.lists->ep;

		zuf_lists_ended(iom->args.lists);
		zuf_endpoint_put(ep);
	}
	/* pairs with zuf_list_is_over() */
	trace_zuf_iomap_done(iom, iom->err);
	smp_store_release(&iom->over, true);
	wake_up_all(&iom->wait);
	if (iom->args.done)
		queue_work(list_done_wq, &iom->work);
	else
		zuf_list_put(iom);
}

/* Bytes that are written back in one go. */
#define PERSIST_BYTES	SZ_2M

/* Data that a device has written to T1 must not be lost in a CPU cache. */
static void persist_reads(struct zuf_list *iom)
{
	struct zuf_iom_elem e;
	size_t len, done;
	struct page *page;
	u32 i = 0;

	while (next_elem(iom, &i, &e) > 0) {
		if (e.op != IOM_T2_READ)
			continue;
		for (done = 0; done < e.pages << PAGE_SHIFT; done += len) {
			len = min_t(u64, (e.pages << PAGE_SHIFT) - done, PERSIST_BYTES);
			page = zuf_t1_page(iom->args.devs, e.t1 + done, &len);
			if (page)
				arch_wb_cache_pmem(page_address(page), len);
			cond_resched();
		}
	}
}

static void list_put_pending(struct zuf_list *iom);

/* The transfers have ended. */
static void list_finish(struct zuf_list *iom)
{
	if (!iom->flushed && !zuf_devset_is_memory(iom->args.devs))
		persist_reads(iom);
	if (!iom->flushed && (iom->args.flags & ZUFS_IOM_EXEC_FLUSH) && !iom->err) {
		iom->flushed = true;
		atomic_set(&iom->pending, 1);
		zuf_t2_flush(&iom->batch, iom->batch.written);
		list_put_pending(iom);
	} else {
		list_over(iom);
	}
}

static void list_work(struct work_struct *work)
{
	struct zuf_list *iom = container_of(work, struct zuf_list, work);

	if (!iom->over) {
		list_finish(iom);
		return;
	}
	iom->args.done(iom, iom->args.done_arg, iom->err);
	zuf_list_put(iom);
}

/* Context: any. */
static void list_put_pending(struct zuf_list *iom)
{
	if (atomic_dec_and_test(&iom->pending))
		queue_work(list_wq, &iom->work);
}

static void list_get_pending(void *private)
{
	struct zuf_list *iom = private;

	atomic_inc(&iom->pending);
}

static void list_end_io(struct bio *bio)
{
	struct zuf_list *iom = bio->bi_private;

	list_fail(iom, blk_status_to_errno(bio->bi_status));
	bio_put(bio);
	list_put_pending(iom);
}

/* ---- execute ---- */

/* A fatal signal: transfers that are under way go on, the rest is not begun. */
static int check_killed(const struct zuf_list *iom)
{
	return fatal_signal_pending(current) && !iom->args.unkillable ? -EINTR : 0;
}

/* Transfer one contiguous piece of T1 at a time. */
static int do_t1(struct zuf_list *iom, const struct zuf_iom_elem *e)
{
	enum req_op op = e->op == IOM_T2_WRITE ? REQ_OP_WRITE : REQ_OP_READ;
	size_t bytes = e->pages << PAGE_SHIFT, done, len;
	struct page *page;
	int err = 0;

	for (done = 0; !err && done < bytes; done += len) {
		len = bytes - done;
		page = zuf_t1_page(iom->args.devs, e->t1 + done, &len);
		if (!page)
			return -ENOMEM;
		/* a driver may copy the page by the CPU */
		if (op == REQ_OP_WRITE &&
		    zuf_is_poisoned(iom->args.devs, page, len >> PAGE_SHIFT))
			return -EIO;
		err = check_killed(iom) ?: zuf_t2_add(&iom->batch, op,
						      e->block + (done >> PAGE_SHIFT), page, len);
	}
	return err;
}

static int do_mem(struct zuf_list *iom, const struct zuf_iom_elem *e, unsigned int *pinned)
{
	enum req_op op = e->op == IOM_T2_ZUSMEM_WRITE ? REQ_OP_WRITE : REQ_OP_READ;
	int err = 0;
	u64 i;

	for (i = 0; !err && i < e->pages; i++)
		err = check_killed(iom) ?: zuf_t2_add(&iom->batch, op, e->block + i,
						      iom->args.mem->pages[(*pinned)++], PAGE_SIZE);
	return err;
}

static int do_elem(struct zuf_list *iom, const struct zuf_iom_elem *e, unsigned int *pinned)
{
	switch (e->op) {
	case IOM_T2_WRITE:
	case IOM_T2_READ:
		return do_t1(iom, e);
	case IOM_T2_ZUSMEM_WRITE:
	case IOM_T2_ZUSMEM_READ:
		return do_mem(iom, e, pinned);
	case IOM_DISCARD:
		zuf_t2_discard(&iom->batch, e->block, e->pages);
		return 0;
	case IOM_UNMAP:
		if (!iom->args.unmap)
			return 0;
		return iom->args.unmap(&iom->args, e->ino, e->block, e->pages);
	case IOM_WBINV:
		return zuf_flush_caches();
	default:
		WARN_ON_ONCE(1);	/* zuf_iom_next() lets no other one through */
		return -EIO;
	}
}

static void list_walk(struct zuf_list *iom)
{
	unsigned int pinned = 0;
	struct zuf_iom_elem e;
	struct blk_plug plug;
	u32 i = 0;
	int err = 0;

	blk_start_plug(&plug);
	while (!err && next_elem(iom, &i, &e) > 0) {
		err = check_killed(iom) ?: do_elem(iom, &e, &pinned);
		cond_resched();
	}
	zuf_t2_submit(&iom->batch);
	blk_finish_plug(&plug);
	list_fail(iom, err);
}

void zuf_list_start(struct zuf_list *iom)
{
	trace_zuf_iomap_start(iom, iom->args.n, iom->args.flags);
	zuf_list_get(iom);
	atomic_set(&iom->pending, 1);
	list_walk(iom);
	if (atomic_dec_and_test(&iom->pending))
		list_finish(iom);
}

struct zuf_list *zuf_list_create(const struct zuf_list_args *args)
{
	struct zuf_list *iom = kzalloc(sizeof(*iom), GFP_NOFS | __GFP_ACCOUNT);
	int err;

	if (!iom)
		return ERR_PTR(-ENOMEM);
	atomic_inc(&nr_lists);
	refcount_set(&iom->refs, 1);
	init_waitqueue_head(&iom->wait);
	INIT_WORK(&iom->work, list_work);
	iom->args = *args;
	iom->read_only = args->devs->read_only;
	iom->batch = (struct zuf_t2_batch){
		.devs = args->devs,
		.write_opf = args->flags & ZUFS_IOM_EXEC_FUA ? REQ_FUA : 0,
		.end_io = list_end_io,
		.get = list_get_pending,
		.private = iom,
	};
	zuf_devset_get(args->devs);
	err = list_check(iom);
	if (!err) {
		if (args->lists)
			zuf_lists_begin(args->lists);
		return iom;
	}

	pr_debug("a list of %u words is refused: %d\n", args->n, err);
	iom->args.words = NULL;
	iom->args.mem = NULL;
	zuf_list_put(iom);
	return ERR_PTR(err);
}

bool zuf_list_is_over(const struct zuf_list *iom)
{
	return smp_load_acquire(&iom->over);
}

wait_queue_head_t *zuf_list_waitq(struct zuf_list *iom)
{
	return &iom->wait;
}

bool zuf_list_wait(struct zuf_list *iom)
{
	/* this sleep is never freezable: the device ends it */
	return !wait_event_killable(iom->wait, zuf_list_is_over(iom));
}

int zuf_list_result(const struct zuf_list *iom)
{
	return iom->err;
}

/* ---- module life ---- */

int zuf_list_module_init(void)
{
	list_wq = alloc_workqueue("zuf_iomap", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!list_wq)
		return -ENOMEM;
	list_done_wq = alloc_workqueue("zuf_iomap_done", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!list_done_wq) {
		destroy_workqueue(list_wq);
		return -ENOMEM;
	}
	return 0;
}

void zuf_list_module_fini(void)
{
	wait_var_event(&nr_lists, !atomic_read(&nr_lists));
	destroy_workqueue(list_wq);
	destroy_workqueue(list_done_wq);
}
