/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * space.h - size, allocation and holes of a regular file
 */
#ifndef ZUF_SPACE_H
#define ZUF_SPACE_H

#include <linux/types.h>

struct file;
struct inode;

/* File operations. */
long zuf_fallocate(struct file *file, int mode, loff_t offset, loff_t len);
loff_t zuf_llseek(struct file *file, loff_t offset, int whence);

/**
 * zuf_truncate() - change i_size on the server (FALLOCATE with TRUNCATE), then here
 * Context: the caller holds the inode lock exclusively; takes the invalidate lock.
 */
int zuf_truncate(struct inode *inode, loff_t size);

/**
 * zuf_seek() - ask the server where data or a hole is
 * @whence: SEEK_DATA or SEEK_HOLE
 * @offset: in: where to start; out: where it is, which for SEEK_HOLE may be i_size
 * Context: the caller holds the inode lock, shared.
 * Return: 0, -ENXIO (@offset is behind the end, or no data follows), -EIO ...
 */
int zuf_seek(struct inode *inode, int whence, loff_t *offset);

/**
 * zuf_space_give_back() - free blocks behind the end of the file, which hold nothing
 * Context: the caller holds the inode lock exclusively; takes the invalidate lock.
 * Return: the server's answer; -EINTR: killed; 1: not now, somebody holds the invalidate lock.
 */
int zuf_space_give_back(struct inode *inode, u64 start, u64 end);

#endif
