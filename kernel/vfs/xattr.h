/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xattr.h - extended attributes: XATTR_GET, XATTR_SET, XATTR_LIST
 *
 * The functions take the lock of the inode's attributes (zuf_inode.xattr_lock); the caller may
 * hold the inode lock. If i_xattr says that the inode has no attributes, the server is not
 * asked.
 */
#ifndef ZUF_XATTR_H
#define ZUF_XATTR_H

#include <linux/fs.h>

/* For sb->s_xattr. */
extern const struct xattr_handler *zuf_xattr_handlers[];

/**
 * zuf_xattr_get() - get the value of an attribute
 * @type: ZUFS_XATTR_*
 * @name: in the form that the ABI wants for @type
 * @size: size of @value; 0: the caller wants only the size of the value
 * Return: size of the value, at most @size; -ENODATA, -ERANGE, -E2BIG, -EIO, -EINTR ...
 */
ssize_t zuf_xattr_get(struct inode *inode, u32 type, const char *name, void *value,
		      size_t size);

/**
 * zuf_xattr_set() - store or, with @value NULL, remove an attribute
 * @flags: XATTR_CREATE, XATTR_REPLACE
 *
 * The caller updates the timestamps.
 */
int zuf_xattr_set(struct inode *inode, u32 type, const char *name, const void *value,
		  size_t size, int flags);

/* i_op->listxattr */
ssize_t zuf_listxattr(struct dentry *dentry, char *list, size_t size);

#endif
