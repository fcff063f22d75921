/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * create.h - creation of inodes
 */
#ifndef ZUF_CREATE_H
#define ZUF_CREATE_H

#include <linux/fs.h>

int zuf_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	       umode_t mode);
/* As zuf_create(); *@made is set if an error came after the server had made the inode. */
int zuf_create_new(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		   umode_t mode, bool *made);
int zuf_mknod(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode, dev_t rdev);
int zuf_mkdir(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode);
int zuf_tmpfile(struct zuf_idmap *idmap, struct inode *dir, struct file *file,
		umode_t mode);

#endif
