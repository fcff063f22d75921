/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file.h - the operations of regular files
 */
#ifndef ZUF_FILE_H
#define ZUF_FILE_H

#include <linux/fs.h>

extern const struct inode_operations zuf_file_inode_ops;
extern const struct file_operations zuf_file_ops;
extern const struct address_space_operations zuf_aops;

#endif
