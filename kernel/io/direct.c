// SPDX-License-Identifier: GPL-2.0-only
/*
 * direct.c - direct copy: the kernel copies between T1 and the application
 *
 *	GET_MULTY  the server names the T1 block of each page and keeps the blocks in place
 *	copy       runs of neighbouring blocks at once, page faults disabled
 *	PUT_MULTY  the server may move the blocks again: sent at once if the server asks for
 *	           that, else with the next operation of the CPU (puts.c)
 *
 * Every GET that succeeds is followed by exactly one put with the same words, whatever the
 * result of the copy. Called by rw.c, which holds the inode lock.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "contract.h"
#include "devset.h"
#include "direct.h"
#include "element.h"
#include "inode.h"
#include "mapped.h"
#include "poison.h"
#include "rw.h"
#include "t1map.h"

/* Number of words for which a message on the stack has room: transfers up to 128 KiB. */
#define DIRECT_STACK_WORDS	33

/* A run of blocks never crosses a multiple of this: device-less T1 is contiguous only that far. */
#define DIRECT_RUN_BLOCKS	ZUF_HUGE_PAGES

struct direct_stack_msg {
	struct zufs_ioc_IO io;
	u64 more[DIRECT_STACK_WORDS - ZUFS_WRITE_OP_SPACE];
};

struct direct {
	struct rw_call *rw;
	struct zuf_contract c;
};

/* ---- copy ---- */

/* Count the words from @i on that are neighbours (or all holes); whole words are compared. */
static u32 run_length(const u64 *words, u32 i, u32 end)
{
	u64 first = zuf_word_block(words[i]), word = words[i];
	u64 step = first ? zufs_dpp_from_block(1, ZUFS_POOL_T1) : 0;
	u32 n, max = end - i;

	if (first)
		max = min_t(u32, max, DIRECT_RUN_BLOCKS - first % DIRECT_RUN_BLOCKS);
#pragma GCC unroll 8
	for (n = 1; n < max; n++) {
		word += step;
		if (words[i + n] != word)
			break;
	}
	return n;
}

/* Return: bytes copied; fewer than @len: the user's memory is not present; -EIO. */
static ssize_t copy_run(struct direct *d, u64 block, size_t offset, size_t len)
{
	struct iov_iter *iter = d->rw->iter;
	void __shm *addr;

	if (!block)
		return d->rw->write ? -EIO : iov_iter_zero(len, iter);
	if (block == ~0ULL || block > d->c.zsb->devs->t1_bytes >> PAGE_SHIFT)
		return -EIO;
	addr = zuf_t1_addr(d->c.zsb->devs, block << PAGE_SHIFT, offset + len);
	if (!addr)
		return -EIO;
	if (d->rw->write && unlikely(zuf_poison_is_there(d->c.zsb->devs)))
		return zuf_poison_overwrite(d->c.zsb->devs, (block << PAGE_SHIFT) + offset, len,
					    iter);
	if (d->rw->write)
		return shm_from_iter_durable(addr + offset, len, iter);
	return shm_to_iter_mc(addr + offset, len, iter);
}

/* Copy all blocks of the answer. Return: bytes copied or, if there are none, -EIO or -EFAULT. */
static ssize_t copy_blocks(struct direct *d, size_t bytes)
{
	size_t offset = offset_in_page(d->c.io->filepos), done = 0, len;
	u32 i = 0, n, end = d->c.io->ziom.iom_n;
	ssize_t got = 0;

	while (done < bytes) {
		n = run_length(d->c.words, i, end);
		len = min_t(size_t, ((size_t)n << PAGE_SHIFT) - offset, bytes - done);
		pagefault_disable();
		got = copy_run(d, zuf_word_block(d->c.words[i]), offset, len);
		pagefault_enable();
		if (got > 0)
			done += got;
		if (got != len)
			break;
		offset = 0;
		i += n;
	}
	if (done)
		return done;
	return got < 0 ? got : -EFAULT;
}

/* ---- get and put ---- */

