/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inode.h - the inode cache: from a cookie of the server to an inode and back
 */
#ifndef ZUF_INODE_H
#define ZUF_INODE_H

#include <linux/fs.h>
#include "zinode.h"

/* Called at module load and unload. */
int zuf_inode_cache_init(void);
void zuf_inode_cache_fini(void);

/* Super-block operations of an inode. */
struct inode *zuf_alloc_inode(struct super_block *sb);
void zuf_destroy_inode(struct inode *inode);
void zuf_evict_inode(struct inode *inode);

/**
 * zuf_iget() - return the VFS inode for an inode that the server just returned
 * @sb: mounted super-block
 * @zi_dpp: byte-form dpp_t of its zus_inode, from the server, not yet checked
 * @zus_ii: its cookie. The call consumes it: the inode keeps it, or it is given back to the
 *	server (EVICT_INODE with ZI_LOOKUP_RACE) when the inode is cached or unusable
 * Return: a referenced inode or an ERR_PTR: -EIO: @zi_dpp is wild; -ESTALE: the inode is not
 * active or contradicts the cached one; -ENOMEM; -EINTR: killed while work for an evicted inode
 * with that number was under way.
 */
struct inode *zuf_iget(struct super_block *sb, u64 zi_dpp, u64 zus_ii);

/**
 * zuf_inode_find() - find the cached inode with a number
 * @going: out: the inode is being evicted and still has a record of its mappings
 *
 * Never waits, not even for an inode that is being evicted.
 * Return: a referenced inode (see zuf_forget_inode()) or NULL.
 */
struct inode *zuf_inode_find(struct super_block *sb, u64 ino, bool *going);

/**
 * zuf_inode_adopt() - tie a new VFS inode to the inode that NEW_INODE returned
 * @inode: not hashed; complete except for the fields that the server decides
 * @unlinked: the inode was made without a name
 * Return: 0: the inode is hashed and locked as new, and keeps @zus_ii. -EIO: the server did not
 * return the inode that was asked for, or its number is taken; the cookie is given back.
 */
int zuf_inode_adopt(struct inode *inode, u64 zi_dpp, u64 zus_ii, bool unlinked);

/* Set the inode's operations by its type; i_mode must be set. */
void zuf_inode_set_ops(struct inode *inode, dev_t rdev);
/* Give back a cookie that got no inode. */
void zuf_inode_forget(struct super_block *sb, u64 zus_ii, bool unlinked);

extern const struct inode_operations zuf_special_inode_ops;

#endif
