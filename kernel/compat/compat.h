/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - the kernel that the rest of the module is written for
 *
 * Included before everything else in every file. The module is written for the newest API; an
 * older kernel gets that API under the new name here. Where the signature of an operation changed,
 * the tables name a zuf_op_*() of entry.c, which calls a neutral function.
 * probe.sh finds out what the kernel has (config.h); its version is never looked at.
 * Only this folder may use ZUF_HAVE_*.
 */
#ifndef ZUF_COMPAT_H
#define ZUF_COMPAT_H

#define pr_fmt(fmt) "zuf: " fmt

#include <linux/badblocks.h>
#include <linux/blkdev.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/posix_acl_xattr.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include "config.h"
#if ZUF_HAVE_FILELOCK_HEADER
#include <linux/filelock.h>
#endif

/* ---- identities of a mount ---- */

#if ZUF_HAVE_MNT_IDMAP
#define zuf_idmap	mnt_idmap
#else
#define zuf_idmap	user_namespace
#define file_mnt_idmap(file)	file_mnt_user_ns(file)
#endif

/* ---- the identity of a file system ---- */

#ifndef FS_IOC_GETFSUUID
struct fsuuid2 {
	__u8 len;
	__u8 uuid[16];
};
#define FS_IOC_GETFSUUID	_IOR(0x15, 0, struct fsuuid2)
#endif

/* ---- inodes ---- */

#if !ZUF_HAVE_CTIME_ACCESSORS
static inline struct timespec64 inode_get_ctime(const struct inode *inode)
{
	return inode->i_ctime;
}

static inline struct timespec64 inode_set_ctime_to_ts(struct inode *inode,
						      struct timespec64 ts)
{
	inode->i_ctime = ts;
	return ts;
}
#endif

#if !ZUF_HAVE_TIME_ACCESSORS
static inline struct timespec64 inode_get_atime(const struct inode *inode)
{
	return inode->i_atime;
}

static inline struct timespec64 inode_set_atime_to_ts(struct inode *inode,
						      struct timespec64 ts)
{
	inode->i_atime = ts;
	return ts;
}

static inline struct timespec64 inode_get_mtime(const struct inode *inode)
{
	return inode->i_mtime;
}

static inline struct timespec64 inode_set_mtime_to_ts(struct inode *inode,
						      struct timespec64 ts)
{
	inode->i_mtime = ts;
	return ts;
}
#endif

#if !ZUF_HAVE_FILLATTR_MASK
#define generic_fillattr(idmap, mask, inode, stat) generic_fillattr(idmap, inode, stat)
#endif

#if ZUF_HAVE_INO_U64
#define zuf_ino_t	u64
#else
#define zuf_ino_t	unsigned long
#endif

#if !ZUF_HAVE_INODE_STATE_ACCESSORS
static inline unsigned long inode_state_read_once(const struct inode *inode)
{
	return READ_ONCE(inode->i_state);
}
#endif

#if !ZUF_HAVE_INODE_JUST_DROP
#define inode_just_drop		generic_delete_inode
#define inode_generic_drop	generic_drop_inode
#endif

/* For .update_time: calls zuf_update_time(). */
#if ZUF_HAVE_UPDATE_TIME_TYPE
int zuf_op_update_time(struct inode *inode, enum fs_update_time type, unsigned int flags);
#elif ZUF_HAVE_UPDATE_TIME_NOW
int zuf_op_update_time(struct inode *inode, int flags);
#else
int zuf_op_update_time(struct inode *inode, struct timespec64 *now, int flags);
#endif

/* The struct that .fileattr_get fills. */
#if !ZUF_HAVE_FILE_KATTR
#define file_kattr	fileattr
#endif

/* For .create: calls zuf_create(). */
#if ZUF_HAVE_CREATE_NO_EXCL
int zuf_op_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  umode_t mode);
#else
int zuf_op_create(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  umode_t mode, bool excl);
#endif

/* For .mkdir: calls zuf_mkdir(). */
#if ZUF_HAVE_MKDIR_DENTRY
struct dentry *zuf_op_mkdir(struct zuf_idmap *idmap, struct inode *dir,
			    struct dentry *dentry, umode_t mode);
#else
int zuf_op_mkdir(struct zuf_idmap *idmap, struct inode *dir, struct dentry *dentry,
		 umode_t mode);
#endif

