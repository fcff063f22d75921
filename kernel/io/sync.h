/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sync.h - make stores through mappings durable: fsync, sync, freeze
 */
#ifndef ZUF_SYNC_H
#define ZUF_SYNC_H

#include <linux/types.h>

struct file;
struct inode;
struct super_block;

/* File operation. */
int zuf_fsync(struct file *file, loff_t start, loff_t end, int datasync);
/* Super-block operation. */
int zuf_sync_fs(struct super_block *sb, int wait);

/**
 * zuf_sync_range() - have the server make stores to a range durable
 * @end: the last byte
 * Context: the caller holds the inode lock and the invalidate lock, both exclusively.
 * Return: 0 (also if nothing was stored); -EINTR, -EIO ...: the stores are still due.
 */
int zuf_sync_range(struct inode *inode, loff_t start, loff_t end, bool datasync);

/* The inode is being evicted: note in its item (ends.h) what must be synced first. */
void zuf_sync_evict(struct inode *inode);

/**
 * zuf_quiesce() - wait until the server has done all its work, and keep frees from being sent
 *
 * For freeze, which keeps writers out. zuf_ends_thaw() ends it.
 * Return: 0; on an error (-EINTR: killed) nothing has changed.
 */
int zuf_quiesce(struct super_block *sb);
/**
 * zuf_quiesce_read_only() - as zuf_quiesce(), and leave nothing to be freed later
 *
 * For a remount read-only, after which the server must not change anything.
 * Return: as zuf_quiesce(); -EBUSY: somebody holds pages of deleted files (sync_drain()).
 */
int zuf_quiesce_read_only(struct super_block *sb);

#endif
