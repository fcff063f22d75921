/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symlink.h - symbolic links
 */
#ifndef ZUF_SYMLINK_H
#define ZUF_SYMLINK_H

#include <linux/fs.h>

struct zus_inode;

int zuf_symlink(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		const char *target);
/* Keep a copy of the target of a new symbolic link. */
int zuf_symlink_set(struct inode *inode, const char *target, size_t len);
/*
 * As zuf_symlink_set(), for a link that the server returned; @zi is a private copy whose size is
 * checked.
 */
int zuf_symlink_load(struct inode *inode, const struct zus_inode *zi);

extern const struct inode_operations zuf_symlink_inode_ops;

#endif
