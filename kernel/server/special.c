// SPDX-License-Identifier: GPL-2.0-only
/*
 * special.c - special files: ioctl, mmap and release by role
 *
 * The inode owns the struct zuf_special, so it lives as long as any file or mapping of the
 * inode. A role is given up in release(), which comes after the last mapping is gone. When the
 * process that made the file a ZT exits, the channel dies in flush(), even if others still have
 * the file or map it.
 */
#include <linux/capability.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "exec.h"
#include "numa.h"
#include "pmem.h"
#include "private.h"
#include "root.h"
#include "special.h"
#include "type.h"
#include "xbuf.h"
#include "zt.h"

struct zuf_special *zuf_special_create(struct zuf_root *root, struct inode *inode)
{
	struct zuf_special *sp = kzalloc(sizeof(*sp), GFP_KERNEL_ACCOUNT);

	if (!sp)
		return NULL;
	mutex_init(&sp->lock);
	sp->root = zuf_root_get(root);
	sp->inode = inode;
	return sp;
}

void zuf_special_destroy(struct zuf_special *sp)
{
	if (!sp)
		return;
	mutex_destroy(&sp->lock);
	zuf_root_put(sp->root);
	kfree(sp);
}

/* ZU_IOC_MOUNT: the first call makes the file the mounter of the root. */
static long ioc_mount(struct zuf_special *sp, struct file *file, void __user *arg)
{
	struct zuf_root *root = sp->root;
	int err = 0;

	mutex_lock(&sp->lock);
	if (sp->role == ZUF_ROLE_NONE) {
		mutex_lock(&root->peer.lock);
		err = zuf_peer_claim(&root->peer);
		if (!err)
			err = zuf_mounter_start(&root->peer.mounter, sp, file->f_path.mnt);
		if (!err) {
			zuf_peer_role_get(&root->peer);
			root->state = ZUF_ROOT_READY;
			sp->owner = current->files;
			zuf_special_set_role(sp, ZUF_ROLE_MOUNTER);
		}
		mutex_unlock(&root->peer.lock);
	} else if (sp->role != ZUF_ROLE_MOUNTER) {
		err = -EINVAL;
	}
	mutex_unlock(&sp->lock);
	if (err) {
		if (put_user(err, (s32 __user *)arg))
			return -EFAULT;
		return err;
	}
	return zuf_mounter_wait(&root->peer, sp, arg);
}

static void mounter_release(struct zuf_special *sp)
{
	struct zuf_root *root = sp->root;

	mutex_lock(&root->peer.lock);
	/* false if the role was taken away: abort.c */
	if (zuf_mounter_stop(&root->peer.mounter, sp))
		zuf_peer_role_put(&root->peer);
	mutex_unlock(&root->peer.lock);
}

static long ioc_break_all(struct zuf_root *root)
{
	zuf_mounter_break(&root->peer.mounter);
	zuf_chan_break_all(&root->peer);
	return 0;
}

/* ioctls that need no special file. */
static long root_ioctl(struct zuf_root *root, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case ZU_IOC_REGISTER_FS:
		return zuf_ioc_register_fs(root, arg);
	case ZU_IOC_NUMA_MAP:
		return zuf_ioc_numa_map(arg);
	case ZU_IOC_BREAK_ALL:
		return ioc_break_all(root);
	default:
		return -ENOTTY;
	}
}

long zuf_special_ioctl(struct zuf_root *root, struct zuf_special *sp,
		       struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (cmd) {
	case ZU_IOC_MOUNT:
		return sp ? ioc_mount(sp, file, uarg) : -EINVAL;
	case ZU_IOC_PRIVATE_MOUNT:
		return sp ? zuf_ioc_private_mount(sp, uarg) : -EINVAL;
	case ZU_IOC_GRAB_PMEM:
		return sp ? zuf_ioc_grab_pmem(sp, uarg) : -EINVAL;
	case ZU_IOC_INIT_THREAD:
		return sp ? zuf_ioc_init_thread(sp, file, uarg) : -EINVAL;
	case ZU_IOC_ALLOC_BUFFER:
		return sp ? zuf_ioc_alloc_buffer(sp, uarg) : -EINVAL;
	case ZU_IOC_IOMAP_EXEC:
		return sp ? zuf_ioc_iomap_exec(sp, file, arg) : -EINVAL;
	case ZU_IOC_WAIT_OPT:
		return put_user(-ERANGE, (s32 __user *)uarg) ? -EFAULT : -ERANGE;
	default:
		return root_ioctl(root, cmd, uarg);
	}
}

static long special_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct zuf_special *sp = file_inode(file)->i_private;

	/* the hot path; whoever made the file a ZT had the capability */
	if (likely(cmd == ZU_IOC_WAIT_OPT && zuf_special_role(sp) == ZUF_ROLE_ZT))
		return zuf_ioc_wait_opt(sp, arg);
	return zuf_special_ioctl(sp->root, sp, file, cmd, arg);
}

static int special_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct zuf_special *sp = file_inode(file)->i_private;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	switch (zuf_special_role(sp)) {
	case ZUF_ROLE_ZT:
		return zuf_zt_mmap(sp, vma);
	case ZUF_ROLE_PMEM:
		return zuf_pmem_mmap(sp, vma);
	case ZUF_ROLE_XBUF:
		return zuf_xbuf_mmap(sp, vma);
	default:
		return -ENOTTY;
	}
}

static int special_flush(struct file *file, fl_owner_t id)
{
	struct zuf_special *sp = file_inode(file)->i_private;

	if ((current->flags & PF_EXITING) && zuf_special_role(sp) == ZUF_ROLE_ZT &&
	    sp->owner == id)
		zuf_chan_die(sp->chan);
	return 0;
}

/*
 * A role ends with the file, so there must be only one file: no second one through /proc/PID/fd.
 * Called once for the O_TMPFILE open itself.
 */
static int special_open(struct inode *inode, struct file *file)
{
	struct zuf_special *sp = inode->i_private;

	return atomic_xchg(&sp->opened, 1) ? -ENXIO : 0;
}

static int special_release(struct inode *inode, struct file *file)
{
	struct zuf_special *sp = inode->i_private;

	switch (zuf_special_role(sp)) {
	case ZUF_ROLE_NONE:
		break;
	case ZUF_ROLE_MOUNTER:
		mounter_release(sp);
		break;
	case ZUF_ROLE_ZT:
		zuf_zt_release(sp);
		break;
	case ZUF_ROLE_PMEM:
		zuf_pmem_release(sp);
		break;
	case ZUF_ROLE_XBUF:
		zuf_xbuf_release(sp);
		break;
	case ZUF_ROLE_PRIVATE:
		zuf_private_release(sp);
		break;
	}
	return 0;
}

const struct file_operations zuf_special_fops = {
	.owner = THIS_MODULE,
	.open = special_open,
	.unlocked_ioctl = special_ioctl,
	.mmap = special_mmap,
	.flush = special_flush,
	.release = special_release,
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = noop_llseek,
};
