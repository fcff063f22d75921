// SPDX-License-Identifier: GPL-2.0-only
/*
 * rootfiles.c - the visible files of a root: state, registered_fs, control, ddbg
 */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "abort.h"
#include "root.h"
#include "rootfiles.h"
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
	/* the text ends with one NUL byte and has no newline */
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

/* ---- control: takes one word ---- */

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

/* ---- ddbg: texts of the server, delivered by the mounter ---- */

#define DDBG_TEXT	offsetof(struct zufs_ioc_mount, zdi.msg)
#define DDBG_ROOM	(ZUF_MNT_MSG_MAX - DDBG_TEXT)

/*
 * An open ddbg file. The server sends whole lines; a reader with a small buffer gets them in
 * pieces. The position is the id of the last site that the server has delivered.
 */
struct ddbg_reader {
	struct mutex lock;
	size_t len, done;		/* text in @msg, and how much of it has been read */
	struct zufs_ioc_mount *msg;	/* ZUF_MNT_MSG_MAX bytes */
};

static int ddbg_open(struct inode *inode, struct file *file)
{
	struct ddbg_reader *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (!r)
		return -ENOMEM;
	r->msg = kzalloc(ZUF_MNT_MSG_MAX, GFP_KERNEL_ACCOUNT);
	if (!r->msg) {
		kfree(r);
		return -ENOMEM;
	}
	mutex_init(&r->lock);
	file->private_data = r;
	return 0;
}

static int ddbg_release(struct inode *inode, struct file *file)
{
	struct ddbg_reader *r = file->private_data;

	mutex_destroy(&r->lock);
	kfree(r->msg);
	kfree(r);
	return 0;
}

/* Fetch the lines after site *@pos. */
static int ddbg_fetch(struct zuf_root *root, struct ddbg_reader *r, loff_t *pos)
{
	struct zufs_ioc_mount *msg = r->msg;
	int err;

	r->len = 0;
	r->done = 0;
	msg->hdr = (struct zufs_ioc_hdr) {
		.operation = ZUFS_M_DDBG_RD,
		.in_len = DDBG_TEXT + 1,
		.out_len = DDBG_TEXT + DDBG_ROOM,
	};
	msg->zdi.id = *pos;
	msg->zdi.len = DDBG_ROOM;
	/* what the server leaves unanswered must not be somebody's old text */
	memset(ZUFS_TAIL(msg, zdi.msg), 0, DDBG_ROOM);
	err = zuf_mounter_call(&root->peer, READ_ONCE(root->peer.live_gen), msg);
	if (err)
		return err;
	r->len = min_t(u64, msg->zdi.len, DDBG_ROOM);
	*pos = min_t(u64, msg->zdi.id, LLONG_MAX);
	return 0;
}

static ssize_t ddbg_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct ddbg_reader *r = file->private_data;
	ssize_t ret = 0;

	if (mutex_lock_killable(&r->lock))
		return -EINTR;
	if (r->done == r->len)
		ret = ddbg_fetch(file_root(file), r, pos);
	if (!ret) {
		ret = min(count, r->len - r->done);
		if (copy_to_user(buf, ZUFS_TAIL(r->msg, zdi.msg) + r->done, ret))
			ret = -EFAULT;
		else
			r->done += ret;
	}
	mutex_unlock(&r->lock);
	return ret;
}

/* Seek to an id: the next line that is read is the one after it. */
static loff_t ddbg_llseek(struct file *file, loff_t offset, int whence)
{
	struct ddbg_reader *r = file->private_data;
	loff_t ret;

	if (mutex_lock_killable(&r->lock))
		return -EINTR;
	ret = whence == SEEK_SET || whence == SEEK_CUR ? default_llseek(file, offset, whence) :
							 -EINVAL;
	if (ret >= 0)
		r->done = r->len;
	mutex_unlock(&r->lock);
	return ret;
}

static ssize_t ddbg_write(struct file *file, const char __user *buf, size_t count,
			  loff_t *pos)
{
	const size_t room = 512;	/* room of the ABI, including the NUL */
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
		ret = zuf_mounter_call(&root->peer, READ_ONCE(root->peer.live_gen), msg);
	kfree(msg);
	return ret ? ret : count;
}

const struct file_operations zuf_root_ddbg_fops = {
	.owner = THIS_MODULE,
	.open = ddbg_open,
	.read = ddbg_read,
	.write = ddbg_write,
	.llseek = ddbg_llseek,
	.release = ddbg_release,
};
