// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap.c - mappings of regular files: page faults, the life of the mapped areas
 *
 *	fault      GET_MULTY, the frame of the block into the page table, PUT_MULTY
 *
 * A page table entry outlives the contract: it lasts until the server says UNMAP, or until an
 * operation that takes blocks away has dropped it (mapped.c). A store is announced first:
 * entries are read-only until GET_MULTY for writing was answered; then the page is due for SYNC.
 * For the server the first store to a private mapping is a read, too: the copy is filled here
 * (fault_copy()), or by the core from the page of an entry that is present.
 *
 * A put allows the server to reuse the blocks that a store has replaced. So before the put is
 * sent, whatever the fault's result, all entries for blocks other than the answered ones are
 * removed.
 *
 * Locks: the mmap_lock or the lock of the area (the core takes them), freeze protection
 * (stores), the invalidate lock shared, the record's lock for what follows the answer. A fault
 * may happen below an operation, so its messages may use the reserved channel. If the faulting
 * task is killed the fault ends with SIGBUS, which nobody sees; that also ends copies by the
 * kernel.
 */
#include "element.h"
#include "mmap.h"

#include <linux/dax.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/pfn.h"
#include "contract.h"
#include "devset.h"
#include "inode.h"
#include "mapped.h"
#include "poison.h"
#include "sb.h"
#include "settle.h"
#include "stats.h"
#include "t1map.h"
#include "trace.h"

struct fault {
	struct vm_fault *vmf;
	struct inode *inode;
	struct zuf_mapped *zm;
	pgoff_t first;			/* page of the file, aligned to @order */
	unsigned int order;
	bool write;			/* the entry must be writable */
	bool sync;			/* MAP_SYNC and @write */
	bool copied;			/* vmf->page is the copy for the core */
	bool entered;			/* the record has the answer, entries for other blocks are
					 * removed */
	struct zuf_contract c;
	struct zuf_fault fault;
};

/* ---- ask ---- */

static u64 fault_rw(const struct fault *f)
{
	return ZUFS_RW_MMAP | (f->write ? ZUFS_RW_WRITE : 0) |
	       (f->sync ? ZUFS_RW_DSYNC | ZUFS_RW_SYNC : 0) |
	       (f->vmf->vma->vm_file->f_mode & FMODE_RANDOM ? ZUFS_RW_RAND : 0);
}

/*
 * Wait for the messages that killed applications have left to the server: the fault's locks
 * should exclude them, or they may replace what the fault would map.
 */
static int wait_left(struct inode *inode)
{
	struct zuf_put_tag *tag = zuf_inode_tag(inode);

	return zuf_tag_is_left(tag, false) ? zuf_puts_wait_left(tag, false, false) : 0;
}

static int fault_get(struct fault *f)
{
	int err = wait_left(f->inode);

	if (err)
		return err;
	*f->c.io = (struct zufs_ioc_IO){
		.filepos = (u64)f->first << PAGE_SHIFT,
		.rw = fault_rw(f),
	};
	return zuf_contract_get(&f->c, PAGE_SIZE << f->order,
				ZUF_OPF_NESTED | ZUF_OPF_KILLABLE);
}

/* Does one word stand for all of 2 MiB? */
static bool is_one_run(const struct fault *f)
{
	const struct zufs_ioc_IO *io = f->c.io;

	return f->order && io->ziom.iom_n == 1 &&
	       io->last_pos == io->filepos + (PAGE_SIZE << f->order);
}

/*
 * Did a server of 2019 answer, which leaves last_pos as it came? The word answers all that a
 * fault on one page asks for.
 */
static bool is_one_word(const struct fault *f)
{
	const struct zufs_ioc_IO *io = f->c.io;

	return !f->order && io->ziom.iom_n == 1 && io->last_pos == io->filepos &&
	       f->c.op.answered >= zufs_io_size(1);
}

/*
 * Return the one block of the answer, or the first of the blocks that make 2 MiB; ~0: the answer
 * is invalid.
 */
