/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forget.h - messages and operations that nobody waits for
 */
#ifndef ZUF_FORGET_H
#define ZUF_FORGET_H

#include <linux/types.h>

struct inode;
struct zuf_chan;
struct zuf_put_tag;
struct zuf_root;
struct zuf_sb;
struct zufs_ioc_hdr;

int zuf_forget_init(void);
void zuf_forget_fini(void);

/**
 * zuf_forget_later() - deliver a message (in_len bytes are copied) from a worker
 * @goose: puts that must be executed before, or NULL
 * Context: may sleep; never fails, ends with the server.
 */
void zuf_forget_later(struct zuf_sb *zsb, const struct zufs_ioc_hdr *hdr,
		      struct zuf_put_tag *goose);
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
 * zuf_orphan_finish() - the server has answered an app that was killed
 * Gives back what the operation held: pages in the window, the cookie of an
 * inode that the server has just handed out.
 * Context: the ZT; the channel is ORPHAN.
 * Return: true when the command buffer holds a message that the server shall
 * carry out at once (the channel stays ORPHAN).
 */
bool zuf_orphan_finish(struct zuf_chan *ch);

#endif
