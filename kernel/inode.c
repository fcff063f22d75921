// SPDX-License-Identifier: GPL-2.0-only
/*
 * inode.c - the inode cache: from a cookie of the server to an inode and back
 *
 * A cookie that the server hands out is owned by exactly one VFS inode, from
 * zuf_iget() or zuf_inode_adopt() to zuf_evict_inode(), or is given back at
 * once. The shared inode is hostile memory: nothing of it reaches the VFS inode
 * without a check. The VFS inode's nlink and size change under i_lock here, and
 * under the inode lock of the callers.
 */
#include <linux/posix_acl.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "devset.h"
#include "evict.h"
#include "inode.h"
#include "mapped.h"
#include "super.h"
#include "sync.h"
#include "xattr.h"

/* More cannot be told from garbage. */
#define ZUF_NLINK_MAX	S32_MAX

static_assert(sizeof(ino_t) == sizeof(u64));

static struct kmem_cache *inode_cache;

/* ---- memory ---- */

static void inode_init_once_only(void *mem)
{
	struct zuf_inode *zii = mem;

	inode_init_once(&zii->vfs_inode);
	init_rwsem(&zii->xattr_lock);
}

int zuf_inode_cache_init(void)
{
	inode_cache = kmem_cache_create("zuf_inode", sizeof(struct zuf_inode), 0,
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					inode_init_once_only);
	return inode_cache ? 0 : -ENOMEM;
}

void zuf_inode_cache_fini(void)
{
	/* zuf_free_inode() runs after a grace period */
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}

struct inode *zuf_alloc_inode(struct super_block *sb)
{
	struct zuf_inode *zii = alloc_inode_sb(sb, inode_cache, GFP_KERNEL);

	if (!zii)
		return NULL;
	zii->zi = NULL;
	zii->zus_ii = 0;
	zii->symlink = NULL;
	zii->put_tag = NULL;
	zii->mapped = NULL;
	return &zii->vfs_inode;
}

void zuf_free_inode(struct inode *inode)
{
	kfree(ZUF_I(inode)->symlink);
	zuf_put_tag_put(ZUF_I(inode)->put_tag);
	kmem_cache_free(inode_cache, ZUF_I(inode));
}

/* ---- checks of what the server says ---- */

static bool type_is_known(umode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFBLK:
	case S_IFCHR:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

static bool size_is_valid(const struct super_block *sb, umode_t mode, u64 size)
{
	if (S_ISLNK(mode))
		return size && size < ZUFS_MAX_SYMLINK;
	return size <= (u64)sb->s_maxbytes;
}

/* VFS counts sectors, the server file-system blocks. */
static unsigned int sector_shift(const struct super_block *sb)
{
	return sb->s_blocksize_bits > SECTOR_SHIFT ? sb->s_blocksize_bits - SECTOR_SHIFT : 0;
}

static bool blocks_are_valid(const struct super_block *sb, u64 blocks)
{
	return blocks <= (u64)S64_MAX >> sector_shift(sb);
}

static bool ids_are_valid(const struct zus_inode *zi)
{
	return uid_valid(make_kuid(&init_user_ns, le32_to_cpu(zi->i_uid))) &&
	       gid_valid(make_kgid(&init_user_ns, le32_to_cpu(zi->i_gid)));
}

static struct timespec64 time_from(struct inode *inode, __le64 ns)
{
	return timestamp_truncate(ns_to_timespec64((s64)le64_to_cpu(ns)), inode);
}

/* @zi is a private copy. */
static int check_zi(const struct super_block *sb, const struct zus_inode *zi, bool unlinked)
{
	umode_t mode = le16_to_cpu(zi->i_mode);

	if (!type_is_known(mode) || (!zi->i_nlink && !unlinked))
		return -ESTALE;
	if (zi->i_ino && le32_to_cpu(zi->i_nlink) <= ZUF_NLINK_MAX && ids_are_valid(zi) &&
	    size_is_valid(sb, mode, le64_to_cpu(zi->i_size)) &&
	    blocks_are_valid(sb, le64_to_cpu(zi->i_blocks)))
		return 0;
	pr_warn_ratelimited("sb %llu: the server's inode %llu is invalid\n",
			    ZUF_SB(sb)->sb_id, le64_to_cpu(zi->i_ino));
	return -EIO;
}

/* Find a shared inode, copy it once and check it. NULL: @err says why. */
static struct zus_inode *read_zi(const struct super_block *sb, u64 zi_dpp, bool unlinked,
				 struct zus_inode *copy, int *err)
{
	struct zus_inode *zi = zuf_t1_addr(ZUF_SB(sb)->devs, zi_dpp, sizeof(*zi));

	*err = -EIO;
	if (!zi || copy_mc_to_kernel(copy, zi, sizeof(*copy)))
		return NULL;
	*err = check_zi(sb, copy, unlinked);
	return *err ? NULL : zi;
}

static void set_blocks(struct inode *inode, u64 blocks)
{
	WRITE_ONCE(inode->i_blocks, blocks << sector_shift(inode->i_sb));
}

void zuf_inode_refresh_blocks(struct inode *inode)
{
	u64 blocks = le64_to_cpu(READ_ONCE(ZUF_I(inode)->zi->i_blocks));

	if (likely(blocks_are_valid(inode->i_sb, blocks)))
		set_blocks(inode, blocks);
}

void zuf_inode_refresh(struct inode *inode)
{
	const struct zus_inode *zi = ZUF_I(inode)->zi;
	u32 nlink;
	u64 size;

	spin_lock(&inode->i_lock);
	nlink = le32_to_cpu(READ_ONCE(zi->i_nlink));
	if (nlink != inode->i_nlink && nlink <= ZUF_NLINK_MAX)
		set_nlink(inode, nlink);
	if (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode)) {
		size = le64_to_cpu(READ_ONCE(zi->i_size));
		if (size_is_valid(inode->i_sb, inode->i_mode, size))
			i_size_write(inode, size);
	}
	inode_set_mtime_to_ts(inode, time_from(inode, READ_ONCE(zi->i_mtime)));
	inode_set_ctime_to_ts(inode, time_from(inode, READ_ONCE(zi->i_ctime)));
	spin_unlock(&inode->i_lock);
	zuf_inode_refresh_blocks(inode);
}

