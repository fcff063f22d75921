/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * label.h - name and UUID of a file system, for FS_IOC_GETFSLABEL and related ioctls
 */
#ifndef ZUF_LABEL_H
#define ZUF_LABEL_H

#include <linux/types.h>

struct file;
struct super_block;

/* Does the server have labels? If not, the label ioctls are handled like any other. */
bool zuf_has_label(const struct super_block *sb);
int zuf_get_label(struct super_block *sb, char __user *user);
int zuf_set_label(struct file *file, const char __user *user);
/* Newer kernels answer this ioctl themselves. */
int zuf_get_uuid(struct super_block *sb, void __user *user);

#endif