/*
 * ACLs: members of an i_op table, which call zuf_get_acl() and zuf_set_acl(); and members of
 * s_xattr, for kernels whose VFS does not have these by itself.
 */
#if !IS_ENABLED(CONFIG_FS_POSIX_ACL)
#define ZUF_ACL_OPS
#define ZUF_ACL_XATTR_HANDLERS
#elif ZUF_HAVE_GET_INODE_ACL
#define ZUF_ACL_OPS		.get_inode_acl = zuf_get_acl, .set_acl = zuf_op_set_acl,
#define ZUF_ACL_XATTR_HANDLERS
int zuf_op_set_acl(struct zuf_idmap *idmap, struct dentry *dentry, struct posix_acl *acl,
		   int type);
#else
#define ZUF_ACL_OPS		.get_acl = zuf_get_acl, .set_acl = zuf_op_set_acl,
#define ZUF_ACL_XATTR_HANDLERS	&posix_acl_access_xattr_handler, &posix_acl_default_xattr_handler,
int zuf_op_set_acl(struct zuf_idmap *idmap, struct inode *inode, struct posix_acl *acl,
		   int type);
#endif
struct posix_acl *zuf_get_acl(struct inode *inode, int type, bool rcu);

/* The change attribute of a file is i_version and nothing else (version.c). */
#if ZUF_HAVE_FETCH_IVERSION
#define ZUF_EXPORT_OPS		.fetch_iversion = zuf_op_fetch_iversion,
u64 zuf_op_fetch_iversion(struct inode *inode);
#else
#define ZUF_EXPORT_OPS
#endif

/* posix_acl_chmod() for a dentry. */
int zuf_acl_chmod(struct zuf_idmap *idmap, struct dentry *dentry, umode_t mode);

/**
 * zuf_instantiate_tmpfile() - the same as d_tmpfile()
 * @inode: has no links; older kernels mark it dirty, and a write-back pass that has
 *	nothing to do cleans it again
 */
void zuf_instantiate_tmpfile(struct file *file, struct inode *inode);

/*
 * Names that stay until the super-block goes: they are made with d_make_persistent() and
 * a dput() of the caller's reference, and removed by zuf_kill_persistent_super().
 */
#if ZUF_HAVE_MAKE_PERSISTENT
#define zuf_kill_persistent_super kill_anon_super
#else
#define zuf_kill_persistent_super kill_litter_super

static inline void d_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_add(dget(dentry), inode);
}
#endif

/* ---- super-blocks ---- */

/*
 * freeze_super() and thaw_super() on the kernel's own behalf. Return: 0; -EBUSY: it was frozen
 * already; -EINVAL: it was not frozen.
 */
int zuf_freeze_super(struct super_block *sb);
int zuf_thaw_super(struct super_block *sb);

#if !ZUF_HAVE_SUPER_SET_UUID
static inline void super_set_uuid(struct super_block *sb, const u8 *uuid, unsigned int len)
{
	memcpy(&sb->s_uuid, uuid, min_t(size_t, len, sizeof(sb->s_uuid)));
}
#endif

/* ---- files ---- */

#if !ZUF_HAVE_COPY_SPLICE_READ
#define copy_splice_read generic_file_splice_read
#endif

#if !ZUF_HAVE_SPLICE_COPY_RANGE
static inline long splice_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
					  loff_t pos_out, size_t len)
{
	return generic_copy_file_range(in, pos_in, out, pos_out, len, 0);
}
#endif

/*
 * Regular files support IOCB_NOWAIT for reads and for writes that are not O_DIRECT, and
 * MAP_SYNC: zuf_file_modes is for f_mode at open, ZUF_FILE_FOP_FLAGS for the file operations.
 */
#if ZUF_HAVE_FOP_FLAGS
#define ZUF_FILE_FOP_FLAGS	.fop_flags = FOP_BUFFER_WASYNC | FOP_MMAP_SYNC,
#define zuf_file_modes		FMODE_NOWAIT
#else
#define ZUF_FILE_FOP_FLAGS	.mmap_supported_flags = MAP_SYNC,
#define zuf_file_modes		(FMODE_NOWAIT | FMODE_BUF_WASYNC)
#endif

/* ---- swap ---- */

struct swap_info_struct;

/* For the address-space operations of files: zuf_swap_activate(), zuf_swap_rw(). */
#if ZUF_HAVE_SWAP_OPS
#define ZUF_SWAP_AOPS								\
	.swap_activate = zuf_swap_activate, .swap_deactivate = zuf_swap_deactivate,
