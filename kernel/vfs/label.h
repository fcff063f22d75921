/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * label.h - name and uuid of a file system, as FS_IOC_GETFSLABEL and its like have them
 */
#ifndef ZUF_LABEL_H
#define ZUF_LABEL_H

#include <linux/types.h>

struct file;
struct super_block;

/* Does its server have labels? Else the ioctls about them are as any other. */
bool zuf_has_label(const struct super_block *sb);
int zuf_get_label(struct super_block *sb, char __user *user);
int zuf_set_label(struct file *file, const char __user *user);
/* Newer kernels answer it themselves. */
int zuf_get_uuid(struct super_block *sb, void __user *user);

#endif
