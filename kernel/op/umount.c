// SPDX-License-Identifier: GPL-2.0-only
/*
 * umount.c - the end of a mount
 *
 *	umount(8)                     the root's workers
 *	waits for the ends of inodes    also when umount(8) was killed: they look now and
 *	and lists of the server         then (zuf_umount_look)
 *	zuf_umount_look ------------->  UMOUNT, one mount after the other: this is the only
 *	                                worker that waits for a server, and the server has
 *	                                only one thread that mounts
 *	waits                           lists that began meanwhile have ended: closed
 *
 * What a server that is gone has begun may still write: the end of its lists is waited for in
 * the same way (zuf_umount_drop).
 *
 * So a umount(8) that is killed still unmounts, and the id and the devices stay until the
 * server has let go: nobody mounts them before (zuf_sbid_devices_in_use).
 */
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "ends.h"
#include "mounter.h"
#include "ride.h"
#include "root.h"
#include "sb.h"
#include "sbid.h"
#include "umount.h"
#include "wake.h"

static struct workqueue_struct *umount_wq;

struct zuf_umount {
	struct list_head link;		/* in root->ends.umounts */
	struct zuf_root *root;		/* referenced */
	struct vfsmount *root_mnt;	/* referenced */
	struct zuf_sbid *sbid;		/* referenced; the server's until it has answered */
	u32 server_gen;
	bool answered;			/* only lists that still run are left */
	struct zufs_ioc_mount msg;
};

/* ---- may it go on? ---- */

static bool may_send(const struct zuf_umount *um)
{
	const struct zuf_sbid *sbid = um->sbid;

	/* if the server is gone nothing is under way that could reach the next server */
	if (!zuf_sbid_is_live(sbid))
		return true;
	if (!zuf_ends_are_done(sbid) || zuf_evicts_wait(&sbid->evicts))
		return false;
	/* a server that has not answered the mount does not wait for its lists either */
	return !um->msg.zmi.zus_sbi || zuf_sbid_is_drained(sbid);
}

bool zuf_umount_look(struct zuf_sbid *sbid)
{
	struct zuf_root *root = zuf_sbid_root(sbid);
	struct zuf_umount *um;
	bool go_on;

	spin_lock(&root->ends.lock);
	um = sbid->umount;
	go_on = um && (um->answered ? zuf_sbid_lists_have_ended(sbid) : may_send(um));
	if (go_on) {
		sbid->umount = NULL;
		list_add_tail(&um->link, &root->ends.umounts);
		queue_work(umount_wq, &root->ends.umount_work);
	}
	spin_unlock(&root->ends.lock);
	return !um || go_on;
}

/* ---- the worker ---- */

static void wait_for_look(struct zuf_umount *um)
{
	struct zuf_root *root = um->root;
	struct zuf_sbid *sbid = um->sbid;

	spin_lock(&root->ends.lock);
	sbid->umount = um;
	spin_unlock(&root->ends.lock);
	zuf_ends_kick(root);
}

static void umount_send(struct zuf_umount *um)
{
	if (um->msg.zmi.zus_sbi)
		zuf_mounter_call(&um->root->peer, um->server_gen, &um->msg);
	else
		zuf_mounter_settle(&um->root->peer, um->server_gen);
	zuf_sbid_close_id(um->sbid);
	um->answered = true;
}

static void umount_finish(struct zuf_umount *um)
{
	struct zuf_root *root = um->root;
	struct zuf_sbid *sbid = um->sbid;

	zuf_sbid_close_devices(sbid);
	/* a task that waits may want to unmount the root next */
	mntput(um->root_mnt);
	kfree(um);
	smp_store_release(&sbid->umounted, true);
	smp_mb(); /* wake_up_var() looks for sleepers without a lock */
	wake_up_var(&sbid->umounted);
	zuf_sbid_put(sbid);
	zuf_root_put(root);
}

