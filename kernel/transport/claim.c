// SPDX-License-Identifier: GPL-2.0-only
/*
 * claim.c - which channel an operation gets: IDLE to CLAIMED
 *
 * It is a channel of the CPU on which the application runs, or of that CPU's home; a task that has
 * waited for longer than a jiffy also looks at other CPUs. Each wait has a fixed place in a queue,
 * and no wake-up is lost to a task that does not use it.
 */
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "chan.h"
#include "stats.h"
#include "stays.h"
#include "wake.h"

static struct zuf_chan *cpu_try_claim(struct zuf_cpu *zc, bool nested)
{
	unsigned int i, end = nested ? ZUFS_MAX_ZT_CHANNELS : READ_ONCE(zc->normal_end);
	struct zuf_chan *ch;

	rcu_read_lock();
	for (i = 0; i < end; i++) {
		ch = rcu_dereference(zc->chans[i]);
		if (!ch || READ_ONCE(ch->state) != ZUF_CH_IDLE)
			continue;
		if (cmpxchg(&ch->state, ZUF_CH_IDLE, ZUF_CH_CLAIMED) != ZUF_CH_IDLE)
			continue;
		/* the file's reference cannot go away before an RCU grace period */
		if (!refcount_inc_not_zero(&ch->refs))
			continue;
		rcu_read_unlock();
		return ch;
	}
	rcu_read_unlock();
	return NULL;
}

static bool cpu_has_channels(struct zuf_cpu *zc)
{
	return READ_ONCE(zc->normal_end) != 0;
}

/* Claim an idle channel, together with a place for it. */
static struct zuf_chan *stays_try_claim(struct zuf_cpu *zc)
{
	struct zuf_chan *ch;

	if (!zuf_stays_get(zc))
		return NULL;
	ch = cpu_try_claim(zc, false);
	if (ch)
		zuf_stays_begin(ch);
	else
		zuf_stays_put(zc);
	return ch;
}

/*
 * The CPU whose channels serve @cpu, which has none itself: a CPU of the same node if one has
 * channels, else any. The CPUs share the channels that there are evenly. nr_cpu_ids: no CPU has
 * channels.
 */
static unsigned int home_cpu(const struct zuf_peer *peer, unsigned int cpu)
{
	const struct cpumask *mask = cpumask_of_node(cpu_to_node(cpu)), *all = &peer->chan_cpus;
	unsigned int nr = 0, i;

	for_each_cpu_and(i, all, mask)
		nr++;
	if (!nr) {
		mask = all;
		nr = cpumask_weight(all);
	}
	if (!nr)
		return nr_cpu_ids;
	nr = cpu % nr;
	for_each_cpu_and(i, all, mask)
		if (!nr--)
			return i;
	return cpumask_any(all);	/* the channels have changed meanwhile */
}

struct zuf_cpu *zuf_chan_home(struct zuf_peer *peer)
{
	unsigned int cpu = raw_smp_processor_id(), home;

	if (likely(cpu_has_channels(per_cpu_ptr(peer->cpus, cpu))))
		return per_cpu_ptr(peer->cpus, cpu);
	home = home_cpu(peer, cpu);
	return per_cpu_ptr(peer->cpus, home < nr_cpu_ids ? home : cpu);
}

/* Claim a channel for the kind of operation that @flags say; for STAYS with its place. */
static struct zuf_chan *cpu_try(struct zuf_cpu *zc, u32 flags)
{
	if (unlikely(flags & ZUF_OPF_STAYS))
		return stays_try_claim(zc);
	return cpu_try_claim(zc, flags & ZUF_OPF_NESTED);
}

/* An idle channel of any other CPU, those of this node first. */
static struct zuf_chan *claim_elsewhere(struct zuf_peer *peer, unsigned int cpu, u32 flags)
{
	const struct cpumask *node = cpumask_of_node(cpu_to_node(cpu));
	struct zuf_chan *ch = NULL;
	unsigned int i, far;

