// SPDX-License-Identifier: GPL-2.0-only
/* 6.18: the generic .drop_inode functions have names of their own. */
#include <linux/fs.h>

int probe(struct inode *inode);
int probe(struct inode *inode)
{
	return inode_just_drop(inode) + inode_generic_drop(inode);
}
