// SPDX-License-Identifier: GPL-2.0-only
/*
 * inode.c - the inode cache: from a cookie of the server to an inode and back
 *
 * A cookie that the server hands out is owned by exactly one VFS inode, from zuf_iget() or
 * zuf_inode_adopt() to zuf_evict_inode(), or is given back at once. What is read from the shared
 * inode is checked (zinode.c).
 */
#include <linux/errseq.h>
#include <linux/posix_acl.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "attr.h"
#include "devset.h"
#include "dir.h"
#include "evict.h"
#include "file.h"
#include "inode.h"
#include "mapped.h"
#include "mend.h"
#include "namei.h"
#include "pins.h"
#include "sb.h"
#include "sbid.h"
#include "settle.h"
#include "symlink.h"
#include "t1map.h"
#include "version.h"
#include "xattr.h"

static_assert(sizeof(ino_t) == sizeof(u64));

static struct kmem_cache *inode_cache;

/* ---- memory ---- */

static void inode_init_once_only(void *mem)
{
	struct zuf_inode *zii = mem;

	inode_init_once(&zii->vfs_inode);
	init_rwsem(&zii->xattr_lock);
	zuf_ranges_init(&zii->ranges);
}

int zuf_inode_cache_init(void)
{
	inode_cache = kmem_cache_create("zuf_inode", sizeof(struct zuf_inode),
					__alignof__(struct zuf_inode),
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					inode_init_once_only);
	return inode_cache ? 0 : -ENOMEM;
}

void zuf_inode_cache_fini(void)
{
	/* free_inode() runs after a grace period */
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}

static void free_inode(struct rcu_head *rcu)
{
	struct zuf_inode *zii = ZUF_I(container_of(rcu, struct inode, i_rcu));

	kfree(zii->symlink);
	kmem_cache_free(inode_cache, zii);
}

/* The VFS no longer uses the inode, and nor does the server. */
static void tag_release(struct zuf_put_tag *tag)
{
	call_rcu(&container_of(tag, struct zuf_inode, tag)->vfs_inode.i_rcu, free_inode);
}

/*
 * What a write has made of the file may be lost with its put: the next fsync(2) of each open file
 * says so. An evicted inode has no open file; its super-block may be gone.
 */
static void put_is_lost(struct zuf_put_tag *tag)
{
	errseq_set(&container_of(tag, struct zuf_inode, tag)->vfs_inode.i_data.wb_err, -EIO);
}

struct inode *zuf_alloc_inode(struct super_block *sb)
{
	struct zuf_inode *zii = alloc_inode_sb(sb, inode_cache, GFP_KERNEL);

	if (!zii)
		return NULL;
	zii->zi = NULL;
	zii->zus_ii = 0;
	zii->win_id = 0;
	zii->symlink = NULL;
	zii->btime_ns = 0;
	zii->declared_flags = 0;
	zuf_put_tag_init(&zii->tag, &ZUF_SB(sb)->sbid->ep, tag_release);
	if (!(ZUF_SB(sb)->fs_caps & ZUFS_FSC_PUT_EMPTY))
		zii->tag.lost = put_is_lost;
	zuf_end_init(&zii->end);
	zii->mapped = NULL;
	zii->stale = 0;
	zii->unsent = 0;
	zii->riding_attr = 0;
	zii->tail_end = 0;
	zii->tail_known = false;
	return &zii->vfs_inode;
}

/* Puts, or the inode's item, may still refer to the inode (ends.h). */
void zuf_destroy_inode(struct inode *inode)
{
	zuf_end_vfs_done(inode);
}

/* ---- checks of what the server returns ---- */

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

static bool ids_are_valid(const struct zus_inode *zi)
{
	return uid_valid(make_kuid(&init_user_ns, le32_to_cpu(zi->i_uid))) &&
	       gid_valid(make_kgid(&init_user_ns, le32_to_cpu(zi->i_gid)));
}

/* @zi must be a private copy. */
static int check_zi(const struct super_block *sb, const struct zus_inode *zi, bool unlinked)
{
	umode_t mode = le16_to_cpu(zi->i_mode);

	if (!type_is_known(mode) || (!zi->i_nlink && !unlinked))
		return -ESTALE;
	if (zi->i_ino && le32_to_cpu(zi->i_nlink) <= ZUF_LINK_MAX && ids_are_valid(zi) &&
	    zuf_size_is_valid(sb, mode, le64_to_cpu(zi->i_size)) &&
	    zuf_blocks_are_valid(sb, le64_to_cpu(zi->i_blocks)))
		return 0;
	pr_warn_ratelimited("sb %llu: the server's inode %llu is invalid\n",
			    ZUF_SB(sb)->sb_id, le64_to_cpu(zi->i_ino));
	return -EIO;
}

