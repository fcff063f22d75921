// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's VFS part for attributes: statfs, options, setattr, xattr, ioctl.
 *
 * Message sizes and outputs as the ABI says; what comes back is bounded like the kernel's
 * copy is. The inode's lock also stands for the xattr semaphore.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <endian.h>
#include <errno.h>
#include <linux/stat.h>
#include <string.h>

int fake_statfs(struct fake_thread *t, struct statfs64 *st)
{
	struct zufs_ioc_statfs *ioc = fake_msg(t, ZUFS_OP_STATFS, 32);
	int err;

	ioc->hdr.out_len = sizeof(*ioc);
	ioc->zus_sbi = t->f->zmi.zus_sbi;
	err = fake_send(t);
	if (!err)
		*st = ioc->statfs_out;
	return err;
}

int fake_show_options(struct fake_thread *t, char *buf, size_t size)
{
	struct zufs_ioc_mount_options *ioc = fake_msg(t, ZUFS_OP_SHOW_OPTIONS, sizeof(*ioc));
	int err;

	ioc->hdr.out_len = 0;
	ioc->hdr.out_start = sizeof(*ioc);
	ioc->hdr.out_max = ZUFS_MO_MAX;
	ioc->zus_sbi = t->f->zmi.zus_sbi;
	err = fake_send(t);
	if (err)
		return err;
	if (ioc->hdr.out_len > ZUFS_MO_MAX || ioc->hdr.out_len >= size)
		return FAKE_BAD_ANSWER;
	memcpy(buf, ZUFS_TAIL(ioc, buf), ioc->hdr.out_len);
	buf[ioc->hdr.out_len] = 0;
	return ioc->hdr.out_len;
}

int fake_setattr(struct fake_thread *t, struct fake_node node, uint32_t bits)
{
	struct zufs_ioc_attr *ioc = fake_msg(t, ZUFS_OP_SETATTR, sizeof(*ioc));
	struct fake_lock l;
	int err;

	ioc->zus_ii = node.ii;
	ioc->zuf_attr = bits;
	fake_lock_excl(t->f, &node, 1, &l);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err;
}

/* ---- xattr ---- */

#define SMALL_VALUE	256		/* larger ones go through the window, as the kernel does */

/* A question of GET or LIST, from which the message is made as often as it is sent. */
struct query {
	unsigned int operation;
	uint32_t type;
	const char *name;		/* "" for LIST */
	uint16_t ioc_flags;
};

static struct zufs_ioc_xattr *query_msg(struct fake_thread *t, struct fake_node node,
					const struct query *q, size_t size)
{
	size_t len = *q->name ? strlen(q->name) + 1 : 0;
	struct zufs_ioc_xattr *ioc = fake_msg(t, q->operation, sizeof(*ioc) + len);

	ioc->zus_ii = node.ii;
	ioc->type = q->type;
	ioc->ioc_flags = q->ioc_flags;
	ioc->name_len = (uint16_t)len;
	memcpy(ZUFS_TAIL(ioc, buf), q->name, len);
	ioc->hdr.out_start = offsetof(struct zufs_ioc_xattr, user_buf_size);
	ioc->hdr.out_len = sizeof(ioc->user_buf_size);
	ioc->hdr.out_max = ioc->hdr.out_len;
	ioc->user_buf_size = (uint32_t)size;
	return ioc;
}

static ssize_t ask_in_message(struct fake_thread *t, struct fake_node node,
			      const struct query *q, void *value, size_t size)
{
	struct zufs_ioc_xattr *ioc = query_msg(t, node, q, size);
	int err = fake_send(t);

	if (err)
		return err;
	if (size) {
		if (ioc->user_buf_size > size ||
		    ioc->hdr.out_len != sizeof(ioc->user_buf_size) + ioc->user_buf_size)
			return FAKE_BAD_ANSWER;
		memcpy(value, ZUFS_TAIL(ioc, buf), ioc->user_buf_size);
	}
	return ioc->user_buf_size;
}

