/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatch.h - send an operation, from the VFS code that builds it to the answer
 *
 * The senders (inode.c, namei.c, dir.c, rw.c ...) fill a message of the ABI, describe the bytes
 * that the server may see in the application window (op.h), and call zuf_dispatch(). They never
 * see channels, hand-offs or page tables.
 */
#ifndef ZUF_DISPATCH_H
#define ZUF_DISPATCH_H

#include "call.h"
#include "op.h"
#include "tag.h"

struct zuf_sb;

/**
 * zuf_dispatch() - send one operation to the server and wait for its answer
 * @zsb: the super-block whose server is asked
 * @op: the operation; see struct zuf_op
 *
 * Context: may sleep; killable. The caller holds whatever VFS locks the operation
 * needs; it must hold no spin lock and no channel.
 * Return: the server's hdr.err (0 or a negative errno below 512), or
 * -EIO (there is no server, it died, or it answered nonsense), -EINTR (a fatal signal
 * ended the wait: the server may still execute the operation), -ERESTARTSYS (the server was told
 * of a signal and answered -EINTR; only while a signal is pending), -E2BIG (the message is larger
 * than the server's command buffer), -EFAULT (ITER: nothing could be copied in: the caller faults
 * the memory in and tries again), -EAGAIN (NOWAIT: no channel is idle), -ENOMEM.
 */
int zuf_dispatch(struct zuf_sb *zsb, struct zuf_op *op);

/*
 * Like zuf_dispatch(), through the channel that zuf_op.keep of an earlier operation has kept in
 * @claim. The channel is released.
 */
int zuf_dispatch_kept(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim);

/*
 * Put the cookies of the operation's inodes into its message. A caller that sends a copy of the
 * message later must send it to the server that these cookies belong to.
 */
void zuf_op_bind(const struct zuf_op *op);

/* How the caller has locked @inode of its operation, as far as a server may rely on that lock. */
enum zuf_left zuf_op_lock(const struct zuf_op *op, const struct inode *inode);

/*
 * zuf_op.retry for operations whose message is a zufs_ioc_IO: executes the list of commands that
 * the server has answered.
 */
int zuf_retry_op(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim);

#endif
