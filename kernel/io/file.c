// SPDX-License-Identifier: GPL-2.0-only
/*
 * file.c - regular files: operation tables, and operations without data transfer
 *
 * There is no page cache: storage is memory. The server makes everything durable before it
 * answers, so without writable mappings fsync has nothing left to do.
 */
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/pagemap.h>
#include <linux/splice.h>

#include "advise.h"
#include "attr.h"
#include "fiemap.h"
#include "file.h"
#include "inode.h"
#include "ioctl.h"
#include "mmap.h"
#include "remap.h"
#include "rw.h"
#include "space.h"
#include "swap.h"
#include "sync.h"
#include "xattr.h"

static int zuf_file_open(struct inode *inode, struct file *file)
{
	int err = generic_file_open(inode, file);

	if (err)
		return err;
	/* every transfer goes without a page cache */
	file->f_mode |= FMODE_CAN_ODIRECT | zuf_file_modes;
	return 0;
}

const struct file_operations zuf_file_ops = {
	.owner = THIS_MODULE,
	ZUF_FILE_FOP_FLAGS
	.open = zuf_file_open,
	.llseek = zuf_llseek,
	.read_iter = zuf_read_iter,
	.write_iter = zuf_write_iter,
	.mmap = zuf_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.fsync = zuf_fsync,
	.fallocate = zuf_fallocate,
	.fadvise = zuf_fadvise,
	.remap_file_range = zuf_remap_file_range,
	.copy_file_range = zuf_copy_file_range,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.setlease = generic_setlease,
	.unlocked_ioctl = zuf_ioctl,
	.compat_ioctl = zuf_compat_ioctl,
};

const struct inode_operations zuf_file_inode_ops = {
	.setattr = zuf_setattr,
	.getattr = zuf_getattr,
	.update_time = zuf_op_update_time,
	.fiemap = zuf_fiemap,
	.fileattr_get = zuf_fileattr_get,
	.fileattr_set = zuf_fileattr_set,
	.listxattr = zuf_listxattr,
	ZUF_ACL_OPS
};

const struct address_space_operations zuf_aops = {
	.dirty_folio = noop_dirty_folio,
	.read_folio = zuf_read_folio,
	.bmap = zuf_bmap,
	ZUF_SWAP_AOPS
};