static int direct_get(struct direct *d, size_t len)
{
	struct rw_call *rw = d->rw;
	struct file_ra_state *ra = &rw->iocb->ki_filp->f_ra;

	d->c.may_refuse = zuf_rw_may_refuse(rw);
	*d->c.io = (struct zufs_ioc_IO){
		.filepos = rw->iocb->ki_pos,
		.rw = zuf_rw_flags(rw),
		.ra.start = ra->start,
		.ra.prev_pos = ra->prev_pos,
		.ra.ra_pages = ra->ra_pages,
	};
	/* an orphaned write must not complete after a later one, so only reads are SHARED */
	return zuf_contract_get(&d->c, len, rw->op_flags | (rw->write ? 0 : ZUF_OPF_SHARED));
}

static void direct_take_ra(const struct direct *d)
{
	struct file_ra_state *ra = &d->rw->iocb->ki_filp->f_ra;

	ra->start = d->c.io->ra.start;
	ra->prev_pos = d->c.io->ra.prev_pos;
	ra->ra_pages = min_t(u32, d->c.io->ra.ra_pages, ZUS_API_MAP_MAX_PAGES);
}

/* The part of the transfer for which the answer has words. */
static size_t direct_answered_bytes(const struct direct *d, size_t len)
{
	const struct zufs_ioc_IO *io = d->c.io;

	return min_t(size_t, len, ((size_t)io->ziom.iom_n << PAGE_SHIFT) -
				  offset_in_page(io->filepos));
}

/* The put of the write, whose result counts, was not 0. @size: i_size before the write. */
static int direct_refused(struct direct *d, loff_t size, int err)
{
	struct rw_call *rw = d->rw;

	/* killed: the put is delivered, and who comes next reads the inode again */
	if (err == -EINTR && fatal_signal_pending(current))
		return err;
	zuf_rw_unwrote(rw, size);
	/* a fault may have been given a block that the server takes back now */
	zuf_mapped_replaced(rw->inode, d->c.io->filepos >> PAGE_SHIFT, d->c.pages);
	return err == -EFAULT ? -EIO : err;
}

static ssize_t direct_transfer(struct direct *d, size_t len)
{
	struct rw_call *rw = d->rw;
	loff_t size = i_size_read(rw->inode);
	ssize_t done = direct_get(d, len), copied = 0;
	int err;

	/* the server never touches the user's memory: its -EFAULT asks for no fault-in */
	if (done)
		return done == -EFAULT ? -EIO : done;
	if (d->c.refused)
		return ZUF_DIRECT_REFUSED;
	done = zuf_contract_bytes(&d->c, len);
	if (done > 0)
		done = copied = copy_blocks(d, done);
	if (rw->write && done > 0) {
		/* the data must be durable before what makes it visible */
		pmem_wmb();
		if (unlikely(zuf_rw_wrote(rw, d->c.io->filepos + done)))
			done = -EIO;
	}
	direct_take_ra(d);
	if (rw->write && d->c.io->ziom.iom_n)
		zuf_rw_unmap(rw, d->c.io, direct_answered_bytes(d, len), d->c.words);
	d->c.copied = max_t(ssize_t, done, 0);
	err = zuf_contract_put(&d->c, false);
	if (unlikely(err) && zuf_contract_has_result(&d->c))
		done = direct_refused(d, size, err);
	/* io_uring goes on where the iterator stands, after a part that succeeded */
	if (unlikely(done < 0 && copied > 0))
		iov_iter_revert(rw->iter, copied);
	return done;
}

ssize_t zuf_direct_chunk(struct rw_call *rw, size_t len)
{
	size_t offset = offset_in_page(rw->iocb->ki_pos);
	struct direct d = {
		.rw = rw, .c.zsb = ZUF_SB(rw->inode->i_sb), .c.inode = rw->inode,
	};
	struct direct_stack_msg msg;
	void *mem = &msg;
	ssize_t ret;

	len = min_t(size_t, len, ZUS_API_MAP_MAX_SIZE - offset);
	if (rw->op_flags & ZUF_OPF_UNKILLABLE)
		len = min_t(size_t, len, (DIRECT_STACK_WORDS << PAGE_SHIFT) - offset);
	d.c.pages = DIV_ROUND_UP(offset + len, PAGE_SIZE);
	if (d.c.pages > DIRECT_STACK_WORDS)
		mem = kmalloc(zufs_io_size(d.c.pages), GFP_NOFS);
	if (!mem)
		return -ENOMEM;
	d.c.io = mem;
	d.c.words = ZUFS_TAIL(d.c.io, iom_e);
	ret = direct_transfer(&d, len);
	if (mem != &msg)
		kfree(mem);
	return ret;
}
