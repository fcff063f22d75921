// SPDX-License-Identifier: GPL-2.0-only
/*
 * adapters.c - operations whose signature depends on the kernel
 *
 * Thin: each calls a neutral function of the file system (inode.h) or hides one
 * kernel interface behind a name of compat.h. Locking and ownership are those of
 * what is called. No policy here.
 */
#include <linux/bio.h>
#include <linux/iversion.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/swap.h>
#if ZUF_HAVE_SWAP_OPS
#include <linux/swap_ops.h>
#endif
#ifdef CONFIG_X86
#include <asm/smp.h>
#endif

#include "acl.h"
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

#if !ZUF_HAVE_GET_INODE_ACL
int zuf_acl_chmod(struct zuf_idmap *idmap, struct dentry *dentry, umode_t mode)
{
	return posix_acl_chmod(idmap, d_inode(dentry), mode);
}
#else
int zuf_acl_chmod(struct zuf_idmap *idmap, struct dentry *dentry, umode_t mode)
{
	return posix_acl_chmod(idmap, dentry, mode);
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

void zuf_instantiate_tmpfile(struct file *file, struct inode *inode)
{
#if ZUF_HAVE_MARK_TMPFILE
	d_mark_tmpfile(file, inode);
	d_instantiate(file->f_path.dentry, inode);
#else
	/* it takes the link away that it finds */
	set_nlink(inode, 1);
	d_tmpfile(file, inode);
#endif
}

/* ---- super-blocks ---- */

int zuf_freeze_super(struct super_block *sb)
{
#if ZUF_HAVE_FREEZE_OWNER
	return freeze_super(sb, FREEZE_HOLDER_KERNEL, NULL);
#elif ZUF_HAVE_FREEZE_HOLDER
	return freeze_super(sb, FREEZE_HOLDER_KERNEL);
#else
	return freeze_super(sb);
#endif
}

int zuf_thaw_super(struct super_block *sb)
{
#if ZUF_HAVE_FREEZE_OWNER
	return thaw_super(sb, FREEZE_HOLDER_KERNEL, NULL);
#elif ZUF_HAVE_FREEZE_HOLDER
	return thaw_super(sb, FREEZE_HOLDER_KERNEL);
#else
	return thaw_super(sb);
#endif
}

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

/* ---- the page cache ---- */

void zuf_remove_folio(struct address_space *mapping, struct folio *folio)
{
#if ZUF_HAVE_REMOVE_FOLIO
	generic_error_remove_folio(mapping, folio);
#else
	generic_error_remove_page(mapping, &folio->page);
#endif
}

/* ---- iterators ---- */

bool zuf_iter_user_seg(const struct iov_iter *iter, unsigned long *addr, size_t *len)
{
	const struct iovec *iov;

	if (iter_is_ubuf(iter)) {
		*addr = (unsigned long)iter->ubuf + iter->iov_offset;
		*len = iter->count;
		return true;
	}
	if (!iter_is_iovec(iter))
		return false;
#if ZUF_HAVE_ITER_IOV
	iov = iter_iov(iter);
#else
	iov = iter->iov;
#endif
	*addr = (unsigned long)iov->iov_base + iter->iov_offset;
	*len = min(iter->count, iov->iov_len - iter->iov_offset);
	return true;
}

/* ---- memory ---- */

#if ZUF_HAVE_FAULT_VMA_LOCK
vm_fault_t zuf_map_no_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	return 0;
}
#endif

int zuf_flush_caches(void)
{
#ifdef CONFIG_X86
	wbinvd_on_all_cpus();
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/* ---- block devices ---- */

struct zuf_bdev {
#if ZUF_HAVE_BDEV_FILE
	struct file *file;
#else
	struct block_device *bdev;
	fmode_t mode;
#endif
};

#if ZUF_HAVE_BDEV_FILE
static int bdev_open(struct zuf_bdev *bdev, const char *path, bool writable, void *holder)
{
	blk_mode_t mode = BLK_OPEN_READ | (writable ? BLK_OPEN_WRITE : 0);

	bdev->file = bdev_file_open_by_path(path, mode, holder, NULL);
	return PTR_ERR_OR_ZERO(bdev->file);
}

void zuf_bdev_close(struct zuf_bdev *bdev)
{
	bdev_fput(bdev->file);
	kfree(bdev);
}

struct block_device *zuf_blkdev(const struct zuf_bdev *bdev)
{
	return file_bdev(bdev->file);
}
#else
static int bdev_open(struct zuf_bdev *bdev, const char *path, bool writable, void *holder)
{
	bdev->mode = FMODE_READ | FMODE_EXCL | (writable ? FMODE_WRITE : 0);
	bdev->bdev = blkdev_get_by_path(path, bdev->mode, holder);
	return PTR_ERR_OR_ZERO(bdev->bdev);
}

void zuf_bdev_close(struct zuf_bdev *bdev)
{
	blkdev_put(bdev->bdev, bdev->mode);
	kfree(bdev);
}

struct block_device *zuf_blkdev(const struct zuf_bdev *bdev)
{
	return bdev->bdev;
}
#endif

struct zuf_bdev *zuf_bdev_open(const char *path, bool writable, void *holder)
{
	struct zuf_bdev *bdev = kzalloc(sizeof(*bdev), GFP_KERNEL);
	int err;

	if (!bdev)
		return ERR_PTR(-ENOMEM);
	err = bdev_open(bdev, path, writable, holder);
	if (err) {
		kfree(bdev);
		return ERR_PTR(err);
	}
	return bdev;
}
