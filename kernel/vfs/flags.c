// SPDX-License-Identifier: GPL-2.0-only
/*
 * flags.c - flags of an inode, of the VFS and of the server; its generation
 *
 * Flags: append, immutable, noatime, sync, dirsync, and those that the server's type has declared.
 * The VFS inode's i_flags are authoritative. They are copied to the shared inode, then SETATTR
 * tells the server; if it refuses, the old flags are restored. Flags that the server's type has
 * declared are kept beside the VFS inode. All other bits of the shared i_flags belong to the
 * server. FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR and the ioctls that set them come through the VFS,
 * which has checked the permission and holds the inode lock for a change.
 */
#include <linux/fileattr.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "attr.h"
#include "dispatch.h"
#include "flags.h"
#include "inode.h"
#include "ioctl.h"
#include "mend.h"
#include "sb.h"
#include "settle.h"

static const struct {
	u32 fs;			/* FS_*_FL */
	u16 shared;		/* S_* of both inodes, or ZUFS_S_DECLARED; as in the shared
				 * i_flags */
} flag_map[] = {
	{ FS_SYNC_FL, S_SYNC },
	{ FS_NOATIME_FL, S_NOATIME },
	{ FS_APPEND_FL, S_APPEND },
	{ FS_IMMUTABLE_FL, S_IMMUTABLE },
	{ FS_DIRSYNC_FL, S_DIRSYNC },
	{ FS_NODUMP_FL, ZUFS_S_NODUMP },
	{ FS_COMPR_FL, ZUFS_S_COMPR },
	{ FS_NOCOW_FL, ZUFS_S_NOCOW },
	{ FS_NOTAIL_FL, ZUFS_S_NOTAIL },
	{ FS_TOPDIR_FL, ZUFS_S_TOPDIR },
	{ FS_JOURNAL_DATA_FL, ZUFS_S_JOURNAL_DATA },
	{ FS_SECRM_FL, ZUFS_S_SECRM },
	{ FS_UNRM_FL, ZUFS_S_UNRM },
};

static_assert(!(ZUF_SHARED_FLAGS & (ZUFS_S_DECLARED | ZUFS_S_IMMUTABLE)));

/* Flags that the inode has, as they are in its shared i_flags. */
static u16 shared_flags(const struct inode *inode)
{
	return (inode->i_flags & ZUF_SHARED_FLAGS) | ZUF_I(inode)->declared_flags;
}

/* Flags that the kernel may change, too: all others are the server's alone. */
static u16 our_flags(const struct inode *inode)
{
	return ZUF_SHARED_FLAGS | ZUF_SB(inode->i_sb)->declared_flags;
}

static u32 fs_flags_from(u16 shared)
{
	u32 flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flag_map); i++)
		if (shared & flag_map[i].shared)
			flags |= flag_map[i].fs;
	return flags;
}

static u32 fs_flags_of(const struct inode *inode)
{
	return fs_flags_from(shared_flags(inode));
}

/* Flags that this kind of inode may have. */
static u32 known_flags(const struct inode *inode)
{
	u32 flags = fs_flags_from(our_flags(inode));

	return S_ISDIR(inode->i_mode) ? flags : flags & ~(FS_DIRSYNC_FL | FS_TOPDIR_FL);
}

static u16 shared_flags_from(u32 fs_flags)
{
	unsigned int i;
	u16 flags = 0;

	for (i = 0; i < ARRAY_SIZE(flag_map); i++)
		if (fs_flags & flag_map[i].fs)
			flags |= flag_map[i].shared;
	return flags;
}

