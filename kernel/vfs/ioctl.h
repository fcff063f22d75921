/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioctl.h - attributes of files and directories, and ioctls that the server knows
 */
#ifndef ZUF_IOCTL_H
#define ZUF_IOCTL_H

#include <linux/types.h>

struct dentry;
struct file;
struct file_kattr;

/* File operations of regular files and directories. */
long zuf_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long zuf_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* Inode operations of regular files and directories: chattr, lsattr. */
int zuf_fileattr_get(struct dentry *dentry, struct file_kattr *fa);
int zuf_fileattr_set(struct zuf_idmap *idmap, struct dentry *dentry, struct file_kattr *fa);

#endif