static void umount_work(struct work_struct *work)
{
	struct zuf_root_ends *re = container_of(work, struct zuf_root_ends, umount_work);
	struct zuf_umount *um;

	for (;;) {
		spin_lock(&re->lock);
		um = list_first_entry_or_null(&re->umounts, struct zuf_umount, link);
		if (um)
			list_del_init(&um->link);
		spin_unlock(&re->lock);
		if (!um)
			break;
		if (!um->answered)
			umount_send(um);
		if (zuf_sbid_lists_have_ended(um->sbid))
			umount_finish(um);
		else
			wait_for_look(um);
	}
}

/* ---- umount(8) ---- */

/* For zsb->sbid; the caller keeps its reference of that. */
static struct zuf_umount *umount_create(struct zuf_sb *zsb)
{
	struct zuf_umount *um = kzalloc(sizeof(*um), GFP_KERNEL | __GFP_NOFAIL);

	um->root = zuf_root_get(zsb->root);
	um->root_mnt = mntget(zsb->root_mnt);
	um->sbid = zsb->sbid;
	zuf_sbid_get(zsb->sbid);
	um->server_gen = zsb->server_gen;
	return um;
}

/*
 * May the current task wait? A signal ends the waits, so a task that gets none must not wait: a
 * worker, and the last process of a mount name space, which unmounts in its exit.
 */
static bool may_wait(void)
{
	return !(current->flags & (PF_KTHREAD | PF_EXITING));
}

/* Wait for everything that the worker would otherwise look at now and then. */
static void wait_until_ready(struct zuf_sb *zsb)
{
	struct zuf_sbid *sbid = zsb->sbid;

	zuf_sbid_start_drain(sbid);
	if (!may_wait())
		return;
	if (zuf_wait_killable(sbid->ends.wait, zuf_ends_are_done(sbid) ||
			      !zuf_sbid_is_live(sbid)))
		return;
	if (!zuf_evict_flush(zsb) && zsb->zus_sbi)
		zuf_sbid_drain(sbid);
}

void zuf_umount_send(struct zuf_sb *zsb)
{
	struct zuf_umount *um = umount_create(zsb);
	struct zuf_sbid *sbid = zsb->sbid;

	um->msg.hdr = (struct zufs_ioc_hdr)ZUF_MNT_HDR(ZUFS_M_UMOUNT, sizeof(um->msg));
	um->msg.zmi.zus_sbi = zsb->zus_sbi;
	um->msg.zmi.zus_zfi = zsb->zus_zfi;
	wait_until_ready(zsb);
	wait_for_look(um);
	zuf_umount_look(sbid);
	if (may_wait())
		zuf_wait_var_killable(&sbid->umounted, smp_load_acquire(&sbid->umounted));
	zuf_sbid_put(sbid);
}

/* Return: true: no list runs; false: the task was killed, or must not wait. */
static bool lists_end(struct zuf_sbid *sbid)
{
	if (!may_wait())
		return zuf_sbid_lists_have_ended(sbid);
	return !zuf_wait_var_killable(&sbid->lists.nr_running, zuf_sbid_lists_have_ended(sbid));
}

void zuf_umount_drop(struct zuf_sb *zsb)
{
	struct zuf_sbid *sbid = zsb->sbid;
	struct zuf_umount *um;

	zuf_sbid_close_id(sbid);
	if (lists_end(sbid)) {
		zuf_sbid_close_devices(sbid);
	} else {
		um = umount_create(zsb);
		um->answered = true;
		wait_for_look(um);
		zuf_umount_look(sbid);
	}
	zuf_sbid_put(sbid);
}

/* ---- life ---- */

void zuf_umount_root_init(struct zuf_root *root)
{
	INIT_LIST_HEAD(&root->ends.umounts);
	INIT_WORK(&root->ends.umount_work, umount_work);
}

void zuf_umount_root_fini(struct zuf_root *root)
{
	cancel_work_sync(&root->ends.umount_work);
}

int zuf_umount_module_init(void)
{
	umount_wq = alloc_workqueue("zuf_umount", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return umount_wq ? 0 : -ENOMEM;
}

void zuf_umount_module_fini(void)
{
	destroy_workqueue(umount_wq);
}
