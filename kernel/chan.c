// SPDX-License-Identifier: GPL-2.0-only
/*
 * chan.c - channels: claim, hand-off, death
 *
 * Two switches per operation: the app hands over with one cmpxchg, wakes the ZT and
 * gives way. It stays runnable: when it runs again the answer is there as a rule, and
 * nobody had to wake it. When it is not it goes to sleep. The ZT sleeps between
 * messages. Every change of state is a cmpxchg (a full barrier): a side that goes
 * to sleep has set its task state before it looks at the channel's state, a
 * side that wakes has changed the channel's state before it looks for sleepers.
 *
 * Nothing here knows what an operation is, but for what is left of one whose
 * application was killed (dispatch.c, zuf_orphan_finish).
 */
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>

#include "chan.h"
#include "forget.h"
#include "iomap.h"
#include "retry.h"
#include "stats.h"
#include "wake.h"
#include "window.h"

static enum zuf_chan_state chan_move(struct zuf_chan *ch, enum zuf_chan_state from,
				     enum zuf_chan_state to)
{
	return cmpxchg(&ch->state, from, to);
}

/* ---- life ---- */

static void chan_free(struct zuf_chan *ch)
{
	/* the last file reference is gone, and with it every mapping */
	zuf_win_unpin_pages(ch);
	zuf_puts_done(&ch->carried);
	zuf_iomap_put(ch->orphan_list);
	iput(ch->inode);
	if (ch->server)
		put_task_struct(ch->server);
	if (ch->mm)
		mmdrop(ch->mm);
	vfree(ch->bounce_big);
	vfree(ch->bounce);
	vfree(ch->cmd);
	zuf_root_put(ch->root);
	kfree_rcu(ch, rcu);
}

void zuf_chan_put(struct zuf_chan *ch)
{
	if (refcount_dec_and_test(&ch->refs))
		chan_free(ch);
}

/* The highest channel of a CPU is kept for nested operations; root->lock. */
static void cpu_count_channels(struct zuf_root *root, unsigned int cpu)
{
	struct zuf_cpu *zc = per_cpu_ptr(root->cpus, cpu);
	unsigned int i, nr = 0, end = 0;

	for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
		if (!rcu_access_pointer(zc->chans[i]))
			continue;
		nr++;
		end = i + 1;
	}
	zc->nr = nr;
	WRITE_ONCE(zc->normal_end, nr > 1 ? end - 1 : end);
	if (nr)
		cpumask_set_cpu(cpu, &root->chan_cpus);
	else
		cpumask_clear_cpu(cpu, &root->chan_cpus);
}

static struct zuf_chan *chan_alloc(size_t cmd_size)
{
	struct zuf_chan *ch = kzalloc(sizeof(*ch), GFP_KERNEL_ACCOUNT);

	if (!ch)
		return NULL;
	ch->cmd = vmalloc_user(cmd_size);
	ch->bounce = vmalloc_user(ZUF_BOUNCE_SMALL);
	if (!ch->cmd || !ch->bounce) {
		vfree(ch->cmd);
		vfree(ch->bounce);
		kfree(ch);
		return NULL;
	}
	ch->cmd_size = cmd_size;
	refcount_set(&ch->refs, 1);
	mutex_init(&ch->lock);
	return ch;
}

struct zuf_chan *zuf_chan_create(struct zuf_root *root, unsigned int cpu,
				 unsigned int no, size_t cmd_size,
				 struct inode *inode)
{
	struct zuf_chan *ch;
	struct zuf_cpu *zc;
	int err;

	if (no >= ZUFS_MAX_ZT_CHANNELS || !cpu_possible(cpu))
		return ERR_PTR(-ERANGE);
	ch = chan_alloc(cmd_size);
	if (!ch)
		return ERR_PTR(-ENOMEM);
	ch->root = zuf_root_get(root);
	ch->cpu = cpu;
	ch->no = no;
	ihold(inode);
	ch->inode = inode;
	zc = per_cpu_ptr(root->cpus, cpu);
	ch->zc = zc;

