/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xattr.h - extended attributes: XATTR_GET, XATTR_SET, XATTR_LIST
 *
 * The lock of an inode's attributes (zuf_inode.xattr_lock) is taken inside; the
 * inode lock may be held or not. An inode whose i_xattr says that it has none is not
 * asked about.
 */
#ifndef ZUF_XATTR_H
#define ZUF_XATTR_H

#include <linux/fs.h>

/* For sb->s_xattr. */
extern const struct xattr_handler *zuf_xattr_handlers[];

/**
 * zuf_xattr_get() - value of an attribute
 * @type: ZUFS_XATTR_*
 * @name: as the ABI wants it for the type
 * @size: of @value; 0: only the size is wanted
 * Return: its size, at most @size; -ENODATA, -ERANGE, -E2BIG, -EIO, -EINTR ...
 */
ssize_t zuf_xattr_get(struct inode *inode, u32 type, const char *name, void *value,
		      size_t size);

/**
 * zuf_xattr_set() - store or, with @value NULL, remove an attribute
 * @flags: XATTR_CREATE, XATTR_REPLACE
 * Times are the caller's business.
 */
int zuf_xattr_set(struct inode *inode, u32 type, const char *name, const void *value,
		  size_t size, int flags);

/* i_op->listxattr */
ssize_t zuf_listxattr(struct dentry *dentry, char *list, size_t size);

#endif
