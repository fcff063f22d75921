// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap.c - mappings of regular files: page faults, the life of the mapped areas
 *
 *	fault      GET_MULTY, the frame of the block into the page table, PUT_MULTY
 *
 * An entry outlives the contract: until the server says UNMAP, or an operation that
 * takes blocks away has dropped it (mapped.c). A store is announced first: entries are
 * read-only until GET_MULTY for writing was answered, then the page is due for SYNC.
 * The first store to a private mapping is a read fault, too: the kernel copies from the
 * entry that it finds then.
 *
 * Locks: mmap_lock or that of the area (the core's), freeze protection (stores), the
 * invalidate lock shared, the record's lock for what follows the answer. A fault may
 * happen below an operation, so its messages may use the reserved channel. A fault
 * that is killed is a SIGBUS which nobody sees: it also ends copies of the kernel.
 */
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
#include "stats.h"
#include "super.h"
#include "trace.h"

#define HUGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)

struct fault {
	struct vm_fault *vmf;
	struct inode *inode;
	struct zuf_mapped *zm;
	pgoff_t first;			/* page of the file, @order's alignment */
	unsigned int order;
	bool write;			/* the entry is to be writable */
	bool sync;			/* MAP_SYNC, and write */
	struct zuf_contract c;
	struct zuf_flight flight;
};

/* ---- ask ---- */

static u64 fault_rw(const struct fault *f)
{
	return ZUFS_RW_MMAP | (f->write ? ZUFS_RW_WRITE : 0) |
	       (f->sync ? ZUFS_RW_DSYNC | ZUFS_RW_SYNC : 0) |
	       (f->vmf->vma->vm_file->f_mode & FMODE_RANDOM ? ZUFS_RW_RAND : 0);
}

/*
 * What a killed application has left to the server with the locks that keep us out, or may
 * replace what we would map.
 */
static int wait_left(struct inode *inode)
{
	struct zuf_put_tag *tag = READ_ONCE(ZUF_I(inode)->put_tag);

	return tag && zuf_tag_is_left(tag, false) ? zuf_puts_wait_left(tag, false, false) : 0;
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

/* The one block of the answer, or the first of those that make 2 MiB; ~0: no good. */
static u64 answered_block(struct fault *f)
{
	const u64 step = zufs_dpp_from_block(1, ZUFS_POOL_T1);
	ssize_t bytes = zuf_contract_bytes(&f->c, PAGE_SIZE << f->order);
	u32 i;

	if (is_one_run(f))
		return zuf_word_block(f->c.words[0]);
	if (bytes != PAGE_SIZE << f->order)
		return ~0ULL;
	for (i = 1; i < 1U << f->order; i++)
		if (f->c.words[i] != f->c.words[0] + i * step)
			return ~0ULL;
	return zuf_word_block(f->c.words[0]);
}

/* ---- insert ---- */

static vm_fault_t insert_page(struct fault *f, struct page *page)
{
	struct vm_fault *vmf = f->vmf;
	vm_fault_t ret;

	if (f->order) {
		if (!zuf_pmd_takes(vmf, page_to_pfn(page)))
			return VM_FAULT_NOPAGE;
		return zuf_insert_pmem_pmd(vmf, page_to_pfn(page), f->write);
	}
	/* a fault on 2 MiB was faster */
	if (zuf_pmd_is_huge(vmf))
		return VM_FAULT_NOPAGE;
	if (!page)
		return zuf_insert_zero(vmf);
	if (is_zone_device_page(page))
		ret = zuf_insert_pmem(vmf, page_to_pfn(page));
	else
		ret = zuf_insert_mem(vmf, page);
	if (f->write && ret == VM_FAULT_NOPAGE)
		ret = zuf_make_writable(vmf, page_to_pfn(page));
	return ret;
}

/* The record's lock is held. */
static vm_fault_t insert_block(struct fault *f, u64 block, struct page *page)
{
	if (zuf_mapped_enter(f->zm, f->first, f->order, block, f->write))
		return VM_FAULT_OOM;
	return insert_page(f, page);
}

/* Use the answer; 0: it is out of date. */
static vm_fault_t fault_insert(struct fault *f, u64 block, struct page *page)
{
	unsigned int noio;
	vm_fault_t ret;

	if (!zuf_mapped_land(f->zm, &f->flight))
		return 0;
	/* whoever writes pages out may need what we hold */
	noio = memalloc_noio_save();
	ret = insert_block(f, block, page);
	memalloc_noio_restore(noio);
	mutex_unlock(&f->zm->lock);
	return ret;
}

/* What follows a good answer; 0: ask once more. */
static vm_fault_t fault_answered(struct fault *f)
{
	u64 block = answered_block(f);
	struct page *page = NULL;
	vm_fault_t ret;

	if (block && block != ~0ULL)
		page = zuf_t1_block_page(f->c.zsb->devs, block, 1UL << f->order);
	if (page ? !IS_ALIGNED(page_to_pfn(page), 1UL << f->order) :
		   block || f->write || f->order) {
		zuf_mapped_abort(f->zm, &f->flight);
		ret = f->order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
	} else if (f->sync) {
		/* what makes it durable, before anybody can store */
		zuf_contract_put(&f->c, true);
		return fault_insert(f, block, page);
	} else {
		ret = fault_insert(f, block, page);
	}
	/* a hole holds nothing, unless it is a lock */
	if (block || f->write || f->order || f->c.kept)
		zuf_contract_put(&f->c, false);
	return ret;
}

/* ---- one fault ---- */

/* Of a server -ENOMEM is an error as others: to fault again would not help. */
static vm_fault_t fault_error(const struct fault *f)
{
	return f->order && !fatal_signal_pending(current) ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
}

/* The invalidate lock is held, the page lies in the file. */
static vm_fault_t fault_ask(struct fault *f)
{
	vm_fault_t ret = 0;
	int err;

	do {
		if (fatal_signal_pending(current))
			return VM_FAULT_SIGBUS;
		zuf_mapped_fly(f->zm, &f->flight, f->first, f->order);
		err = fault_get(f);
		if (err)
			zuf_mapped_abort(f->zm, &f->flight);
		ret = err ? fault_error(f) : fault_answered(f);
	} while (!ret);
	return ret;
}

static bool fault_in_file(const struct fault *f)
{
	pgoff_t end = DIV_ROUND_UP(i_size_read(f->inode), PAGE_SIZE);

	return f->first + (1UL << f->order) <= end;
}

/* 0, or why there is nothing to map. */
static vm_fault_t fault_check(const struct fault *f)
{
	/* made so after the file was mapped */
	if (f->write && unlikely(IS_IMMUTABLE(f->inode)))
		return VM_FAULT_SIGBUS;
	if (fault_in_file(f))
		return 0;
	return f->order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;
}

static vm_fault_t fault_locked(struct fault *f)
{
	struct address_space *mapping = f->inode->i_mapping;
	vm_fault_t ret;

	if (down_read_killable(&mapping->invalidate_lock))
		return VM_FAULT_SIGBUS;
	ret = fault_check(f) ?: fault_ask(f);
	filemap_invalidate_unlock_shared(mapping);
	return ret;
}

static vm_fault_t fault_store(struct fault *f)
{
	struct super_block *sb = f->inode->i_sb;
	/* looked at once more under the lock; but then the times are new */
	vm_fault_t ret = fault_check(f);

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

	zuf_stats_event(zuf_sb_stats(f->c.zsb), ZUF_EV_FAULT, 1);
	trace_zuf_fault(f->inode, f->first, f->vmf->flags, f->order, (__force u32)ret);
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

/* A store where the zero page is, or an entry of our own that is read-only. */
static vm_fault_t zuf_vm_mkwrite(struct vm_fault *vmf)
{
	return fault_page(vmf, true);
}

/* Do address, file and area line up, and may the server be asked? */
static bool huge_fits(const struct vm_fault *vmf, const struct zuf_sb *zsb)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & PMD_MASK;
	unsigned long page = (vmf->address & ~PMD_MASK) >> PAGE_SHIFT;

	return (zsb->fs_caps & ZUFS_FSC_MMAP_2M) && !zuf_devset_is_memory(zsb->devs) &&
	       start >= vma->vm_start && start + PMD_SIZE <= vma->vm_end &&
	       page == (vmf->pgoff & (PTRS_PER_PMD - 1));
}

/* 2 MiB at once, or VM_FAULT_FALLBACK: page by page. */
static vm_fault_t zuf_vm_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct fault f = { .first = round_down(vmf->pgoff, PTRS_PER_PMD), .order = HUGE_ORDER,
			   .c.pages = PTRS_PER_PMD };
	bool write = is_shared_write(vmf);
	vm_fault_t ret;

	fault_init(&f, vmf, write);
	/* of a private mapping the page that is stored to becomes a copy */
	if (order != HUGE_ORDER || ((vmf->flags & FAULT_FLAG_WRITE) && !write) ||
	    !fault_in_file(&f) || !huge_fits(vmf, f.c.zsb))
		return VM_FAULT_FALLBACK;
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
		.zus_ii = ZUF_I(inode)->zus_ii,
	};
	/* not even a dying task waits for it; the end of the inode does */
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED,
				  .inode = inode);

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

static const struct vm_operations_struct zuf_vm_ops = {
	.open = zuf_vm_open,
	.close = zuf_vm_close,
	.fault = zuf_vm_fault,
	ZUF_VMA_LOCKED_FAULTS
	.huge_fault = zuf_vm_huge_fault_op,
	/* of T1 that is memory entries have pages, else they have none */
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
	/* as fs/dax: what is mixed is neither merged nor can it grow where it is */
	vm_flags_set(vma, VM_HUGEPAGE | (zuf_devset_is_memory(devs) ? ZUF_VM_MEM : 0));
	return 0;
}