	for (far = 0; !ch && far < 2; far++) {
		for_each_cpu_wrap(i, &peer->chan_cpus, cpu) {
			if (i != cpu && cpumask_test_cpu(i, node) == !far)
				ch = cpu_try(per_cpu_ptr(peer->cpus, i), flags);
			if (ch)
				break;
		}
	}
	return ch;
}

/* ---- the two queues of a CPU ---- */

/* A task that waits in one of them for something of @zc. */
struct claim_wait {
	struct wait_queue_entry wqe;
	struct zuf_peer *peer;
	u32 gen;			/* the server whose channel is wanted */
	u32 flags;			/* ZUF_OPF_* */
	struct zuf_cpu *zc;
	bool woken;			/* since the task last began to look, or just before */
	bool place;			/* out: the task has got a place (stays.c) */
	struct zuf_chan *ch;		/* out: or this channel, of any CPU */
};

/* Key of a wake-up: it is the reserved channel that is idle. */
static void *const for_nested = (void *)1;

/* The entry stays queued: a task that was woken in vain does not go to the end of the queue. */
static int claim_wake(struct wait_queue_entry *wqe, unsigned int mode, int sync, void *key)
{
	struct claim_wait *w = container_of(wqe, struct claim_wait, wqe);

	if (key == for_nested && !(w->flags & ZUF_OPF_NESTED))
		return 0;
	if (!default_wake_function(wqe, mode, sync, key))
		return 0;
	w->woken = true;
	return 1;
}

void zuf_claim_wake(struct zuf_cpu *zc, bool reserved)
{
	__wake_up(&zc->idle_wait, TASK_NORMAL, 1, reserved ? for_nested : NULL);
}

/* What the task was woken for goes to another one. */
static void wake_next(wait_queue_head_t *queue)
{
	wake_up(queue);
	__wake_up(queue, TASK_NORMAL, 1, for_nested);
}

/*
 * Wait in @queue, with a fixed place, until @get is content. The task takes just one thing: a
 * wake-up that it does not use would be lost to the others. A task that waits for more than a
 * jiffy, woken in vain or not, also looks at other CPUs, ever more rarely: the owners of the
 * channels here may be throttled, or their threads asleep. Return: 0: one of the two was got, or
 * the caller must look again; -EINTR.
 */
static int claim_wait(struct claim_wait *w, wait_queue_head_t *queue,
		      bool (*get)(struct claim_wait *w))
{
	bool unkillable = w->flags & ZUF_OPF_UNKILLABLE;
	unsigned long pause = 1, until = jiffies + pause;
	bool got, over;
	long left;
	int err;

	init_wait_entry(&w->wqe, WQ_FLAG_EXCLUSIVE);
	w->wqe.func = claim_wake;
	for (;;) {
		WRITE_ONCE(w->woken, false);
		err = prepare_to_wait_event(queue, &w->wqe, unkillable ?
				TASK_UNINTERRUPTIBLE : TASK_KILLABLE | zuf_freezable());
		got = get(w);
		over = got || !cpu_has_channels(w->zc) || !zuf_peer_is_live(w->peer, w->gen);
		if (over || err)
			break;
		left = until - jiffies;
		if (left > 0) {
			schedule_timeout(left);
			continue;
		}
		pause = min_t(unsigned long, 2 * pause, ZUF_KILLABLE_MAX);
		until = jiffies + pause;
		w->ch = claim_elsewhere(w->peer, w->zc->cpu, w->flags);
		if (w->ch)
			break;
	}
	finish_wait(queue, &w->wqe);
	/* we may have been woken here as well, after we had got what we wanted */
	if (READ_ONCE(w->woken) || !got)
		wake_next(queue);
	return err && !over ? -EINTR : 0;
}