static u64 answered_block(struct fault *f)
{
	const u64 step = zufs_dpp_from_block(1, ZUFS_POOL_T1);
	ssize_t bytes = zuf_contract_bytes(&f->c, PAGE_SIZE << f->order);
	u32 i;

	if (is_one_run(f) || is_one_word(f))
		return zuf_word_block(f->c.words[0]);
	if (bytes != PAGE_SIZE << f->order)
		return ~0ULL;
	for (i = 1; i < 1U << f->order; i++)
		if (f->c.words[i] != f->c.words[0] + i * step)
			return ~0ULL;
	return zuf_word_block(f->c.words[0]);
}

/* ---- insert ---- */

/*
 * False also for shared mappings that can only be read: no debugger can make a private copy
 * there.
 */
static bool is_private(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_MAYSHARE);
}

static vm_fault_t insert_page(struct fault *f, struct page *page)
{
	struct vm_fault *vmf = f->vmf;
	vm_fault_t ret;

	if (page && unlikely(zuf_is_poisoned(f->c.zsb->devs, page, 1UL << f->order)))
		return f->order ? VM_FAULT_FALLBACK : VM_FAULT_HWPOISON;
	if (f->order) {
		if (f->zm->small_private && is_private(vmf->vma))
			return VM_FAULT_FALLBACK;
		if (!zuf_pmd_takes(vmf, page_to_pfn(page)))
			return VM_FAULT_NOPAGE;
		return zuf_insert_pmem_pmd(vmf, page_to_pfn(page), f->write);
	}
	/* a fault on 2 MiB came first */
	if (zuf_pmd_is_huge(vmf))
		return VM_FAULT_NOPAGE;
	if (!page)
		return zuf_insert_zero(vmf);
	if (!is_zone_device_page(page))
		ret = zuf_insert_mem(vmf, page);
	else if (is_private(vmf->vma))
		ret = zuf_insert_pmem_private(vmf, page_to_pfn(page));
	else
		ret = zuf_insert_pmem(vmf, page_to_pfn(page));
	if (f->write && ret == VM_FAULT_NOPAGE)
		ret = zuf_make_writable(vmf, page_to_pfn(page));
	return ret;
}

/*
 * In a read-only shared mapping futex(2) does not try to store but uses the page that is present,
 * so that page needs a key.
 */
static bool is_read_only(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_MAYSHARE) && !(vma->vm_flags & VM_WRITE);
}

/* The caller holds the record's lock. */
static int enter_block(struct fault *f, u64 block)
{
	/* reclaim that writes pages out may need the locks held here */
	unsigned int noio = memalloc_noio_save();
	int err = zuf_mapped_enter(f->zm, f->first, f->order, block, f->write);

	if (!err && f->order && is_read_only(f->vmf->vma))
		zuf_mapped_give_keys(f->zm, f->first, f->first);
	memalloc_noio_restore(noio);
	f->entered = !err;
	return err;
}

/* Use the answer. Return: 0: the answer is out of date. */
static vm_fault_t fault_insert(struct fault *f, u64 block, struct page *page)
{
	vm_fault_t ret = VM_FAULT_OOM;
	unsigned int noio;

	if (!zuf_fault_commit(f->zm, &f->fault))
		return 0;
	if (!enter_block(f, block)) {
		noio = memalloc_noio_save();
		ret = insert_page(f, page);
		memalloc_noio_restore(noio);
	}
	mutex_unlock(&f->zm->lock);
	return ret;
}

/*
 * The first store to a page of a private mapping: the core has allocated a page for the copy,
 * and gets it back filled, as the page of the file. Return: 0: @f->copied is set, or the answer
 * is out of date.
 */
static vm_fault_t fault_copy(struct fault *f, struct page *page)
{
	struct page *copy = f->vmf->cow_page;
	unsigned long poisoned = page && zuf_is_poisoned(f->c.zsb->devs, page, 1);
	void *to;

	if (!zuf_fault_commit(f->zm, &f->fault))
		return 0;
	to = kmap_local_page(copy);
	if (page && !poisoned)
		poisoned = copy_mc_to_kernel(to, page_address(page), PAGE_SIZE);
	else if (!page)
		clear_page(to);
	kunmap_local(to);
	mutex_unlock(&f->zm->lock);
	if (poisoned)
		return VM_FAULT_HWPOISON;
	get_page(copy);
	f->vmf->page = copy;
	f->copied = true;
	return 0;
}

