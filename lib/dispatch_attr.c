// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch of attributes: statfs, options, label, setattr, xattr, ioctl.
 *
 * Called by dispatch.c with a message of at least the operation's size. Answers of variable
 * length are bounded by the command buffer and by 16-bit header lengths: what does not fit
 * is refused with -E2BIG, never cut. The kernel asks again for an xattr that was refused so,
 * with room in the window.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

/* Bytes of an answer that starts at `start` of the message. */
static size_t answer_room(const struct zus_op *op, size_t start)
{
	size_t room = op->room < UINT16_MAX ? op->room : UINT16_MAX;

	return room > start ? room - start : 0;
}

int zus_do_statfs(struct zus_op *op)
{
	struct zufs_ioc_statfs *ioc = (struct zufs_ioc_statfs *)op->hdr;
	struct zus_sb *sb = zus_sb_of(ioc->zus_sbi);
	struct statfs64 *st = &ioc->statfs_out;

	if (!sb->type->ops.statfs)
		return -EOPNOTSUPP;
	memset(st, 0, sizeof(*st));
	st->f_type = sb->plugin->info.FS_magic;
	st->f_bsize = 1 << sb->blocksize_bits;
	st->f_frsize = st->f_bsize;
	st->f_namelen = ZUFS_NAME_LEN;
	return sb->type->ops.statfs(sb, st);
}

int zus_do_show_options(struct zus_op *op)
{
	struct zufs_ioc_mount_options *ioc = (struct zufs_ioc_mount_options *)op->hdr;
	struct zus_sb *sb = zus_sb_of(ioc->zus_sbi);
	size_t room = answer_room(op, offsetof(struct zufs_ioc_mount_options, buf));
	ssize_t n;

	if (!sb->type->ops.show_options)
		return 0;
	if (room > ZUFS_MO_MAX)
		room = ZUFS_MO_MAX;
	if (ioc->hdr.out_max && room > ioc->hdr.out_max)
		room = ioc->hdr.out_max;
	n = sb->type->ops.show_options(sb, ZUFS_TAIL(ioc, buf), room);
	if (n < 0)
		return (int)n;
	if ((size_t)n > room)
		return -EIO;
	ioc->hdr.out_len = (uint16_t)n;
	return 0;
}

int zus_do_get_label(struct zus_op *op)
{
	struct zufs_ioc_label *ioc = (struct zufs_ioc_label *)op->hdr;
	struct zus_sb *sb = zus_sb_of(ioc->zus_sbi);

	if (!sb->type->ops.get_label)
		return -EOPNOTSUPP;
	memset(ioc->label, 0, sizeof(ioc->label));
	ioc->hdr.out_len = sizeof(ioc->label);
	return sb->type->ops.get_label(sb, ioc->label);
}

int zus_do_set_label(struct zus_op *op)
{
	struct zufs_ioc_label *ioc = (struct zufs_ioc_label *)op->hdr;
	struct zus_sb *sb = zus_sb_of(ioc->zus_sbi);
	char label[ZUFS_LABEL_SIZE];

	if (!sb->type->ops.set_label)
		return -EOPNOTSUPP;
	memcpy(label, ioc->label, sizeof(label));
	if (label[sizeof(label) - 1])
		return -EINVAL;
	return sb->type->ops.set_label(sb, label);
}

int zus_do_setattr(struct zus_op *op)
{
	struct zufs_ioc_attr *ioc = (struct zufs_ioc_attr *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);

	if (!zus_ops_of(ii)->setattr)
		return 0;
	return zus_ops_of(ii)->setattr(ii, ioc->zuf_attr);
}

const char *zus_xattr_prefix(uint32_t type)
{
	switch (type) {
	case ZUFS_XATTR_SECURITY:
		return "security.";
	case ZUFS_XATTR_SYSTEM:
		return "";
	case ZUFS_XATTR_TRUSTED_NS:
		return "trusted.";
	case ZUFS_XATTR_USER:
		return "user.";
	default:
		return NULL;
	}
}

/* The name in the message, or NULL if it does not end where the message says. */
static const char *xattr_name(const struct zufs_ioc_xattr *ioc)
{
	const char *name = ZUFS_TAIL(ioc, buf);

	if (!ioc->name_len || ioc->name_len > ZUFS_NAME_LEN + 1 ||
	    ioc->name_len > ioc->hdr.in_len - sizeof(*ioc))
		return NULL;
	if (strnlen(name, ioc->name_len) != ioc->name_len - 1U)
		return NULL;
	return zus_xattr_prefix(ioc->type) ? name : NULL;
}

/* Where values are that are not in the message; NULL: the message speaks of no such place. */
static void *xattr_window(const struct zus_op *op, const struct zufs_ioc_xattr *ioc)
{
	return ioc->user_buf_size > ioc->hdr.len ? NULL : zus_op_window(op);
}

/* Where the answer of GET or LIST goes. */
struct xattr_out {
	void *buf;
	size_t room;
	bool window;
};

static int xattr_out_init(struct xattr_out *out, const struct zus_op *op,
			  const struct zufs_ioc_xattr *ioc)
{
	size_t room = answer_room(op, sizeof(*ioc));

	out->window = ioc->ioc_flags & ZUFS_XATTR_WINDOW;
	out->buf = out->window ? xattr_window(op, ioc) : ZUFS_TAIL(ioc, buf);
	out->room = ioc->user_buf_size;
	if (!out->window && room < out->room)
		out->room = room;
	return out->buf ? 0 : -EINVAL;
}

