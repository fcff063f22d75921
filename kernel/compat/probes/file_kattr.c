// SPDX-License-Identifier: GPL-2.0-only
/* 6.17: what .fileattr_get fills is a struct file_kattr. */
#include <linux/fs.h>
#include <linux/fileattr.h>

int probe(const struct inode_operations *ops, struct dentry *dentry, struct file_kattr *fa);
int probe(const struct inode_operations *ops, struct dentry *dentry, struct file_kattr *fa)
{
	return ops->fileattr_get(dentry, fa);
}
