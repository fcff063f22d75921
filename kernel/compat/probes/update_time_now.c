// SPDX-License-Identifier: GPL-2.0-only
/* 6.6: update_time() finds out the time by itself. */
#include <linux/fs.h>

int probe(const struct inode_operations *ops, struct inode *inode);
int probe(const struct inode_operations *ops, struct inode *inode)
{
	return ops->update_time(inode, S_MTIME);
}
