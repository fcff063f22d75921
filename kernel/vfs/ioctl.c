// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl.c - ioctls: numbers that the kernel does not know go to the server
 *
 * The argument is flat memory whose size is in the number. The server may ask once for more of
 * it (REALLOC), or for a frozen file system (FREEZE_REQ), and then gets the message again. Its
 * answer goes back to the user. No lock is held: the server decides what an ioctl may do beside
 * other operations. If the caller is killed the file system stays frozen until the server has
 * executed the message. Flags and generation: flags.c.
 *
 * Caller and server may have agreed on something that the kernel does not know. So memory is
 * read and written only as far as the number says, or the server's list of numbers (ioclist.c),
 * or root asks for it; and an ioctl that may change the file system needs write access to the
 * mount.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/ioctls.h>

#include "dispatch.h"
#include "ends.h"
#include "flags.h"
#include "inode.h"
#include "ioclist.h"
#include "ioctl.h"
#include "label.h"
#include "sb.h"

/* Header lengths have 16 bits; the server's command buffer may allow less: -E2BIG. */
#define ARG_MAX_BYTES (U16_MAX - sizeof(struct zufs_ioc_ioctl))

/*
 * The end of a freeze, by the caller or, if the caller has left its message to the server, when
 * that message is done.
 */
struct thaw {
	struct zuf_post left;
	struct super_block *sb;		/* has an active reference, for @work */
	atomic_t ends;			/* 2: the message is done and the caller no longer waits */
	struct work_struct work;
};

struct call {
	struct zuf_op op;
	struct file *file;
	struct thaw *thaw;		/* set while this call has the file system frozen */
	unsigned int cmd;
	void __user *user;
	u32 kflags;
	bool may_grow;			/* the argument may be longer than the number says */
	bool changes;			/* the ioctl may change the file system */
	bool answers;			/* bytes of the argument are copied back */
	bool grown;			/* the server asked for more, and gets it */
	u32 uflags;			/* what the server requests instead of an answer */
	u32 new_size;			/* with REALLOC: size of the whole message */
};

/* The server wants the message again. */
static int take_request(struct zuf_op *op, const void __shm *shared, size_t shared_size)
{
	struct call *call = container_of(op, struct call, op);
	const struct zufs_ioc_ioctl __shm *msg = shared;

	if (shm_load(&msg->hdr.err) != -EZUFS_RETRY || shared_size < sizeof(*msg))
		return -EIO;
	call->new_size = shm_load(&msg->new_size);
	call->uflags = shm_load(&msg->uflags);
	return call->uflags ? 0 : -EINVAL;
}

/*
 * The server gets zeros for an argument that the caller only reads, and for memory that the
 * number does not offer.
 */
static int copy_arg_in(const struct call *call, void *arg, size_t size)
{
	if (!(_IOC_DIR(call->cmd) & _IOC_WRITE) && (_IOC_DIR(call->cmd) || !call->grown))
		return 0;
	return copy_from_user(arg, call->user, size) ? -EFAULT : 0;
}

static int copy_answer(const struct call *call, const void *arg, size_t size)
{
	if (call->op.answered > size)
		return -EIO;
	if (!call->answers)
		return 0;
	return copy_to_user(call->user, arg, call->op.answered) ? -EFAULT : 0;
}

/* Hold write access to the mount, unless this call has frozen the file system. */
static int ioctl_dispatch(struct call *call)
{
	bool write = call->changes && !(call->kflags & ZUFS_IOC_FSFROZEN);
	int err;

	if (write) {
		err = mnt_want_write_file(call->file);
		if (err)
			return err;
	}
	err = zuf_dispatch(ZUF_SB(file_inode(call->file)->i_sb), &call->op);
	if (write)
		mnt_drop_write_file(call->file);
	return err;
}

/* Send one message with @size bytes of argument. */
static int ioctl_send(struct call *call, size_t size)
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
	msg->time = ktime_get_real_ns();
	msg->cmd = call->cmd;
	msg->kflags = call->kflags;
	call->uflags = 0;
	call->op = (struct zuf_op) {
		.hdr = &msg->hdr,
		ZUF_INODE(inode, struct zufs_ioc_ioctl, zus_ii),
		ZUF_OUT(struct zufs_ioc_ioctl, arg, sizeof(*msg) + size),
		.flags = ZUF_OPF_NO_LOCK, .overflow = take_request,
		.left = call->thaw ? &call->thaw->left : NULL,
	};
	err = ioctl_dispatch(call);
	if (!err && !call->uflags)
		err = copy_answer(call, ZUFS_TAIL(msg, arg), size);
out:
	kvfree(msg);
	return err;
}

static int send_again(struct call *call, size_t size)
{
	int err = ioctl_send(call, size);

	return err || !call->uflags ? err : -EBUSY;
}

static int send_larger(struct call *call)
{
	const size_t head = sizeof(struct zufs_ioc_ioctl);

	if (!call->may_grow)
		return -EPERM;
	if (call->new_size < head || call->new_size - head > ARG_MAX_BYTES)
		return -E2BIG;
	call->grown = true;
	return send_again(call, call->new_size - head);
}

