// SPDX-License-Identifier: GPL-2.0-only
/* 6.15: mkdir() returns a dentry. */
#include <linux/fs.h>

struct dentry *probe(const struct inode_operations *ops, struct inode *dir,
		     struct dentry *dentry);
struct dentry *probe(const struct inode_operations *ops, struct inode *dir,
		     struct dentry *dentry)
{
	return ops->mkdir(NULL, dir, dentry, 0755);
}
