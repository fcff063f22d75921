// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract.c - get blocks of a file, give them back
 *
 * Called by nio.c and mmap.c, which hold the locks that keep the range of the file
 * as it is. Nothing here knows what is done with the blocks.
 */
#include <linux/fs.h>

#include "contract.h"
#include "inode.h"
#include "puts.h"
#include "stats.h"
#include "super.h"
#include "trace.h"

static bool contract_keep(struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	struct zuf_contract *c = container_of(op, struct zuf_contract, op);

	c->kept = (io->ret_flags & ZUFS_RET_LOCKED_PUT) && io->ziom.iom_n;
	return c->kept;
}

int zuf_contract_get(struct zuf_contract *c, size_t len, u32 op_flags)
{
	struct zufs_ioc_IO *io = c->io;

	io->hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_GET_MULTY, sizeof(*io), 0, sizeof(*io));
	io->hdr.offset = offset_in_page(io->filepos);
	io->hdr.len = len;
	/* an error comes with the out_len that we have sent */
	io->hdr.out_max = max(sizeof(*io), (size_t)zufs_io_size(c->pages));
	io->zus_ii = ZUF_I(c->inode)->zus_ii;
	io->last_pos = io->filepos;
	io->ziom.iom_max = c->pages;
	c->kept = false;
	c->op = (struct zuf_op){
		.hdr = &io->hdr,
		.size = io->hdr.out_max,
		.flags = op_flags | ZUF_OPF_IOMAP,
		.inode = c->inode,
		.claim = &c->claim,
		.keep = contract_keep,
	};
	return zuf_dispatch(c->zsb, &c->op);
}

ssize_t zuf_contract_bytes(struct zuf_contract *c, size_t len)
{
	struct zufs_ioc_IO *io = c->io;
	u64 bytes = io->last_pos - io->filepos;

	if (io->ziom.iom_n > c->pages || c->op.answered < zufs_io_size(io->ziom.iom_n)) {
		io->ziom.iom_n = 0;
		return -EIO;
	}
	if (io->last_pos < io->filepos || bytes > len ||
	    DIV_ROUND_UP(offset_in_page(io->filepos) + bytes, PAGE_SIZE) > io->ziom.iom_n)
		return -EIO;
	return bytes;
}

static void send_put(struct zuf_contract *c)
{
	bool unkillable = c->op.flags & ZUF_OPF_UNKILLABLE;
	struct zuf_op op = {
		.hdr = &c->io->hdr,
		.size = c->io->hdr.in_len,
		.flags = ZUF_OPF_NESTED | (unkillable ? ZUF_OPF_UNKILLABLE : ZUF_OPF_FORGET),
		.inode = c->inode,
	};

	zuf_stats_event(zuf_sb_stats(c->zsb), ZUF_EV_PUT_ALONE, 1);
	trace_zuf_put(ZUF_EV_PUT_ALONE, c->op.zc->cpu, 1);
	if (c->kept)
		zuf_dispatch_kept(c->zsb, &op, &c->claim);
	else
		zuf_dispatch(c->zsb, &op);
}

void zuf_contract_put(struct zuf_contract *c, bool at_once)
{
	const u32 now = ZUFS_RET_NEW | ZUFS_RET_PUT_NOW | ZUFS_RET_LOCKED_PUT;
	struct zufs_ioc_IO *io = c->io;
	struct zuf_put_tag *tag;

	io->hdr.err = 0;
	io->hdr.operation = ZUFS_OP_PUT_MULTY;
	io->hdr.in_len = zufs_io_size(io->ziom.iom_n);
	io->hdr.out_start = 0;
	io->hdr.out_len = 0;
	io->hdr.out_max = 0;
	io->hdr.flags = 0;
	if (!at_once && !(io->ret_flags & now)) {
		tag = zuf_inode_tag(c->inode, GFP_NOFS);
		if (tag && zuf_puts_queue(c->zsb, c->op.zc, tag, &io->hdr))
			return;
	}
	send_put(c);
}
