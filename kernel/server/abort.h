/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abort.h - the end of a server that does not end by itself
 */
#ifndef ZUF_ABORT_H
#define ZUF_ABORT_H

struct zuf_root;

/**
 * zuf_root_abort() - as if the server had died, as far as anybody else can tell
 * Every operation in flight ends with -EIO, its mounts are dead, the root takes another
 * server. The process keeps what it maps; its ioctls fail, and it cannot come back.
 * Return: 0, -ESRCH: there is no server, -EINTR: killed while waiting for its mounter
 * thread to leave the kernel; all the rest is done.
 */
int zuf_root_abort(struct zuf_root *root);

#endif
