/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flags.h - flags of an inode, for new inodes and for statx; its generation
 *
 * The generation serves FS_IOC_GETVERSION and FS_IOC_SETVERSION.
 */
#ifndef ZUF_FLAGS_H
#define ZUF_FLAGS_H

#include <linux/types.h>

struct file;
struct inode;
struct kstat;

/* Return the flags that a new inode of @mode inherits from @dir, as a shared i_flags has them. */
u16 zuf_flags_inherited(const struct inode *dir, umode_t mode);
/* Fill in the flags that the VFS does not know. */
void zuf_flags_fill_statx(const struct inode *inode, struct kstat *stat);

int zuf_get_generation(struct inode *inode, int __user *user);
/* Handles of the inode that were given out before become stale. */
int zuf_set_generation(struct file *file, const int __user *user);

#endif
