// SPDX-License-Identifier: GPL-2.0-only
/* 7.x: .create is always exclusive and is not told so. */
#include <linux/fs.h>

int probe(const struct inode_operations *ops, struct inode *dir, struct dentry *dentry);
int probe(const struct inode_operations *ops, struct inode *dir, struct dentry *dentry)
{
	return ops->create(NULL, dir, dentry, 0600);
}