/* Find a shared inode, copy it once and check the copy. NULL: *@err says why. */
static struct zus_inode __shm *read_zi(const struct super_block *sb, u64 zi_dpp, bool unlinked,
				       struct zus_inode *copy, int *err)
{
	struct zus_inode __shm *zi = zuf_t1_addr(ZUF_SB(sb)->devs, zi_dpp, sizeof(*zi));

	*err = -EIO;
	if (!zi || shm_take_mc(copy, zi, sizeof(*copy)))
		return NULL;
	*err = check_zi(sb, copy, unlinked);
	return *err ? NULL : zi;
}

/* ---- messages ---- */

void zuf_inode_forget(struct super_block *sb, u64 zus_ii, bool unlinked)
{
	if (!zus_ii)
		return;
	if (unlinked)
		zuf_evict_send(ZUF_SB(sb), zus_ii, ZUFS_OP_FREE_INODE);
	else
		zuf_evict_send_race(ZUF_SB(sb), zus_ii, NULL);
}

void zuf_evict_inode(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);
	bool is_known = zii->zi;

	if (is_known)
		zuf_version_leave(inode);
	truncate_inode_pages_final(&inode->i_data);
	if (is_known)
		zuf_settle_evict(inode);
	clear_inode(inode);
	/* the server may reuse the shared inode from here on */
	zii->zi = NULL;
	if (is_known)
		zuf_evict_end(inode);
	if (!zuf_pins_keep(inode, NULL))
		zuf_mapped_free(inode);
}

/* ---- inodes ---- */

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

/* Fill in the fields that have no place in the VFS inode. */
static void fill_own(struct inode *inode, const struct zus_inode *zi)
{
	const struct zuf_sb *zsb = ZUF_SB(inode->i_sb);
	struct zuf_inode *zii = ZUF_I(inode);

	zii->declared_flags = le16_to_cpu(zi->i_flags) & zsb->declared_flags;
	if (zsb->fs_caps & ZUFS_FSC_BTIME)
		zii->btime_ns = le64_to_cpu(zi->i_birth.btime);
}

/* Fill in all fields from a checked private copy. */
static int fill_inode(struct inode *inode, const struct zus_inode *zi)
{
	inode->i_mode = le16_to_cpu(zi->i_mode);
	inode->i_uid = make_kuid(&init_user_ns, le32_to_cpu(zi->i_uid));
	inode->i_gid = make_kgid(&init_user_ns, le32_to_cpu(zi->i_gid));
	inode->i_generation = le64_to_cpu(zi->i_generation);
	inode->i_flags |= le16_to_cpu(zi->i_flags) & ZUF_SHARED_FLAGS;
	fill_own(inode, zi);
	set_nlink(inode, le32_to_cpu(zi->i_nlink));
	i_size_write(inode, le64_to_cpu(zi->i_size));
	zuf_inode_set_blocks(inode, le64_to_cpu(zi->i_blocks));
	ZUF_I(inode)->tail_known = !zi->i_blocks;
	inode_set_atime_to_ts(inode, zuf_time_from(inode, zi->i_atime));
	inode_set_mtime_to_ts(inode, zuf_time_from(inode, zi->i_mtime));
	inode_set_ctime_to_ts(inode, zuf_time_from(inode, zi->i_ctime));
	zuf_version_init(inode);
	if (!zi->i_xattr)
		cache_no_acl(inode);
	zuf_inode_set_ops(inode, le32_to_cpu(zi->i_rdev));
	return S_ISLNK(inode->i_mode) ? zuf_symlink_load(inode, zi) : 0;
}

/* Is the cached inode the one that the server returned? */
static bool is_same_inode(struct inode *inode, const struct zus_inode *zi)
{
	/* names that killed programs have added or removed: the server knows them */
	zuf_settle_look(inode);
	return (inode->i_nlink || zuf_is_stale(inode)) &&
	       inode->i_generation == (u32)le64_to_cpu(zi->i_generation) &&
	       ((inode->i_mode ^ le16_to_cpu(zi->i_mode)) & S_IFMT) == 0;
}

/* The SETATTR of a killed chmod must be sent again, for the new inode. */
static void inode_inherit(struct inode *inode, u32 attr)
{
	struct zuf_inode *zii = ZUF_I(inode);

	if (likely(!attr))
		return;
	spin_lock(&inode->i_lock);
	zii->unsent |= attr;
	WRITE_ONCE(zii->stale, zii->stale | ZUF_STALE_ATTR);
	spin_unlock(&inode->i_lock);
}

