/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * finish.h - finish a message whose application was killed, when the server has answered it
 */
#ifndef ZUF_FINISH_H
#define ZUF_FINISH_H

#include <linux/types.h>

struct zuf_chan;

/**
 * zuf_finish() - zuf_peer_ops.finish: give back what the operation held
 * That is the pages in the window, and the cookie of an inode that the server has just handed out.
 * Context: the ZT; the channel is FINISH.
 * Return: true if the command buffer holds a message that the server must execute at once (the
 * channel becomes ORPHAN again).
 */
bool zuf_finish(struct zuf_chan *ch);

#endif
