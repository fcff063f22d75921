// SPDX-License-Identifier: GPL-2.0-only
/*
 * rootfiles.c - the visible files of a root: state, registered_fs, control, ddbg
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "root.h"
#include "type.h"

static struct zuf_root *file_root(struct file *file)
{
	return file_inode(file)->i_sb->s_fs_info;
}

static ssize_t state_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	static const char * const names[] = {
		[ZUF_ROOT_INITIALIZING] = "initializing\n",
		[ZUF_ROOT_REGISTERING] = "registering_fs\n",
		[ZUF_ROOT_READY] = "mount_ready\n",
	};
	const char *name = names[READ_ONCE(file_root(file)->state)];

	return simple_read_from_buffer(buf, count, pos, name, strlen(name));
}

const struct file_operations zuf_root_state_fops = {
	.owner = THIS_MODULE,
	.read = state_read,
	.llseek = default_llseek,
};

static ssize_t types_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char *names = kzalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t ret;

	if (!names)
		return -ENOMEM;
	/* ended by one NUL byte, no newline */
	ret = simple_read_from_buffer(buf, count, pos, names,
				      zuf_type_names(file_root(file), names, PAGE_SIZE) + 1);
	kfree(names);
	return ret;
}

const struct file_operations zuf_root_types_fops = {
	.owner = THIS_MODULE,
	.read = types_read,
	.llseek = default_llseek,
};

/* ---- control: one word ---- */

static ssize_t control_write(struct file *file, const char __user *buf, size_t count,
			     loff_t *pos)
{
	char word[16];
	int err;

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	word[count] = 0;
	if (!sysfs_streq(word, "abort"))
		return -EINVAL;
	err = zuf_root_abort(file_root(file));
	return err ? err : count;
}

const struct file_operations zuf_root_control_fops = {
	.owner = THIS_MODULE,
	.write = control_write,
	.llseek = noop_llseek,
};

/* ---- ddbg: texts of the server, through the mounter ---- */

/* The position is the id of the last site that was read. */
static ssize_t ddbg_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	const size_t room = ZUF_MNT_MSG_MAX - offsetof(struct zufs_ioc_mount, zdi.msg);
	struct zuf_root *root = file_root(file);
	struct zufs_ioc_mount *msg;
	size_t len;
	ssize_t ret;

	msg = kzalloc(ZUF_MNT_MSG_MAX, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	len = min(count, room);
	msg->hdr = (struct zufs_ioc_hdr) {
		.operation = ZUFS_M_DDBG_RD,
		.in_len = offsetof(struct zufs_ioc_mount, zdi.msg) + 1,
		.out_len = offsetof(struct zufs_ioc_mount, zdi.msg) + len,
	};
	msg->zdi.id = *pos;
	msg->zdi.len = len;
	ret = zuf_mounter_call(root, READ_ONCE(root->live_gen), msg);
	if (!ret) {
		len = min_t(u64, len, msg->zdi.len);
		if (copy_to_user(buf, ZUFS_TAIL(msg, zdi.msg), len)) {
			ret = -EFAULT;
		} else {
			*pos = msg->zdi.id;
			ret = len;
		}
	}
	kfree(msg);
	return ret;
}

static ssize_t ddbg_write(struct file *file, const char __user *buf, size_t count,
			  loff_t *pos)
{
	const size_t room = 512;	/* of the ABI, with the NUL */
	struct zuf_root *root = file_root(file);
	struct zufs_ioc_mount *msg;
	ssize_t ret;

	if (count >= room)
		return -E2BIG;
	msg = kzalloc(sizeof(*msg) + room, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	msg->hdr = (struct zufs_ioc_hdr) {
		.operation = ZUFS_M_DDBG_WR,
		.in_len = sizeof(*msg) + room,
		.out_len = sizeof(*msg),
	};
	msg->zdi.len = count;
	if (copy_from_user(ZUFS_TAIL(msg, zdi.msg), buf, count))
		ret = -EFAULT;
	else
		ret = zuf_mounter_call(root, READ_ONCE(root->live_gen), msg);
	kfree(msg);
	return ret ? ret : count;
}

const struct file_operations zuf_root_ddbg_fops = {
	.owner = THIS_MODULE,
	.read = ddbg_read,
	.write = ddbg_write,
	.llseek = default_llseek,
};
