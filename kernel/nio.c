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

#include "chan.h"
#include "devset.h"
#include "dispatch.h"
#include "inode.h"
#include "nio.h"
#include "puts.h"
#include "rw.h"
#include "stats.h"
#include "trace.h"

/* Words that a message on the stack has room for: transfers up to 128 KiB. */
#define NIO_STACK_WORDS	33

/* A block run never crosses this: device-less T1 is contiguous only so far. */
#define NIO_RUN_BLOCKS	512

struct nio_stack_msg {
	struct zufs_ioc_IO io;
	u64 more[NIO_STACK_WORDS - ZUFS_WRITE_OP_SPACE];
};

/* One contract with the server. */
struct nio {
	struct rw_call *rw;
	struct zuf_sb *zsb;
	struct zufs_ioc_IO *io;		/* with room for @pages words */
	u64 *words;
	u32 pages;
	struct zuf_op op;
	struct zuf_claim claim;		/* with @kept: the put must go through it */
	bool kept;
};

/* ---- copy ---- */

/* The T1 block of a word; ~0: it is no answer that GET_MULTY may give. */
static u64 word_block(u64 word)
{
	if (zufs_iom_op(word) != IOM_T1_READ ||
	    (zufs_iom_val(word) & ZUFS_DPP_POOL_MASK) != ZUFS_POOL_T1)
		return ~0ULL;
	return zufs_dpp_block(zufs_iom_val(word));
}

/* How many words from @i on are neighbours (or all holes): whole words are compared. */
static u32 run_length(const u64 *words, u32 i, u32 end)
{
	u64 first = word_block(words[i]), word = words[i];
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
	void *addr;

	if (!block)
		return nio->rw->write ? -EIO : iov_iter_zero(len, iter);
	if (block == ~0ULL || block > nio->zsb->devs->t1_bytes >> PAGE_SHIFT)
		return -EIO;
	addr = zuf_t1_addr(nio->zsb->devs, block << PAGE_SHIFT, offset + len);
	if (!addr)
		return -EIO;
	if (nio->rw->write)
		return _copy_from_iter_flushcache(addr + offset, len, iter);
	return _copy_mc_to_iter(addr + offset, len, iter);
}

