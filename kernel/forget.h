/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forget.h - messages and operations that nobody waits for
 */
#ifndef ZUF_FORGET_H
#define ZUF_FORGET_H

#include <linux/types.h>

struct inode;
struct zuf_chan;
struct zuf_op;
struct zuf_root;
struct zuf_sb;

int zuf_forget_init(void);
void zuf_forget_fini(void);

/**
 * zuf_forget_later() - deliver the message of @op from a worker
 * Taken from it are the message (in_len bytes), @goose, @before, @pinned, and its inodes,
 * whose end waits for the message.
 * Context: may sleep; never fails, ends with the server.
 */
void zuf_forget_later(struct zuf_sb *zsb, const struct zuf_op *op);
/**
 * zuf_forget_umount() - send UMOUNT after all that is under way, wait for the answer;
 * without zus_sbi: wait until the server has done with a mount that was killed
 * Context: a fatal signal ends the wait, the message is delivered all the same. The
 * caller's reference of zsb->sbid goes with it: closed when the server has answered
 * or is gone.
 */
void zuf_forget_umount(struct zuf_sb *zsb);

/**
 * zuf_forget_inode() - iput() where its evict must not happen: a channel may be held
 * Context: the file system is mounted until the call returns.
 */
void zuf_forget_inode(struct inode *inode);

/**
 * zuf_orphan_prepare() - the application is about to leave its message to the server
 * The inodes of @op are told apart from others by it: the server is not told to cut or
 * to free them before it has done with the message.
 * Context: the application, which has the channel.
 */
void zuf_orphan_prepare(struct zuf_chan *ch, const struct zuf_op *op);
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