static ssize_t ask_in_window(struct fake_thread *t, struct fake_node node,
			     const struct query *q, void *value, size_t size)
{
	struct zufs_ioc_xattr *ioc = query_msg(t, node, q, size);
	void *win = fake_window(t, size);
	int err;

	ioc->ioc_flags |= ZUFS_XATTR_WINDOW;
	err = fake_send(t);
	if (err)
		return err;
	if (ioc->user_buf_size > size || ioc->hdr.out_len != sizeof(ioc->user_buf_size))
		return FAKE_BAD_ANSWER;
	memcpy(value, win, ioc->user_buf_size);
	return ioc->user_buf_size;
}

/* GET and LIST: the size that the server says, its bytes in value. */
static ssize_t send_xattr(struct fake_thread *t, struct fake_node node, const struct query *q,
			  void *value, size_t size)
{
	struct fake_lock l;
	ssize_t n;

	fake_lock_shared(t->f, node, &l);
	n = ask_in_message(t, node, q, value, size);
	if (n == -E2BIG && size)
		n = ask_in_window(t, node, q, value, size);
	fake_unlock(t->f, &l);
	return n;
}

ssize_t fake_getxattr(struct fake_thread *t, struct fake_node node, uint32_t type,
		      const char *name, void *value, size_t size)
{
	struct query q = { .operation = ZUFS_OP_XATTR_GET, .type = type, .name = name };

	return send_xattr(t, node, &q, value, size);
}

ssize_t fake_listxattr(struct fake_thread *t, struct fake_node node, char *buf,
		       size_t size, bool trusted)
{
	struct query q = {
		.operation = ZUFS_OP_XATTR_LIST,
		.name = "",
		.ioc_flags = trusted ? ZUFS_XATTR_TRUSTED : 0,
	};

	return send_xattr(t, node, &q, buf, size);
}

int fake_setxattr(struct fake_thread *t, struct fake_node node, uint32_t type,
		  const char *name, const void *value, size_t size, uint32_t flags)
{
	size_t len = strlen(name) + 1;
	bool window = size > SMALL_VALUE;
	struct zufs_ioc_xattr *ioc;
	struct fake_lock l;
	char *buf;
	int err;

	ioc = fake_msg(t, ZUFS_OP_XATTR_SET, sizeof(*ioc) + len + (window ? 0 : size));
	ioc->hdr.out_len = 0;
	ioc->zus_ii = node.ii;
	ioc->type = type;
	ioc->flags = flags;
	ioc->name_len = (uint16_t)len;
	ioc->user_buf_size = (uint32_t)size;
	ioc->ioc_flags = value && !size ? ZUFS_XATTR_SET_EMPTY : 0;
	buf = ZUFS_TAIL(ioc, buf);
	memcpy(buf, name, len);
	if (window) {
		ioc->ioc_flags = ZUFS_XATTR_WINDOW;
		memcpy(fake_window(t, size), value, size);
	} else if (size) {
		memcpy(buf + len, value, size);
	}
	fake_lock_excl(t->f, &node, 1, &l);
	err = fake_send(t);
	fake_unlock(t->f, &l);
	return err;
}

/* ---- chmod ---- */

#define ACCESS_ACL	"system.posix_acl_access"
#define MAX_ENTRIES	32

enum { ACL_USER_OBJ = 1, ACL_GROUP_OBJ = 4, ACL_MASK = 0x10, ACL_OTHER = 0x20 };

struct acl_entry {
	__le16 tag, perm;
	__le32 id;
};

/* What a chmod makes of the ACL: the mask, if there is one, has the bits of the group. */
static void change_acl(struct acl_entry *acl, size_t n, mode_t mode)
{
	bool has_mask = false;
	size_t i;

	for (i = 0; i < n; i++)
		has_mask |= le16toh(acl[i].tag) == ACL_MASK;
	for (i = 0; i < n; i++) {
		unsigned int tag = le16toh(acl[i].tag);

		if (tag == ACL_USER_OBJ)
			acl[i].perm = htole16((mode >> 6) & 7);
		else if (tag == (has_mask ? ACL_MASK : ACL_GROUP_OBJ))
			acl[i].perm = htole16((mode >> 3) & 7);
		else if (tag == ACL_OTHER)
			acl[i].perm = htole16(mode & 7);
	}
}

