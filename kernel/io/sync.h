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

/* The inode is being evicted: what is to be synced before is noted in its item (ends.h). */
void zuf_sync_evict(struct inode *inode);

/**
 * zuf_quiesce() - the server has done all there is to do, and nothing is freed any more
 * For freeze, which keeps writers out; zuf_ends_thaw() ends it.
 * Return: 0; or an error (-EINTR: killed), then nothing has changed.
 */
int zuf_quiesce(struct super_block *sb);
/**
 * zuf_quiesce_read_only() - the same, and nothing is left to be freed later
 * For a remount read-only, after which the server may change nothing.
 * Return: as before; -EBUSY: deleted files whose pages somebody holds (sync_drain()).
 */
int zuf_quiesce_read_only(struct super_block *sb);

#endif
