// SPDX-License-Identifier: GPL-2.0-only
/*
 * adapters.c - functions whose interface or existence depends on the kernel
 *
 * Thin: each function hides one kernel interface behind a name of compat.h. Locking and ownership
 * are those of the kernel's function. No policy here. What the kernel calls in us is in entry.c.
 */
#include <linux/bio.h>
#include <linux/mm.h>
#include <linux/posix_acl.h>
#include <linux/slab.h>
#ifdef CONFIG_X86
#include <asm/smp.h>
#endif

/* ---- inodes ---- */

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

void zuf_instantiate_tmpfile(struct file *file, struct inode *inode)
{
#if ZUF_HAVE_MARK_TMPFILE
	d_mark_tmpfile(file, inode);
	d_instantiate(file->f_path.dentry, inode);
#else
	/* d_tmpfile() drops one link */
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
