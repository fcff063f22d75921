/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flags.h - the generation of an inode, as FS_IOC_GETVERSION and SETVERSION have it
 */
#ifndef ZUF_FLAGS_H
#define ZUF_FLAGS_H

struct file;
struct inode;

int zuf_get_generation(struct inode *inode, int __user *user);
/* Handles of the inode that were given out before lead nowhere then. */
int zuf_set_generation(struct file *file, const int __user *user);

#endif