int fake_chmod(struct fake_thread *t, struct fake_node node, mode_t mode)
{
	uint32_t caps = t->f->zmi.fs_caps;
	struct acl_entry acl[MAX_ENTRIES];
	__le16 old = node.zi->i_mode;
	ssize_t size = -ENODATA;
	int err = 0;

	if ((caps & ZUFS_FSC_ACL_ON) && node.zi->i_xattr)
		size = fake_getxattr(t, node, ZUFS_XATTR_SYSTEM, ACCESS_ACL, acl, sizeof(acl));
	if (size < 0 && size != -ENODATA)
		return (int)size;
	node.zi->i_mode = htole16((uint16_t)((le16toh(old) & ~07777U) | (mode & 07777U)));
	if (size < 0 || !(caps & ZUFS_FSC_ACL_MODE))
		err = fake_setattr(t, node, STATX_MODE | STATX_CTIME);
	if (size >= 0 && !err) {
		change_acl(acl, (size_t)size / sizeof(*acl), mode);
		err = fake_setxattr(t, node, ZUFS_XATTR_SYSTEM, ACCESS_ACL, acl, (size_t)size, 0);
	}
	if (err)
		node.zi->i_mode = old;
	return err;
}

/* ---- ioctl ---- */

static int send_ioctl(struct fake_thread *t, struct fake_node node, uint32_t cmd,
		      uint32_t kflags, const void *arg, size_t arg_size)
{
	struct zufs_ioc_ioctl *ioc = fake_msg(t, ZUFS_OP_IOCTL, sizeof(*ioc) + arg_size);

	ioc->hdr.out_len = 0;
	ioc->hdr.out_start = offsetof(struct zufs_ioc_ioctl, arg);
	ioc->hdr.out_max = (uint16_t)(sizeof(*ioc) + arg_size);
	ioc->zus_ii = node.ii;
	ioc->cmd = cmd;
	ioc->kflags = kflags;
	ioc->time = t->f->env.now_ns(&t->f->env);
	memcpy(ZUFS_TAIL(ioc, arg), arg, arg_size);
	return fake_send(t);
}

int fake_ioctl(struct fake_thread *t, struct fake_node node, uint32_t cmd, void *arg,
	       size_t arg_size)
{
	const struct zufs_ioc_ioctl *ioc = t->cmd.buf;
	size_t size = _IOC_SIZE(cmd);
	uint32_t kflags = ZUFS_IOC_CAP_ADMIN;
	int err;

	if (size > arg_size)
		return -EFAULT;
	err = send_ioctl(t, node, cmd, kflags, arg, size);
	if (err == -EZUFS_RETRY) {
		if (ioc->uflags == ZUFS_IOC_FREEZE_REQ)
			kflags |= ZUFS_IOC_FSFROZEN;
		else if (ioc->uflags == ZUFS_IOC_REALLOC && ioc->new_size >= sizeof(*ioc))
			size = ioc->new_size - sizeof(*ioc);
		else
			return FAKE_BAD_ANSWER;
		if (size > arg_size)
			return -EFAULT;
		err = send_ioctl(t, node, cmd, kflags, arg, size);
		if (err == -EZUFS_RETRY)
			return -EBUSY;
	}
	if (err)
		return err;
	if (ioc->hdr.out_len > size)
		return FAKE_BAD_ANSWER;
	memcpy(arg, ZUFS_TAIL(ioc, arg), ioc->hdr.out_len);
	return ioc->hdr.out_len;
}

int fake_ioctls(struct fake_thread *t, struct zufs_ioctl_info *list, uint32_t max)
{
	struct zufs_ioc_ioctls *ioc = fake_msg(t, ZUFS_OP_IOCTLS,
					       offsetof(struct zufs_ioc_ioctls, nr));
	int err;

	ioc->hdr.out_len = 0;
	ioc->hdr.out_start = offsetof(struct zufs_ioc_ioctls, nr);
	ioc->hdr.out_max = 8 + ZUFS_IOCTLS_MAX * sizeof(*list);
	ioc->zus_sbi = t->f->zmi.zus_sbi;
	err = fake_send(t);
	if (err)
		return err;
	if (ioc->nr > max || ioc->hdr.out_len != 8 + ioc->nr * sizeof(*list))
		return FAKE_BAD_ANSWER;
	memcpy(list, ZUFS_TAIL(ioc, list), ioc->nr * sizeof(*list));
	return (int)ioc->nr;
}
