// SPDX-License-Identifier: BSD-2-Clause
/*
 * Types whose file systems cannot be changed (ZUS_PLUGIN_READ_ONLY): in the type's copy of the
 * operations, those that would change something are replaced by functions that answer -EROFS, so
 * the plugin is never asked, and dispatch costs nothing.
 *
 * Called by plugin.c when a type is made. get_blocks and ioctl ask the plugin's own function, which
 * lies in type->own, unless it is to write. No locks, nothing changes later.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include "internal.h"

static int no_new_inode(struct zus_ii *dir, const struct zus_new_inode *args, struct zus_ii **ii)
{
	(void)dir, (void)args, (void)ii;
	return -EROFS;
}

/* add_dentry and remove_dentry */
static int no_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	(void)dir, (void)ii, (void)name;
	return -EROFS;
}

static int no_rename(const struct zus_rename *r)
{
	(void)r;
	return -EROFS;
}

static int no_setattr(struct zus_ii *ii, uint32_t bits)
{
	(void)ii, (void)bits;
	return -EROFS;
}

static ssize_t no_write(struct zus_ii *ii, struct zus_io *io)
{
	(void)ii, (void)io;
	return -EROFS;
}

static int no_truncate(struct zus_ii *ii, struct zus_io *io)
{
	(void)ii, (void)io;
	return -EROFS;
}

static int no_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	(void)ii, (void)io, (void)mode;
	return -EROFS;
}

static int no_clone(const struct zus_clone *args)
{
	(void)args;
	return -EROFS;
}

static int no_setxattr(struct zus_ii *ii, uint32_t type, const char *name, const void *value,
		       size_t size, uint32_t flags)
{
	(void)ii, (void)type, (void)name, (void)value, (void)size, (void)flags;
	return -EROFS;
}

static int no_set_label(struct zus_sb *sb, const char *label)
{
	(void)sb, (void)label;
	return -EROFS;
}

static int read_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	const struct zus_fs_ops *own = &ii->sb->type->own;

	if (b->rw & ZUFS_RW_WRITE)
		return -EROFS;
	return own->get_blocks ? own->get_blocks(ii, b) : -EOPNOTSUPP;
}

/* As the kernel decides it for a read-only mount: by the plugin's list, else by the direction. */
static bool ioctl_changes(struct zus_sb *sb, uint32_t cmd)
{
	const struct zufs_ioctl_info *list = NULL;
	int i, n = sb->type->ops.ioctls ? sb->type->ops.ioctls(sb, &list) : 0;

	for (i = 0; i < n; i++) {
		if (list[i].cmd == cmd)
			return list[i].flags & ZUFS_IOCTL_CHANGES;
	}
	return _IOC_DIR(cmd) & _IOC_WRITE;
}

static int read_ioctl(struct zus_ii *ii, struct zus_ioctl *args)
{
	if (ioctl_changes(ii->sb, args->cmd))
		return -EROFS;
	return ii->sb->type->own.ioctl(ii, args);
}

void zus_type_make_read_only(struct zus_type *type)
{
	struct zus_fs_ops *ops = &type->ops;

	type->own = *ops;
	ops->new_inode = no_new_inode;
	ops->add_dentry = no_dentry;
	ops->remove_dentry = no_dentry;
	ops->rename = no_rename;
	ops->setattr = no_setattr;
	ops->write = no_write;
	ops->truncate = no_truncate;
	ops->fallocate = no_fallocate;
	ops->clone = no_clone;
	ops->setxattr = no_setxattr;
	ops->set_label = no_set_label;
	ops->get_blocks = read_blocks;
	if (ops->ioctl)
		ops->ioctl = read_ioctl;
}