	mutex_lock(&root->lock);
	err = rcu_access_pointer(zc->chans[no]) ? -EINVAL : zuf_root_claim(root);
	if (!err) {
		ch->gen = root->live_gen;
		zuf_root_role_get(root);
		WRITE_ONCE(root->put_max, min_t(size_t, root->put_max,
						cmd_size - sizeof(struct zufs_ioc_hdr)));
		rcu_assign_pointer(zc->chans[no], ch);
		cpu_count_channels(root, cpu);
		zuf_root_watch(root);
	}
	mutex_unlock(&root->lock);
	pr_debug("channel %u.%u: command buffer of %zu bytes: %d\n", cpu, no, cmd_size, err);
	if (!err)
		return ch;
	zuf_chan_put(ch);
	return ERR_PTR(err);
}

void zuf_chan_die(struct zuf_chan *ch)
{
	struct zuf_root *root = ch->root;
	enum zuf_chan_state old;

	rcu_read_lock();
	old = xchg(&ch->state, ZUF_CH_DEAD);
	/* ANSWERED: it may wait for a list of the server */
	if (old == ZUF_CH_RUNNING || old == ZUF_CH_ANSWERED)
		wake_up_process(ch->app);
	rcu_read_unlock();
	if (old == ZUF_CH_DEAD)
		return;
	pr_debug("channel %u.%u dies in state %d\n", ch->cpu, ch->no, old);
	/* its ZT, who would have told, does not run, or finds it DEAD */
	if (old == ZUF_CH_ORPHAN)
		zuf_puts_done(&ch->carried);
	if (READ_ONCE(ch->server))
		wake_up_process(ch->server);

	mutex_lock(&root->lock);
	RCU_INIT_POINTER(ch->zc->chans[ch->no], NULL);
	cpu_count_channels(root, ch->cpu);
	zuf_root_role_put(root);
	mutex_unlock(&root->lock);
	wake_up_all(&ch->zc->idle_wait);
}

/* ---- the application's side ---- */

static struct zuf_chan *cpu_try_claim(struct zuf_cpu *zc, bool nested)
{
	unsigned int i, end = nested ? ZUFS_MAX_ZT_CHANNELS : READ_ONCE(zc->normal_end);
	struct zuf_chan *ch;

