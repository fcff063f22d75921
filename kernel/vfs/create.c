// SPDX-License-Identifier: GPL-2.0-only
/*
 * create.c - creation of inodes: files, directories, symbolic links, devices, tmpfiles
 *
 * The VFS inode is made first and describes what is wanted (zi of NEW_INODE). The server answers
 * with its own inode and cookie, and adds the name in the same operation. If the creation fails,
 * the inode is dropped before anyone has seen it; so is an inode that does not get the
 * attributes that belong to it (newattr.h). Callers hold the directory's inode lock exclusively.
 */
#include <linux/fs_struct.h>
#include <linux/user_namespace.h>

#include "create.h"
#include "attr.h"
#include "dispatch.h"
#include "flags.h"
#include "inode.h"
#include "namei.h"
#include "newattr.h"
#include "rename.h"
#include "sb.h"
#include "symlink.h"

/* Properties that a new inode must have. */
struct wish {
	umode_t mode;		/* including the file type */
	dev_t rdev;
	const char *target;	/* text of a symbolic link; else NULL */
	size_t target_len;
	bool tmpfile;		/* the inode gets no name */
	u32 op_flags;		/* ZUF_OPF_* */
	bool *made;		/* out: the server has made the inode, whatever failed later; or
				 * NULL */
};

int zuf_str_set(struct zufs_str *str, const struct qstr *name)
{
	if (name->len > ZUFS_NAME_LEN)
		return -ENAMETOOLONG;
	str->len = name->len;
	memcpy(str->name, name->name, name->len);
	return 0;
}

static void inherit_flags(struct inode *inode, const struct inode *dir)
{
	u16 flags = zuf_flags_inherited(dir, inode->i_mode);

	inode->i_flags |= flags & ZUF_SHARED_FLAGS;
	ZUF_I(inode)->declared_flags = flags & ZUFS_S_DECLARED;
}

/* Make a VFS inode with everything that the server does not decide, and collect @na for it. */
static struct inode *make_inode(struct zuf_idmap *idmap, struct inode *dir,
				const struct qstr *name, const struct wish *wish,
				struct zuf_newattr *na)
{
	struct inode *inode = new_inode(dir->i_sb);
	struct timespec64 now;
	int err;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode_init_owner(idmap, inode, dir, wish->mode);
	err = zuf_acls_inherit(dir, inode, &na->acls);
	if (err)
		goto err_inode;
	now = current_time(inode);
	inode_set_atime_to_ts(inode, now);
	inode_set_mtime_to_ts(inode, now);
	inode_set_ctime_to_ts(inode, now);
	inherit_flags(inode, dir);
	zuf_inode_set_ops(inode, wish->rdev);
	if (wish->target)
		err = zuf_symlink_set(inode, wish->target, wish->target_len);
	if (!err)
		err = zuf_newattr_collect(na, inode, dir, name);
	if (err)
		goto err_newattr;
	return inode;

err_newattr:
	zuf_newattr_release(na);
err_inode:
	iput(inode);
	return ERR_PTR(err);
}

static __le64 ns_le64(struct timespec64 time)
{
	return cpu_to_le64(timespec64_to_ns(&time));
}

static void create_describe(const struct inode *inode, const struct wish *wish, umode_t mode,
			    struct zus_inode *zi)
{
	zi->i_flags = cpu_to_le16((inode->i_flags & (S_SYNC | S_NOATIME | S_DIRSYNC)) |
				  ZUF_I(inode)->declared_flags);
	zi->i_mode = cpu_to_le16(mode);
	zi->i_nlink = cpu_to_le32(inode->i_nlink);
	zi->i_size = cpu_to_le64(i_size_read(inode));
	zi->i_mtime = ns_le64(inode_get_mtime(inode));
	zi->i_ctime = ns_le64(inode_get_ctime(inode));
	zi->i_atime = ns_le64(inode_get_atime(inode));
	zi->i_uid = cpu_to_le32(from_kuid(&init_user_ns, inode->i_uid));
	zi->i_gid = cpu_to_le32(from_kgid(&init_user_ns, inode->i_gid));
	if (S_ISBLK(inode->i_mode) || S_ISCHR(inode->i_mode))
		zi->i_rdev = cpu_to_le32(inode->i_rdev);
	else if (wish->target && wish->target_len < sizeof(zi->i_symlink))
		memcpy(zi->i_symlink, wish->target, wish->target_len);
}

