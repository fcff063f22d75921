/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * namei.h - names in directories: lookup, and the operations that change them
 */
#ifndef ZUF_NAMEI_H
#define ZUF_NAMEI_H

#include <linux/fs.h>
#include "zuf/zus_api.h"

/**
 * zuf_lookup_name() - ask the server for a name, which may be ".."
 * Context: the caller holds the inode lock of @dir.
 * Return: a referenced inode or ERR_PTR(-ENOENT ...).
 */
struct inode *zuf_lookup_name(struct inode *dir, const struct qstr *name);
/* Copy a name into a message. Return: 0 or -ENAMETOOLONG. */
int zuf_str_set(struct zufs_str *str, const struct qstr *name);

extern const struct inode_operations zuf_dir_inode_ops;

#endif
