/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leave.h - the side of a killed application that leaves its message to the server
 */
#ifndef ZUF_LEAVE_H
#define ZUF_LEAVE_H

#include <linux/types.h>

struct zuf_carried;
struct zuf_claim;
struct zuf_endpoint;
struct zuf_op;
struct zuf_sb;

/**
 * zuf_leave_later() - have the message of @op delivered by a worker (ends.h)
 * The message (in_len bytes) is copied from @op, and the ends of its inodes wait for it; with
 * @op->ends nothing but the item of its inode is queued.
 * Context: may sleep; never fails; a server that ends also ends the message.
 */
void zuf_leave_later(struct zuf_sb *zsb, const struct zuf_op *op);

/**
 * zuf_leave_claim() - zuf_peer_ops.leave
 * The inodes of the operation are marked: the server is not told to truncate or to free them
 * before it has done with the message. The mount counts the message.
 * Context: the application, which has the channel.
 */
void zuf_leave_claim(struct zuf_claim *claim);
/*
 * zuf_peer_ops.hold: the part of zuf_leave_claim() for a message that has no channel: marks its
 * inodes in @carried, and counts it in the mount @ep, if there is one.
 */
void zuf_leave_hold(struct zuf_carried *carried, const struct zuf_op *op,
		    struct zuf_endpoint *ep);

#endif
