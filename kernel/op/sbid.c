// SPDX-License-Identifier: GPL-2.0-only
/*
 * sbid.c - ids of the live super-blocks of a root, and the lists that run for them
 *
 * A drain must end although the server goes on starting lists (its threads stop only in
 * M_UMOUNT), so it waits for the lists that have begun before it. The close waits for lists that
 * begin later, but not for their IOM_DONE: the server has answered M_UMOUNT, and its super-block
 * is gone. The close also waits for lists of operations, whose server may have died.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "devset.h"
#include "sbid.h"
#include "stats.h"
#include "wake.h"

/* All zuf_sbid whose devices are not free yet; under open_lock. */
static LIST_HEAD(open_sbids);
static DEFINE_MUTEX(open_lock);

static void sbid_free(struct zuf_endpoint *ep)
{
	struct zuf_sbid *sbid = zuf_sbid_of(ep);

	zuf_ends_fini(sbid);
	zuf_evicts_fini(&sbid->evicts);
	zuf_stats_destroy(sbid->stats);
	zuf_devset_put(sbid->devs);	/* NULL, unless it was never published */
	zuf_peer_put(ep->peer);
	kfree(sbid);
}

static const struct zuf_endpoint_ops sbid_ops = {
	.release = sbid_free,
	.left_done = zuf_ends_left_done,
};

/* Make a zuf_sbid that nobody knows yet. */
static struct zuf_sbid *sbid_alloc(struct zuf_root *root, struct zuf_devset *devs, u32 gen)
{
	struct zuf_sbid *sbid = kzalloc(sizeof(*sbid), GFP_KERNEL_ACCOUNT);

	if (!sbid)
		return NULL;
	kref_init(&sbid->ep.ref);
	sbid->ep.ops = &sbid_ops;
	sbid->ep.peer = zuf_peer_get(&root->peer);
	sbid->ep.gen = gen;
	sbid->ep.stats = root->peer.stats;
	init_rwsem(&sbid->sb_lock);
	INIT_LIST_HEAD(&sbid->open_link);
	sbid->lists.ep = &sbid->ep;
	zuf_ends_init(sbid);
	mutex_init(&sbid->evicts.lock);
	sbid->devs = zuf_devset_get(devs);
	return sbid;
}

struct zuf_sbid *zuf_sbid_create(struct zuf_root *root, struct zuf_devset *devs, u32 gen,
				 const char *type)
{
	struct zuf_sbid *sbid = sbid_alloc(root, devs, gen);
	int id;

	if (!sbid)
		return ERR_PTR(-ENOMEM);
	if (type) {
		sbid->type = type;
		sbid->stats = zuf_stats_create();
		if (!sbid->stats) {
			zuf_sbid_put(sbid);
			return ERR_PTR(-ENOMEM);
		}
		sbid->ep.stats = sbid->stats;
	}
	mutex_lock(&root->peer.lock);
	id = idr_alloc(&root->sbs, sbid, 1, 0, GFP_KERNEL);
	sbid->ep.id = id;
	mutex_unlock(&root->peer.lock);
	if (id < 0) {
		zuf_sbid_put(sbid);
		return ERR_PTR(id);
	}
	mutex_lock(&open_lock);
	list_add_tail(&sbid->open_link, &open_sbids);
	mutex_unlock(&open_lock);
	return sbid;
}

void zuf_sbid_set_sbi(struct zuf_sbid *sbid, u64 zus_sbi)
{
	mutex_lock(&sbid->ep.peer->lock);
	sbid->zus_sbi = zus_sbi;
	mutex_unlock(&sbid->ep.peer->lock);
}

void zuf_sbid_attach(struct zuf_sbid *sbid, struct super_block *sb)
{
	down_write(&sbid->sb_lock);
	sbid->sb = sb;
	up_write(&sbid->sb_lock);
	mutex_lock(&sbid->ep.peer->lock);
	if (sb)
		sbid->dev = sb->s_dev;
	mutex_unlock(&sbid->ep.peer->lock);
}

void zuf_sbid_detach(struct zuf_sbid *sbid)
{
	zuf_sbid_attach(sbid, NULL);
}