/* Send NEW_INODE. @carried: it carries the records of @na; otherwise these are stored later. */
static int send_message(struct inode *inode, struct inode *dir, const struct qstr *name,
			const struct wish *wish, struct zuf_newattr *na, bool carried)
{
	struct zufs_ioc_new_inode own, *msg = carried ? na->msg : &own;
	bool is_first_step = zuf_newattr_needs_steps(na, carried);
	struct zuf_win win = {
		.kind = ZUF_WIN_KBUF,
		.to_server = true,
		.kbuf = ZUF_I(inode)->symlink,
		.len = wish->target_len,
	};
	struct zuf_op op = ZUF_OP(msg, ZUF_INODE(dir, struct zufs_ioc_new_inode, dir_ii),
				  ZUF_OUT(struct zufs_ioc_new_inode, _zi, sizeof(*msg)),
				  .flags = wish->op_flags | (is_first_step ? ZUF_OPF_UNDO : 0));
	int err;

	*msg = (struct zufs_ioc_new_inode){
		.hdr = ZUF_HDR(ZUFS_OP_NEW_INODE, sizeof(*msg) + (carried ? na->len : 0), 0,
			       sizeof(*msg)),
		.flags = (wish->tmpfile ? ZI_TMPFILE : 0) | (carried ? ZI_XATTRS : 0),
	};
	if (!wish->tmpfile) {
		err = zuf_str_set(&msg->str, name);
		if (err)
			return err;
	}
	create_describe(inode, wish, zuf_newattr_first_mode(na, inode, carried), &msg->zi);
	if (wish->target_len >= sizeof(msg->zi.i_symlink))
		op.win = &win;
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	if (err)
		return err;
	if (op.answered < sizeof(*msg))
		return -EIO;
	return zuf_inode_adopt(inode, msg->_zi, msg->zus_ii, wish->tmpfile);
}

/*
 * Have the server make the inode, with its name; on success the inode is hashed and locked as
 * new. *@carried: NEW_INODE has carried the records of @na.
 */
static int send_new_inode(struct inode *inode, struct inode *dir, const struct qstr *name,
			  const struct wish *wish, struct zuf_newattr *na, bool *carried)
{
	int err;

	*carried = zuf_newattr_can_ride(na, inode->i_sb);
	err = send_message(inode, dir, name, wish, na, *carried);
	/* the message is longer than a command buffer */
	if (unlikely(err == -E2BIG && *carried)) {
		*carried = false;
		err = send_message(inode, dir, name, wish, na, false);
	}
	return err;
}

/* Undo the creation of an inode that cannot get its attributes; the caller's error stands. */
static void undo_create(struct inode *inode, struct inode *dir, const struct qstr *name)
{
	int err = zuf_name_remove(dir, name, inode, ZUF_OPF_FORGET, NULL);

	/* -EINTR: killed, but the message is delivered */
	if (!err || err == -EINTR) {
		spin_lock(&inode->i_lock);
		if (inode->i_nlink)
			clear_nlink(inode);
		spin_unlock(&inode->i_lock);
	}
	/* if the name remains, a lookup makes another inode for it */
	remove_inode_hash(inode);
	discard_new_inode(inode);
}

/* Make an inode and its name in @dir. Return: the inode, locked as new, or ERR_PTR. */
static struct inode *make_named(struct zuf_idmap *idmap, struct inode *dir,
				const struct qstr *name, const struct wish *wish)
{
	struct zuf_newattr na = { };
	struct zuf_touch touch;
	struct inode *inode;
	bool carried;
	int err;

	inode = make_inode(idmap, dir, name, wish, &na);
	if (IS_ERR(inode))
		return inode;
	zuf_touch_start(&touch, dir, STATX_MTIME | STATX_CTIME);
	err = send_new_inode(inode, dir, name, wish, &na, &carried);
	zuf_touch_end(&touch, err);
	if (err) {
		iput(inode);
	} else {
		if (wish->made)
			*wish->made = true;
		err = zuf_newattr_store(&na, inode, dir, name, carried);
		if (err)
			undo_create(inode, dir, name);
	}
	zuf_newattr_release(&na);
	return err ? ERR_PTR(err) : inode;
}

