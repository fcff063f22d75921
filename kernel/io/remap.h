/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remap.h - share blocks of two files
 */
#ifndef ZUF_REMAP_H
#define ZUF_REMAP_H

#include <linux/types.h>

struct file;

/* File operation: bytes, or -EBADE (REMAP_FILE_DEDUP: they differ), -EOPNOTSUPP ... */
loff_t zuf_remap_file_range(struct file *file_in, loff_t pos_in, struct file *file_out,
			    loff_t pos_out, loff_t len, unsigned int remap_flags);

/* File operation: shared, or copied; may be less than @len. */
ssize_t zuf_copy_file_range(struct file *file_in, loff_t pos_in, struct file *file_out,
			    loff_t pos_out, size_t len, unsigned int flags);

#endif
