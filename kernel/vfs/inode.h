/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inode.h - the inode cache, attributes, names: what the VFS calls, and what these call of
 * each other
 */
#ifndef ZUF_INODE_H
#define ZUF_INODE_H

#include <linux/fs.h>
#include "zinode.h"

/* Module life of the inode cache. */
int zuf_inode_cache_init(void);
void zuf_inode_cache_fini(void);

/* Super-block operations of an inode. */
struct inode *zuf_alloc_inode(struct super_block *sb);
void zuf_destroy_inode(struct inode *inode);
void zuf_evict_inode(struct inode *inode);

/**
 * zuf_iget() - the VFS inode of what the server just returned
 * @sb: mounted super-block
 * @zi_dpp: byte-form dpp_t of its zus_inode, from the server, not yet checked
 * @zus_ii: its cookie; consumed: kept in the inode, or given back to the server
 *	(EVICT_INODE with ZI_LOOKUP_RACE) when the inode is cached or unusable
 *
 * Return: a referenced inode or ERR_PTR(-EIO: @zi_dpp is wild, -ESTALE: not an
 * active inode or it contradicts the cached one, -ENOMEM, -EINTR: killed while what is left
 * of an evicted inode with that number was under way).
 */
struct inode *zuf_iget(struct super_block *sb, u64 zi_dpp, u64 zus_ii);

/**
 * zuf_inode_find() - the cached inode of a number
 * Never waits, not even for one that is being evicted.
 * @going: out: it is, and still has a record of its mappings
 * Return: a referenced inode (see zuf_forget_inode()) or NULL.
 */
struct inode *zuf_inode_find(struct super_block *sb, u64 ino, bool *going);

/**
 * zuf_inode_adopt() - tie a new VFS inode to what NEW_INODE returned
 * @inode: not hashed, complete but for what the server decides
 * @unlinked: it was made without a name
 *
 * Return: 0: hashed, locked as new, @zus_ii is kept. -EIO (what came is not the
 * inode that was asked for, or its number is taken): the cookie is given back.
 */
int zuf_inode_adopt(struct inode *inode, u64 zi_dpp, u64 zus_ii, bool unlinked);

/* Operations by type; the mode is set. */
void zuf_inode_set_ops(struct inode *inode, dev_t rdev);
/* Give back a cookie that got no inode. */
void zuf_inode_forget(struct super_block *sb, u64 zus_ii, bool unlinked);

/* ---- attributes (attr.c) ---- */

/* Copy the fields of STATX_MODE, UID, GID, ATIME, MTIME, CTIME to the shared inode. */
void zuf_inode_publish(struct inode *inode, u32 statx_bits);
/* Set ctime, mtime, atime to now in both inodes; the caller sends the operation. */
void zuf_inode_touch(struct inode *inode, u32 statx_bits);

/* Times of an inode before an operation changed them. */
struct zuf_touch {
	struct inode *inode;
	u32 statx_bits;		/* which of them it changed */
	struct timespec64 mtime, ctime;
};

/* As zuf_inode_touch(), but the operation may still fail. */
void zuf_touch_start(struct zuf_touch *touch, struct inode *inode, u32 statx_bits);
/* The operation ended with @err: if it was refused the old times come back; re-read. */
void zuf_touch_end(struct zuf_touch *touch, int err);

/* i_op pieces that every kind of inode has; .update_time is zuf_op_update_time. */
int zuf_setattr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr);
/* Tell the server (SETATTR) of STATX_* fields that changed in the shared inode. */
int zuf_setattr_send(struct inode *inode, u32 statx_bits);
int zuf_getattr(struct zuf_idmap *idmap, const struct path *path,
		struct kstat *stat, u32 request_mask, unsigned int flags);
int zuf_update_time(struct inode *inode, struct timespec64 now, u32 statx_bits);

/* ---- size (space.c) ---- */

/**
 * zuf_truncate() - change i_size on the server (FALLOCATE with TRUNCATE), then here
 * Context: inode lock exclusive; takes the invalidate lock.
 */
int zuf_truncate(struct inode *inode, loff_t size);

/* ---- names (namei.c, create.c), symbolic links (symlink.c) ---- */

/**
 * zuf_lookup_name() - ask the server for a name, also for ".."
 * Context: inode lock of @dir.
 * Return: a referenced inode or ERR_PTR(-ENOENT ...).
 */
struct inode *zuf_lookup_name(struct inode *dir, const struct qstr *name);
/* -ENAMETOOLONG, or 0. */
int zuf_str_set(struct zufs_str *str, const struct qstr *name);

int zuf_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	       umode_t mode);
/* The same; @made is set when an error came after the server had made it. */
int zuf_create_new(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		   umode_t mode, bool *made);
int zuf_mknod(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode, dev_t rdev);
int zuf_mkdir(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode);
int zuf_symlink(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		const char *target);
int zuf_tmpfile(struct zuf_idmap *idmap, struct inode *dir, struct file *file,
		umode_t mode);

/* Keep a copy of the target of a new symbolic link. */
int zuf_symlink_set(struct inode *inode, const char *target, size_t len);
/* The same of one that the server returned; @zi is a private copy, its size checked. */
int zuf_symlink_load(struct inode *inode, const struct zus_inode *zi);

extern const struct inode_operations zuf_dir_inode_ops;		/* namei.c */
extern const struct inode_operations zuf_file_inode_ops;	/* file.c */
extern const struct inode_operations zuf_symlink_inode_ops;	/* symlink.c */
extern const struct inode_operations zuf_special_inode_ops;	/* inode.c */
extern const struct file_operations zuf_dir_file_ops;		/* dir.c */
extern const struct file_operations zuf_file_ops;		/* file.c */
extern const struct address_space_operations zuf_aops;		/* file.c */

#endif
