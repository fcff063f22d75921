// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch of inodes and names: new, free, evict, lookup, dentries, rename, readdir.
 *
 * Called by dispatch.c with a message of at least the operation's size; see there for
 * threads and ownership. Reference rule of handles: zus/inode.h.
 */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include "internal.h"

static int name_of(const struct zufs_str *str, struct zus_name *name)
{
	name->str = str->name;
	name->len = str->len;
	return name->len ? 0 : -EINVAL;
}

/* The target of a new symlink: inside of the inode if it is short, else in the window. */
static int symlink_of(const struct zus_op *op, struct zus_new_inode *args)
{
	const struct zus_inode *zi = args->zi;
	uint64_t len = zus_zi_size(zi);

	if (!zus_zi_islnk(zi))
		return 0;
	if (len >= ZUFS_MAX_SYMLINK)
		return -ENAMETOOLONG;
	args->symlink_len = (uint32_t)len;
	if (len < sizeof(zi->i_symlink)) {
		args->symlink = (const char *)zi->i_symlink;
		return 0;
	}
	args->symlink = zus_op_window(op);
	return args->symlink && op->hdr->len >= len ? 0 : -EINVAL;
}

/* What the new inode comes with: behind the struct, to the end of the message. */
static int xattrs_of(struct zufs_ioc_new_inode *ioc, struct zus_new_inode *args,
		     struct zus_new_xattr *xattrs)
{
	const char *at = (const char *)(ioc + 1), *end = (const char *)ioc + ioc->hdr.in_len;

	if (!(ioc->flags & ZI_XATTRS))
		return 0;
	args->flags &= ~ZI_XATTRS;
	args->xattrs = xattrs;
	while (at < end) {
		const struct zufs_new_xattr *x = (const struct zufs_new_xattr *)at;
		size_t left = (size_t)(end - at);

		if (args->nr_xattrs == ZUFS_NEW_XATTRS_MAX || left < sizeof(*x) || !x->name_len ||
		    zufs_new_xattr_size(x->name_len, x->size) > left)
			return -EINVAL;
		*xattrs = (struct zus_new_xattr){
			.type = x->type,
			.size = x->size,
			.name = ZUFS_TAIL(x, buf),
		};
		if (xattrs->name[x->name_len - 1])
			return -EINVAL;
		xattrs->value = xattrs->name + x->name_len;
		xattrs++;
		args->nr_xattrs++;
		at += zufs_new_xattr_size(x->name_len, x->size);
	}
	return 0;
}

/* Hands a handle to the kernel, or back to the plugin if it is unfit. */
static int give_handle(struct zus_sb *sb, struct zus_ii *ii, dpp_t *_zi, __u64 *zus_ii)
{
	int err = zus_check_handle(sb, ii, sb->plugin->name);

	if (err) {
		if (ii && sb->type->ops.evict)
			sb->type->ops.evict(ii, ZI_LOOKUP_RACE);
		return err;
	}
	*_zi = zus_t1_dpp(sb->md, ii->zi);
	*zus_ii = zus_cookie(ii);
	return 0;
}

int zus_do_new_inode(struct zus_op *op)
{
	struct zufs_ioc_new_inode *ioc = (struct zufs_ioc_new_inode *)op->hdr;
	struct zus_ii *dir = zus_ii_of(ioc->dir_ii), *ii = NULL;
	struct zus_new_inode args = { .zi = &ioc->zi, .flags = ioc->flags };
	struct zus_new_xattr xattrs[ZUFS_NEW_XATTRS_MAX];
	int err;

	err = name_of(&ioc->str, &args.name);
	if (err && !(args.flags & ZI_TMPFILE))
		return err;
	err = symlink_of(op, &args);
	if (!err)
		err = xattrs_of(ioc, &args, xattrs);
	if (err)
		return err;
	err = zus_ops_of(dir)->new_inode(dir, &args, &ii);
	if (err)
		return err;
	return give_handle(dir->sb, ii, &ioc->_zi, &ioc->zus_ii);
}

