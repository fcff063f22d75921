/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attr.h - attributes of an inode: setattr, getattr, timestamps
 */
#ifndef ZUF_ATTR_H
#define ZUF_ATTR_H

#include <linux/fs.h>
#include "zinode.h"

/* Copy the fields of STATX_MODE, UID, GID, ATIME, MTIME, CTIME to the shared inode. */
void zuf_inode_publish(struct inode *inode, u32 statx_bits);
/* Set ctime, mtime, atime to now in both inodes; the caller sends the operation. */
void zuf_inode_touch(struct inode *inode, u32 statx_bits);

/* Timestamps of an inode before an operation changed them. */
struct zuf_touch {
	struct inode *inode;
	u32 statx_bits;		/* which of them the operation changed */
	struct timespec64 mtime, ctime;
};

/* As zuf_inode_touch(), for an operation that may still fail. */
void zuf_touch_start(struct zuf_touch *touch, struct inode *inode, u32 statx_bits);
/* The operation ended with @err: restore the timestamps if it was refused, then re-read them. */
void zuf_touch_end(struct zuf_touch *touch, int err);

/* Inode operations of every kind of inode; .update_time is zuf_op_update_time. */
int zuf_setattr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr);
/* Send SETATTR: tell the server which STATX_* fields have changed in the shared inode. */
int zuf_setattr_send(struct inode *inode, u32 statx_bits);
int zuf_getattr(struct zuf_idmap *idmap, const struct path *path,
		struct kstat *stat, u32 request_mask, unsigned int flags);
int zuf_update_time(struct inode *inode, struct timespec64 now, u32 statx_bits);

#endif
