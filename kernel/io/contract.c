// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract.c - get blocks of a file, and put them
 *
 * Called by direct.c and mmap.c, which hold the locks that keep the range of the file as it is.
 * Nothing here knows what the caller does with the blocks.
 */
#include <linux/fs.h>

#include "contract.h"
#include "held.h"
#include "inode.h"
#include "leave.h"
#include "mapped.h"
#include "puts.h"
#include "sb.h"
#include "sbid.h"
#include "stats.h"
#include "trace.h"

/* Look at the flags of an answer without an error. Return: true: its channel is kept. */
static bool contract_keep(struct zuf_op *op)
{
	const struct zufs_ioc_IO *io = container_of(op->hdr, struct zufs_ioc_IO, hdr);
	struct zuf_contract *c = container_of(op, struct zuf_contract, op);

	c->refused = c->may_refuse && (io->ret_flags & ZUFS_RET_BY_WRITE);
	c->kept = (io->ret_flags & ZUFS_RET_LOCKED_PUT) && io->ziom.iom_n && !c->refused;
	return c->kept;
}

int zuf_contract_get(struct zuf_contract *c, size_t len, u32 op_flags)
{
	struct zufs_ioc_IO *io = c->io;
	int err;

	io->hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_GET_MULTY, sizeof(*io), 0, sizeof(*io));
	io->hdr.offset = offset_in_page(io->filepos);
	io->hdr.len = len;
	/* an error may come back with the out_len that was sent */
	io->hdr.out_max = max(sizeof(*io), (size_t)zufs_io_size(c->pages));
	io->last_pos = io->filepos;
	io->ziom.iom_max = c->pages;
	c->kept = false;
	c->refused = false;
	c->op = (struct zuf_op){
		.hdr = &io->hdr,
		.flags = op_flags,
		.retry = zuf_retry_op,
		ZUF_INODE(c->inode, struct zufs_ioc_IO, zus_ii),
		ZUF_OUT(struct zufs_ioc_IO, ret_flags, zufs_io_size(c->pages)),
		.claim = &c->claim,
		.keep = contract_keep,
	};
	err = zuf_dispatch(c->zsb, &c->op);
	/* iom_max lies between the answer's fields, but the server does not set it */
	io->ziom.iom_max = c->pages;
	return err;
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

/* The server may do without the put until it needs the blocks; these flags say that it cannot. */
static bool must_go_now(const struct zuf_contract *c)
{
	return c->io->ret_flags & (ZUFS_RET_NEW | ZUFS_RET_PUT_NOW | ZUFS_RET_LOCKED_PUT);
}

/* Does the put tell how much was copied? */
static bool tells_copied(const struct zuf_contract *c)
{
	return (c->zsb->fs_caps & ZUFS_FSC_PUT_RESULT) &&
	       (c->io->rw & (ZUFS_RW_WRITE | ZUFS_RW_MMAP)) == ZUFS_RW_WRITE;
}

bool zuf_contract_has_result(const struct zuf_contract *c)
{
	return tells_copied(c) && must_go_now(c);
}

/* The put was sent alone, and ended with @err. Has the server never seen it, or not answered? */
static bool put_is_lost(const struct zuf_contract *c, int err)
{
	/* -EINTR: it is delivered all the same. An answer is in the header, but for -ENOSPC */
	return err && err != -EINTR && err != -ENOSPC && !c->io->hdr.err;
}

static int send_put(struct zuf_contract *c)
{
	bool unkillable = c->op.flags & ZUF_OPF_UNKILLABLE;
	struct zuf_op op = {
		.hdr = &c->io->hdr,
		.flags = ZUF_OPF_NESTED | (unkillable ? ZUF_OPF_UNKILLABLE : ZUF_OPF_FORGET),
		ZUF_INODE(c->inode, struct zufs_ioc_IO, zus_ii),
	};
	int err;

	/* the data is there: a signal must not make the server refuse it */
	if (zuf_contract_has_result(c))
		op.flags |= ZUF_OPF_KILLABLE;
	zuf_stats_event(c->zsb->stats, ZUF_EV_PUT_ALONE, 1);
	trace_zuf_put(ZUF_EV_PUT_ALONE, c->op.zc->cpu, 1);
	err = c->kept ? zuf_dispatch_kept(c->zsb, &op, &c->claim) : zuf_dispatch(c->zsb, &op);
	if (unlikely(put_is_lost(c, err)))
		zuf_put_lost(zuf_inode_tag(c->inode), zuf_left_of(&c->io->hdr));
	return err;
}

/*
 * When the put of a write arrives, the server may reuse the blocks that the write has replaced,
 * and it may still have to be told that somebody holds them. So the put is sent later, and
 * whoever flushes the inode waits for it. A put that must be executed at once waits, killably,
 * until the server has been told. Frames of other files that share a block are reported before
 * those files give up the block. Swap space replaces nothing; a server that keeps its channel
 * must not replace anything (zus_api.h).
 */
static bool put_later(struct zuf_contract *c, bool at_once)
{
	const struct zuf_mapped *zm = zuf_mapped_of(c->inode);
	struct zuf_op op = {
		.hdr = &c->io->hdr,
		.flags = ZUF_OPF_NESTED | ZUF_OPF_FORGET,
		ZUF_INODE(c->inode, struct zufs_ioc_IO, zus_ii),
	};

	if (!zm || !READ_ONCE(zm->has_left) || c->kept || (c->op.flags & ZUF_OPF_UNKILLABLE) ||
	    (at_once && !zuf_held_wait_told(c->zsb->sbid)))
		return false;
	zuf_leave_later(c->zsb, &op);
	return true;
}

int zuf_contract_put(struct zuf_contract *c, bool at_once)
{
	struct zuf_endpoint *ep = &c->zsb->sbid->ep;
	struct zufs_ioc_IO *io = c->io;

	io->hdr.err = 0;
	io->hdr.operation = ZUFS_OP_PUT_MULTY;
	io->hdr.in_len = zufs_io_size(io->ziom.iom_n);
	io->hdr.out_start = 0;
	io->hdr.out_len = 0;
	io->hdr.out_max = 0;
	io->hdr.flags = 0;
	if (tells_copied(c))
		io->last_pos = io->filepos + c->copied;
	at_once |= must_go_now(c);
	/* -EINTR: killed, the put is not executed when this returns */
	if ((io->rw & ZUFS_RW_WRITE) && unlikely(zuf_held_is_untold(c->zsb->sbid)) &&
	    put_later(c, at_once))
		return at_once ? -EINTR : 0;
	if (!at_once && zuf_puts_queue(ep->peer, ep->gen, c->op.zc,
				       zuf_inode_tag(c->inode), &io->hdr)) {
		zuf_stats_event(c->zsb->stats, ZUF_EV_PUT_QUEUED, 1);
		return 0;
	}
	return send_put(c);
}