int zus_do_free_inode(struct zus_op *op)
{
	struct zufs_ioc_evict_inode *ioc = (struct zufs_ioc_evict_inode *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	const struct zus_fs_ops *ops = zus_ops_of(ii);

	if (ops->free_inode)
		ops->free_inode(ii);
	else if (ops->evict)
		ops->evict(ii, 0);
	return 0;
}

int zus_do_evict_inode(struct zus_op *op)
{
	struct zufs_ioc_evict_inode *ioc = (struct zufs_ioc_evict_inode *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	const struct zus_fs_ops *ops = zus_ops_of(ii);

	if (ops->evict)
		ops->evict(ii, ioc->flags);
	return 0;
}

static int lookup_number(struct zus_ii *dir, uint64_t ino, struct zus_ii **ii)
{
	const struct zus_fs_ops *ops = zus_ops_of(dir);

	return ops->iget ? ops->iget(dir->sb, ino, ii) : -EOPNOTSUPP;
}

int zus_do_lookup(struct zus_op *op)
{
	struct zufs_ioc_lookup *ioc = (struct zufs_ioc_lookup *)op->hdr;
	struct zus_ii *dir = zus_ii_of(ioc->dir_ii), *ii = NULL;
	struct zus_name name;
	int err = name_of(&ioc->str, &name);

	if (err)
		return err;
	if (name.len == 1 && name.str[0] == '.')
		err = lookup_number(dir, zus_zi_ino(dir->zi), &ii);
	else if (name.len == 2 && name.str[0] == '.' && name.str[1] == '.')
		err = lookup_number(dir, zus_zi_parent(dir->zi), &ii);
	else
		err = zus_ops_of(dir)->lookup(dir, &name, &ii);
	if (err)
		return err;
	return give_handle(dir->sb, ii, &ioc->_zi, &ioc->zus_ii);
}

int zus_do_iget(struct zus_op *op)
{
	struct zufs_ioc_iget *ioc = (struct zufs_ioc_iget *)op->hdr;
	struct zus_sb *sb = zus_sb_of(ioc->zus_sbi);
	struct zus_ii *ii = NULL;
	int err;

	if (!sb->type->ops.iget)
		return -EOPNOTSUPP;
	err = sb->type->ops.iget(sb, ioc->ino, &ii);
	if (err)
		return err;
	err = give_handle(sb, ii, &ioc->_zi, &ioc->zus_ii);
	if (err || (uint32_t)zus_zi_generation(ii->zi) == (uint32_t)ioc->generation)
		return err;
	if (sb->type->ops.evict)
		sb->type->ops.evict(ii, ZI_LOOKUP_RACE);
	return -ESTALE;
}

static int do_dentry(struct zus_op *op,
		     int (*fn)(struct zus_ii *, struct zus_ii *, const struct zus_name *))
{
	struct zufs_ioc_dentry *ioc = (struct zufs_ioc_dentry *)op->hdr;
	struct zus_name name;
	int err = name_of(&ioc->str, &name);

	if (err)
		return err;
	if (!fn)
		return -EOPNOTSUPP;
	return fn(zus_ii_of(ioc->zus_dir_ii), zus_ii_of(ioc->zus_ii), &name);
}

int zus_do_add_dentry(struct zus_op *op)
{
	struct zufs_ioc_dentry *ioc = (struct zufs_ioc_dentry *)op->hdr;

	return do_dentry(op, zus_ops_of(zus_ii_of(ioc->zus_dir_ii))->add_dentry);
}

int zus_do_remove_dentry(struct zus_op *op)
{
	struct zufs_ioc_dentry *ioc = (struct zufs_ioc_dentry *)op->hdr;

	return do_dentry(op, zus_ops_of(zus_ii_of(ioc->zus_dir_ii))->remove_dentry);
}

int zus_do_rename(struct zus_op *op)
{
	struct zufs_ioc_rename *ioc = (struct zufs_ioc_rename *)op->hdr;
	struct zus_rename r = {
		.old_dir = zus_ii_of(ioc->old_dir_ii),
		.new_dir = zus_ii_of(ioc->new_dir_ii),
		.ii = zus_ii_of(ioc->old_zus_ii),
		.target = zus_ii_of(ioc->new_zus_ii),
		.time_ns = ioc->time,
		.flags = (uint32_t)ioc->flags,
	};

	if (name_of(&ioc->old_d_str, &r.old_name) || name_of(&ioc->new_d_str, &r.new_name))
		return -EINVAL;
	if (r.flags & RENAME_WHITEOUT) {
		if (ioc->hdr.in_len < sizeof(struct zufs_ioc_rename_whiteout))
			return -EINVAL;
		r.whiteout = &((const struct zufs_ioc_rename_whiteout *)ioc)->zi;
	}
	if (!zus_ops_of(r.old_dir)->rename)
		return -EOPNOTSUPP;
	return zus_ops_of(r.old_dir)->rename(&r);
}

int zus_do_readdir(struct zus_op *op)
{
	struct zufs_ioc_readdir *ioc = (struct zufs_ioc_readdir *)op->hdr;
	struct zus_ii *dir = zus_ii_of(ioc->dir_ii);
	struct zus_dir_ctx ctx = { .pos = ioc->pos };
	void *buf = zus_op_window(op);
	int err;

	if (!buf)
		return -EINVAL;
	if (!zus_ops_of(dir)->readdir)
		return -EOPNOTSUPP;
	ioc->more = 0;
	zufs_readdir_iter_init(&ctx.it, ioc, buf);
	err = zus_ops_of(dir)->readdir(dir, &ctx);
	if (err)
		return err;
	ioc->pos = ctx.pos;
	return 0;
}
