// SPDX-License-Identifier: GPL-2.0-only
/*
 * flags.c - append, immutable, noatime, sync, dirsync; the generation of an inode
 *
 * The VFS inode's i_flags decide. They are copied to the shared inode, then SETATTR
 * tells of it; a refusal brings the old ones back. All bits of the shared i_flags that
 * are not named here are the server's. FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR and their
 * opposites come through the VFS, which has checked the permission and holds the inode
 * lock of a change.
 */
#include <linux/fileattr.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "dispatch.h"
#include "flags.h"
#include "inode.h"
#include "ioctl.h"
#include "super.h"

static const struct {
	u32 fs;			/* FS_*_FL */
	u16 vfs;		/* S_*, in i_flags of both inodes */
} flag_map[] = {
	{ FS_SYNC_FL, S_SYNC },
	{ FS_NOATIME_FL, S_NOATIME },
	{ FS_APPEND_FL, S_APPEND },
	{ FS_IMMUTABLE_FL, S_IMMUTABLE },
	{ FS_DIRSYNC_FL, S_DIRSYNC },
};

static u32 fs_flags_of(const struct inode *inode)
{
	u32 flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flag_map); i++)
		if (inode->i_flags & flag_map[i].vfs)
			flags |= flag_map[i].fs;
	return flags;
}

/* What this kind of inode may have. */
static u32 known_flags(const struct inode *inode)
{
	u32 flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flag_map); i++)
		flags |= flag_map[i].fs;
	return S_ISDIR(inode->i_mode) ? flags : flags & ~FS_DIRSYNC_FL;
}

static unsigned int vfs_flags_of(u32 fs_flags)
{
	unsigned int flags = 0, i;

	for (i = 0; i < ARRAY_SIZE(flag_map); i++)
		if (fs_flags & flag_map[i].fs)
			flags |= flag_map[i].vfs;
	return flags;
}

static int send_setattr(struct inode *inode, u32 bits)
{
	struct zufs_ioc_attr msg = {
		.hdr = ZUF_HDR(ZUFS_OP_SETATTR, sizeof(msg), 0, sizeof(msg)),
		.zus_ii = ZUF_I(inode)->zus_ii,
		.zuf_attr = bits,
	};
	struct zuf_op op = ZUF_OP(&msg, .inode = inode);

	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

/* Both inodes get these flags; the others stay as they are. */
static void set_flags(struct inode *inode, unsigned int flags)
{
	struct zus_inode *zi = ZUF_I(inode)->zi;
	u16 others = le16_to_cpu(READ_ONCE(zi->i_flags)) & ~ZUF_SHARED_FLAGS;

	inode_set_flags(inode, flags, ZUF_SHARED_FLAGS);
	WRITE_ONCE(zi->i_flags, cpu_to_le16(others | flags));
}

static bool is_fixed(const struct inode *inode)
{
	return le16_to_cpu(READ_ONCE(ZUF_I(inode)->zi->i_flags)) & ZUFS_S_IMMUTABLE;
}

/* What is write-mapped faults again, and is refused. */
static void end_stores(struct inode *inode)
{
	filemap_invalidate_lock(inode->i_mapping);
	unmap_mapping_range(inode->i_mapping, 0, 0, 0);
	filemap_invalidate_unlock(inode->i_mapping);
}

static int change_flags(struct inode *inode, unsigned int flags)
{
	unsigned int old = inode->i_flags & ZUF_SHARED_FLAGS;
	struct zuf_touch touch;
	int err;

	zuf_touch_start(&touch, inode, STATX_CTIME);
	set_flags(inode, flags);
	if (flags & ~old & S_IMMUTABLE)
		end_stores(inode);
	err = send_setattr(inode, ZUFS_STATX_FLAGS | STATX_CTIME);
	if (err && !zuf_outcome_unknown(err))
		set_flags(inode, old);
	zuf_touch_end(&touch, err);
	return err;
}

int zuf_fileattr_get(struct dentry *dentry, struct file_kattr *fa)
{
	fileattr_fill_flags(fa, fs_flags_of(d_inode(dentry)));
	return 0;
}

int zuf_fileattr_set(struct zuf_idmap *idmap, struct dentry *dentry, struct file_kattr *fa)
{
	struct inode *inode = d_inode(dentry);

	if (fileattr_has_fsx(fa) || (fa->flags & ~known_flags(inode)))
		return -EOPNOTSUPP;
	if (is_fixed(inode))
		return fa->flags == fs_flags_of(inode) ? 0 : -EPERM;
	/* it goes alone */
	if (IS_IMMUTABLE(inode) && (fa->flags & FS_IMMUTABLE_FL) &&
	    fa->flags != fs_flags_of(inode))
		return -EPERM;
	return change_flags(inode, vfs_flags_of(fa->flags));
}

/* ---- generation ---- */

int zuf_get_generation(struct inode *inode, int __user *user)
{
	return put_user(inode->i_generation, user);
}

static int change_generation(struct inode *inode, u32 generation)
{
	struct zus_inode *zi = ZUF_I(inode)->zi;
	__le64 old_shared = READ_ONCE(zi->i_generation);
	u32 old = inode->i_generation;
	struct zuf_touch touch;
	int err;

	zuf_touch_start(&touch, inode, STATX_CTIME);
	inode->i_generation = generation;
	WRITE_ONCE(zi->i_generation, cpu_to_le64(generation));
	err = send_setattr(inode, ZUFS_STATX_VERSION | STATX_CTIME);
	if (err && !zuf_outcome_unknown(err)) {
		inode->i_generation = old;
		WRITE_ONCE(zi->i_generation, old_shared);
	}
	zuf_touch_end(&touch, err);
	return err;
}

int zuf_set_generation(struct file *file, const int __user *user)
{
	struct inode *inode = file_inode(file);
	u32 generation;
	int err;

	if (!inode_owner_or_capable(file_mnt_idmap(file), inode))
		return -EPERM;
	err = mnt_want_write_file(file);
	if (err)
		return err;
	err = get_user(generation, user);
	if (!err) {
		inode_lock(inode);
		err = change_generation(inode, generation);
		inode_unlock(inode);
	}
	mnt_drop_write_file(file);
	return err;
}
