// SPDX-License-Identifier: GPL-2.0-only
/*
 * peer.c - who is the server
 *
 * The first process that takes a role (a channel, the mounter, a type) is the server until
 * the last of its role files is closed, or it is aborted. Its end begins with a change of live_gen
 * to 0: a task that looks later finds no server, a task that has looked before is woken or
 * dropped by what follows.
 */
#include <linux/pid.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "peer.h"
#include "stats.h"
#include "trace.h"

/* ---- life ---- */

int zuf_peer_init(struct zuf_peer *peer, const struct zuf_peer_ops *ops)
{
	unsigned int cpu;

	peer->ops = ops;
	kref_init(&peer->ref);
	mutex_init(&peer->lock);
	spin_lock_init(&peer->park_lock);
	INIT_LIST_HEAD(&peer->parks);
	INIT_LIST_HEAD(&peer->parks_left);
	zuf_peer_watch_init(peer);
	peer->cpus = alloc_percpu(struct zuf_cpu);
	peer->stats = zuf_stats_create();
	if (!peer->cpus || !peer->stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct zuf_cpu *zc = per_cpu_ptr(peer->cpus, cpu);

		init_waitqueue_head(&zc->idle_wait);
		init_waitqueue_head(&zc->stays_wait);
		zc->cpu = cpu;
		zuf_puts_init(&zc->puts, peer);
	}
	return zuf_mounter_init(&peer->mounter);
}

void zuf_peer_fini(struct zuf_peer *peer)
{
	unsigned int cpu;

	cancel_delayed_work_sync(&peer->watch);
	if (peer->cpus && peer->stats)
		for_each_possible_cpu(cpu)
			zuf_puts_fini(&per_cpu_ptr(peer->cpus, cpu)->puts);
	put_pid(peer->server);
	put_pid(peer->ousted);
	zuf_mounter_fini(&peer->mounter);
	mutex_destroy(&peer->lock);
	zuf_stats_destroy(peer->stats);
	free_percpu(peer->cpus);
}

struct zuf_peer *zuf_peer_get(struct zuf_peer *peer)
{
	kref_get(&peer->ref);
	return peer;
}

static void peer_release(struct kref *ref)
{
	struct zuf_peer *peer = container_of(ref, struct zuf_peer, ref);

	peer->ops->release(peer);
}

void zuf_peer_put(struct zuf_peer *peer)
{
	kref_put(&peer->ref, peer_release);
}

/* ---- the server comes and goes ---- */

/* A process that is exiting, or has ended and is not reaped yet, counts as gone. */
static bool server_is_alive(struct zuf_peer *peer)
{
	struct task_struct *task;
	bool alive;

	if (peer->nr_roles)
		return true;
	rcu_read_lock();
	task = pid_task(peer->server, PIDTYPE_TGID);
	alive = task && !task->exit_state && atomic_read(&task->signal->live);
	rcu_read_unlock();
	return alive;
}

int zuf_peer_claim(struct zuf_peer *peer)
{
	struct pid *me = task_tgid(current);

	lockdep_assert_held(&peer->lock);
	if (peer->ousted == me)
		return -ESHUTDOWN;
	if (peer->server != me && server_is_alive(peer))
		return -EBUSY;
	if (peer->server != me) {
		put_pid(peer->server);
		peer->server = get_pid(me);
		WRITE_ONCE(peer->live_gen, 0);
	}
	if (!peer->live_gen) {
		/* 0 means "no server" and is never a generation */
		if (!++peer->last_gen)
			peer->last_gen = 1;
		WRITE_ONCE(peer->put_max, U32_MAX);
		WRITE_ONCE(peer->live_gen, peer->last_gen);
		trace_zuf_server_up(peer->live_gen, pid_nr(me));
		pr_debug("process %d is the server, generation %u\n", pid_nr(me), peer->live_gen);
	}
	return 0;
}

void zuf_peer_down(struct zuf_peer *peer)
{
	u32 gen = peer->live_gen;
	unsigned int cpu;

	lockdep_assert_held(&peer->lock);
	if (gen) {
		trace_zuf_server_down(gen, pid_nr(peer->server));
		pr_debug("process %d is no longer the server, generation %u\n",
			 pid_nr(peer->server), gen);
	}
	WRITE_ONCE(peer->live_gen, 0);
	zuf_puts_drop_all(peer);
	peer->ops->down(peer, gen);
	for_each_possible_cpu(cpu) {
		wake_up_all(&per_cpu_ptr(peer->cpus, cpu)->idle_wait);
		wake_up_all(&per_cpu_ptr(peer->cpus, cpu)->stays_wait);
	}
	wake_up_all(&peer->mounter.caller_wait);
}

void zuf_peer_role_get(struct zuf_peer *peer)
{
	lockdep_assert_held(&peer->lock);
	peer->nr_roles++;
}

void zuf_peer_role_put(struct zuf_peer *peer)
{
	lockdep_assert_held(&peer->lock);
	if (!--peer->nr_roles)
		zuf_peer_down(peer);
}
