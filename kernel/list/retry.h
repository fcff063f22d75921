/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * retry.h - the answer -EZUFS_RETRY: do this list for me, then call me again
 */
#ifndef ZUF_RETRY_H
#define ZUF_RETRY_H

#include <linux/types.h>

struct zuf_chan;
struct zuf_claim;
struct zuf_endpoint;
struct zuf_list_args;
struct zuf_op;

/**
 * zuf_retry_stage() - take the list out of an answer, before the app sees it
 * With the memory of the caller that the list names; what was staged before goes.
 * Context: the ZT, with the answer in its command buffer; page faults are waited for.
 */
void zuf_retry_stage(struct zuf_chan *ch);
/* What was staged and is not used goes. Any side. */
void zuf_retry_unstage(struct zuf_chan *ch);
/* The same, and a list that a killed application has left: the channel is freed. */
void zuf_retry_forget(struct zuf_chan *ch);

/**
 * zuf_retry_run() - execute the list in the answer of an I/O operation
 * The result is stored in the message's hdr.err, for the server.
 * @on: devices, @unmap with its arguments, @lists of the mount; the rest is filled here
 * @moves: the server can have the message back on another thread: the channel is given back
 * Context: the channel is ANSWERED by the caller.
 * Return: as zuf_call_again(), or -EIO: there is no list; -EFAULT, -EBUSY ...: the window
 * could not be made again. claim->ch may be another one, or none (claim->lost).
 */
int zuf_retry_run(const struct zuf_list_args *on, bool moves, struct zuf_endpoint *ep,
		  struct zuf_op *op, struct zuf_claim *claim);

/**
 * zuf_retry_orphan() - the server asks for a list, but its app was killed
 * Context: the ZT; the channel is FINISH.
 * Return: true: the list was refused (-EINTR), the message goes to it again; false: it
 * did not ask for one, or too often: its answer is its last.
 */
bool zuf_retry_orphan(struct zuf_chan *ch);

/**
 * zuf_retry_resume() - wait for the list of an app that was killed meanwhile
 * Context: the ZT, with the message to be delivered; the channel is ORPHAN.
 * Return: 0, or -EINTR: the ZT is being killed.
 */
int zuf_retry_resume(struct zuf_chan *ch);

#endif