/* The answer of GET and LIST: n bytes at their place, or only their number. */
static int xattr_answer(struct zufs_ioc_xattr *ioc, ssize_t n, const struct xattr_out *out)
{
	if (n == -ERANGE && out->room < ioc->user_buf_size)
		return -E2BIG;		/* the caller's buffer was not what was too small */
	if (n < 0)
		return (int)n;
	if (ioc->user_buf_size) {
		if ((size_t)n > out->room)
			return -EIO;
		if (!out->window)
			ioc->hdr.out_len = (uint16_t)(ioc->hdr.out_len + n);
	}
	ioc->user_buf_size = (uint32_t)n;
	return 0;
}

int zus_do_xattr_get(struct zus_op *op)
{
	struct zufs_ioc_xattr *ioc = (struct zufs_ioc_xattr *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	const char *msg_name = xattr_name(ioc);
	char name[ZUFS_NAME_LEN + 1];
	struct xattr_out out;
	ssize_t n;

	if (!msg_name || xattr_out_init(&out, op, ioc))
		return -EINVAL;
	if (!zus_ops_of(ii)->getxattr)
		return -EOPNOTSUPP;
	/* the value will overwrite the name in the message */
	memcpy(name, msg_name, ioc->name_len);
	n = zus_ops_of(ii)->getxattr(ii, ioc->type, name, out.buf, out.room);
	return xattr_answer(ioc, n, &out);
}

/* The value that the message sets, in it or in the window; NULL: it says something wrong. */
static const void *xattr_value(const struct zus_op *op, const struct zufs_ioc_xattr *ioc)
{
	if (ioc->ioc_flags & ZUFS_XATTR_WINDOW)
		return xattr_window(op, ioc);
	if (ioc->user_buf_size > ioc->hdr.in_len - sizeof(*ioc) - ioc->name_len)
		return NULL;
	return (const char *)ZUFS_TAIL(ioc, buf) + ioc->name_len;
}

int zus_do_xattr_set(struct zus_op *op)
{
	struct zufs_ioc_xattr *ioc = (struct zufs_ioc_xattr *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	const char *name = xattr_name(ioc);
	const void *value;

	value = name ? xattr_value(op, ioc) : NULL;
	if (!value)
		return -EINVAL;
	if (!zus_ops_of(ii)->setxattr)
		return -EOPNOTSUPP;
	if (!ioc->user_buf_size && !(ioc->ioc_flags & ZUFS_XATTR_SET_EMPTY))
		value = NULL;
	return zus_ops_of(ii)->setxattr(ii, ioc->type, name, value, ioc->user_buf_size,
					ioc->flags);
}

int zus_do_xattr_list(struct zus_op *op)
{
	struct zufs_ioc_xattr *ioc = (struct zufs_ioc_xattr *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct xattr_out out;
	ssize_t n;

	if (xattr_out_init(&out, op, ioc))
		return -EINVAL;
	if (!zus_ops_of(ii)->listxattr)
		return -EOPNOTSUPP;
	n = zus_ops_of(ii)->listxattr(ii, out.buf, out.room,
				      ioc->ioc_flags & ZUFS_XATTR_TRUSTED);
	return xattr_answer(ioc, n, &out);
}

/* The plugin asks to be called again, with a longer argument or a frozen file system. */
static int ioctl_retry(struct zufs_ioc_ioctl *ioc, const struct zus_ioctl *args)
{
	if (args->uflags != ZUFS_IOC_REALLOC && args->uflags != ZUFS_IOC_FREEZE_REQ)
		return -EIO;
	if (args->want_size > UINT16_MAX - sizeof(*ioc))
		return -E2BIG;
	ioc->uflags = args->uflags;
	ioc->new_size = (uint32_t)sizeof(*ioc) + args->want_size;
	ioc->hdr.out_len = sizeof(ioc->uflags) + sizeof(ioc->new_size);
	return -EZUFS_RETRY;
}

int zus_do_ioctl(struct zus_op *op)
{
	struct zufs_ioc_ioctl *ioc = (struct zufs_ioc_ioctl *)op->hdr;
	struct zus_ii *ii = zus_ii_of(ioc->zus_ii);
	struct zus_ioctl args = {
		.cmd = ioc->cmd,
		.kflags = ioc->kflags,
		.time_ns = ioc->time,
		.arg = ZUFS_TAIL(ioc, arg),
		.arg_size = ioc->hdr.in_len - (uint32_t)sizeof(*ioc),
	};
	int err;

	if (!zus_ops_of(ii)->ioctl)
		return -ENOTTY;
	err = zus_ops_of(ii)->ioctl(ii, &args);
	if (err == -EZUFS_RETRY)
		return ioctl_retry(ioc, &args);
	if (err)
		return err;
	if (args.out_size > args.arg_size)
		return -EIO;
	ioc->hdr.out_len = (uint16_t)args.out_size;
	return 0;
}

int zus_do_ioctls(struct zus_op *op)
{
	struct zufs_ioc_ioctls *ioc = (struct zufs_ioc_ioctls *)op->hdr;
	struct zus_sb *sb = zus_sb_of(ioc->zus_sbi);
	const struct zufs_ioctl_info *list = NULL;
	size_t size = 0;
	int n;

	if (!sb->type->ops.ioctls)
		return -EOPNOTSUPP;
	n = sb->type->ops.ioctls(sb, &list);
	if (n < 0)
		return n;
	size = (size_t)n * sizeof(*list);
	if (n > ZUFS_IOCTLS_MAX || size > answer_room(op, offsetof(struct zufs_ioc_ioctls, list)))
		return -E2BIG;
	if (n)
		memcpy(ZUFS_TAIL(ioc, list), list, size);
	ioc->nr = (uint32_t)n;
	ioc->pad = 0;
	ioc->hdr.out_len = (uint16_t)(sizeof(ioc->nr) + sizeof(ioc->pad) + size);
	return 0;
}