/* ---- messages ---- */

void zuf_inode_forget(struct super_block *sb, u64 zus_ii, bool unlinked)
{
	if (!zus_ii)
		return;
	if (unlinked)
		zuf_evict_send(ZUF_SB(sb), zus_ii, ZUFS_OP_FREE_INODE, NULL);
	else
		zuf_evict_send_race(ZUF_SB(sb), zus_ii, NULL);
}

void zuf_evict_inode(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	bool is_known = zii->zi;

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	/* the server may reuse it from here on */
	zii->zi = NULL;
	if (is_known)
		zuf_evict_send(ZUF_SB(inode->i_sb), zii->zus_ii,
			       inode->i_nlink ? ZUFS_OP_EVICT_INODE : ZUFS_OP_FREE_INODE,
			       inode);
	zuf_mapped_free(inode);
}

/* ---- inodes ---- */

struct zuf_put_tag *zuf_inode_tag(struct inode *inode, gfp_t gfp)
{
	struct zuf_inode *zii = ZUF_I(inode);
	struct zuf_put_tag *tag = READ_ONCE(zii->put_tag), *old;

	if (likely(tag))
		return tag;
	tag = zuf_put_tag_create(gfp);
	if (!tag)
		return NULL;
	old = cmpxchg(&zii->put_tag, NULL, tag);
	if (!old)
		return tag;
	zuf_put_tag_put(tag);
	return old;
}

const struct inode_operations zuf_special_inode_ops = {
	.listxattr	= zuf_listxattr,
	ZUF_ACL_OPS
	.setattr	= zuf_setattr,
	.getattr	= zuf_getattr,
	.update_time	= zuf_op_update_time,
};

void zuf_inode_set_ops(struct inode *inode, dev_t rdev)
{
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		inode->i_op = &zuf_file_inode_ops;
		inode->i_fop = &zuf_file_ops;
		inode->i_mapping->a_ops = &zuf_aops;
		inode->i_flags |= S_DAX;
		break;
	case S_IFDIR:
		inode->i_op = &zuf_dir_inode_ops;
		inode->i_fop = &zuf_dir_file_ops;
		break;
	case S_IFLNK:
		inode->i_op = &zuf_symlink_inode_ops;
		break;
	default:
		inode->i_op = &zuf_special_inode_ops;
		init_special_inode(inode, inode->i_mode, rdev);
		break;
	}
}

