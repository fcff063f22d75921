/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatch.h - send an operation, from the VFS code that builds it to the answer
 *
 * The senders (inode.c, namei.c, dir.c, rw.c ...) fill a message of the ABI,
 * describe the bytes that the server shall see in the application window (op.h), and
 * call zuf_dispatch(). They never see channels, hand-offs or page tables.
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
 * Context: may sleep; killable. Callers hold whatever VFS locks the operation
 * needs, never a spin lock, never a channel.
 * Return: the server's hdr.err (0 or a negative errno below 512), or
 * -EIO (no server, it died, or it answered nonsense), -EINTR (a fatal signal
 * ended the wait: the server may still carry it out), -ERESTARTSYS (the server was told of
 * a signal and answered -EINTR; only with one pending), -E2BIG (message larger
 * than the server's command buffer), -EFAULT (ITER: nothing could be copied
 * in, fault it in and try again), -EAGAIN (NOWAIT: no channel is idle), -ENOMEM.
 */
int zuf_dispatch(struct zuf_sb *zsb, struct zuf_op *op);

/* The same through a channel that @keep has kept, which is released. */
int zuf_dispatch_kept(struct zuf_sb *zsb, struct zuf_op *op, struct zuf_claim *claim);

/*
 * Put the cookies of its inodes into the message. Who sends a copy of it later must send it
 * to the server of these.
 */
void zuf_op_bind(const struct zuf_op *op);

/* How the caller has locked an inode of its operation, as far as servers may rely on it. */
enum zuf_left zuf_op_lock(const struct zuf_op *op, const struct inode *inode);

/* zuf_op.retry of an operation whose message is a zufs_ioc_IO: lists of commands are executed. */
int zuf_retry_op(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim);

#endif