/* Write out the words of a run that one word stood for; the put sends only that one. */
static void spread_run(struct fault *f)
{
	const u64 step = zufs_dpp_from_block(1, ZUFS_POOL_T1);
	u32 i;

	for (i = 1; i < f->c.pages; i++)
		f->c.words[i] = f->c.words[0] + i * step;
}

/* The answer to a store is not in the record: overtaken, no memory, a bad answer. */
static void drop_other_blocks(struct fault *f)
{
	u32 n = f->c.io->ziom.iom_n;

	if (is_one_run(f)) {
		spread_run(f);
		n = f->c.pages;
	}
	if (n)
		zuf_mapped_rewrite(f->inode, f->first, n, f->c.words);
	else	/* nobody knows which blocks the pages have now */
		zuf_mapped_replaced(f->inode, f->first, 1UL << f->order);
}

static int fault_put(struct fault *f)
{
	if (f->write && !f->entered)
		drop_other_blocks(f);
	return zuf_contract_put(&f->c, f->sync);
}

/* MAP_SYNC: the put makes the block durable, so it must be executed before anybody can store. */
static vm_fault_t fault_insert_sync(struct fault *f, u64 block, struct page *page)
{
	bool committed = zuf_fault_commit(f->zm, &f->fault);
	int err = 0, put_err;

	if (committed) {
		err = enter_block(f, block);
		if (!err)
			zuf_fault_again(f->zm, &f->fault);
		mutex_unlock(&f->zm->lock);
	}
	put_err = fault_put(f);
	if (!committed)
		return 0;
	if (!err && put_err) {
		/* after the next mount the block might belong to another file */
		zuf_fault_abort(f->zm, &f->fault);
		return VM_FAULT_SIGBUS;
	}
	return err ? VM_FAULT_OOM : fault_insert(f, block, page);
}

/* Find the frames to be mapped; *page NULL: a hole. Return: false: the answer is invalid. */
static bool answered_page(struct fault *f, u64 block, struct page **page)
{
	*page = NULL;
	if (!block)
		return !f->write && !f->order;
	if (block != ~0ULL)
		*page = zuf_t1_block_page(f->c.zsb->devs, block, 1UL << f->order);
	return *page && IS_ALIGNED(page_to_pfn(*page), 1UL << f->order);
}

/* Handle an answer. Return: 0: ask the server once more. */
static vm_fault_t fault_answered(struct fault *f)
{
	u64 block = answered_block(f);
	struct page *page;
	vm_fault_t ret;

	f->entered = false;
	if (!answered_page(f, block, &page)) {
		zuf_fault_abort(f->zm, &f->fault);
		ret = f->order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
	} else if (f->vmf->cow_page) {
		ret = fault_copy(f, page);
	} else if (f->sync) {
		return fault_insert_sync(f, block, page);
	} else {
		ret = fault_insert(f, block, page);
	}
	/* a hole needs no put, unless the server has kept the channel for it */
	if (block || f->write || f->order || f->c.kept)
		fault_put(f);
	return ret;
}

/* ---- one fault ---- */

/* -ENOMEM of a server is an error like any other: it would not help to fault again. */
static vm_fault_t fault_error(const struct fault *f)
{
	return f->order && !fatal_signal_pending(current) ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
}

/* The caller holds the invalidate lock, and the page lies in the file. */
static vm_fault_t fault_ask(struct fault *f)
{
	vm_fault_t ret = 0;
	int err;

	do {
		if (fatal_signal_pending(current))
			return VM_FAULT_SIGBUS;
		zuf_fault_begin(f->zm, &f->fault, f->first, f->order);
		err = fault_get(f);
		if (err)
			zuf_fault_abort(f->zm, &f->fault);
		ret = err ? fault_error(f) : fault_answered(f);
	} while (!ret && !f->copied);
	return ret;
}