/*
 * As iget_locked(), but make a new inode only when nothing is left to be sent about the last
 * inode with this number. A task that waits for that must not hold a new inode: others would
 * wait for that inode, and nothing ends their wait.
 */
static struct inode *get_locked(struct super_block *sb, u64 ino)
{
	struct zuf_sbid *sbid = ZUF_SB(sb)->sbid;
	struct inode *inode;
	int err;

	for (;;) {
		err = zuf_end_wait_ino(sbid, ino);
		if (err)
			return ERR_PTR(err);
		inode = iget_locked(sb, ino);
		if (!inode)
			return ERR_PTR(-ENOMEM);
		if (!(inode_state_read_once(inode) & I_NEW))
			return inode;
		inode_inherit(inode, zuf_end_inherit(sbid, ino));
		if (!zuf_end_has_ino(sbid, ino))
			return inode;
		/* the last inode was evicted just now */
		iget_failed(inode);
	}
}

struct inode *zuf_iget(struct super_block *sb, u64 zi_dpp, u64 zus_ii)
{
	struct zus_inode __shm *zi;
	struct zus_inode copy;
	struct inode *inode;
	int err;

	zi = read_zi(sb, zi_dpp, false, &copy, &err);
	if (!zi)
		goto err_forget;
	inode = get_locked(sb, le64_to_cpu(copy.i_ino));
	if (IS_ERR(inode)) {
		err = PTR_ERR(inode);
		goto err_forget;
	}
	if (!(inode_state_read_once(inode) & I_NEW)) {
		if (is_same_inode(inode, &copy)) {
			if (zus_ii)
				zuf_evict_send_race(ZUF_SB(sb), zus_ii, inode);
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
	zuf_pins_take(inode);
	unlock_new_inode(inode);
	return inode;

err_inode:
	if (ZUF_I(inode)->unsent) {
		/* the evict of this inode passes that on, and gives the cookie back */
		ZUF_I(inode)->zi = zi;
		ZUF_I(inode)->zus_ii = zus_ii;
		iget_failed(inode);
		return ERR_PTR(err);
	}
	iget_failed(inode);
err_forget:
	zuf_inode_forget(sb, zus_ii, false);
	return ERR_PTR(err);
}

int zuf_inode_adopt(struct inode *inode, u64 zi_dpp, u64 zus_ii, bool unlinked)
{
	struct super_block *sb = inode->i_sb;
	struct zus_inode __shm *zi;
	struct zus_inode copy;
	int err;

	zi = read_zi(sb, zi_dpp, unlinked, &copy, &err);
	if (!zi || ((le16_to_cpu(copy.i_mode) ^ inode->i_mode) & S_IFMT))
		goto err_forget;
	inode->i_ino = le64_to_cpu(copy.i_ino);
	inode->i_generation = le64_to_cpu(copy.i_generation);
	fill_own(inode, &copy);
	zuf_inode_set_blocks(inode, le64_to_cpu(copy.i_blocks));
	zuf_version_init(inode);
	if (S_ISDIR(inode->i_mode))
		i_size_write(inode, le64_to_cpu(copy.i_size));
	if (insert_inode_locked(inode)) {
		pr_warn_ratelimited("sb %llu: the server's new inode %llu exists already\n",
				    ZUF_SB(sb)->sb_id, (u64)inode->i_ino);
		goto err_forget;
	}
	ZUF_I(inode)->zi = zi;
	ZUF_I(inode)->zus_ii = zus_ii;
	ZUF_I(inode)->tail_known = true;
	if (unlinked) {
		shm_store(&zi->i_nlink, 0);
		clear_nlink(inode);
	} else {
		set_nlink(inode, le32_to_cpu(copy.i_nlink));
	}
	return 0;

err_forget:
	zuf_inode_forget(sb, zus_ii, unlinked);
	return -EIO;
}

static int take_inode(struct inode *inode, zuf_ino_t ino, void *going)
{
	if (inode->i_ino != ino)
		return 0;
	if (igrab(inode))
		return 1;
	/* pairs with the lock of zuf_pins_keep() */
	*(bool *)going = zuf_mapped_of(inode);
	return -1;
}

struct inode *zuf_inode_find(struct super_block *sb, u64 ino, bool *going)
{
	*going = false;
	return find_inode_nowait(sb, ino, take_inode, going);
}
