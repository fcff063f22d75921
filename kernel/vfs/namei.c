// SPDX-License-Identifier: GPL-2.0-only
/*
 * namei.c - names in directories: lookup, open of uncached names, link, unlink, rmdir, rename
 *
 * Each operation is one round trip. Timestamps are set in both inodes before the request and
 * restored if the server refuses; what the server owns (link counts, sizes) is re-read
 * afterwards. If nobody knows whether the server has executed the request (a fatal signal, the
 * server's death), the names are dropped from the cache, so that the next lookup asks. The VFS
 * holds the inode locks of the directories and of the inodes that are linked or unlinked.
 */
#include "attr.h"
#include "create.h"
#include "dispatch.h"
#include "fiemap.h"
#include "inode.h"
#include "ioctl.h"
#include "namei.h"
#include "rename.h"
#include "sb.h"
#include "sbid.h"
#include "settle.h"
#include "symlink.h"
#include "undo.h"
#include "xattr.h"

struct inode *zuf_lookup_name(struct inode *dir, const struct qstr *name)
{
	struct zufs_ioc_lookup msg = {
		.hdr = ZUF_HDR(ZUFS_OP_LOOKUP, offsetof(typeof(msg), _zi),
			       offsetof(typeof(msg), _zi),
			       sizeof(msg) - offsetof(typeof(msg), _zi)),
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_SHARED,
				  ZUF_INODE(dir, struct zufs_ioc_lookup, dir_ii),
				  ZUF_OUT(struct zufs_ioc_lookup, _zi, sizeof(msg)));
	int err;

	err = zuf_str_set(&msg.str, name);
	if (!err)
		err = zuf_dispatch(ZUF_SB(dir->i_sb), &op);
	if (!err && op.answered < sizeof(msg) - offsetof(typeof(msg), _zi))
		err = -EIO;
	return err ? ERR_PTR(err) : zuf_iget(dir->i_sb, msg._zi, msg.zus_ii);
}

static struct dentry *zuf_lookup(struct inode *dir, struct dentry *dentry,
				 unsigned int flags)
{
	struct inode *inode = zuf_lookup_name(dir, &dentry->d_name);

	if (inode == ERR_PTR(-ENOENT))
		inode = NULL;
	return d_splice_alias(inode, dentry);
}

/* ---- open ---- */

static int open_new(struct inode *dir, struct dentry *dentry, struct file *file, umode_t mode,
		    bool *made)
{
	int err = zuf_create_new(file_mnt_idmap(file), dir, dentry, mode, made);

	if (err)
		return err;
	file->f_mode |= FMODE_CREATED;
	return finish_no_open(file, NULL);
}

/*
 * After a create that ended with @err, may a lookup help? The name may exist, or the error may
 * matter only if the name does not exist.
 */
static bool is_worth_a_lookup(int err, bool made, unsigned int flags)
{
	return err && !made && !zuf_outcome_unknown(err) &&
	       !(err == -EEXIST && (flags & O_EXCL));
}

/*
 * Open a name that is not in the cache, or is cached as missing. With O_CREAT the caller mostly
 * means a new file. So a create is tried at once, if the server itself finds out that a name
 * exists. If the create fails, the open may still succeed on an existing name, so it is looked
 * up after all.
 */
static int zuf_atomic_open(struct inode *dir, struct dentry *dentry, struct file *file,
			   unsigned int flags, umode_t mode)
{
	bool finds_out = ZUF_SB(dir->i_sb)->fs_caps & ZUFS_FSC_NEW_EXCL;
	struct dentry *found = NULL;
	bool made = false;
	int err = 0;

	if ((flags & O_CREAT) && (finds_out || !d_in_lookup(dentry))) {
		err = open_new(dir, dentry, file, mode, &made);
		if (!finds_out || !is_worth_a_lookup(err, made, flags))
			return err;
	}
	if (d_unhashed(dentry)) {
		found = zuf_lookup(dir, dentry, 0);
		if (IS_ERR(found))
			return PTR_ERR(found);
	}
	if (found || !(flags & O_CREAT) || d_really_is_positive(dentry))
		return finish_no_open(file, found);
	if (!err)
		return open_new(dir, dentry, file, mode, &made);
	/* the name existed and no longer does: make the VFS start over */
	return err == -EEXIST ? -ESTALE : err;
}