/* Everything of a checked private copy. */
static int fill_inode(struct inode *inode, const struct zus_inode *zi)
{
	inode->i_mode = le16_to_cpu(zi->i_mode);
	inode->i_uid = make_kuid(&init_user_ns, le32_to_cpu(zi->i_uid));
	inode->i_gid = make_kgid(&init_user_ns, le32_to_cpu(zi->i_gid));
	inode->i_generation = le64_to_cpu(zi->i_generation);
	inode->i_flags |= le16_to_cpu(zi->i_flags) & ZUF_SHARED_FLAGS;
	set_nlink(inode, le32_to_cpu(zi->i_nlink));
	i_size_write(inode, le64_to_cpu(zi->i_size));
	set_blocks(inode, le64_to_cpu(zi->i_blocks));
	inode_set_atime_to_ts(inode, time_from(inode, zi->i_atime));
	inode_set_mtime_to_ts(inode, time_from(inode, zi->i_mtime));
	inode_set_ctime_to_ts(inode, time_from(inode, zi->i_ctime));
	if (!zi->i_xattr)
		cache_no_acl(inode);
	zuf_inode_set_ops(inode, le32_to_cpu(zi->i_rdev));
	return S_ISLNK(inode->i_mode) ? zuf_symlink_load(inode, zi) : 0;
}

/* Is the inode that the VFS has the one that the server speaks of? */
static bool is_same_inode(const struct inode *inode, const struct zus_inode *zi)
{
	return inode->i_nlink && inode->i_generation == (u32)le64_to_cpu(zi->i_generation) &&
	       ((inode->i_mode ^ le16_to_cpu(zi->i_mode)) & S_IFMT) == 0;
}

struct inode *zuf_iget(struct super_block *sb, u64 zi_dpp, u64 zus_ii)
{
	struct zus_inode copy, *zi;
	struct inode *inode;
	int err;

	zi = read_zi(sb, zi_dpp, false, &copy, &err);
	if (!zi)
		goto err_forget;
	err = -ENOMEM;
	inode = iget_locked(sb, le64_to_cpu(copy.i_ino));
	if (!inode)
		goto err_forget;
	if (!(inode_state_read_once(inode) & I_NEW)) {
		if (is_same_inode(inode, &copy)) {
			if (zus_ii)
				zuf_evict_send_race(ZUF_SB(sb), zus_ii,
						    zuf_inode_tag(inode, GFP_NOFS));
			return inode;
		}
		err = -ESTALE;
		iput(inode);
		goto err_forget;
	}
	err = fill_inode(inode, &copy);
	if (err)
		goto err_inode;
	ZUF_I(inode)->zi = zi;
	ZUF_I(inode)->zus_ii = zus_ii;
	unlock_new_inode(inode);
	return inode;

err_inode:
	iget_failed(inode);
err_forget:
	zuf_inode_forget(sb, zus_ii, false);
	return ERR_PTR(err);
}

int zuf_inode_adopt(struct inode *inode, u64 zi_dpp, u64 zus_ii, bool unlinked)
{
	struct super_block *sb = inode->i_sb;
	struct zus_inode copy, *zi;
	int err;

	zi = read_zi(sb, zi_dpp, unlinked, &copy, &err);
	if (!zi || ((le16_to_cpu(copy.i_mode) ^ inode->i_mode) & S_IFMT))
		goto err_forget;
	inode->i_ino = le64_to_cpu(copy.i_ino);
	inode->i_generation = le64_to_cpu(copy.i_generation);
	set_blocks(inode, le64_to_cpu(copy.i_blocks));
	if (S_ISDIR(inode->i_mode))
		i_size_write(inode, le64_to_cpu(copy.i_size));
	if (insert_inode_locked(inode)) {
		pr_warn_ratelimited("sb %llu: the server's new inode %llu exists already\n",
				    ZUF_SB(sb)->sb_id, (u64)inode->i_ino);
		goto err_forget;
	}
	ZUF_I(inode)->zi = zi;
	ZUF_I(inode)->zus_ii = zus_ii;
	if (unlinked) {
		WRITE_ONCE(zi->i_nlink, 0);
		clear_nlink(inode);
	} else {
		set_nlink(inode, le32_to_cpu(copy.i_nlink));
	}
	return 0;

err_forget:
	zuf_inode_forget(sb, zus_ii, unlinked);
	return -EIO;
}

static int take_inode(struct inode *inode, zuf_ino_t ino, void *unused)
{
	if (inode->i_ino != ino)
		return 0;
	return igrab(inode) ? 1 : -1;
}

struct inode *zuf_inode_find(struct super_block *sb, u64 ino)
{
	return find_inode_nowait(sb, ino, take_inode, NULL);
}
