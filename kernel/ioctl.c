// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl.c - numbers that the kernel does not know are the server's
 *
 * The argument is flat memory, its size is in the number; the server may ask once for
 * more of it (REALLOC), or for a frozen file system (FREEZE_REQ), and gets the message
 * again. What it answers goes back to the user. No lock is held: it is up to the server
 * what an ioctl may do beside other operations. Flags and generation: flags.c.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/ioctls.h>

#include "dispatch.h"
#include "flags.h"
#include "inode.h"
#include "ioctl.h"
#include "super.h"

/* Header lengths have 16 bits; the server's command buffer may allow less: -E2BIG. */
#define ARG_MAX_BYTES (U16_MAX - sizeof(struct zufs_ioc_ioctl))

struct call {
	struct zuf_op op;
	struct file *file;
	unsigned int cmd;
	void __user *user;
	u32 kflags;
	u32 uflags;			/* what the server asks for instead of an answer */
	u32 new_size;			/* with REALLOC: of the whole message */
};

/* The server wants the message again; each word of the shared buffer is read once. */
static int take_request(struct zuf_op *op, void *shared, size_t shared_size)
{
	struct call *call = container_of(op, struct call, op);
	const struct zufs_ioc_ioctl *msg = shared;

	if (READ_ONCE(msg->hdr.err) != -EZUFS_RETRY || shared_size < sizeof(*msg))
		return -EIO;
	call->new_size = READ_ONCE(msg->new_size);
	call->uflags = READ_ONCE(msg->uflags);
	return call->uflags ? 0 : -EINVAL;
}

static int copy_arg_in(const struct call *call, void *arg, size_t size)
{
	if (_IOC_DIR(call->cmd) == _IOC_READ)
		return 0;
	return copy_from_user(arg, call->user, size) ? -EFAULT : 0;
}

static int copy_answer(const struct call *call, const void *arg, size_t size)
{
	if (call->op.answered > size)
		return -EIO;
	return copy_to_user(call->user, arg, call->op.answered) ? -EFAULT : 0;
}

/* One message with @size bytes of argument. */
static int send(struct call *call, size_t size)
{
	struct inode *inode = file_inode(call->file);
	struct zufs_ioc_ioctl *msg;
	int err;

	msg = kvzalloc(sizeof(*msg) + size, GFP_KERNEL_ACCOUNT);
	if (!msg)
		return -ENOMEM;
	err = copy_arg_in(call, ZUFS_TAIL(msg, arg), size);
	if (err)
		goto out;
	msg->hdr = (struct zufs_ioc_hdr)ZUF_HDR(ZUFS_OP_IOCTL, sizeof(*msg) + size,
						offsetof(struct zufs_ioc_ioctl, arg), 0);
	msg->hdr.out_max = sizeof(*msg) + size;
	msg->zus_ii = ZUF_I(inode)->zus_ii;
	msg->time = ktime_get_real_ns();
	msg->cmd = call->cmd;
	msg->kflags = call->kflags;
	call->uflags = 0;
	call->op = (struct zuf_op) {
		.hdr = &msg->hdr, .size = sizeof(*msg) + size, .inode = inode,
		.flags = ZUF_OPF_NO_LOCK, .overflow = take_request,
	};
	err = zuf_dispatch(ZUF_SB(inode->i_sb), &call->op);
	if (!err && !call->uflags)
		err = copy_answer(call, ZUFS_TAIL(msg, arg), size);
out:
	kvfree(msg);
	return err;
}

static int send_again(struct call *call, size_t size)
{
	int err = send(call, size);

	return err || !call->uflags ? err : -EBUSY;
}

static int send_larger(struct call *call)
{
	const size_t head = sizeof(struct zufs_ioc_ioctl);

	if (call->new_size < head || call->new_size - head > ARG_MAX_BYTES)
		return -E2BIG;
	return send_again(call, call->new_size - head);
}

static int send_frozen(struct call *call, size_t size)
{
	struct super_block *sb = file_inode(call->file)->i_sb;
	int err = zuf_freeze_super(sb);

	if (err)
		return err;
	call->kflags |= ZUFS_IOC_FSFROZEN;
	err = send_again(call, size);
	/* somebody may have thawed it before */
	zuf_thaw_super(sb);
	return err;
}

static int pass_through(struct file *file, unsigned int cmd, void __user *user)
{
	struct call call = {
		.file = file, .cmd = cmd, .user = user,
		.kflags = capable(CAP_SYS_ADMIN) ? ZUFS_IOC_CAP_ADMIN : 0,
	};
	size_t size = _IOC_SIZE(cmd);
	int err = send(&call, size);

	if (err || !call.uflags)
		return err;
	switch (call.uflags) {
	case ZUFS_IOC_REALLOC:
		return send_larger(&call);
	case ZUFS_IOC_FREEZE_REQ:
		return send_frozen(&call, size);
	default:
		return -EINVAL;
	}
}

long zuf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case FS_IOC_GETVERSION:
		return zuf_get_generation(file_inode(file), user);
	case FS_IOC_SETVERSION:
		return zuf_set_generation(file, user);
	case TCGETS:
		/* isatty(3), which many programs ask of every file */
		return -ENOTTY;
	case FITRIM:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		break;
	}
	return pass_through(file, cmd, user);
}

/* Of 32-bit programs: what a server knows is laid out for 64 bits. */
long zuf_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case FS_IOC32_GETVERSION:
		cmd = FS_IOC_GETVERSION;
		break;
	case FS_IOC32_SETVERSION:
		cmd = FS_IOC_SETVERSION;
		break;
	case FITRIM:
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return zuf_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}
