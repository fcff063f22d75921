/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flags.h - flags of an inode, for new ones and for statx; its generation, as
 * FS_IOC_GETVERSION and SETVERSION have it
 */
#ifndef ZUF_FLAGS_H
#define ZUF_FLAGS_H

#include <linux/types.h>

struct file;
struct inode;
struct kstat;

/* What a new inode of @mode has from its directory, as it stands in a shared i_flags. */
u16 zuf_flags_inherited(const struct inode *dir, umode_t mode);
/* The flags that the VFS does not know. */
void zuf_flags_fill_statx(const struct inode *inode, struct kstat *stat);

int zuf_get_generation(struct inode *inode, int __user *user);
/* Handles of the inode that were given out before lead nowhere then. */
int zuf_set_generation(struct file *file, const int __user *user);

#endif
