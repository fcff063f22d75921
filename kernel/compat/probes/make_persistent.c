// SPDX-License-Identifier: GPL-2.0-only
/* 6.19: a dentry that stays is marked as such, kill_anon_super() finds it. */
#include <linux/dcache.h>
#include <linux/fs.h>

void probe(struct dentry *dentry, struct inode *inode);
void probe(struct dentry *dentry, struct inode *inode)
{
	d_make_persistent(dentry, inode);
}
