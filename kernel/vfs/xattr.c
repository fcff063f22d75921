// SPDX-License-Identifier: GPL-2.0-only
/*
 * xattr.c - extended attributes
 *
 * A value travels behind the message in the command buffer, whose lengths have 16 bits. Larger
 * values go through the application window if the server has said that it knows that
 * (ZUFS_FSC_XATTR_WINDOW); otherwise they are -E2BIG. What comes back is copied once, straight
 * to the caller, and checked, because readers of lists (overlayfs, nfsd) believe them.
 * xattr_lock: shared for get and list, exclusive for set, inside the inode lock.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/xattr.h>

#include "attr.h"
#include "dispatch.h"
#include "inode.h"
#include "sb.h"
#include "xattr.h"

#define NAME_MAX_SIZE	(XATTR_NAME_MAX + 1)	/* including the NUL */
#define SMALL_VALUE	256			/* such a value goes on the stack */

static bool has_window(const struct inode *inode)
{
	return ZUF_SB(inode->i_sb)->fs_caps & ZUFS_FSC_XATTR_WINDOW;
}

/* ---- get, list ---- */

/* A query, and where its answer goes. */
struct query {
	struct zufs_ioc_xattr msg;
	char name[NAME_MAX_SIZE];	/* msg.buf */
	struct zuf_op op;
	void *buf;
	size_t size;			/* size of @buf; 0: only the size of the value is wanted */
	u32 len;			/* out: size of the value */
};
static_assert(offsetof(struct query, name) == offsetof(struct zufs_ioc_xattr, buf));

/* For zuf_op.overflow: an answer with a value is longer than out_max. */
static int take_value(struct zuf_op *op, const void __shm *shared, size_t shared_size)
{
	struct query *q = container_of(op, struct query, op);
	const struct zufs_ioc_xattr __shm *msg = shared;
	u16 out_len = shm_load(&msg->hdr.out_len);
	u32 len = shm_load(&msg->user_buf_size);
	s32 err = shm_load(&msg->hdr.err);

	if (err)
		return zuf_err_from_server(err);
	if (len > q->size || out_len != sizeof(len) + len || len > shared_size - sizeof(*msg))
		return -EIO;
	shm_take(q->buf, shared + sizeof(*msg), len);
	q->len = len;
	return 0;
}

static int ask_in_message(struct inode *inode, struct query *q)
{
	int err;

	q->op.overflow = take_value;
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &q->op);
	if (err || q->len)
		return err;
	/* no bytes came: the value is empty, or only its size was wanted */
	if (q->op.answered < sizeof(q->msg.user_buf_size) || (q->size && q->msg.user_buf_size))
		return -EIO;
	q->len = q->msg.user_buf_size;
	return 0;
}

static ssize_t window_bytes(struct zuf_op *op)
{
	struct query *q = container_of(op, struct query, op);

	if (op->answered < sizeof(q->msg.user_buf_size) || q->msg.user_buf_size > q->size)
		return -EIO;
	return q->msg.user_buf_size;
}

static int ask_in_window(struct inode *inode, struct query *q)
{
	struct zuf_win win = { .kind = ZUF_WIN_KBUF, .kbuf = q->buf, .len = q->size };
	int err;

	q->msg.ioc_flags |= ZUFS_XATTR_WINDOW;
	q->msg.user_buf_size = q->size;
	q->op.win = &win;
	q->op.win_bytes = window_bytes;
	q->op.overflow = NULL;
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &q->op);
	q->len = q->msg.user_buf_size;
	return err;
}

static void query_init(struct query *q, struct inode *inode, u16 operation, size_t name_len,
		       void *buf, size_t size)
{
	const size_t start = offsetof(struct zufs_ioc_xattr, user_buf_size);

	q->msg = (struct zufs_ioc_xattr){
		.hdr = ZUF_HDR(operation, sizeof(q->msg) + name_len, start, sizeof(u32)),
		.name_len = name_len,
		.user_buf_size = size,
	};
	q->op = (struct zuf_op){
		.hdr = &q->msg.hdr,
		.flags = ZUF_OPF_SHARED,
		ZUF_INODE(inode, struct zufs_ioc_xattr, zus_ii),
		ZUF_OUT(struct zufs_ioc_xattr, user_buf_size, sizeof(q->msg)),
	};
	q->buf = buf;
	q->size = size;
	q->len = 0;
}

/* Ask the server, and refuse what is larger than the VFS lets anybody store. */
static ssize_t xattr_ask(struct inode *inode, struct query *q)
{
	int err = ask_in_message(inode, q);

	if (err == -E2BIG && q->size && has_window(inode))
		err = ask_in_window(inode, q);
	if (err)
		return err;
	return q->len <= XATTR_SIZE_MAX ? q->len : -E2BIG;
}

/*
 * Return: 1: the server says that there are no attributes, and it is not at work on a message of
 * a killed application; 0: there may be some; -EIO.
 */
static int has_none(struct inode *inode)
{
	__le64 xattr;
	int err = zuf_zi_load(inode, i_xattr, &xattr);

	return err ?: !xattr && !zuf_tag_is_left(zuf_inode_tag(inode), true);
}

ssize_t zuf_xattr_get(struct inode *inode, u32 type, const char *name, void *value,
		      size_t size)
{
	struct rw_semaphore *lock = &ZUF_I(inode)->xattr_lock;
	size_t name_len = strlen(name) + 1;
	struct query q;
	ssize_t ret;

	if (name_len > NAME_MAX_SIZE)
		return -ERANGE;
	if (down_read_killable(lock))
		return -EINTR;
	ret = has_none(inode);
	if (ret > 0) {
		ret = -ENODATA;
	} else if (!ret) {
		query_init(&q, inode, ZUFS_OP_XATTR_GET, name_len, value,
			   min_t(size_t, size, XATTR_SIZE_MAX));
		q.msg.type = type;
		memcpy(q.name, name, name_len);
		ret = xattr_ask(inode, &q);
	}
	up_read(lock);
	return ret;
}

