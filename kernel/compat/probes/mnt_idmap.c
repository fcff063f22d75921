// SPDX-License-Identifier: GPL-2.0-only
/* 6.3: inode operations take a struct mnt_idmap. */
#include <linux/fs.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>

int probe(struct inode_operations *ops, struct file *file, struct dentry *dentry,
	  struct iattr *attr);
int probe(struct inode_operations *ops, struct file *file, struct dentry *dentry,
	  struct iattr *attr)
{
	struct mnt_idmap *idmap = file_mnt_idmap(file);

	if (idmap == &nop_mnt_idmap)
		return 0;
	return ops->setattr(idmap, dentry, attr);
}
