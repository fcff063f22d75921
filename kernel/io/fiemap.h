/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fiemap.h - where the data of a file is
 */
#ifndef ZUF_FIEMAP_H
#define ZUF_FIEMAP_H

#include <linux/types.h>

struct address_space;
struct fiemap_extent;
struct fiemap_extent_info;
struct inode;

/* Address space operation of regular files: the block of T1 that a block of the file is. */
sector_t zuf_bmap(struct address_space *mapping, sector_t block);

/* Inode operation of regular files and directories. */
int zuf_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len);

/* 0: go on; 1: that was enough; or -errno. */
typedef int zuf_extent_fn(void *data, const struct fiemap_extent *extent);

/**
 * zuf_fiemap_each() - the extents of a range, for the kernel
 * The first may begin before @start.
 * Context: inode lock exclusive.
 * Return: 0 or -errno, -EOPNOTSUPP: the server does not tell any.
 */
int zuf_fiemap_each(struct inode *inode, u64 start, u64 end, zuf_extent_fn *each, void *data);

#endif
