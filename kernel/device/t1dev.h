/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * t1dev.h - the memory behind a T1 device
 */
#ifndef ZUF_T1DEV_H
#define ZUF_T1DEV_H

#include "devset.h"

struct block_device;
struct fs_context;

#define ZUF_CHUNK_SIZE		(ZUFS_ALLOC_MASK + 1)
#define ZUF_CHUNK_BLOCKS	(ZUF_CHUNK_SIZE >> ZUFS_PAGE_SHIFT)
#define ZUF_CHUNK_ORDER		9

/* Can the memory of the device be addressed by load and store? */
bool zuf_t1dev_is_dax(struct block_device *bdev);

/**
 * zuf_t1dev_map() - map all of the memory of dev->bdev
 * Sets dax, pgmap, virt, pfn and node.
 * Return: 0 or -EINVAL (not DAX, no struct pages, not one aligned range) or -EIO; said to @fc.
 */
int zuf_t1dev_map(struct zuf_dev *dev, struct fs_context *fc);

/*
 * Copy the second half of the device over the first one.
 * Return: 0, or -EIO, said to @fc.
 */
int zuf_t1dev_load_shadow(struct zuf_dev *dev, struct fs_context *fc);

/* Set up memory for a set without a device; zuf_t1dev_chunk() allocates the chunks. */
int zuf_t1dev_alloc(struct zuf_dev *dev);

/**
 * zuf_t1dev_chunk() - address of the 2 MiB that hold @block, allocated if need be
 * Context: the set's lock is held, under memalloc_nofs_save().
 * Return: the memory, which is zeroed when it is allocated; NULL = out of memory.
 */
void *zuf_t1dev_chunk(struct zuf_dev *dev, u64 block);

/* Undo zuf_t1dev_map() or zuf_t1dev_alloc(); dev->bdev stays open. */
void zuf_t1dev_fini(struct zuf_dev *dev);

#endif
