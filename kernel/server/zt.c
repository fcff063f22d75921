// SPDX-License-Identifier: GPL-2.0-only
/*
 * zt.c - the role ZT: the file of a server thread, its two mappings, its wait
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "root.h"
#include "special.h"
#include "window.h"
#include "zt.h"

/*
 * Size limit of a command buffer in bytes: more than any message can have. The minimum is a
 * page.
 */
#define ZUF_CMD_MAX	(256U * 1024)

long zuf_ioc_init_thread(struct zuf_special *sp, struct file *file, void __user *arg)
{
	struct zufs_ioc_init init;
	struct zuf_chan *ch;
	size_t cmd_size;
	long err = 0;

	if (copy_from_user(&init, arg, sizeof(init)))
		return -EFAULT;
	if (init.channel_no >= ZUFS_MAX_ZT_CHANNELS || init.max_command > ZUF_CMD_MAX)
		return -EINVAL;
	cmd_size = PAGE_ALIGN(max_t(u32, init.max_command, PAGE_SIZE));

	mutex_lock(&sp->lock);
	if (sp->role != ZUF_ROLE_NONE) {
		err = -EINVAL;
	} else {
		/* the caller must be the server, or becomes the server */
		ch = zuf_chan_create(&sp->root->peer, raw_smp_processor_id(), init.channel_no,
				     cmd_size, file);
		init.hdr.err = PTR_ERR_OR_ZERO(ch);
		if (!IS_ERR(ch)) {
			sp->chan = ch;
			sp->owner = current->files;
			zuf_special_set_role(sp, ZUF_ROLE_ZT);
		}
	}
	mutex_unlock(&sp->lock);
	if (err)
		return err;
	return copy_to_user(arg, &init, sizeof(init)) ? -EFAULT : 0;
}

/* The first wait binds the thread to the channel. */
static long zt_bind(struct zuf_chan *ch)
{
	long err = 0;

	mutex_lock(&ch->lock);
	if (ch->server)
		err = -EBUSY;
	else if (!ch->win_addr || !ch->cmd_addr)
		err = -EINVAL;
	else
		WRITE_ONCE(ch->server, get_task_struct(current));
	mutex_unlock(&ch->lock);
	return err;
}

static long zt_wait_error(unsigned long arg, s32 err)
{
	return put_user(err, (s32 __user *)arg) ? -EFAULT : err;
}

long zuf_ioc_wait_opt(struct zuf_special *sp, unsigned long arg)
{
	struct zuf_chan *ch = sp->chan;
	long err;

	if (unlikely(arg != READ_ONCE(ch->cmd_addr) || current->mm != READ_ONCE(ch->mm)))
		return zt_wait_error(arg, -EINVAL);
	if (unlikely(READ_ONCE(ch->server) != current)) {
		err = zt_bind(ch);
		if (err)
			return zt_wait_error(arg, err);
	}
	/* do not change sent_flags: it is the application's, which may be adding a signal */
	shm_store(&ch->cmd->flags, READ_ONCE(ch->sent_flags) & ~ZUFS_H_HAS_PIGY_PUT);
	err = zuf_chan_wait(ch);
	if (unlikely(err == -E2BIG))
		return zt_wait_error(arg, err);
	return err;
}

static void cmd_close(struct vm_area_struct *vma)
{
	struct zuf_chan *ch = vma->vm_private_data;

	/* a copied area is closed, too, when mremap() is refused */
	if (vma->vm_start == ch->cmd_addr)
		WRITE_ONCE(ch->cmd_addr, 0);
}

static int cmd_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int cmd_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct cmd_vm_ops = {
	.close = cmd_close,
	.may_split = cmd_may_split,
	.mremap = cmd_mremap,
};

static int cmd_mmap(struct zuf_chan *ch, struct vm_area_struct *vma)
{
	unsigned long bytes = vma->vm_end - vma->vm_start;
	int err = -EBUSY;

	if (bytes != ch->cmd_size)
		return -EINVAL;
	mutex_lock(&ch->lock);
	if (ch->cmd_addr || (ch->mm && ch->mm != vma->vm_mm))
		goto out;
	err = shm_mmap(vma, ch->cmd);
	if (err)
		goto out;
	if (!ch->mm) {
		mmgrab(vma->vm_mm);
		ch->mm = vma->vm_mm;
	}
	vm_flags_set(vma, VM_DONTCOPY);
	vma->vm_private_data = ch;
	vma->vm_ops = &cmd_vm_ops;
	WRITE_ONCE(ch->cmd_addr, vma->vm_start);
out:
	mutex_unlock(&ch->lock);
	return err;
}

int zuf_zt_mmap(struct zuf_special *sp, struct vm_area_struct *vma)
{
	switch (vma->vm_pgoff) {
	case 0:
		return zuf_win_mmap(sp->chan, vma);
	case ZUS_API_MAP_MAX_PAGES:
		return cmd_mmap(sp->chan, vma);
	default:
		return -EINVAL;
	}
}

void zuf_zt_release(struct zuf_special *sp)
{
	zuf_chan_die(sp->chan);
	zuf_chan_put(sp->chan);
}