/* Are these names with their NULs, none of them empty? */
static bool list_is_valid(const char *list, size_t len)
{
	size_t at = 0, name;

	while (at < len) {
		name = strnlen(list + at, len - at);
		if (!name || name > XATTR_NAME_MAX || name == len - at)
			return false;
		at += name + 1;
	}
	return true;
}

ssize_t zuf_listxattr(struct dentry *dentry, char *list, size_t size)
{
	struct inode *inode = d_inode(dentry);
	struct rw_semaphore *lock = &ZUF_I(inode)->xattr_lock;
	struct query q;
	ssize_t ret;

	if (down_read_killable(lock))
		return -EINTR;
	ret = has_none(inode);
	if (ret > 0) {
		ret = 0;
	} else if (!ret) {
		query_init(&q, inode, ZUFS_OP_XATTR_LIST, 0, list,
			   min_t(size_t, size, XATTR_LIST_MAX));
		if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
			q.msg.ioc_flags = ZUFS_XATTR_TRUSTED;
		ret = xattr_ask(inode, &q);
		if (size && ret > 0 && !list_is_valid(list, ret))
			ret = -EIO;
	}
	up_read(lock);
	return ret;
}

/* ---- set ---- */

/* A new value that is being sent. */
struct change {
	struct zufs_ioc_xattr msg;
	char buf[NAME_MAX_SIZE + SMALL_VALUE];	/* msg.buf: name, then value */
};
static_assert(offsetof(struct change, buf) == offsetof(struct zufs_ioc_xattr, buf));

/* @value is too long for @small: send it through the window, or in a message of its own. */
static int send_large(struct inode *inode, struct change *small, const void *value, size_t size)
{
	size_t in_len = small->msg.hdr.in_len;
	struct zuf_win win = {
		.kind = ZUF_WIN_KBUF,
		.to_server = true,
		.kbuf = (void *)value,
		.len = size,
	};
	struct zuf_op op = ZUF_OP(&small->msg, ZUF_INODE(inode, struct zufs_ioc_xattr, zus_ii));
	struct zufs_ioc_xattr *msg;
	int err;

	if (has_window(inode)) {
		small->msg.ioc_flags = ZUFS_XATTR_WINDOW;
		op.win = &win;
		return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	}
	if (in_len + size > U16_MAX)
		return -E2BIG;
	msg = kvmalloc(in_len + size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	memcpy(msg, small, in_len);
	memcpy((void *)msg + in_len, value, size);
	msg->hdr.in_len += size;
	op.hdr = &msg->hdr;
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	kvfree(msg);
	return err;
}

static int send_set(struct inode *inode, struct change *change, const void *value, size_t size)
{
	struct zuf_op op = ZUF_OP(&change->msg, ZUF_INODE(inode, struct zufs_ioc_xattr, zus_ii));

	if (size > SMALL_VALUE)
		return send_large(inode, change, value, size);
	if (size)
		memcpy(change->buf + change->msg.name_len, value, size);
	change->msg.hdr.in_len += size;
	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

int zuf_xattr_set(struct inode *inode, u32 type, const char *name, const void *value,
		  size_t size, int flags)
{
	struct rw_semaphore *lock = &ZUF_I(inode)->xattr_lock;
	size_t name_len = strlen(name) + 1;
	struct change change;
	int err;

	if (name_len > NAME_MAX_SIZE)
		return -ERANGE;
	change.msg = (struct zufs_ioc_xattr){
		.hdr = ZUF_HDR(ZUFS_OP_XATTR_SET, sizeof(change.msg) + name_len, 0, 0),
		.flags = flags,
		.type = type,
		.name_len = name_len,
		.ioc_flags = value && !size ? ZUFS_XATTR_SET_EMPTY : 0,
		.user_buf_size = size,
	};
	memcpy(change.buf, name, name_len);
	if (down_write_killable(lock))
		return -EINTR;
	err = send_set(inode, &change, value, size);
	up_write(lock);
	return err;
}

/* ---- what the VFS calls ---- */

static int handler_get(const struct xattr_handler *handler, struct dentry *dentry,
		       struct inode *inode, const char *name, void *value, size_t size)
{
	return zuf_xattr_get(inode, handler->flags, name, value, size);
}

static int handler_set(const struct xattr_handler *handler, struct zuf_idmap *idmap,
		       struct dentry *dentry, struct inode *inode, const char *name,
		       const void *value, size_t size, int flags)
{
	struct zuf_touch touch;
	int err;

	zuf_touch_start(&touch, inode, STATX_CTIME);
	err = zuf_xattr_set(inode, handler->flags, name, value, size, flags);
	zuf_touch_end(&touch, err);
	return err;
}

#define HANDLER(prefix_, type_)							\
static const struct xattr_handler handler_##prefix_ = {				\
	.prefix = #prefix_ ".",							\
	.flags = type_,								\
	.get = handler_get,							\
	.set = handler_set,							\
}
HANDLER(user, ZUFS_XATTR_USER);
HANDLER(trusted, ZUFS_XATTR_TRUSTED_NS);
HANDLER(security, ZUFS_XATTR_SECURITY);

const struct xattr_handler *zuf_xattr_handlers[] = {
	&handler_user,
	&handler_trusted,
	&handler_security,
	ZUF_ACL_XATTR_HANDLERS
	NULL
};
