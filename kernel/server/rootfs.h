/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rootfs.h - the pseudo file system "zuf", its files and what they do
 */
#ifndef ZUF_ROOTFS_H
#define ZUF_ROOTFS_H

#include <linux/fs.h>

struct zuf_root;

int zuf_rootfs_init(void);
void zuf_rootfs_fini(void);

/**
 * zuf_root_abort() - as if the server had died, as far as anybody else can tell (abort.c)
 * Every operation in flight ends with -EIO, its mounts are dead, the root takes another
 * server. The process keeps what it maps; its ioctls fail, and it cannot come back.
 * Return: 0, -ESRCH: there is no server, -EINTR: killed while waiting for its mounter
 * thread to leave the kernel; all the rest is done.
 */
int zuf_root_abort(struct zuf_root *root);

extern const struct file_operations zuf_root_stats_fops;	/* statsfile.c */
extern const struct file_operations zuf_root_control_fops;	/* rootfiles.c */
extern const struct file_operations zuf_root_state_fops;
extern const struct file_operations zuf_root_types_fops;
extern const struct file_operations zuf_root_ddbg_fops;

#endif
