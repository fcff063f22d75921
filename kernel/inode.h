/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inode.h - a VFS inode and the inode that is shared with the server
 *
 * @zi lies in T1 and the server can change it at any time: every field is read
 * once, validated and copied into the VFS inode (zuf_inode_refresh() and
 * friends); the VFS decides on its own copy only. The kernel writes a field to
 * both before it sends an operation that changes it.
 */
#ifndef ZUF_INODE_H
#define ZUF_INODE_H

#include <linux/fs.h>
#include "zuf/zus_api.h"

struct zuf_inode {
	struct zus_inode *zi;	/* in T1; NULL: not (or no longer) known to the server */
	u64 zus_ii;		/* the server's cookie */
	struct inode vfs_inode;
};

static inline struct zuf_inode *ZUF_I(const struct inode *inode)
{
	return container_of(inode, struct zuf_inode, vfs_inode);
}

/* Module life of the inode cache. */
int zuf_inode_cache_init(void);
void zuf_inode_cache_fini(void);

/* Super-block operations of an inode. */
struct inode *zuf_alloc_inode(struct super_block *sb);
void zuf_free_inode(struct inode *inode);
void zuf_evict_inode(struct inode *inode);

/**
 * zuf_iget() - the VFS inode of what the server just returned
 * @sb: mounted super-block
 * @zi_dpp: byte-form dpp_t of its zus_inode, from the server, not yet checked
 * @zus_ii: its cookie; consumed: kept in the inode, or given back to the server
 *	(EVICT_INODE with ZI_LOOKUP_RACE) when the inode is cached or unusable
 *
 * Return: a referenced inode or ERR_PTR(-EIO: @zi_dpp is wild, -ESTALE: not an
 * active inode or it contradicts the cached one, -ENOMEM).
 */
struct inode *zuf_iget(struct super_block *sb, u64 zi_dpp, u64 zus_ii);

/* Copy what the server owns (nlink, size, blocks, and times unless told to keep them). */
void zuf_inode_refresh(struct inode *inode);
/* Set ctime and mtime to now in both inodes; the caller sends the operation. */
void zuf_inode_touch(struct inode *inode, u32 statx_bits);
/* Give back a cookie that got no inode. */
void zuf_inode_forget(struct super_block *sb, u64 zus_ii, bool unlinked);

/* i_op pieces that every kind of inode has. */
int zuf_setattr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr);
int zuf_getattr(struct zuf_idmap *idmap, const struct path *path,
		struct kstat *stat, u32 request_mask, unsigned int flags);

/* Change i_size on the server (FALLOCATE with TRUNCATE), then here. */
int zuf_truncate(struct inode *inode, loff_t size);

extern const struct inode_operations zuf_dir_inode_ops;		/* namei.c */
extern const struct inode_operations zuf_file_inode_ops;	/* file.c */
extern const struct inode_operations zuf_symlink_inode_ops;	/* symlink.c */
extern const struct inode_operations zuf_special_inode_ops;	/* inode.c */
extern const struct file_operations zuf_dir_file_ops;		/* dir.c */
extern const struct file_operations zuf_file_ops;		/* file.c */
extern const struct address_space_operations zuf_aops;		/* file.c */

#endif
