/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abort.h - end a server that does not end by itself
 */
#ifndef ZUF_ABORT_H
#define ZUF_ABORT_H

struct zuf_root;

/**
 * zuf_root_abort() - take the root away from its server, as if the server had died
 *
 * Every operation in flight ends with -EIO, the server's mounts are dead, and the root accepts
 * another server. The process keeps what it has mapped; its ioctls fail, and it cannot come
 * back.
 * Return: 0; -ESRCH: there is no server; -EINTR: killed while waiting for the mounter thread of
 * the server to leave the kernel; everything else is done.
 */
int zuf_root_abort(struct zuf_root *root);

#endif
