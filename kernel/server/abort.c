// SPDX-License-Identifier: GPL-2.0-only
/*
 * abort.c - the end of a server that does not end by itself
 *
 * "abort" in the root's `control` takes the root away from a server that hangs: to its
 * applications it has died. Nothing that the process may still use is freed: command
 * buffers, copy pages and T1 are mapped as long as its files are open, or until the
 * unmount. Its threads find their channels dead when they come back.
 *
 * A thread of the server that ends alone tells nobody: the file that makes it a ZT
 * belongs to the process. So a worker looks, once a second while there are channels.
 */
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "chan.h"
#include "root.h"
#include "stats.h"
#include "trace.h"

#define ZUF_WATCH_MS	1000

/* ---- threads that have ended ---- */

static void die_if_lost(struct zuf_chan *ch)
{
	struct task_struct *server = READ_ONCE(ch->server);

	if (!server || !READ_ONCE(server->exit_state) || READ_ONCE(ch->state) == ZUF_CH_DEAD)
		return;
	pr_warn("the server's thread of channel %u.%u has ended\n", ch->cpu, ch->no);
	zuf_stats_event(ch->root->stats, ZUF_EV_ZT_LOST, 1);
	zuf_chan_die(ch);
}

static void watch_work(struct work_struct *work)
{
	struct zuf_root *root = container_of(to_delayed_work(work), struct zuf_root, watch);

	zuf_chan_for_each(root, READ_ONCE(root->live_gen), die_if_lost);
	mutex_lock(&root->lock);
	root->watched = false;
	if (!cpumask_empty(&root->chan_cpus))
		zuf_root_watch(root);
	mutex_unlock(&root->lock);
}

void zuf_root_watch_init(struct zuf_root *root)
{
	INIT_DELAYED_WORK(&root->watch, watch_work);
}

void zuf_root_watch(struct zuf_root *root)
{
	if (root->watched)
		return;
	root->watched = true;
	schedule_delayed_work(&root->watch, round_jiffies_relative(msecs_to_jiffies(ZUF_WATCH_MS)));
}

/* ---- abort ---- */

int zuf_root_abort(struct zuf_root *root)
{
	struct pid *server;
	u32 gen;

	mutex_lock(&root->lock);
	server = root->server;
	gen = root->live_gen;
	if (!server || !gen) {
		mutex_unlock(&root->lock);
		return -ESRCH;
	}
	pr_warn("server %d is aborted\n", pid_nr(server));
	zuf_stats_event(root->stats, ZUF_EV_ABORT, 1);
	put_pid(root->ousted);
	root->ousted = server;
	/* from here on it cannot take a role; what it has keeps others away */
	zuf_root_server_down(root);
	root->server = NULL;
	if (zuf_mounter_stop(&root->mounter, NULL))
		zuf_root_role_put(root);
	mutex_unlock(&root->lock);

	zuf_chan_for_each(root, gen, zuf_chan_die);
	/* or it would be in the way of its successor's */
	return zuf_mounter_wait_left(&root->mounter);
}
