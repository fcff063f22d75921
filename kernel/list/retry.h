/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * retry.h - the answer -EZUFS_RETRY: the server asks the kernel to execute a list of commands, and
 * to send the message again
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
 * zuf_retry_stage() - take the list out of an answer, before the application sees the answer
 * The memory of the server that the list names is pinned. What was staged before is dropped.
 * Context: the ZT, with the answer in its command buffer; page faults are waited for.
 */
void zuf_retry_stage(struct zuf_chan *ch);
/* Drop what was staged and is not used. Either side may call it. */
void zuf_retry_unstage(struct zuf_chan *ch);
/* The channel is freed: zuf_retry_unstage(), and drop a list that a killed application has left. */
void zuf_retry_forget(struct zuf_chan *ch);

/**
 * zuf_retry_run() - execute the list in the answer of an I/O operation
 * The result of the list is stored in the message's hdr.err, for the server.
 * @on: devices, @unmap with its arguments, @lists of the mount; the other fields are filled here
 * @moves: the server can take the message back on another thread: the channel is given back
 * Context: the channel is ANSWERED and belongs to the caller.
 * Return: as zuf_call_again(), or -EIO: there is no list; -EFAULT, -EBUSY ...: the window could
 * not be shown again. claim->ch may be another channel, or none (claim->lost).
 */
int zuf_retry_run(const struct zuf_list_args *on, bool moves, struct zuf_endpoint *ep,
		  struct zuf_op *op, struct zuf_claim *claim);

/**
 * zuf_retry_orphan() - the server asks for a list, but its application was killed
 * Context: the ZT; the channel is FINISH.
 * Return: true: the list was refused (-EINTR), and the server gets the message again; false: the
 * server did not ask for a list, or too often: its answer is its last one.
 */
bool zuf_retry_orphan(struct zuf_chan *ch);

/**
 * zuf_retry_resume() - wait for the list of an application that was killed meanwhile
 * Context: the ZT, with the message to be delivered; the channel is ORPHAN.
 * Return: 0, or -EINTR: the ZT is being killed.
 */
int zuf_retry_resume(struct zuf_chan *ch);

#endif