/* ---- frozen ---- */

static void thaw_work(struct work_struct *work)
{
	struct thaw *thaw = container_of(work, struct thaw, work);
	struct super_block *sb = thaw->sb;

	kfree(thaw);
	zuf_thaw_super(sb);
	deactivate_super(sb);
}

static void thaw_when_both(struct thaw *thaw)
{
	if (atomic_inc_return(&thaw->ends) == 2)
		zuf_ends_run(&thaw->work);
}

static void thaw_left(struct zuf_post *post, int err)
{
	thaw_when_both(container_of(post, struct thaw, left));
}

static struct thaw *thaw_create(struct super_block *sb)
{
	struct thaw *thaw = kzalloc(sizeof(*thaw), GFP_KERNEL_ACCOUNT);

	if (!thaw)
		return NULL;
	thaw->left.done = thaw_left;
	thaw->sb = sb;
	INIT_WORK(&thaw->work, thaw_work);
	return thaw;
}

/* The caller has its answer, or will get none: then the freeze lasts while the server works. */
static void thaw_end(struct thaw *thaw)
{
	if (unlikely(thaw->left.given)) {
		/* the file may be closed and the mount gone before the thaw */
		atomic_inc(&thaw->sb->s_active);
		thaw_when_both(thaw);
		return;
	}
	/* somebody else may have thawed the file system before */
	zuf_thaw_super(thaw->sb);
	kfree(thaw);
}

static int send_frozen(struct call *call, size_t size)
{
	struct super_block *sb = file_inode(call->file)->i_sb;
	int err;

	call->thaw = thaw_create(sb);
	if (!call->thaw)
		return -ENOMEM;
	err = zuf_freeze_super(sb);
	if (err) {
		kfree(call->thaw);
		return err;
	}
	call->kflags |= ZUFS_IOC_FSFROZEN;
	err = send_again(call, size);
	thaw_end(call->thaw);
	return err;
}

/* What the server may know about the caller. Nobody is refused here, so write no audit record. */
static u32 kflags_of(const struct file *file)
{
	return (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN) ? ZUFS_IOC_CAP_ADMIN : 0) |
	       (file->f_mode & FMODE_READ ? ZUFS_IOC_OPEN_READ : 0) |
	       (file->f_mode & FMODE_WRITE ? ZUFS_IOC_OPEN_WRITE : 0);
}

/* Find out what the ioctl may do. */
static void ioctl_classify(struct call *call)
{
	const struct zuf_ioclist *list = ZUF_SB(file_inode(call->file)->i_sb)->ioclist;
	u32 flags = 0;
	bool listed = zuf_ioclist_find(list, call->cmd, &flags);

	if (listed) {
		call->may_grow = flags & ZUFS_IOCTL_GROWS;
		call->changes = flags & ZUFS_IOCTL_CHANGES;
		call->answers = flags & ZUFS_IOCTL_ANSWERS;
	} else {
		call->may_grow = call->kflags & ZUFS_IOC_CAP_ADMIN;
		call->changes = _IOC_DIR(call->cmd) & _IOC_WRITE;
		call->answers = true;
	}
	if (!(_IOC_DIR(call->cmd) & _IOC_READ))
		call->answers = false;
}

static int pass_through(struct file *file, unsigned int cmd, void __user *user)
{
	struct call call = {
		.file = file, .cmd = cmd, .user = user, .kflags = kflags_of(file),
	};
	size_t size = _IOC_SIZE(cmd);
	int err;

	ioctl_classify(&call);
	/* the kernel cannot tell what the ioctl does to the blocks */
	if (call.changes && IS_SWAPFILE(file_inode(file)))
		return -ETXTBSY;
	err = ioctl_send(&call, size);
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
	case FS_IOC_GETFSLABEL:
		if (!zuf_has_label(file_inode(file)->i_sb))
			break;
		return zuf_get_label(file_inode(file)->i_sb, user);
	case FS_IOC_SETFSLABEL:
		if (!zuf_has_label(file_inode(file)->i_sb))
			break;
		return zuf_set_label(file, user);
	case FS_IOC_GETFSUUID:
		return zuf_get_uuid(file_inode(file)->i_sb, user);
	case TCGETS:
		/* isatty(3), which many programs call for every file */
		return -ENOTTY;
	case FITRIM:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		break;
	}
	return pass_through(file, cmd, user);
}

/* 32-bit programs: servers know layouts for 64 bits only, so unknown numbers are refused. */
long zuf_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case FS_IOC32_GETVERSION:
		cmd = FS_IOC_GETVERSION;
		break;
	case FS_IOC32_SETVERSION:
		cmd = FS_IOC_SETVERSION;
		break;
	case FS_IOC_GETFSLABEL:
	case FS_IOC_SETFSLABEL:
	case FS_IOC_GETFSUUID:
	case FITRIM:
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return zuf_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}
