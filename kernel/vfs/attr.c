// SPDX-License-Identifier: GPL-2.0-only
/*
 * attr.c - attributes: what stat shows, what chmod, chown, utimes set
 *
 * The kernel owns mode, owner and timestamps, the server size, link count and blocks. A change
 * of the former is written to the shared inode first and then sent (SETATTR), so that the server
 * persists what it finds; if the server refuses, the old values are restored. The size changes
 * by FALLOCATE with ZUFS_FL_TRUNCATE. Callers hold the inode lock exclusively, except for
 * zuf_update_time() and zuf_getattr().
 */
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/user_namespace.h>

#include "attr.h"
#include "dispatch.h"
#include "flags.h"
#include "inode.h"
#include "mend.h"
#include "messages.h"
#include "sb.h"
#include "settle.h"
#include "space.h"
#include "version.h"

/* ---- times ---- */

static __le64 time_to(struct timespec64 time)
{
	return cpu_to_le64(timespec64_to_ns(&time));
}

void zuf_inode_publish(struct inode *inode, u32 statx_bits)
{
	struct zus_inode __shm *zi = ZUF_I(inode)->zi;

	if (statx_bits & STATX_MODE)
		shm_store(&zi->i_mode, cpu_to_le16(inode->i_mode));
	if (statx_bits & STATX_UID)
		shm_store(&zi->i_uid, cpu_to_le32(from_kuid(&init_user_ns, inode->i_uid)));
	if (statx_bits & STATX_GID)
		shm_store(&zi->i_gid, cpu_to_le32(from_kgid(&init_user_ns, inode->i_gid)));
	if (statx_bits & STATX_ATIME)
		shm_store(&zi->i_atime, time_to(inode_get_atime(inode)));
	if (statx_bits & STATX_MTIME)
		shm_store(&zi->i_mtime, time_to(inode_get_mtime(inode)));
	if (statx_bits & STATX_CTIME)
		shm_store(&zi->i_ctime, time_to(inode_get_ctime(inode)));
}

static void set_times(struct inode *inode, struct timespec64 now, u32 statx_bits)
{
	if (statx_bits & STATX_ATIME)
		inode_set_atime_to_ts(inode, now);
	if (statx_bits & STATX_MTIME)
		inode_set_mtime_to_ts(inode, now);
	if (statx_bits & STATX_CTIME) {
		now = zuf_version_change(inode, inode_get_ctime(inode), now);
		inode_set_ctime_to_ts(inode, now);
	}
	zuf_inode_publish(inode, statx_bits & (STATX_ATIME | STATX_MTIME | STATX_CTIME));
}

void zuf_inode_touch(struct inode *inode, u32 statx_bits)
{
	set_times(inode, current_time(inode), statx_bits);
}

void zuf_touch_start(struct zuf_touch *touch, struct inode *inode, u32 statx_bits)
{
	touch->inode = inode;
	touch->statx_bits = statx_bits;
	touch->mtime = inode_get_mtime(inode);
	touch->ctime = inode_get_ctime(inode);
	zuf_inode_touch(inode, statx_bits);
}

void zuf_touch_end(struct zuf_touch *touch, int err)
{
	struct inode *inode = touch->inode;

	if (err && !zuf_outcome_unknown(err)) {
		if (touch->statx_bits & STATX_MTIME)
			inode_set_mtime_to_ts(inode, touch->mtime);
		if (touch->statx_bits & STATX_CTIME)
			inode_set_ctime_to_ts(inode, touch->ctime);
		zuf_inode_publish(inode, touch->statx_bits);
	}
	zuf_inode_refresh(inode);
}

/* The server gets no message: it persists the timestamps with its next operation. */
int zuf_update_time(struct inode *inode, struct timespec64 now, u32 statx_bits)
{
	set_times(inode, now, statx_bits);
	return 0;
}

/* ---- stat ---- */

int zuf_getattr(struct zuf_idmap *idmap, const struct path *path,
		struct kstat *stat, u32 request_mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	int err;

	zuf_settle_look(inode);
	err = zuf_inode_refresh_blocks(inode);
	if (unlikely(err))
		return err;
	generic_fillattr(idmap, request_mask, inode, stat);
	generic_fill_statx_attr(inode, stat);
	zuf_flags_fill_statx(inode, stat);
	if ((request_mask & STATX_BTIME) && (ZUF_SB(inode->i_sb)->fs_caps & ZUFS_FSC_BTIME)) {
		stat->result_mask |= STATX_BTIME;
		stat->btime = timestamp_truncate(ns_to_timespec64(ZUF_I(inode)->btime_ns), inode);
	}
	/* programs allocate buffers of this size */
	stat->blksize = clamp_t(u32, stat->blksize, SECTOR_SIZE, SZ_2M);
	/*
	 * There is no page cache to bypass, so every position and address is allowed. But loop
	 * devices of newer kernels use the alignment of positions as the size of their sectors.
	 */
	if ((request_mask & STATX_DIOALIGN) && S_ISREG(inode->i_mode)) {
		stat->result_mask |= STATX_DIOALIGN;
		stat->dio_mem_align = 1;
		stat->dio_offset_align = SECTOR_SIZE;
	}
	return 0;
}

/* ---- setattr ---- */

/* What setattr_copy() changes; restored if the server refuses. */
struct old_attr {
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	struct timespec64 atime, mtime, ctime;
};

