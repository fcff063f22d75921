/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fiemap.h - where the data of a file is
 */
#ifndef ZUF_FIEMAP_H
#define ZUF_FIEMAP_H

#include <linux/types.h>

struct fiemap_extent_info;
struct inode;

/* Inode operation of regular files. */
int zuf_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len);

#endif
