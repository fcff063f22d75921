// SPDX-License-Identifier: GPL-2.0-only
/*
 * nio.c - the kernel copies between T1 and the application
 *
 *	GET_MULTY  the server names the T1 block of each page and keeps them in place
 *	copy       runs of neighbouring blocks at once, page faults disabled
 *	PUT_MULTY  the server may move them again: at once when it asks for that,
 *	           else with the next operation of the CPU (puts.c)
 *
 * Every GET that succeeds is followed by exactly one put with the same words,
 * whatever happened to the copy. Called by rw.c with the inode lock.
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "contract.h"
#include "devset.h"
#include "inode.h"
#include "iomelem.h"
#include "nio.h"
#include "poison.h"
#include "rw.h"

/* Words that a message on the stack has room for: transfers up to 128 KiB. */
#define NIO_STACK_WORDS	33

/* A block run never crosses this: device-less T1 is contiguous only so far. */
#define NIO_RUN_BLOCKS	512

struct nio_stack_msg {
	struct zufs_ioc_IO io;
	u64 more[NIO_STACK_WORDS - ZUFS_WRITE_OP_SPACE];
};

struct nio {
	struct rw_call *rw;
	struct zuf_contract c;
};

/* ---- copy ---- */

/* How many words from @i on are neighbours (or all holes): whole words are compared. */
static u32 run_length(const u64 *words, u32 i, u32 end)
{
	u64 first = zuf_word_block(words[i]), word = words[i];
	u64 step = first ? zufs_dpp_from_block(1, ZUFS_POOL_T1) : 0;
	u32 n, max = end - i;

	if (first)
		max = min_t(u32, max, NIO_RUN_BLOCKS - first % NIO_RUN_BLOCKS);
#pragma GCC unroll 8
	for (n = 1; n < max; n++) {
		word += step;
		if (words[i + n] != word)
			break;
	}
	return n;
}

/* Bytes copied; short: the user's memory is not there; -EIO. */
static ssize_t copy_run(struct nio *nio, u64 block, size_t offset, size_t len)
{
	struct iov_iter *iter = nio->rw->iter;
	void __shm *addr;

	if (!block)
		return nio->rw->write ? -EIO : iov_iter_zero(len, iter);
	if (block == ~0ULL || block > nio->c.zsb->devs->t1_bytes >> PAGE_SHIFT)
		return -EIO;
	addr = zuf_t1_addr(nio->c.zsb->devs, block << PAGE_SHIFT, offset + len);
	if (!addr)
		return -EIO;
	if (nio->rw->write && unlikely(zuf_poison_is_there(nio->c.zsb->devs)))
		return zuf_poison_overwrite(nio->c.zsb->devs, (block << PAGE_SHIFT) + offset, len,
					    iter);
	if (nio->rw->write)
		return shm_from_iter_durable(addr + offset, len, iter);
	return shm_to_iter_mc(addr + offset, len, iter);
}

/* All that the server gave; bytes done or, without any, -EIO or -EFAULT. */
static ssize_t copy_blocks(struct nio *nio, size_t bytes)
{
	size_t offset = offset_in_page(nio->c.io->filepos), done = 0, len;
	u32 i = 0, n, end = nio->c.io->ziom.iom_n;
	ssize_t got = 0;

	while (done < bytes) {
		n = run_length(nio->c.words, i, end);
		len = min_t(size_t, ((size_t)n << PAGE_SHIFT) - offset, bytes - done);
		pagefault_disable();
		got = copy_run(nio, zuf_word_block(nio->c.words[i]), offset, len);
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

static int nio_get(struct nio *nio, size_t len)
{
	struct rw_call *rw = nio->rw;
	struct file_ra_state *ra = &rw->iocb->ki_filp->f_ra;

	*nio->c.io = (struct zufs_ioc_IO){
		.filepos = rw->iocb->ki_pos,
		.rw = zuf_rw_flags(rw),
		.ra.start = ra->start,
		.ra.prev_pos = ra->prev_pos,
		.ra.ra_pages = ra->ra_pages,
	};
	/* a write that is left to the server shall not come after the next one */
	return zuf_contract_get(&nio->c, len, rw->op_flags | (rw->write ? 0 : ZUF_OPF_SHARED));
}

static void nio_take_ra(const struct nio *nio)
{
	struct file_ra_state *ra = &nio->rw->iocb->ki_filp->f_ra;

	ra->start = nio->c.io->ra.start;
	ra->prev_pos = nio->c.io->ra.prev_pos;
	ra->ra_pages = min_t(u32, nio->c.io->ra.ra_pages, ZUS_API_MAP_MAX_PAGES);
}

/* Of the transfer, what the answer has words for. */
static size_t nio_answered_bytes(const struct nio *nio, size_t len)
{
	const struct zufs_ioc_IO *io = nio->c.io;

	return min_t(size_t, len, ((size_t)io->ziom.iom_n << PAGE_SHIFT) -
				  offset_in_page(io->filepos));
}

static ssize_t nio_transfer(struct nio *nio, size_t len)
{
	struct rw_call *rw = nio->rw;
	ssize_t done = nio_get(nio, len);

	/* the server never meets the user's memory: nothing to be faulted in */
	if (done)
		return done == -EFAULT ? -EIO : done;
	done = zuf_contract_bytes(&nio->c, len);
	if (done > 0)
		done = copy_blocks(nio, done);
	if (rw->write && done > 0) {
		/* the data first, then what makes it visible */
		pmem_wmb();
		if (unlikely(zuf_rw_wrote(rw, nio->c.io->filepos + done)))
			done = -EIO;
	}
	nio_take_ra(nio);
	if (rw->write && nio->c.io->ziom.iom_n)
		zuf_rw_unmap(rw, nio->c.io, nio_answered_bytes(nio, len), nio->c.words);
	zuf_contract_put(&nio->c, false);
	return done;
}

ssize_t zuf_nio_chunk(struct rw_call *rw, size_t len)
{
	size_t offset = offset_in_page(rw->iocb->ki_pos);
	struct nio nio = {
		.rw = rw, .c.zsb = ZUF_SB(rw->inode->i_sb), .c.inode = rw->inode,
	};
	struct nio_stack_msg msg;
	void *mem = &msg;
	ssize_t ret;

	len = min_t(size_t, len, ZUS_API_MAP_MAX_SIZE - offset);
	if (rw->op_flags & ZUF_OPF_UNKILLABLE)
		len = min_t(size_t, len, (NIO_STACK_WORDS << PAGE_SHIFT) - offset);
	nio.c.pages = DIV_ROUND_UP(offset + len, PAGE_SIZE);
	if (nio.c.pages > NIO_STACK_WORDS)
		mem = kmalloc(zufs_io_size(nio.c.pages), GFP_NOFS);
	if (!mem)
		return -ENOMEM;
	nio.c.io = mem;
	nio.c.words = ZUFS_TAIL(nio.c.io, iom_e);
	ret = nio_transfer(&nio, len);
	if (mem != &msg)
		kfree(mem);
	return ret;
}