/* If the task is killed, the step that was not done and those after it are left to the server. */
static int send_names(struct zuf_sb *zsb, struct zuf_op *op)
{
	int err = zuf_dispatch(zsb, op);

	if (unlikely(err && op->undo && fatal_signal_pending(current) && !op->undo->handed))
		zuf_undo_leave(op->undo, op, &zsb->sbid->ep);
	return err;
}

/* Send ADD_DENTRY or REMOVE_DENTRY, and update the timestamps that it changes. */
static int change_name(u16 operation, struct inode *dir, const struct qstr *name,
		       struct inode *inode, u32 op_flags, struct zuf_undo *undo)
{
	struct zufs_ioc_dentry msg = {
		.hdr = ZUF_HDR(operation, sizeof(msg), 0, sizeof(msg)),
	};
	const struct zuf_op_inode more[] = {
		{ dir, offsetof(struct zufs_ioc_dentry, zus_dir_ii) }, { }
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = op_flags | ZUF_OPF_NAMES, .more = more,
				  .undo = undo,
				  ZUF_INODE(inode, struct zufs_ioc_dentry, zus_ii));
	struct zuf_touch touch_dir, touch;
	int err;

	err = zuf_str_set(&msg.str, name);
	if (err)
		return err;
	zuf_touch_start(&touch_dir, dir, STATX_MTIME | STATX_CTIME);
	zuf_touch_start(&touch, inode, STATX_CTIME);
	err = send_names(ZUF_SB(dir->i_sb), &op);
	zuf_touch_end(&touch, err);
	zuf_touch_end(&touch_dir, err);
	return err;
}

static int change_dentry(u16 operation, struct inode *dir, struct dentry *dentry,
			 struct inode *inode)
{
	int err = change_name(operation, dir, &dentry->d_name, inode, 0, NULL);

	if (zuf_outcome_unknown(err))
		d_drop(dentry);
	return err;
}

int zuf_name_remove(struct inode *dir, const struct qstr *name, struct inode *inode,
		    u32 op_flags, struct zuf_undo *undo)
{
	return change_name(ZUFS_OP_REMOVE_DENTRY, dir, name, inode, op_flags, undo);
}

static int zuf_link(struct dentry *old_dentry, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(old_dentry);
	int err;

	if (inode->i_nlink >= ZUF_LINK_MAX)
		return -EMLINK;
	err = change_dentry(ZUFS_OP_ADD_DENTRY, dir, dentry, inode);
	if (err)
		return err;
	ihold(inode);
	d_instantiate(dentry, inode);
	return 0;
}

static int zuf_unlink(struct inode *dir, struct dentry *dentry)
{
	return change_dentry(ZUFS_OP_REMOVE_DENTRY, dir, dentry, d_inode(dentry));
}

/* A directory has one name: without the name it is gone, whatever the server's link count. */
static void directory_is_gone(struct inode *inode)
{
	spin_lock(&inode->i_lock);
	if (inode->i_nlink)
		clear_nlink(inode);
	spin_unlock(&inode->i_lock);
}

/*
 * The server finds files inside. It also finds directories if it does not count them (i_nlink 1:
 * many).
 */
static bool has_subdirs(const struct inode *inode)
{
	return S_ISDIR(inode->i_mode) && inode->i_nlink > 2;
}

static int zuf_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	int err = zuf_settle(inode, 0);

	if (err)
		return err;
	if (has_subdirs(inode))
		return -ENOTEMPTY;
	err = change_dentry(ZUFS_OP_REMOVE_DENTRY, dir, dentry, inode);
	if (!err)
		directory_is_gone(inode);
	return err;
}

/* ---- rename ---- */