void zuf_sbid_start_drain(struct zuf_sbid *sbid)
{
	mutex_lock(&sbid->ep.peer->lock);
	sbid->draining = true;
	mutex_unlock(&sbid->ep.peer->lock);
}

void zuf_sbid_drain(struct zuf_sbid *sbid)
{
	zuf_wait_var_killable(&sbid->nr_early, !atomic_read(&sbid->nr_early));
}

void zuf_sbid_close_id(struct zuf_sbid *sbid)
{
	struct zuf_root *root = zuf_sbid_root(sbid);

	mutex_lock(&sbid->ep.peer->lock);
	WRITE_ONCE(sbid->closed, true);
	idr_remove(&root->sbs, sbid->ep.id);
	if (sbid->stats)
		zuf_stats_add(root->retired, sbid->stats);
	mutex_unlock(&sbid->ep.peer->lock);
}

void zuf_sbid_close_devices(struct zuf_sbid *sbid)
{
	pr_debug("sb %llu: is gone\n", sbid->ep.id);
	zuf_devset_revoke(sbid->devs);
	mutex_lock(&open_lock);
	list_del_init(&sbid->open_link);
	mutex_unlock(&open_lock);
	/* not later: the next mount wants to open the devices for itself */
	zuf_devset_put(sbid->devs);
	sbid->devs = NULL;
}

void zuf_sbid_close(struct zuf_sbid *sbid)
{
	zuf_sbid_close_id(sbid);
	/* a list that is still under way would write into the next mount */
	wait_var_event(&sbid->lists.nr_running, zuf_sbid_lists_have_ended(sbid));
	zuf_sbid_close_devices(sbid);
}

bool zuf_sbid_devices_in_use(const struct zuf_devset *devs)
{
	struct zuf_sbid *sbid;
	bool found = false;

	mutex_lock(&open_lock);
	list_for_each_entry(sbid, &open_sbids, open_link)
		found |= zuf_devset_overlap(sbid->devs, devs);
	mutex_unlock(&open_lock);
	return found;
}

void zuf_sbid_for_each_sb(const struct zuf_devset *devs,
			  void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct zuf_sbid *sbid;

	mutex_lock(&open_lock);
	list_for_each_entry(sbid, &open_sbids, open_link) {
		if (sbid->devs != devs)
			continue;
		down_read(&sbid->sb_lock);
		if (sbid->sb)
			fn(sbid->sb, arg);
		up_read(&sbid->sb_lock);
	}
	mutex_unlock(&open_lock);
}

struct zuf_sbid *zuf_sbid_find(struct zuf_root *root, u64 id)
{
	lockdep_assert_held(&root->peer.lock);
	/* ids are reused, and a server that was aborted may still have the old ones */
	if (id > INT_MAX || (root->peer.ousted && root->peer.ousted == task_tgid(current)))
		return NULL;
	return idr_find(&root->sbs, id);
}

struct zuf_sbid *zuf_sbid_lookup(struct zuf_root *root, u64 id, u64 zus_sbi)
{
	struct zuf_sbid *sbid;

	mutex_lock(&root->peer.lock);
	sbid = zuf_sbid_find(root, id);
	if (sbid && sbid->zus_sbi && sbid->zus_sbi != zus_sbi)
		sbid = NULL;
	if (sbid)
		zuf_sbid_get(sbid);
	mutex_unlock(&root->peer.lock);
	return sbid;
}

bool zuf_sbid_list_begin(struct zuf_sbid *sbid, bool *early)
{
	bool open;

	mutex_lock(&sbid->ep.peer->lock);
	open = !sbid->closed;
	if (open) {
		zuf_lists_begin(&sbid->lists);
		*early = !sbid->draining;
		if (*early)
			atomic_inc(&sbid->nr_early);
	}
	mutex_unlock(&sbid->ep.peer->lock);
	return open;
}

void zuf_sbid_list_told(struct zuf_sbid *sbid, bool early)
{
	if (early && atomic_dec_and_test(&sbid->nr_early))
		wake_up_var(&sbid->nr_early);
	zuf_sbid_put(sbid);
}