static bool fault_in_file(const struct fault *f)
{
	pgoff_t end = DIV_ROUND_UP(i_size_read(f->inode), PAGE_SIZE);

	return f->first + (1UL << f->order) <= end;
}

/* Return: 0, or why nothing can be mapped. */
static vm_fault_t fault_check(const struct fault *f)
{
	/* the state may have been set after the file was mapped */
	if (f->write && unlikely(IS_IMMUTABLE(f->inode) || READ_ONCE(f->zm->no_stores)))
		return VM_FAULT_SIGBUS;
	if (fault_in_file(f))
		return 0;
	return f->order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
}

static vm_fault_t fault_locked(struct fault *f)
{
	struct address_space *mapping = f->inode->i_mapping;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (down_read_killable(&mapping->invalidate_lock))
		return VM_FAULT_SIGBUS;
	/* work that a killed application has left comes before the check of the file's end */
	if (!zuf_settle(f->inode, ZUF_OPF_SHARED))
		ret = fault_check(f) ?: fault_ask(f);
	filemap_invalidate_unlock_shared(mapping);
	return ret;
}

static vm_fault_t fault_store(struct fault *f)
{
	struct super_block *sb = f->inode->i_sb;
	/* fault_locked() checks again, but then the timestamps are already new */
	vm_fault_t ret = zuf_is_stale(f->inode) ? 0 : fault_check(f);

	if (unlikely(ret))
		return ret;
	sb_start_pagefault(sb);
	file_update_time(f->vmf->vma->vm_file);
	ret = fault_locked(f);
	sb_end_pagefault(sb);
	return ret;
}

static void fault_init(struct fault *f, struct vm_fault *vmf, bool write)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	f->vmf = vmf;
	f->inode = inode;
	f->zm = zuf_mapped_of(inode);
	f->write = write;
	f->sync = write && (vmf->vma->vm_flags & VM_SYNC);
	f->c.zsb = ZUF_SB(inode->i_sb);
	f->c.inode = inode;
}

static vm_fault_t fault_run(struct fault *f)
{
	vm_fault_t ret = f->write ? fault_store(f) : fault_locked(f);

	zuf_stats_event(f->c.zsb->stats, ZUF_EV_FAULT, 1);
	if (trace_zuf_fault_enabled())
		trace_zuf_fault(f->c.zsb->sb_id, f->inode->i_ino, f->first, f->vmf->flags,
				f->order, (__force u32)ret);
	return ret;
}

static vm_fault_t fault_page(struct vm_fault *vmf, bool write)
{
	struct zufs_ioc_IO io;
	struct fault f = { .first = vmf->pgoff, .c.io = &io, .c.pages = 1 };

	fault_init(&f, vmf, write);
	f.c.words = ZUFS_TAIL(&io, iom_e);
	return fault_run(&f);
}

static bool is_shared_write(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_WRITE) && (vmf->vma->vm_flags & VM_SHARED);
}

static vm_fault_t zuf_vm_fault(struct vm_fault *vmf)
{
	return fault_page(vmf, is_shared_write(vmf));
}

/* A store to a page where the zero page or a read-only entry of this file is mapped. */
static vm_fault_t zuf_vm_mkwrite(struct vm_fault *vmf)
{
	return fault_page(vmf, true);
}

/* Are address, file and area aligned alike, and may the server be asked for 2 MiB? */
static bool huge_fits(const struct vm_fault *vmf, const struct zuf_sb *zsb)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & PMD_MASK;
	unsigned long page = (vmf->address & ~PMD_MASK) >> PAGE_SHIFT;

	return (zsb->fs_caps & ZUFS_FSC_MMAP_2M) && !zuf_devset_is_memory(zsb->devs) &&
	       start >= vma->vm_start && start + PMD_SIZE <= vma->vm_end &&
	       page == (vmf->pgoff & (PTRS_PER_PMD - 1));
}