#else
#define ZUF_SWAP_AOPS								\
	.swap_activate = zuf_swap_activate, .swap_deactivate = zuf_swap_deactivate,	\
	.swap_rw = zuf_swap_rw,
#endif

/* At swapon: have all pages go through zuf_swap_rw(). Return: number of extents or -errno. */
int zuf_swap_through_file(struct swap_info_struct *sis);

/* ---- the page cache ---- */

struct address_space;
struct folio;

/* Take a locked folio out of the page cache. */
void zuf_remove_folio(struct address_space *mapping, struct folio *folio);

/* ---- iterators ---- */

/* Get the current segment of an iterator over user memory. Return: false: it is not such one. */
bool zuf_iter_user_seg(const struct iov_iter *iter, unsigned long *addr, size_t *len);

/* ---- the scheduler ---- */

#if !ZUF_HAVE_WQ_PERCPU
/* a work queue without WQ_UNBOUND is per CPU */
#define WQ_PERCPU 0
#endif

/* WF_CURRENT_CPU, which is private to the scheduler; 0 = the scheduler has no such flag. */
#if ZUF_HAVE_WAKE_CURRENT_CPU
#define zuf_wf_current_cpu 0x40
#else
#define zuf_wf_current_cpu 0
#endif

/* ---- memory ---- */

#if !ZUF_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#if !ZUF_HAVE_PTE_MKWRITE_VMA
/* Headers that are included later call pte_mkwrite() with one argument. */
#define pte_mkwrite(pte, ...) pte_mkwrite(pte)
#define zuf_pte_mkwrite(pte) pte_mkwrite(pte)
#else
/* for a VMA that is no shadow stack; modules cannot use the full pte_mkwrite() */
#define zuf_pte_mkwrite(pte) pte_mkwrite_novma(pte)
#endif

/*
 * In the vm_ops of files: .fault may be called with the lock of the VMA instead of mmap_lock.
 * Newer kernels do that only if there is a .map_pages too; ours offers no pages.
 */
#if ZUF_HAVE_FAULT_VMA_LOCK
#define ZUF_VMA_LOCKED_FAULTS	.map_pages = zuf_map_no_pages,
vm_fault_t zuf_map_no_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last);
#else
#define ZUF_VMA_LOCKED_FAULTS
#endif

/*
 * Define fn_op(), to be put into .huge_fault, for
 * vm_fault_t fn(struct vm_fault *vmf, unsigned int order).
 */
#if ZUF_HAVE_HUGE_FAULT_ORDER
#define ZUF_DEFINE_HUGE_FAULT(fn)						\
static vm_fault_t fn##_op(struct vm_fault *vmf, unsigned int order)		\
{										\
	return fn(vmf, order);							\
}
#else
static inline unsigned int zuf_pe_order(enum page_entry_size size)
{
	switch (size) {
	case PE_SIZE_PTE:
		return 0;
	case PE_SIZE_PMD:
		return PMD_SHIFT - PAGE_SHIFT;
	default:
		return PUD_SHIFT - PAGE_SHIFT;
	}
}

#define ZUF_DEFINE_HUGE_FAULT(fn)						\
static vm_fault_t fn##_op(struct vm_fault *vmf, enum page_entry_size size)	\
{										\
	return fn(vmf, zuf_pe_order(size));					\
}
#endif

/* Write back all caches of all CPUs. Return: 0; -EOPNOTSUPP: the architecture cannot do that. */
int zuf_flush_caches(void);

/* ---- block devices ---- */

/* badblocks_check() without its last argument (an int or, later, a sector_t), which is not used. */
static inline bool zuf_badblocks_check(struct badblocks *bb, sector_t first, int nr,
				       sector_t *bad)
{
	sector_t len;

	return badblocks_check(bb, first, nr, bad, (void *)&len);
}

struct zuf_bdev;

/**
 * zuf_bdev_open() - open a block device by its path, exclusively for @holder
 * Return: an open device for zuf_bdev_close(), or ERR_PTR(-ENOENT, -ENOTBLK,
 * -EBUSY: another holder has it, -EACCES or -EROFS: it cannot be written, ...).
 */
struct zuf_bdev *zuf_bdev_open(const char *path, bool writable, void *holder);
void zuf_bdev_close(struct zuf_bdev *bdev);
struct block_device *zuf_blkdev(const struct zuf_bdev *bdev);

#endif