	rcu_read_lock();
	for (i = 0; i < end; i++) {
		ch = rcu_dereference(zc->chans[i]);
		if (!ch || READ_ONCE(ch->state) != ZUF_CH_IDLE)
			continue;
		if (chan_move(ch, ZUF_CH_IDLE, ZUF_CH_CLAIMED) != ZUF_CH_IDLE)
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

/* The CPU with channels that is nearest to @cpu, or nr_cpu_ids. */
static unsigned int nearest_chan_cpu(struct zuf_root *root, unsigned int cpu)
{
	unsigned int near;

	near = cpumask_any_and(&root->chan_cpus, cpumask_of_node(cpu_to_node(cpu)));
	if (near >= nr_cpu_ids)
		near = cpumask_any(&root->chan_cpus);
	return near;
}

/*
 * Nothing idle on this CPU: wait for one of its channels, and take just one of
 * these (a wake-up that is not used here would be lost to the other waiters).
 */
static int cpu_wait_claim(struct zuf_root *root, u32 gen, struct zuf_cpu *zc,
			  u32 flags, struct zuf_chan **ch)
{
	unsigned int sleep = flags & ZUF_OPF_UNKILLABLE ? TASK_UNINTERRUPTIBLE :
							  TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;
	bool nested = flags & ZUF_OPF_NESTED;

	*ch = NULL;
	return ___wait_event(zc->idle_wait,
			     (*ch = cpu_try_claim(zc, nested)) ||
			     !cpu_has_channels(zc) || !zuf_root_is_live(root, gen),
			     sleep, 1, 0, schedule()) ? -EINTR : 0;
}

int zuf_chan_claim(struct zuf_root *root, u32 gen, u32 flags, struct zuf_claim *claim)
{
	struct zuf_cpu *zc;
	unsigned int cpu;
	int err;

	claim->lost = false;
	claim->pinned = false;
	claim->unkillable = flags & ZUF_OPF_UNKILLABLE;
	for (;;) {
		if (!zuf_root_is_live(root, gen))
			return -EIO;
		cpu = raw_smp_processor_id();
		zc = per_cpu_ptr(root->cpus, cpu);
		claim->ch = cpu_try_claim(zc, flags & ZUF_OPF_NESTED);
		if (likely(claim->ch))
			return 0;
		if (!cpu_has_channels(zc)) {
			cpu = nearest_chan_cpu(root, cpu);
			if (cpu >= nr_cpu_ids)
				return -EIO;
			zc = per_cpu_ptr(root->cpus, cpu);
		}
		if (flags & ZUF_OPF_NOWAIT) {
			claim->ch = cpu_try_claim(zc, flags & ZUF_OPF_NESTED);
			return claim->ch ? 0 : -EAGAIN;
		}
		zuf_stats_event(root->stats, ZUF_EV_NO_CHANNEL, 1);
		err = cpu_wait_claim(root, gen, zc, flags, &claim->ch);
		if (err || claim->ch)
			return err;
	}
}

/* The app has a signal. True: it is fatal and the wait is over (ORPHAN). */
static bool app_signal(struct zuf_claim *claim, unsigned int *sleep)
{
	struct zuf_chan *ch = claim->ch;

	if (fatal_signal_pending(current)) {
		__set_current_state(TASK_RUNNING);
		zuf_orphan_prepare(ch, claim->op);
		set_current_state(*sleep);
		if (chan_move(ch, ZUF_CH_RUNNING, ZUF_CH_ORPHAN) != ZUF_CH_RUNNING)
			return false;
		zuf_stats_event(ch->root->stats, ZUF_EV_ORPHAN, 1);
		return true;
	}
	/* else it is work for this task (io_uring ...), which the server shall not see */
	if (task_sigpending(current))
		WRITE_ONCE(ch->cmd->flags, READ_ONCE(ch->cmd->flags) | ZUFS_H_INTR);
	*sleep = TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;
	return false;
}

/* The CPU goes off-line: it waits for us to be able to leave. */
static void app_let_go(struct zuf_claim *claim, unsigned int sleep)
{
	__set_current_state(TASK_RUNNING);
	zuf_cpu_unpin(claim->pinned);
	claim->pinned = false;
	set_current_state(sleep);
}

/* Sleep until the answer is there. The state of the channel, or RUNNING: it is lost. */
static enum zuf_chan_state app_sleep(struct zuf_claim *claim)
{
	/* freezable: at suspend the server may be frozen first; our locks wait with us */
	unsigned int sleep = claim->unkillable ? TASK_UNINTERRUPTIBLE :
						 TASK_INTERRUPTIBLE | TASK_FREEZABLE_UNSAFE;
	struct zuf_chan *ch = claim->ch;
	enum zuf_chan_state s;

	if (!claim->pinned)
		claim->pinned = zuf_cpu_pin(ch->cpu);
	if (claim->op->flags & ZUF_OPF_KILLABLE)
		sleep = TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;
	for (;;) {
		set_current_state(sleep);
		if (unlikely(READ_ONCE(ch->let_go) && claim->pinned))
			app_let_go(claim, sleep);
		s = smp_load_acquire(&ch->state);
		if (s != ZUF_CH_RUNNING)
			break;
		if (signal_pending_state(sleep, current) && app_signal(claim, &sleep)) {
			claim->lost = true;
			break;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return s;
}

int zuf_chan_call(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	enum zuf_chan_state s = READ_ONCE(ch->state);

	ch->app = current;
	if (s == ZUF_CH_DEAD || chan_move(ch, s, ZUF_CH_RUNNING) != s)
		return -EIO;
	zuf_wake(ch->server);
	/* still runnable: who need not be woken is not taken off the run queue either */
	schedule();
	s = smp_load_acquire(&ch->state);
	if (unlikely(s == ZUF_CH_RUNNING))
		s = app_sleep(claim);
	if (unlikely(s == ZUF_CH_DEAD))
		return -EIO;
	return unlikely(claim->lost) ? -EINTR : 0;
}

bool zuf_chan_abandon(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;

	zuf_orphan_prepare(ch, claim->op);
	if (chan_move(ch, ZUF_CH_ANSWERED, ZUF_CH_ORPHAN) != ZUF_CH_ANSWERED) {
		zuf_puts_done(&ch->carried);
		return false;
	}
	claim->lost = true;
	zuf_stats_event(ch->root->stats, ZUF_EV_ORPHAN, 1);
	wake_up_process(ch->server);
	return true;
}

/* The channel is IDLE again: wake who may take it. */
static void chan_wake_claimer(struct zuf_chan *ch)
{
	struct zuf_cpu *zc = ch->zc;

	if (!waitqueue_active(&zc->idle_wait))
		return;
	/* the first in the queue may be one who must not take the reserved one */
	if (ch->no >= READ_ONCE(zc->normal_end))
		wake_up_all(&zc->idle_wait);
	else
		wake_up(&zc->idle_wait);
}

void zuf_chan_release(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	enum zuf_chan_state s = READ_ONCE(ch->state);

	if (!claim->lost && s != ZUF_CH_DEAD) {
		chan_move(ch, s, ZUF_CH_IDLE);
		if (unlikely(READ_ONCE(ch->brk) || signal_pending(ch->server)))
			wake_up_process(ch->server);
		chan_wake_claimer(ch);
	}
	zuf_chan_put(ch);
	zuf_cpu_unpin(claim->pinned);
}

/* ---- the server's side ---- */

static int chan_break(struct zuf_chan *ch, int err)
{
	struct zufs_ioc_hdr *hdr = ch->cmd;

	hdr->in_len = sizeof(*hdr);
	hdr->out_len = 0;
	hdr->out_max = 0;
	hdr->out_start = 0;
	hdr->flags = 0;
	hdr->offset = 0;
	hdr->len = 0;
	hdr->operation = ZUFS_OP_BREAK;
	hdr->err = err;
	return err ? -EINTR : 0;
}

/*
 * Answer the app, or offer the channel. The task state is set already, so that
 * a message that comes at once finds us asleep. False: an orphan is to be
 * finished first.
 */
static bool chan_offer(struct zuf_chan *ch)
{
	enum zuf_chan_state old;
	struct task_struct *app;

	rcu_read_lock();
	app = READ_ONCE(ch->app);
	old = chan_move(ch, ZUF_CH_RUNNING, ZUF_CH_ANSWERED);
	/* pairs with set_current_state() in app_sleep() */
	if (likely(old == ZUF_CH_RUNNING) && !task_is_running(app))
		zuf_wake(app);
	rcu_read_unlock();
	if (old == ZUF_CH_ORPHAN)
		return false;
	if (old == ZUF_CH_AWAY && chan_move(ch, ZUF_CH_AWAY, ZUF_CH_IDLE) == ZUF_CH_AWAY)
		chan_wake_claimer(ch);
	return true;
}

/*
 * What ends the sleep besides a message. 1: sleep (on), else the result of the
 * ioctl. An app that has claimed the channel must first let go of it, unless we
 * are being killed: then it finds out when the channel dies.
 */
static int chan_idle_event(struct zuf_chan *ch)
{
	bool sig = signal_pending(current);

	if (READ_ONCE(ch->state) == ZUF_CH_DEAD)
		return -E2BIG;
	if (!sig && !READ_ONCE(ch->brk))
		return 1;
	if (chan_move(ch, ZUF_CH_IDLE, ZUF_CH_AWAY) == ZUF_CH_IDLE) {
		if (sig)
			return chan_break(ch, -ERESTARTSYS);
		WRITE_ONCE(ch->brk, false);
		return chan_break(ch, 0);
	}
	if (sig && fatal_signal_pending(current)) {
		zuf_chan_die(ch);
		return -EINTR;
	}
	return 1;
}

/* Asleep with a signal pending: only what the app does next may wake us. */
static bool chan_is_app_owned(struct zuf_chan *ch)
{
	enum zuf_chan_state s = READ_ONCE(ch->state);

	return s == ZUF_CH_CLAIMED || s == ZUF_CH_ANSWERED;
}

/*
 * A message is there. Its application may have been killed before we looked
 * (ORPHAN): the message gets through all the same.
 */
static bool chan_has_message(struct zuf_chan *ch)
{
	enum zuf_chan_state s = smp_load_acquire(&ch->state);

	return likely(s == ZUF_CH_RUNNING) || s == ZUF_CH_ORPHAN;
}

static bool chan_has_event(struct zuf_chan *ch)
{
	return signal_pending(current) || READ_ONCE(ch->brk) ||
	       READ_ONCE(ch->state) == ZUF_CH_DEAD;
}

/*
 * The answer of an application that was killed. True: the command buffer holds a
 * message for the server. When the channel dies meanwhile what it carries is ours.
 */
static bool chan_finish_orphan(struct zuf_chan *ch)
{
	bool again;

	if (chan_move(ch, ZUF_CH_ORPHAN, ZUF_CH_FINISH) != ZUF_CH_ORPHAN)
		return false;
	again = zuf_orphan_finish(ch);
	if (chan_move(ch, ZUF_CH_FINISH, again ? ZUF_CH_ORPHAN : ZUF_CH_AWAY) == ZUF_CH_FINISH)
		return again;
	zuf_puts_done(&ch->carried);
	return false;
}

int zuf_chan_wait(struct zuf_chan *ch)
{
	unsigned int sleep = TASK_INTERRUPTIBLE;
	int err;

	set_current_state(sleep);
	while (unlikely(!chan_offer(ch))) {
		__set_current_state(TASK_RUNNING);
		if (chan_finish_orphan(ch))
			return 0;
		set_current_state(sleep);
	}
	while (!chan_has_message(ch)) {
		if (unlikely(chan_has_event(ch))) {
			__set_current_state(TASK_RUNNING);
			err = chan_idle_event(ch);
			if (err != 1)
				return err;
			sleep = TASK_KILLABLE;
			set_current_state(sleep);
			if (!chan_is_app_owned(ch))
				continue;
		}
		schedule();
		set_current_state(sleep);
	}
	__set_current_state(TASK_RUNNING);
	return unlikely(ch->orphan_list) ? zuf_retry_finish(ch) : 0;
}

void zuf_chan_break(struct zuf_chan *ch)
{
	WRITE_ONCE(ch->brk, true);
	smp_mb(); /* pairs with set_current_state() in zuf_chan_wait() */
	if (READ_ONCE(ch->server))
		wake_up_process(ch->server);
}

/* ---- all channels of a root ---- */

/* The channel of a slot, referenced, if it is of this server; else NULL. */
static struct zuf_chan *slot_get(struct zuf_cpu *zc, unsigned int no, u32 gen)
{
	struct zuf_chan *ch;

	rcu_read_lock();
	ch = rcu_dereference(zc->chans[no]);
	if (ch && (ch->gen != gen || !refcount_inc_not_zero(&ch->refs)))
		ch = NULL;
	rcu_read_unlock();
	return ch;
}

void zuf_chan_for_each(struct zuf_root *root, u32 gen, void (*fn)(struct zuf_chan *ch))
{
	struct zuf_chan *ch;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
			ch = slot_get(per_cpu_ptr(root->cpus, cpu), i, gen);
			if (!ch)
				continue;
			fn(ch);
			zuf_chan_put(ch);
		}
	}
}

void zuf_chan_break_all(struct zuf_root *root)
{
	unsigned int cpu, i;
	struct zuf_chan *ch;

	mutex_lock(&root->lock);
	for_each_cpu(cpu, &root->chan_cpus) {
		struct zuf_cpu *zc = per_cpu_ptr(root->cpus, cpu);

		for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
			ch = rcu_dereference_protected(zc->chans[i],
						       lockdep_is_held(&root->lock));
			if (ch)
				zuf_chan_break(ch);
		}
	}
	mutex_unlock(&root->lock);
}

/* The flag that lets waiting apps move, for all channels of a CPU. */
static void cpu_set_let_go(struct zuf_root *root, unsigned int cpu, bool let_go)
{
	struct zuf_cpu *zc = per_cpu_ptr(root->cpus, cpu);
	struct zuf_chan *ch;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
		ch = rcu_dereference(zc->chans[i]);
		if (!ch)
			continue;
		WRITE_ONCE(ch->let_go, let_go);
		smp_mb(); /* pairs with the cmpxchg to RUNNING in zuf_chan_call() */
		if (let_go && READ_ONCE(ch->state) == ZUF_CH_RUNNING)
			wake_up_process(ch->app);
	}
	rcu_read_unlock();
}

void zuf_chan_cpu_down(struct zuf_root *root, unsigned int cpu)
{
	cpu_set_let_go(root, cpu, true);
}

void zuf_chan_cpu_up(struct zuf_root *root, unsigned int cpu)
{
	cpu_set_let_go(root, cpu, false);
}
