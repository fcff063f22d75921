/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leave.h - a killed application leaves its message: its side
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
 * Taken from it are the message (in_len bytes) and its inodes, whose end waits for the
 * message; with @ends the inode's item alone.
 * Context: may sleep; never fails, ends with the server.
 */
void zuf_leave_later(struct zuf_sb *zsb, const struct zuf_op *op);

/**
 * zuf_leave_claim() - zuf_peer_ops.leave
 * The inodes of the operation are told apart from others by it: the server is not told to cut
 * or to free them before it has done with the message. The mount counts it.
 * Context: the application, which has the channel.
 */
void zuf_leave_claim(struct zuf_claim *claim);
/* zuf_peer_ops.hold: the half of it that is about the inodes: the message has no channel. */
void zuf_leave_hold(struct zuf_carried *carried, const struct zuf_op *op,
		    struct zuf_endpoint *ep);

#endif
