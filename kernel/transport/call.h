/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call.h - carry one operation through a channel that is claimed
 */
#ifndef ZUF_CALL_H
#define ZUF_CALL_H

#include "op.h"

struct zuf_claim;
struct zuf_endpoint;

/**
 * zuf_call() - show the window, hand the message over, take the answer
 * @claim: filled by zuf_chan_claim(); the caller releases it in any case
 * Return: as zuf_dispatch(); with -EINTR the channel may be lost (claim->lost).
 */
int zuf_call(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim);

/**
 * zuf_call_again() - prepare the message to be sent to the server once more, with @err in it
 * Context: the channel is ANSWERED and belongs to the caller.
 * Return: -EAGAIN (hand the message over), -ENOTCONN (the server died), -EINTR (a fatal signal: the
 * channel is ORPHAN and the ZT hands the message over, after a list that still runs; claim->lost
 * is set).
 */
int zuf_call_again(struct zuf_claim *claim, s32 err);

/**
 * zuf_err_from_server() - map a result of the server to what the VFS may see
 * Return: 0 or an errno from -1 to -511. Of other values -ENOTSUPP becomes -EOPNOTSUPP, the
 * restart codes become -EINTR, and everything else becomes -EIO.
 */
int zuf_err_from_server(s32 err);

#endif