static int make_node(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     const struct wish *wish)
{
	struct inode *inode = make_named(idmap, dir, &dentry->d_name, wish);

	if (IS_ERR(inode)) {
		/* the next lookup finds out what has become of the name */
		d_drop(dentry);
		return PTR_ERR(inode);
	}
	/* no lookup was done for this dentry, see zuf_atomic_open() */
	if (d_in_lookup(dentry))
		d_add(dentry, NULL);
	d_instantiate_new(dentry, inode);
	return 0;
}

struct inode *zuf_create_device(struct zuf_idmap *idmap, struct inode *dir,
				const struct qstr *name, umode_t mode, dev_t rdev,
				u32 op_flags)
{
	struct wish wish = { .mode = mode, .rdev = rdev, .op_flags = op_flags };
	struct inode *inode = make_named(idmap, dir, name, &wish);

	if (!IS_ERR(inode))
		unlock_new_inode(inode);
	return inode;
}

int zuf_describe_device(struct zuf_idmap *idmap, struct inode *dir, const struct qstr *name,
			umode_t mode, dev_t rdev, struct zus_inode *zi)
{
	struct wish wish = { .mode = mode, .rdev = rdev };
	struct zuf_newattr na = { };
	struct inode *inode = make_inode(idmap, dir, name, &wish, &na);
	bool has_more;

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	has_more = zuf_newattr_needs_steps(&na, false);
	*zi = (struct zus_inode){ };
	create_describe(inode, &wish, inode->i_mode, zi);
	zuf_newattr_release(&na);
	iput(inode);
	return has_more;
}

int zuf_create_new(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		   umode_t mode, bool *made)
{
	struct wish wish = { .mode = S_IFREG | mode, .made = made };

	return make_node(idmap, dir, dentry, &wish);
}

int zuf_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	       umode_t mode)
{
	return zuf_create_new(idmap, dir, dentry, mode, NULL);
}

int zuf_mknod(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode, dev_t rdev)
{
	struct wish wish = { .mode = mode, .rdev = rdev };

	return make_node(idmap, dir, dentry, &wish);
}

int zuf_mkdir(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
	      umode_t mode)
{
	struct wish wish = { .mode = S_IFDIR | mode };

	if (dir->i_nlink >= ZUF_LINK_MAX)
		return -EMLINK;
	return make_node(idmap, dir, dentry, &wish);
}

int zuf_symlink(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		const char *target)
{
	struct wish wish = {
		.mode = S_IFLNK | 0777,
		.target = target,
		.target_len = strlen(target),
	};

	if (wish.target_len >= ZUFS_MAX_SYMLINK)
		return -ENAMETOOLONG;
	return make_node(idmap, dir, dentry, &wish);
}

int zuf_tmpfile(struct zuf_idmap *idmap, struct inode *dir, struct file *file,
		umode_t mode)
{
	struct wish wish = { .mode = S_IFREG | mode, .tmpfile = true };
	struct zuf_newattr na = { };
	struct inode *inode;
	bool carried;
	int err;

	inode = make_inode(idmap, dir, NULL, &wish, &na);
	if (IS_ERR(inode))
		return finish_open_simple(file, PTR_ERR(inode));
	err = send_new_inode(inode, dir, NULL, &wish, &na, &carried);
	if (err) {
		iput(inode);
		goto out;
	}
	err = zuf_newattr_store(&na, inode, dir, NULL, carried);
	if (err) {
		discard_new_inode(inode);
	} else {
		unlock_new_inode(inode);
		zuf_instantiate_tmpfile(file, inode);
	}
out:
	zuf_newattr_release(&na);
	return finish_open_simple(file, err);
}
