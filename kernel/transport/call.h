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
 * @claim: zuf_chan_claim() has filled it; released by the caller in any case
 * Return: as zuf_dispatch(); with -EINTR the channel may be lost (claim->lost).
 */
int zuf_call(struct zuf_endpoint *ep, struct zuf_op *op, struct zuf_claim *claim);

/**
 * zuf_call_again() - the server is to get the same message again, with @err in it
 * Context: the channel is ANSWERED by the caller.
 * Return: -EAGAIN (hand it over), -ENOTCONN (the server died), -EINTR (a fatal signal: the
 * channel is ORPHAN, the ZT hands it over, with a list that still runs; claim->lost is set).
 */
int zuf_call_again(struct zuf_claim *claim, s32 err);

/**
 * zuf_err_from_server() - map a result of the server to what the VFS may see
 * Return: 0 or an errno from -1 to -511; anything else becomes -EIO, except
 * for -ENOTSUPP (-EOPNOTSUPP) and the restart codes (-EINTR).
 */
int zuf_err_from_server(s32 err);

#endif
