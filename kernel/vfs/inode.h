/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inode.h - the inode cache: from a cookie of the server to an inode and back
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

extern const struct inode_operations zuf_special_inode_ops;

#endif
