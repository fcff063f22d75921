/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * finish.h - the server has answered a message whose application was killed
 */
#ifndef ZUF_FINISH_H
#define ZUF_FINISH_H

#include <linux/types.h>

struct zuf_chan;

/**
 * zuf_finish() - zuf_peer_ops.finish
 * Gives back what the operation held: pages in the window, the cookie of an
 * inode that the server has just handed out.
 * Context: the ZT; the channel is FINISH.
 * Return: true when the command buffer holds a message that the server shall
 * carry out at once (the channel is ORPHAN again).
 */
bool zuf_finish(struct zuf_chan *ch);

#endif
