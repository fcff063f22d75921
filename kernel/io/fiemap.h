/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fiemap.h - FIEMAP and bmap: in which blocks the data of a file lies
 */
#ifndef ZUF_FIEMAP_H
#define ZUF_FIEMAP_H

#include <linux/types.h>

struct address_space;
struct fiemap_extent;
struct fiemap_extent_info;
struct inode;

/* Address space operation of regular files: return the T1 block of a block of the file. */
sector_t zuf_bmap(struct address_space *mapping, sector_t block);

/* Inode operation of regular files and directories. */
int zuf_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len);

/* Return: 0: go on; 1: stop, the caller has enough; or -errno. */
typedef int zuf_extent_fn(void *data, const struct fiemap_extent *extent);

/**
 * zuf_fiemap_each() - call @each for every extent of a range
 *
 * The first extent may begin before @start.
 * Context: the caller holds the inode lock exclusively.
 * Return: 0 or -errno; -EOPNOTSUPP: the server does not report extents.
 */
int zuf_fiemap_each(struct inode *inode, u64 start, u64 end, zuf_extent_fn *each, void *data);

#endif
