// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - find threads of the server that have ended alone
 *
 * Nobody is told of such a thread's end: the file that makes it a ZT belongs to the process. So a
 * worker looks, once a second while there are channels.
 */
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "chan.h"
#include "peer.h"
#include "stats.h"

#define WATCH_MS	1000

static void die_if_lost(struct zuf_chan *ch)
{
	struct task_struct *server = READ_ONCE(ch->server);

	if (!server || !READ_ONCE(server->exit_state) || READ_ONCE(ch->state) == ZUF_CH_DEAD)
		return;
	pr_warn("the server's thread of channel %u.%u has ended\n", ch->cpu, ch->no);
	zuf_stats_event(ch->peer->stats, ZUF_EV_ZT_LOST, 1);
	zuf_chan_die(ch);
}

static void watch_work(struct work_struct *work)
{
	struct zuf_peer *peer = container_of(to_delayed_work(work), struct zuf_peer, watch);

	zuf_chan_for_each(peer, READ_ONCE(peer->live_gen), die_if_lost);
	mutex_lock(&peer->lock);
	peer->watched = false;
	if (!cpumask_empty(&peer->chan_cpus))
		zuf_peer_watch(peer);
	mutex_unlock(&peer->lock);
}

void zuf_peer_watch_init(struct zuf_peer *peer)
{
	INIT_DELAYED_WORK(&peer->watch, watch_work);
}

void zuf_peer_watch(struct zuf_peer *peer)
{
	lockdep_assert_held(&peer->lock);
	if (peer->watched)
		return;
	peer->watched = true;
	schedule_delayed_work(&peer->watch, round_jiffies_relative(msecs_to_jiffies(WATCH_MS)));
}
