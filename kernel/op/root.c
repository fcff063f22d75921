// SPDX-License-Identifier: GPL-2.0-only
/*
 * root.c - the life of a root, and what happens when its server ends
 *
 * A root outlives its super-block (rootfs.c) as long as anything holds a reference to it.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "finish.h"
#include "leave.h"
#include "park.h"
#include "retry.h"
#include "root.h"
#include "sbid.h"
#include "stats.h"
#include "umount.h"
#include "undo.h"

static struct workqueue_struct *root_free_wq;
static atomic_t nr_roots = ATOMIC_INIT(0);	/* roots whose memory is not freed yet */

/* ---- the server ends ---- */

/* A server without mounts may come and go without a message. */
static void report_dead_mounts(struct zuf_root *root, u32 gen)
{
	struct zuf_sbid *sbid;
	unsigned int n = 0;
	int id;

	lockdep_assert_held(&root->peer.lock);
	idr_for_each_entry(&root->sbs, sbid, id)
		n += sbid->dev && !sbid->draining && sbid->ep.gen == gen;
	if (n)
		pr_warn("the server (pid %d) has ended, its %u mounts are dead until unmounted\n",
			pid_nr(root->peer.server), n);
}

static void root_down(struct zuf_peer *peer, u32 gen)
{
	struct zuf_root *root = zuf_root_of(peer);

	lockdep_assert_held(&peer->lock);
	if (gen)
		report_dead_mounts(root, gen);
	root->state = ZUF_ROOT_INITIALIZING;
	zuf_park_drop_all(peer);
}

/* ---- life ---- */

static void root_free_work(struct work_struct *work)
{
	struct zuf_root *root = container_of(work, struct zuf_root, free_work);

	zuf_umount_root_fini(root);
	zuf_ends_root_fini(root);
	zuf_peer_fini(&root->peer);
	idr_destroy(&root->sbs);
	kvfree(root->retired);
	kfree(root);
	if (atomic_dec_and_test(&nr_roots))
		wake_up_var(&nr_roots);
}

static void root_release(struct zuf_peer *peer)
{
	struct zuf_root *root = zuf_root_of(peer);

	INIT_WORK(&root->free_work, root_free_work);
	queue_work(root_free_wq, &root->free_work);
}

/* The channel is freed. */
static void chan_forget(struct zuf_chan *ch)
{
	zuf_retry_forget(ch);
	zuf_undo_put(ch->left_undo);
}

static const struct zuf_peer_ops root_peer_ops = {
	.release = root_release,
	.down = root_down,
	.leave = zuf_leave_claim,
	.hold = zuf_leave_hold,
	.finish = zuf_finish,
	.stage = zuf_retry_stage,
	.unstage = zuf_retry_unstage,
	.resume = zuf_retry_resume,
	.take = zuf_park_take,
	.forget = chan_forget,
};

struct zuf_root *zuf_root_create(void)
{
	struct zuf_root *root = kzalloc(sizeof(*root), GFP_KERNEL_ACCOUNT);
	int err;

	if (!root)
		return NULL;
	root->retired = kvzalloc(sizeof(*root->retired), GFP_KERNEL_ACCOUNT);
	err = zuf_peer_init(&root->peer, &root_peer_ops);
	if (err || !root->retired) {
		zuf_peer_fini(&root->peer);
		kvfree(root->retired);
		kfree(root);
		return NULL;
	}
	zuf_ends_root_init(root);
	zuf_umount_root_init(root);
	idr_init_base(&root->sbs, 1);
	atomic_inc(&nr_roots);
	return root;
}

void zuf_root_wait_freed(void)
{
	wait_var_event(&nr_roots, !atomic_read(&nr_roots));
}

int zuf_root_wq_init(void)
{
	root_free_wq = alloc_workqueue("zuf_root", WQ_UNBOUND, 0);
	return root_free_wq ? 0 : -ENOMEM;
}

void zuf_root_wq_fini(void)
{
	destroy_workqueue(root_free_wq);
}
