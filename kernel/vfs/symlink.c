// SPDX-License-Identifier: GPL-2.0-only
/*
 * symlink.c - symbolic links: the target is copied once, when the inode enters the cache
 *
 * The VFS reads inode->i_link without a lock, under RCU. So i_link is a private, NUL-terminated
 * copy that is freed with the memory of the inode, after a grace period (free_inode). Later
 * changes of the text in T1 by the server have no effect.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "attr.h"
#include "devset.h"
#include "inode.h"
#include "sb.h"
#include "symlink.h"
#include "t1map.h"
#include "xattr.h"

static void symlink_keep(struct inode *inode, char *target)
{
	ZUF_I(inode)->symlink = target;
	inode->i_link = target;
}

int zuf_symlink_set(struct inode *inode, const char *target, size_t len)
{
	char *copy = kmemdup_nul(target, len, GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	i_size_write(inode, len);
	symlink_keep(inode, copy);
	return 0;
}

static int copy_target(const struct inode *inode, const struct zus_inode *zi,
		       char *target, size_t len)
{
	const void __shm *text;

	if (len < sizeof(zi->i_symlink)) {
		memcpy(target, zi->i_symlink, len);
	} else {
		text = zuf_t1_addr(ZUF_SB(inode->i_sb)->devs, le64_to_cpu(zi->i_sym_dpp), len);
		if (!text || shm_take_mc(target, text, len))
			return -EIO;
	}
	target[len] = '\0';
	return strlen(target) == len ? 0 : -EIO;
}

int zuf_symlink_load(struct inode *inode, const struct zus_inode *zi)
{
	size_t len = le64_to_cpu(zi->i_size);
	char *target = kmalloc(len + 1, GFP_KERNEL);
	int err;

	if (!target)
		return -ENOMEM;
	err = copy_target(inode, zi, target, len);
	if (err) {
		pr_warn_ratelimited("sb %llu: symbolic link %llu has no valid target\n",
				    ZUF_SB(inode->i_sb)->sb_id, (u64)inode->i_ino);
		kfree(target);
		return err;
	}
	symlink_keep(inode, target);
	return 0;
}

const struct inode_operations zuf_symlink_inode_ops = {
	.get_link	= simple_get_link,
	.setattr	= zuf_setattr,
	.getattr	= zuf_getattr,
	.update_time	= zuf_op_update_time,
	.listxattr	= zuf_listxattr,
};
