// SPDX-License-Identifier: GPL-2.0-only
/*
 * label.c - name and UUID of a file system: the server keeps the name, the kernel the UUID
 *
 * Called for ioctls of any file and directory. No lock is held: when two tasks set a name at the
 * same time, one of the two names remains.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uuid.h>

#include "dispatch.h"
#include "inode.h"
#include "label.h"
#include "sb.h"

static_assert(ZUFS_LABEL_SIZE == FSLABEL_MAX);

bool zuf_has_label(const struct super_block *sb)
{
	return ZUF_SB(sb)->fs_caps & ZUFS_FSC_LABEL;
}

int zuf_get_label(struct super_block *sb, char __user *user)
{
	/* the zeros are sent, too: what an earlier message left in the buffer is no label */
	struct zufs_ioc_label msg = {
		.hdr = ZUF_HDR(ZUFS_OP_GET_LABEL, sizeof(msg), offsetof(typeof(msg), label),
			       sizeof(msg.label)),
		.zus_sbi = ZUF_SB(sb)->zus_sbi,
	};
	struct zuf_op op = ZUF_OP(&msg, ZUF_OUT(struct zufs_ioc_label, label, sizeof(msg)));
	size_t len;
	int err;

	err = zuf_dispatch(ZUF_SB(sb), &op);
	if (err)
		return err;
	/* return zeros behind the name, whatever the server has written there */
	len = strnlen(msg.label, sizeof(msg.label) - 1);
	memset(msg.label + len, 0, sizeof(msg.label) - len);
	return copy_to_user(user, msg.label, sizeof(msg.label)) ? -EFAULT : 0;
}

static int send_label(struct super_block *sb, struct zufs_ioc_label *msg)
{
	struct zuf_op op = ZUF_OP(msg);
	size_t len = strnlen(msg->label, sizeof(msg->label));

	if (len == sizeof(msg->label))
		return -EINVAL;
	memset(msg->label + len, 0, sizeof(msg->label) - len);
	msg->hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_SET_LABEL, sizeof(*msg), 0, 0);
	msg->zus_sbi = ZUF_SB(sb)->zus_sbi;
	return zuf_dispatch(ZUF_SB(sb), &op);
}

int zuf_set_label(struct file *file, const char __user *user)
{
	struct zufs_ioc_label msg;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(msg.label, user, sizeof(msg.label)))
		return -EFAULT;
	err = mnt_want_write_file(file);
	if (err)
		return err;
	err = send_label(file_inode(file)->i_sb, &msg);
	mnt_drop_write_file(file);
	return err;
}

int zuf_get_uuid(struct super_block *sb, void __user *user)
{
	struct fsuuid2 answer = { .len = sizeof(sb->s_uuid) };

	memcpy(answer.uuid, &sb->s_uuid, sizeof(sb->s_uuid));
	return copy_to_user(user, &answer, sizeof(answer)) ? -EFAULT : 0;
}
