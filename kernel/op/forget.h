/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forget.h - what a killed application leaves behind
 */
#ifndef ZUF_FORGET_H
#define ZUF_FORGET_H

#include <linux/types.h>

struct zuf_carried;
struct zuf_chan;
struct zuf_op;
struct zuf_sb;
struct zuf_sbid;

/**
 * zuf_forget_later() - have the message of @op delivered by a worker (ends.h)
 * Taken from it are the message (in_len bytes) and its inodes, whose end waits for the
 * message; with @ends the inode's item alone.
 * Context: may sleep; never fails, ends with the server.
 */
void zuf_forget_later(struct zuf_sb *zsb, const struct zuf_op *op);

/**
 * zuf_orphan_prepare() - the application is about to leave its message to the server
 * The inodes of @op are told apart from others by it: the server is not told to cut or
 * to free them before it has done with the message. @sbid: the mount, which counts it.
 * Context: the application, which has the channel.
 */
void zuf_orphan_prepare(struct zuf_chan *ch, const struct zuf_op *op, struct zuf_sbid *sbid);
/* The half of it that is about the inodes: the message has no channel. */
void zuf_orphan_hold(struct zuf_carried *carried, const struct zuf_op *op,
		     struct zuf_sbid *sbid);
/**
 * zuf_orphan_finish() - the server has answered an app that was killed
 * Gives back what the operation held: pages in the window, the cookie of an
 * inode that the server has just handed out.
 * Context: the ZT; the channel is FINISH.
 * Return: true when the command buffer holds a message that the server shall
 * carry out at once (the channel is ORPHAN again).
 */
bool zuf_orphan_finish(struct zuf_chan *ch);

#endif