/* All that the server gave; bytes done or, without any, -EIO or -EFAULT. */
static ssize_t copy_blocks(struct nio *nio, size_t bytes)
{
	size_t offset = offset_in_page(nio->io->filepos), done = 0, len;
	u32 i = 0, n, end = nio->io->ziom.iom_n;
	ssize_t got = 0;

	while (done < bytes) {
		n = run_length(nio->words, i, end);
		len = min_t(size_t, ((size_t)n << PAGE_SHIFT) - offset, bytes - done);
		pagefault_disable();
		got = copy_run(nio, word_block(nio->words[i]), offset, len);
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

/* ---- get ---- */

static bool nio_keep(struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	struct nio *nio = container_of(op, struct nio, op);

	nio->kept = (io->ret_flags & ZUFS_RET_LOCKED_PUT) && io->ziom.iom_n;
	return nio->kept;
}

static int nio_get(struct nio *nio, size_t len)
{
	struct rw_call *rw = nio->rw;
	struct file_ra_state *ra = &rw->iocb->ki_filp->f_ra;

	*nio->io = (struct zufs_ioc_IO){
		.hdr = ZUF_HDR(ZUFS_OP_GET_MULTY, sizeof(*nio->io), 0, sizeof(*nio->io)),
		.zus_ii = ZUF_I(rw->inode)->zus_ii,
		.filepos = rw->iocb->ki_pos,
		.last_pos = rw->iocb->ki_pos,
		.rw = zuf_rw_flags(rw),
		.ra.start = ra->start,
		.ra.prev_pos = ra->prev_pos,
		.ra.ra_pages = ra->ra_pages,
		.ziom.iom_max = nio->pages,
	};
	nio->io->hdr.offset = offset_in_page(rw->iocb->ki_pos);
	nio->io->hdr.len = len;
	/* an error comes with the out_len that we have sent */
	nio->io->hdr.out_max = max(sizeof(*nio->io), (size_t)zufs_io_size(nio->pages));
	nio->op = (struct zuf_op){
		.hdr = &nio->io->hdr,
		.size = nio->io->hdr.out_max,
		.flags = rw->op_flags | ZUF_OPF_IOMAP | (rw->exclusive ? 0 : ZUF_OPF_SHARED),
		.inode = rw->inode,
		.claim = &nio->claim,
		.keep = nio_keep,
	};
	return zuf_dispatch(nio->zsb, &nio->op);
}

/* How many bytes the answer is good for, or -EIO; the contract holds anyway. */
static ssize_t nio_check(struct nio *nio, size_t len)
{
	struct zufs_ioc_IO *io = nio->io;
	u64 bytes = io->last_pos - io->filepos;

	if (io->ziom.iom_n > nio->pages || nio->op.answered < zufs_io_size(io->ziom.iom_n)) {
		io->ziom.iom_n = 0;
		return -EIO;
	}
	if (io->last_pos < io->filepos || bytes > len ||
	    DIV_ROUND_UP(offset_in_page(io->filepos) + bytes, PAGE_SIZE) > io->ziom.iom_n)
		return -EIO;
	return bytes;
}

/* ---- put ---- */

static void send_put(struct nio *nio)
{
	bool unkillable = nio->rw->op_flags & ZUF_OPF_UNKILLABLE;
	struct zuf_op op = {
		.hdr = &nio->io->hdr,
		.size = nio->io->hdr.in_len,
		.flags = ZUF_OPF_NESTED | (unkillable ? ZUF_OPF_UNKILLABLE : ZUF_OPF_FORGET),
		.inode = nio->rw->inode,
	};

	zuf_stats_event(zuf_sb_stats(nio->zsb), ZUF_EV_PUT_ALONE, 1);
	trace_zuf_put(ZUF_EV_PUT_ALONE, nio->op.zc->cpu, 1);
	if (nio->kept)
		zuf_dispatch_kept(nio->zsb, &op, &nio->claim);
	else
		zuf_dispatch(nio->zsb, &op);
}

static void nio_put(struct nio *nio)
{
	const u32 now = ZUFS_RET_NEW | ZUFS_RET_PUT_NOW | ZUFS_RET_LOCKED_PUT;
	struct zufs_ioc_IO *io = nio->io;
	struct zuf_put_tag *tag;

	io->hdr.err = 0;
	io->hdr.operation = ZUFS_OP_PUT_MULTY;
	io->hdr.in_len = zufs_io_size(io->ziom.iom_n);
	io->hdr.out_start = 0;
	io->hdr.out_len = 0;
	io->hdr.out_max = 0;
	io->hdr.flags = 0;
	if (!(io->ret_flags & now)) {
		tag = zuf_inode_tag(nio->rw->inode, GFP_NOFS);
		if (tag && zuf_puts_queue(nio->zsb, nio->op.zc, tag, io, io->hdr.in_len))
			return;
	}
	send_put(nio);
}

static void nio_take_ra(const struct nio *nio)
{
	struct file_ra_state *ra = &nio->rw->iocb->ki_filp->f_ra;

	ra->start = nio->io->ra.start;
	ra->prev_pos = nio->io->ra.prev_pos;
	ra->ra_pages = min_t(u32, nio->io->ra.ra_pages, ZUS_API_MAP_MAX_PAGES);
}

static ssize_t nio_transfer(struct nio *nio, size_t len)
{
	struct rw_call *rw = nio->rw;
	ssize_t done = nio_get(nio, len);

	/* the server never meets the user's memory: nothing to be faulted in */
	if (done)
		return done == -EFAULT ? -EIO : done;
	done = nio_check(nio, len);
	if (done > 0)
		done = copy_blocks(nio, done);
	if (rw->write && done > 0) {
		/* the data first, then what makes it visible */
		pmem_wmb();
		zuf_rw_wrote(rw, nio->io->filepos + done);
	}
	nio_take_ra(nio);
	if (rw->write && nio->io->wr_unmap.len)
		unmap_mapping_range(rw->inode->i_mapping, nio->io->wr_unmap.offset,
				    nio->io->wr_unmap.len, 0);
	nio_put(nio);
	return done;
}

ssize_t zuf_nio_chunk(struct rw_call *rw, size_t len)
{
	size_t offset = offset_in_page(rw->iocb->ki_pos);
	struct nio nio = { .rw = rw, .zsb = ZUF_SB(rw->inode->i_sb) };
	struct nio_stack_msg msg;
	void *mem = &msg;
	ssize_t ret;

	len = min_t(size_t, len, ZUS_API_MAP_MAX_SIZE - offset);
	if (rw->op_flags & ZUF_OPF_UNKILLABLE)
		len = min_t(size_t, len, (NIO_STACK_WORDS << PAGE_SHIFT) - offset);
	nio.pages = DIV_ROUND_UP(offset + len, PAGE_SIZE);
	if (nio.pages > NIO_STACK_WORDS)
		mem = kmalloc(zufs_io_size(nio.pages), GFP_NOFS);
	if (!mem)
		return -ENOMEM;
	nio.io = mem;
	nio.words = ZUFS_TAIL(nio.io, iom_e);
	ret = nio_transfer(&nio, len);
	if (mem != &msg)
		kfree(mem);
	return ret;
}