static int send_setattr(struct inode *inode, u32 bits)
{
	struct zufs_ioc_attr msg = {
		.hdr = ZUF_HDR(ZUFS_OP_SETATTR, sizeof(msg), 0, sizeof(msg)),
		.zuf_attr = bits,
	};
	struct zuf_op op = ZUF_OP(&msg, ZUF_INODE(inode, struct zufs_ioc_attr, zus_ii));

	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

/*
 * May the change still take effect? The SETATTR of a killed task is left to the server, and sent
 * again (as in set_attr()); that of an interrupted task has not been executed.
 */
static bool zuf_may_be_set(struct inode *inode, int err)
{
	return err == -EIO ||
	       (err == -EINTR && (READ_ONCE(ZUF_I(inode)->stale) & ZUF_STALE_ATTR));
}

/* Set these flags in both inodes; @others are those of the server in the shared inode. */
static void set_flags(struct inode *inode, u16 flags, u16 others)
{
	struct zus_inode __shm *zi = ZUF_I(inode)->zi;

	inode_set_flags(inode, flags & ZUF_SHARED_FLAGS, ZUF_SHARED_FLAGS);
	ZUF_I(inode)->declared_flags = flags & ZUF_SB(inode->i_sb)->declared_flags;
	shm_store(&zi->i_flags, cpu_to_le16(others | flags));
}

/* Has the server fixed the flags? Return: 1, 0 or -EIO. */
static int is_fixed(const struct inode *inode)
{
	__le16 flags;

	return zuf_zi_load(inode, i_flags, &flags) ?:
	       !!(le16_to_cpu(flags) & ZUFS_S_IMMUTABLE);
}

/* Unmap: a task that has the file mapped for writing faults again, and is refused. */
static int end_stores(struct inode *inode)
{
	int err = zuf_lock_mapping_killable(inode->i_mapping);

	if (err)
		return err;
	unmap_mapping_range(inode->i_mapping, 0, 0, 0);
	filemap_invalidate_unlock(inode->i_mapping);
	return 0;
}

static int change_flags(struct inode *inode, u16 flags)
{
	u16 old = shared_flags(inode), others;
	struct zuf_touch touch;
	bool sent = false;
	__le16 shared;
	int err = zuf_settle_change(inode, 0) ?: zuf_zi_load(inode, i_flags, &shared);

	if (err)
		return err;
	others = le16_to_cpu(shared) & ~our_flags(inode);
	zuf_touch_start(&touch, inode, STATX_CTIME);
	set_flags(inode, flags, others);
	if (flags & ~old & S_IMMUTABLE)
		err = end_stores(inode);
	if (!err) {
		err = send_setattr(inode, ZUFS_STATX_FLAGS | STATX_CTIME);
		sent = zuf_may_be_set(inode, err);
	}
	if (err && !sent)
		set_flags(inode, old, others);
	zuf_touch_end(&touch, err);
	return err;
}

u16 zuf_flags_inherited(const struct inode *dir, umode_t mode)
{
	u16 flags = S_NOATIME | ZUFS_S_NODUMP;

	if (S_ISREG(mode) || S_ISDIR(mode))
		flags |= S_SYNC | (ZUFS_S_DECLARED & ~ZUFS_S_TOPDIR);
	if (S_ISDIR(mode))
		flags |= S_DIRSYNC;
	return shared_flags(dir) & flags;
}

void zuf_flags_fill_statx(const struct inode *inode, struct kstat *stat)
{
	u16 has = READ_ONCE(ZUF_I(inode)->declared_flags);
	u16 may_have = ZUF_SB(inode->i_sb)->declared_flags;

	if (has & ZUFS_S_NODUMP)
		stat->attributes |= STATX_ATTR_NODUMP;
	if (has & ZUFS_S_COMPR)
		stat->attributes |= STATX_ATTR_COMPRESSED;
	if (may_have & ZUFS_S_NODUMP)
		stat->attributes_mask |= STATX_ATTR_NODUMP;
	if (may_have & ZUFS_S_COMPR)
		stat->attributes_mask |= STATX_ATTR_COMPRESSED;
}

int zuf_fileattr_get(struct dentry *dentry, struct file_kattr *fa)
{
	fileattr_fill_flags(fa, fs_flags_of(d_inode(dentry)));
	return 0;
}

int zuf_fileattr_set(struct zuf_idmap *idmap, struct dentry *dentry, struct file_kattr *fa)
{
	struct inode *inode = d_inode(dentry);
	int fixed;

	if (fileattr_has_fsx(fa) || (fa->flags & ~known_flags(inode)))
		return -EOPNOTSUPP;
	fixed = is_fixed(inode);
	if (fixed < 0)
		return fixed;
	if (fixed)
		return fa->flags == fs_flags_of(inode) ? 0 : -EPERM;
	/* an immutable inode can change no flag while it stays immutable */
	if (IS_IMMUTABLE(inode) && (fa->flags & FS_IMMUTABLE_FL) &&
	    fa->flags != fs_flags_of(inode))
		return -EPERM;
	return change_flags(inode, shared_flags_from(fa->flags));
}

/* ---- generation ---- */

int zuf_get_generation(struct inode *inode, int __user *user)
{
	return put_user(inode->i_generation, user);
}

static int change_generation(struct inode *inode, u32 generation)
{
	struct zus_inode __shm *zi = ZUF_I(inode)->zi;
	u32 old = inode->i_generation;
	struct zuf_touch touch;
	__le64 old_shared;
	int err = zuf_zi_load(inode, i_generation, &old_shared);

	if (err)
		return err;
	zuf_touch_start(&touch, inode, STATX_CTIME);
	inode->i_generation = generation;
	shm_store(&zi->i_generation, cpu_to_le64(generation));
	err = send_setattr(inode, ZUFS_STATX_VERSION | STATX_CTIME);
	if (err && !zuf_may_be_set(inode, err)) {
		inode->i_generation = old;
		shm_store(&zi->i_generation, old_shared);
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
	if (!err)
		err = zuf_lock_killable(inode);
	if (!err) {
		err = zuf_settle_change(inode, 0);
		if (!err)
			err = change_generation(inode, generation);
		inode_unlock(inode);
	}
	mnt_drop_write_file(file);
	return err;
}