static bool get_channel(struct claim_wait *w)
{
	w->ch = cpu_try_claim(w->zc, w->flags & ZUF_OPF_NESTED);
	return w->ch;
}

static bool get_place(struct claim_wait *w)
{
	w->place = zuf_stays_get(w->zc);
	return w->place;
}

/* First the place, then the channel: a task in the other queue can always take a channel. */
static int stays_wait_claim(struct claim_wait *w)
{
	int err = claim_wait(w, &w->zc->stays_wait, get_place);

	if (err || !w->place)
		return err;
	err = claim_wait(w, &w->zc->idle_wait, get_channel);
	if (w->ch && w->ch->zc == w->zc)
		zuf_stays_begin(w->ch);
	else
		zuf_stays_put(w->zc);
	return err;
}

/* Wait as nothing is idle on this CPU. Return: 0; without a channel: look again; or -EINTR. */
static int cpu_wait_claim(struct zuf_peer *peer, u32 gen, struct zuf_cpu *zc, u32 flags,
			  struct zuf_chan **ch)
{
	struct claim_wait w = { .peer = peer, .gen = gen, .flags = flags, .zc = zc };
	int err;

	if (flags & ZUF_OPF_STAYS)
		err = stays_wait_claim(&w);
	else
		err = claim_wait(&w, &zc->idle_wait, get_channel);
	*ch = w.ch;
	return err;
}

/* ---- the claim ---- */

static int claim_any(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_claim *claim)
{
	struct zuf_cpu *zc;
	unsigned int cpu;
	int err;

	claim->lost = false;
	claim->told = false;
	claim->pin_left = ZUF_PIN_JIFFIES;
	claim->unkillable = flags & ZUF_OPF_UNKILLABLE;
	/* code that loops over messages ends here, whatever the server answers */
	if (unlikely(fatal_signal_pending(current)) && !claim->unkillable)
		return -EINTR;
	for (;;) {
		if (!zuf_peer_is_live(peer, gen))
			return -EIO;
		cpu = raw_smp_processor_id();
		zc = per_cpu_ptr(peer->cpus, cpu);
		claim->ch = cpu_try(zc, flags);
		if (likely(claim->ch))
			return 0;
		if (!cpu_has_channels(zc)) {
			cpu = home_cpu(peer, cpu);
			if (cpu >= nr_cpu_ids)
				return -EIO;
			zc = per_cpu_ptr(peer->cpus, cpu);
			claim->ch = cpu_try(zc, flags);
			if (!claim->ch)
				claim->ch = claim_elsewhere(peer, cpu, flags);
			if (claim->ch)
				return 0;
		}
		if (flags & ZUF_OPF_NOWAIT)
			return -EAGAIN;
		zuf_stats_event(peer->stats, ZUF_EV_NO_CHANNEL, 1);
		err = cpu_wait_claim(peer, gen, zc, flags, &claim->ch);
		if (err || claim->ch)
			return err;
	}
}

/*
 * The server may have been replaced at any moment up to the check of gen. A channel belongs to one
 * server for life, so from there on nothing can change.
 */
int zuf_chan_claim(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_claim *claim)
{
	int err = claim_any(peer, gen, flags, claim);

	if (unlikely(!err && claim->ch->gen != gen)) {
		zuf_chan_release(claim);
		err = -EIO;
	}
	return err;
}

/* The reserved channels of all CPUs are tried last: others may depend on them (swap.c). */
struct zuf_chan *zuf_chan_try(struct zuf_peer *peer, bool nested)
{
	unsigned int cpu = raw_smp_processor_id();
	struct zuf_cpu *zc = per_cpu_ptr(peer->cpus, cpu);
	struct zuf_chan *ch = cpu_try_claim(zc, false) ?: claim_elsewhere(peer, cpu, 0);

	if (ch || !nested)
		return ch;
	return cpu_try_claim(zc, true) ?: claim_elsewhere(peer, cpu, ZUF_OPF_NESTED);
}
