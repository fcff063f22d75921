/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remap.h - clone, dedupe and copy_file_range: share blocks between two files
 */
#ifndef ZUF_REMAP_H
#define ZUF_REMAP_H

#include <linux/types.h>

struct file;

/* File operation. Return: bytes; -EBADE: the contents differ (REMAP_FILE_DEDUP); -EOPNOTSUPP ... */
loff_t zuf_remap_file_range(struct file *file_in, loff_t pos_in, struct file *file_out,
			    loff_t pos_out, loff_t len, unsigned int remap_flags);

/* File operation: share or copy. Return: bytes, possibly fewer than @len, or -errno. */
ssize_t zuf_copy_file_range(struct file *file_in, loff_t pos_in, struct file *file_out,
			    loff_t pos_out, size_t len, unsigned int flags);

#endif
