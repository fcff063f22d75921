/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sync.h - what was stored through mappings becomes durable
 */
#ifndef ZUF_SYNC_H
#define ZUF_SYNC_H

#include <linux/types.h>

struct file;
struct inode;
struct super_block;
struct zufs_ioc_sync;

/* File operation. */
int zuf_fsync(struct file *file, loff_t start, loff_t end, int datasync);
/* Super-block operation. */
int zuf_sync_fs(struct super_block *sb, int wait);

/**
 * zuf_sync_range() - have what was stored in a range made durable
 * @end: the last byte
 * Context: inode lock and invalidate lock, exclusive.
 * Return: 0 (also: nothing was stored), -EINTR, -EIO ...; then it is due still.
 */
int zuf_sync_range(struct inode *inode, loff_t start, loff_t end, bool datasync);

/* The inode is being evicted. True: *@msg is to be sent before. */
bool zuf_sync_evict(struct inode *inode, struct zufs_ioc_sync *msg);

#endif
