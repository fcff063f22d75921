// SPDX-License-Identifier: GPL-2.0-only
/*
 * entry.c - operations that the kernel calls in us, and whose signature depends on the kernel
 *
 * Thin: each one calls a neutral function of the file system (inode.h, acl.h, swap.h). They are
 * only named in its tables, so nothing but the kernel calls them. No policy here.
 */
#include <linux/iversion.h>
#include <linux/swap.h>
#if ZUF_HAVE_SWAP_OPS
#include <linux/swap_ops.h>
#endif

#include "acl.h"
#include "attr.h"
#include "create.h"
#include "inode.h"
#include "swap.h"

/* ---- inode operations ---- */

#if ZUF_HAVE_UPDATE_TIME_TYPE
int zuf_op_update_time(struct inode *inode, enum fs_update_time type, unsigned int flags)
{
	return zuf_update_time(inode, current_time(inode), type == FS_UPD_ATIME ?
			       STATX_ATIME : STATX_MTIME | STATX_CTIME);
}
#else
static u32 times_of(int flags)
{
	return (flags & S_ATIME ? STATX_ATIME : 0) |
	       (flags & S_MTIME ? STATX_MTIME : 0) |
	       (flags & (S_CTIME | S_VERSION) ? STATX_CTIME : 0);
}

#if ZUF_HAVE_UPDATE_TIME_NOW
int zuf_op_update_time(struct inode *inode, int flags)
{
	return zuf_update_time(inode, current_time(inode), times_of(flags));
}
#else
int zuf_op_update_time(struct inode *inode, struct timespec64 *now, int flags)
{
	return zuf_update_time(inode, *now, times_of(flags));
}
#endif
#endif

#if ZUF_HAVE_FETCH_IVERSION
u64 zuf_op_fetch_iversion(struct inode *inode)
{
	return inode_query_iversion(inode);
}
#endif

#if ZUF_HAVE_CREATE_NO_EXCL
int zuf_op_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  umode_t mode)
#else
int zuf_op_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  umode_t mode, bool excl)
#endif
{
	return zuf_create(idmap, dir, dentry, mode);
}

#if ZUF_HAVE_MKDIR_DENTRY
struct dentry *zuf_op_mkdir(struct zuf_idmap *idmap, struct inode *dir,
			    struct dentry *dentry, umode_t mode)
{
	return ERR_PTR(zuf_mkdir(idmap, dir, dentry, mode));
}
#else
int zuf_op_mkdir(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		 umode_t mode)
{
	return zuf_mkdir(idmap, dir, dentry, mode);
}
#endif

#if IS_ENABLED(CONFIG_FS_POSIX_ACL) && ZUF_HAVE_GET_INODE_ACL
int zuf_op_set_acl(struct zuf_idmap *idmap, struct dentry *dentry, struct posix_acl *acl,
		   int type)
{
	return zuf_set_acl(idmap, d_inode(dentry), acl, type);
}
#elif IS_ENABLED(CONFIG_FS_POSIX_ACL)
int zuf_op_set_acl(struct zuf_idmap *idmap, struct inode *inode, struct posix_acl *acl,
		   int type)
{
	return zuf_set_acl(idmap, inode, acl, type);
}
#endif

/* ---- swap ---- */

#if ZUF_HAVE_SWAP_OPS
static void swap_submit(struct swap_io_ctx *ctx, int rw)
{
	struct kiocb *iocb = &ctx->sio->iocb;
	struct iov_iter iter;

	swap_fs_prepare_rw(ctx, rw, &iter);
	iocb->ki_complete(iocb, zuf_swap_rw(iocb, &iter));
}

static void swap_submit_write(struct swap_io_ctx *ctx)
{
	swap_submit(ctx, WRITE);
}

static void swap_submit_read(struct swap_io_ctx *ctx)
{
	swap_submit(ctx, READ);
}

static const struct swap_ops swap_ops = {
	.flags = SWAP_OPS_F_REQUIRE_NOFS,
	.can_merge = swap_fs_can_merge,
	.submit_write = swap_submit_write,
	.submit_read = swap_submit_read,
};

int zuf_swap_through_file(struct swap_info_struct *sis)
{
	return swap_fs_activate(sis, &swap_ops);
}
#else
int zuf_swap_through_file(struct swap_info_struct *sis)
{
	sis->flags |= SWP_FS_OPS;
	return add_swap_extent(sis, 0, sis->max, 0);
}
#endif
