// SPDX-License-Identifier: GPL-2.0-only
/*
 * endwq.c - the work queues of a root's workers, and inodes whose last reference is put there
 */
#include <linux/fs.h>

#include "ends.h"
#include "root.h"
#include "sb.h"
#include "sbid.h"
#include "zinode.h"

static struct workqueue_struct *ends_wq;
static struct workqueue_struct *iput_wq;

void zuf_ends_kick(struct zuf_root *root)
{
	mod_delayed_work(ends_wq, &root->ends.work, 0);
}

void zuf_ends_look_in(struct zuf_root_ends *re, unsigned long delay)
{
	queue_delayed_work(ends_wq, &re->work, delay);
}

void zuf_ends_wake(struct zuf_sbid *sbid)
{
	/* a task that waits has looked before, or looks again */
	if (wq_has_sleeper(&sbid->ends.wait))
		wake_up_all(&sbid->ends.wait);
}

/* ---- the last reference of an inode, where its evict must not happen ---- */

static void iput_work(struct work_struct *work)
{
	struct zuf_root_ends *re = container_of(work, struct zuf_root_ends, iput_work);
	struct super_block *sb;
	struct zuf_end *end;
	struct inode *inode;

	for (;;) {
		spin_lock(&re->lock);
		end = list_first_entry_or_null(&re->iputs, struct zuf_end, link);
		if (end)
			list_del_init(&end->link);
		spin_unlock(&re->lock);
		if (!end)
			break;
		inode = &zuf_end_inode(end)->vfs_inode;
		sb = inode->i_sb;
		iput(inode);
		deactivate_super(sb);
	}
}

void zuf_forget_inode(struct inode *inode)
{
	struct zuf_root *root = ZUF_SB(inode->i_sb)->root;
	struct zuf_end *end = &ZUF_I(inode)->end;

	if (atomic_add_unless(&inode->i_count, -1, 1))
		return;
	/* an inode that is still held would outlive an unmount */
	if (!atomic_inc_not_zero(&inode->i_sb->s_active)) {
		/* the unmount waits for our caller, and evicts inodes that nobody holds */
		atomic_dec(&inode->i_count);
		return;
	}
	/* we have the only reference, so nobody else uses @end */
	spin_lock(&root->ends.lock);
	list_add_tail(&end->link, &root->ends.iputs);
	spin_unlock(&root->ends.lock);
	queue_work(iput_wq, &root->ends.iput_work);
}

void zuf_ends_run(struct work_struct *work)
{
	queue_work(iput_wq, work);
}

/* ---- life ---- */

void zuf_ends_root_init(struct zuf_root *root)
{
	spin_lock_init(&root->ends.lock);
	INIT_LIST_HEAD(&root->ends.mounts);
	INIT_LIST_HEAD(&root->ends.iputs);
	INIT_DELAYED_WORK(&root->ends.work, zuf_ends_work);
	INIT_WORK(&root->ends.iput_work, iput_work);
}

void zuf_ends_root_fini(struct zuf_root *root)
{
	cancel_work_sync(&root->ends.iput_work);
	cancel_delayed_work_sync(&root->ends.work);
}

int zuf_ends_module_init(void)
{
	ends_wq = alloc_workqueue("zuf_ends", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!ends_wq)
		return -ENOMEM;
	/* a separate queue: its items may unmount, which checks whether other work is done */
	iput_wq = alloc_workqueue("zuf_iput", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!iput_wq) {
		destroy_workqueue(ends_wq);
		return -ENOMEM;
	}
	return 0;
}

void zuf_ends_module_fini(void)
{
	destroy_workqueue(iput_wq);
	destroy_workqueue(ends_wq);
}