static int check_rename(const struct zuf_rename *rn)
{
	const struct inode *target = rn->target;
	bool exchange = rn->flags & RENAME_EXCHANGE;
	bool gains, loses;

	if (rn->flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (target && !exchange && has_subdirs(target))
		return -ENOTEMPTY;
	if (rn->old_dir == rn->new_dir)
		return 0;
	/* does new_dir get a sub-directory, or give one up to old_dir, without one in return? */
	gains = S_ISDIR(rn->inode->i_mode) && !(target && S_ISDIR(target->i_mode));
	loses = exchange && S_ISDIR(target->i_mode) && !S_ISDIR(rn->inode->i_mode);
	if ((gains && rn->new_dir->i_nlink >= ZUF_LINK_MAX) ||
	    (loses && rn->old_dir->i_nlink >= ZUF_LINK_MAX))
		return -EMLINK;
	return 0;
}

static int send_rename(const struct zuf_rename *rn)
{
	struct timespec64 now = inode_get_ctime(rn->inode);
	struct zufs_ioc_rename_whiteout all;
	struct zufs_ioc_rename *msg = &all.rename;
	u16 len = rn->whiteout ? sizeof(all) : sizeof(*msg);
	struct zuf_op_inode more[ZUF_OP_INODES] = {
		{ rn->old_dir, offsetof(struct zufs_ioc_rename, old_dir_ii) },
		{ rn->new_dir, offsetof(struct zufs_ioc_rename, new_dir_ii) },
	}, *last = more + 2;
	struct zuf_op op = ZUF_OP(msg, .flags = ZUF_OPF_NAMES, .more = more, .undo = rn->undo,
				  ZUF_INODE(rn->inode, struct zufs_ioc_rename, old_zus_ii));
	int err;

	*msg = (struct zufs_ioc_rename){
		.hdr = ZUF_HDR(ZUFS_OP_RENAME, len, 0, len),
		.time = timespec64_to_ns(&now),
		.flags = rn->flags,
	};
	if (rn->whiteout)
		all.zi = *rn->whiteout;
	/* without a target its cookie stays 0 */
	if (rn->target)
		*last++ = (struct zuf_op_inode){ rn->target,
						 offsetof(struct zufs_ioc_rename, new_zus_ii) };
	/* this message does not have the inode, but the next step does */
	if (rn->undo && rn->undo->at == ZUF_UNDO_MOVE)
		*last++ = (struct zuf_op_inode){ rn->undo->inode };
	err = zuf_str_set(&msg->old_d_str, rn->old_name);
	if (!err)
		err = zuf_str_set(&msg->new_d_str, rn->new_name);
	if (!err)
		err = send_names(ZUF_SB(rn->inode->i_sb), &op);
	return err;
}

int zuf_rename_step(const struct zuf_rename *rn)
{
	struct zuf_touch touches[4];
	int err, nr = 0;

	zuf_touch_start(&touches[nr++], rn->inode, STATX_CTIME);
	zuf_touch_start(&touches[nr++], rn->old_dir, STATX_MTIME | STATX_CTIME);
	if (rn->new_dir != rn->old_dir)
		zuf_touch_start(&touches[nr++], rn->new_dir, STATX_MTIME | STATX_CTIME);
	if (rn->target)
		zuf_touch_start(&touches[nr++], rn->target, STATX_CTIME);
	err = send_rename(rn);
	while (nr--)
		zuf_touch_end(&touches[nr], err);
	if (!err && rn->target && S_ISDIR(rn->target->i_mode) &&
	    !(rn->flags & RENAME_EXCHANGE))
		directory_is_gone(rn->target);
	return err;
}

static int zuf_rename(struct zuf_idmap *idmap, struct inode *old_dir,
		      struct dentry *old_dentry, struct inode *new_dir,
		      struct dentry *new_dentry, unsigned int flags)
{
	struct zuf_rename rn = {
		.old_dir = old_dir, .new_dir = new_dir,
		.old_name = &old_dentry->d_name, .new_name = &new_dentry->d_name,
		.inode = d_inode(old_dentry), .target = d_inode(new_dentry),
		.flags = flags,
	};
	int err = rn.target ? zuf_settle(rn.target, 0) : 0;

	if (!err)
		err = check_rename(&rn);
	if (err)
		return err;
	err = flags & RENAME_WHITEOUT ? zuf_rename_whiteout(idmap, &rn) : zuf_rename_step(&rn);
	if (zuf_outcome_unknown(err)) {
		d_drop(old_dentry);
		d_drop(new_dentry);
	}
	return err;
}

const struct inode_operations zuf_dir_inode_ops = {
	.lookup		= zuf_lookup,
	.atomic_open	= zuf_atomic_open,
	.create		= zuf_op_create,
	.mknod		= zuf_mknod,
	.mkdir		= zuf_op_mkdir,
	.symlink	= zuf_symlink,
	.tmpfile	= zuf_tmpfile,
	.link		= zuf_link,
	.unlink		= zuf_unlink,
	.rmdir		= zuf_rmdir,
	.rename		= zuf_rename,
	.setattr	= zuf_setattr,
	.getattr	= zuf_getattr,
	.update_time	= zuf_op_update_time,
	.fiemap		= zuf_fiemap,
	.fileattr_get	= zuf_fileattr_get,
	.fileattr_set	= zuf_fileattr_set,
	.listxattr	= zuf_listxattr,
	ZUF_ACL_OPS
};
