// SPDX-License-Identifier: GPL-2.0-only
/*
 * file.c - regular files: operation tables and what needs no data transfer
 *
 * There is no page cache: storage is memory. The server has made everything
 * durable before it answers, so without writable mappings fsync has nothing
 * left to do.
 */
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/splice.h>

#include "inode.h"
#include "rw.h"

static int zuf_file_open(struct inode *inode, struct file *file)
{
	int err = generic_file_open(inode, file);

	if (err)
		return err;
	/* every transfer is direct */
	file->f_mode |= FMODE_CAN_ODIRECT;
	return 0;
}

static int zuf_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return 0;
}

const struct file_operations zuf_file_ops = {
	.owner = THIS_MODULE,
	.open = zuf_file_open,
	.llseek = generic_file_llseek,
	.read_iter = zuf_read_iter,
	.write_iter = zuf_write_iter,
	.fsync = zuf_fsync,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
};

const struct inode_operations zuf_file_inode_ops = {
	.setattr = zuf_setattr,
	.getattr = zuf_getattr,
	.update_time = zuf_op_update_time,
};

const struct address_space_operations zuf_aops = {
	.dirty_folio = noop_dirty_folio,
};