/* Map 2 MiB at once. Return: VM_FAULT_FALLBACK: map page by page. */
static vm_fault_t zuf_vm_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct fault f = { .first = round_down(vmf->pgoff, PTRS_PER_PMD), .order = ZUF_HUGE_ORDER,
			   .c.pages = PTRS_PER_PMD };
	bool write = is_shared_write(vmf);
	vm_fault_t ret;

	fault_init(&f, vmf, write);
	/* in a private mapping the page that is stored to becomes a copy */
	if (order != ZUF_HUGE_ORDER || ((vmf->flags & FAULT_FLAG_WRITE) && !write) ||
	    !fault_in_file(&f) || !huge_fits(vmf, f.c.zsb))
		return VM_FAULT_FALLBACK;
	if (!zuf_inserts_pmem_pmd) {
		zuf_stats_event(f.c.zsb->stats, ZUF_EV_FAULT_NO_2M, 1);
		return VM_FAULT_FALLBACK;
	}
	f.c.io = kmalloc(zufs_io_size(PTRS_PER_PMD), GFP_KERNEL);
	if (!f.c.io)
		return VM_FAULT_FALLBACK;
	f.c.words = ZUFS_TAIL(f.c.io, iom_e);
	ret = fault_run(&f);
	kfree(f.c.io);
	return ret;
}
ZUF_DEFINE_HUGE_FAULT(zuf_vm_huge_fault)

/* ---- areas ---- */

static void send_mmap_close(struct inode *inode)
{
	struct zufs_ioc_mmap_close msg = {
		.hdr = ZUF_HDR(ZUFS_OP_MMAP_CLOSE, sizeof(msg), 0, 0),
	};
	/* not even a dying task waits for the answer; the end of the inode does */
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED,
				  ZUF_INODE(inode, struct zufs_ioc_mmap_close, zus_ii));

	zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

static void zuf_vm_open(struct vm_area_struct *vma)
{
	struct zuf_mapped *zm = zuf_mapped_of(file_inode(vma->vm_file));

	mutex_lock(&zm->vma_lock);
	zm->vmas++;
	mutex_unlock(&zm->vma_lock);
}

static void zuf_vm_close(struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(vma->vm_file);
	struct zuf_mapped *zm = zuf_mapped_of(inode);

	mutex_lock(&zm->vma_lock);
	if (!--zm->vmas)
		send_mmap_close(inode);
	mutex_unlock(&zm->vma_lock);
}

/* mprotect takes write permission away: present pages get futex keys, see is_read_only(). */
static int zuf_vm_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			   unsigned long new_flags)
{
	struct zuf_mapped *zm = zuf_mapped_of(file_inode(vma->vm_file));
	pgoff_t first = linear_page_index(vma, start);

	if ((new_flags & VM_WRITE) || !(vma->vm_flags & VM_WRITE) ||
	    !(vma->vm_flags & VM_MAYSHARE))
		return 0;
	mutex_lock(&zm->lock);
	zuf_mapped_give_keys(zm, first, first + ((end - start) >> PAGE_SHIFT) - 1);
	mutex_unlock(&zm->lock);
	return 0;
}

static const struct vm_operations_struct zuf_vm_ops = {
	.open = zuf_vm_open,
	.close = zuf_vm_close,
	.mprotect = zuf_vm_mprotect,
	.fault = zuf_vm_fault,
	ZUF_VMA_LOCKED_FAULTS
	.huge_fault = zuf_vm_huge_fault_op,
	/*
	 * entries with a struct page come by the first, entries without (pmem, holes) by the
	 * second
	 */
	.page_mkwrite = zuf_vm_mkwrite,
	.pfn_mkwrite = zuf_vm_mkwrite,
};

int zuf_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(file);
	struct zuf_devset *devs = ZUF_SB(inode->i_sb)->devs;
	struct zuf_mapped *zm;

	if ((vma->vm_flags & VM_SYNC) && !zuf_t1_is_synchronous(devs))
		return -EOPNOTSUPP;
	zm = zuf_mapped_make(inode);
	if (!zm)
		return -ENOMEM;
	if (mutex_lock_killable(&zm->vma_lock))
		return -EINTR;
	zm->vmas++;
	mutex_unlock(&zm->vma_lock);
	file_accessed(file);
	vma->vm_ops = &zuf_vm_ops;
	vm_flags_set(vma, VM_HUGEPAGE | ZUF_VM_MIXED);
	return 0;
}