static void save_attr(const struct inode *inode, struct old_attr *old)
{
	old->mode = inode->i_mode;
	old->uid = inode->i_uid;
	old->gid = inode->i_gid;
	old->atime = inode_get_atime(inode);
	old->mtime = inode_get_mtime(inode);
	old->ctime = inode_get_ctime(inode);
}

static void restore_attr(struct inode *inode, const struct old_attr *old, u32 statx_bits)
{
	inode->i_mode = old->mode;
	inode->i_uid = old->uid;
	inode->i_gid = old->gid;
	if (statx_bits & STATX_ATIME)
		inode_set_atime_to_ts(inode, old->atime);
	if (statx_bits & STATX_MTIME)
		inode_set_mtime_to_ts(inode, old->mtime);
	if (statx_bits & STATX_CTIME)
		inode_set_ctime_to_ts(inode, old->ctime);
	zuf_inode_publish(inode, statx_bits);
}

static u32 statx_bits_of(unsigned int ia_valid)
{
	return (ia_valid & ATTR_MODE ? STATX_MODE : 0) |
	       (ia_valid & ATTR_UID ? STATX_UID : 0) |
	       (ia_valid & ATTR_GID ? STATX_GID : 0) |
	       (ia_valid & ATTR_ATIME ? STATX_ATIME : 0) |
	       (ia_valid & ATTR_MTIME ? STATX_MTIME : 0) |
	       (ia_valid & ATTR_CTIME ? STATX_CTIME : 0);
}

int zuf_setattr_send(struct inode *inode, u32 statx_bits)
{
	struct zufs_ioc_attr msg;
	struct zuf_op op = ZUF_OP(&msg, ZUF_INODE(inode, struct zufs_ioc_attr, zus_ii));

	zuf_setattr_fill(&msg, statx_bits);
	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

/*
 * An access ACL has the mode's bits, too: send it, and all other attributes with it. Return: 0; 1:
 * there is no ACL; -errno.
 */
static int send_with_acl(struct zuf_idmap *idmap, struct dentry *dentry, u32 bits)
{
	struct inode *inode = d_inode(dentry);
	struct zuf_inode *zii = ZUF_I(inode);
	int err;

	zii->riding_attr = bits;
	err = zuf_acl_chmod(idmap, dentry, inode->i_mode);
	if (!err && zii->riding_attr)
		err = 1;
	zii->riding_attr = 0;
	/* the server will find the new values */
	if (err == -EINTR && zuf_is_stale(inode))
		zuf_settle_unsent(inode, bits);
	return err;
}

/* Return: 0 or -errno; *@sent: SETATTR has told the server the new attributes. */
static int send_attr(struct zuf_idmap *idmap, struct dentry *dentry, u32 bits, bool *sent)
{
	struct inode *inode = d_inode(dentry);
	bool rides = (bits & STATX_MODE) && (ZUF_SB(inode->i_sb)->fs_caps & ZUFS_FSC_ACL_MODE);
	int err = rides ? send_with_acl(idmap, dentry, bits) : 1;

	*sent = false;
	if (err <= 0)
		return err;
	err = zuf_setattr_send(inode, bits);
	*sent = !err;
	if (err || rides || !(bits & STATX_MODE))
		return err;
	return zuf_acl_chmod(idmap, dentry, inode->i_mode);
}

static int set_attr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr, u32 bits)
{
	struct inode *inode = d_inode(dentry);
	struct old_attr old;
	bool sent;
	int err;

	save_attr(inode, &old);
	setattr_copy(idmap, inode, attr);
	if (bits & STATX_CTIME)
		inode_set_ctime_to_ts(inode, zuf_version_change(inode, old.ctime,
								inode_get_ctime(inode)));
	zuf_inode_publish(inode, bits);
	err = send_attr(idmap, dentry, bits, &sent);
	if (!err)
		return 0;
	/* the server will find the new values: they stay, and are sent to it once more */
	if (err == -EINTR && (READ_ONCE(ZUF_I(inode)->stale) & ZUF_STALE_ATTR))
		return err;
	restore_attr(inode, &old, bits);
	if (sent)
		zuf_setattr_send(inode, bits);
	return err;
}

int zuf_setattr(struct zuf_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	bool resized = false;
	u32 bits;
	int err;

	/* the VFS checks this for some attributes only */
	if (IS_IMMUTABLE(inode))
		return -EPERM;
	/* newer kernels return this error themselves */
	if (S_ISLNK(inode->i_mode) && (attr->ia_valid & ATTR_MODE))
		return -EOPNOTSUPP;
	err = zuf_settle_change(inode, 0);
	if (err)
		return err;
	err = setattr_prepare(idmap, dentry, attr);
	if (err)
		return err;
	if (attr->ia_valid & ATTR_SIZE) {
		resized = attr->ia_size != i_size_read(inode);
		err = zuf_truncate(inode, attr->ia_size);
		if (err)
			return err;
		/* truncate(2) changes the timestamps even if the file has that size already */
		if (!resized)
			attr->ia_valid |= ATTR_MTIME | ATTR_CTIME;
	}
	bits = statx_bits_of(attr->ia_valid);
	/* the change of size has set these timestamps to now already */
	if (resized && !(attr->ia_valid & (ATTR_MTIME_SET | ATTR_ATIME_SET)) &&
	    !(bits & ~(STATX_MTIME | STATX_CTIME)))
		bits = 0;
	return bits ? set_attr(idmap, dentry, attr, bits) : 0;
}
