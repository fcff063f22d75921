// SPDX-License-Identifier: GPL-2.0-only
/*
 * chan.c - channels: hand-off and death; claim.c has the claim
 *
 * An operation takes two switches. The application hands over with one cmpxchg, wakes the ZT and
 * gives way. It stays runnable: when it runs again the answer is there as a rule, and nobody had to
 * wake it. If the answer is not there, it goes to sleep. The ZT sleeps between messages. Every
 * change of state is a cmpxchg or xchg (a full barrier): a side that goes to sleep has set its task
 * state before it looks at the channel's state, and a side that wakes has changed the channel's
 * state before it looks for sleepers.
 *
 * Nothing here knows what an operation is. What becomes of an operation whose application was
 * killed is the business of the peer's owner (zuf_peer_ops), which is asked at the right moments.
 */
#include <linux/mount.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "chan.h"
#include "stats.h"
#include "stays.h"
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
	zuf_puts_lost(&ch->carried);
	zuf_puts_done(&ch->carried);
	ch->peer->ops->forget(ch);
	iput(ch->inode);
	mntput(ch->mnt);
	if (ch->server)
		put_task_struct(ch->server);
	if (ch->mm)
		mmdrop(ch->mm);
	shm_free(ch->bounce_big);
	shm_free(ch->bounce);
	shm_free(ch->cmd);
	zuf_peer_put(ch->peer);
	kfree_rcu(ch, rcu);
}

void zuf_chan_put(struct zuf_chan *ch)
{
	if (refcount_dec_and_test(&ch->refs))
		chan_free(ch);
}

/* The highest channel of a CPU is kept for nested operations. peer->lock is held. */
static void cpu_count_channels(struct zuf_peer *peer, unsigned int cpu)
{
	struct zuf_cpu *zc = per_cpu_ptr(peer->cpus, cpu);
	unsigned int i, nr = 0, end = 0;

	lockdep_assert_held(&peer->lock);
	for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
		if (!rcu_access_pointer(zc->chans[i]))
			continue;
		nr++;
		end = i + 1;
	}
	zc->nr = nr;
	WRITE_ONCE(zc->normal_end, nr > 1 ? end - 1 : end);
	if (nr)
		cpumask_set_cpu(cpu, &peer->chan_cpus);
	else
		cpumask_clear_cpu(cpu, &peer->chan_cpus);
}

static struct zuf_chan *chan_alloc(size_t cmd_size)
{
	struct zuf_chan *ch = kzalloc(sizeof(*ch), GFP_KERNEL_ACCOUNT);

	if (!ch)
		return NULL;
	ch->cmd = shm_alloc(cmd_size);
	ch->bounce = shm_alloc(ZUF_BOUNCE_SMALL);
	if (!ch->cmd || !ch->bounce) {
		shm_free(ch->cmd);
		shm_free(ch->bounce);
		kfree(ch);
		return NULL;
	}
	ch->cmd_size = cmd_size;
	refcount_set(&ch->refs, 1);
	mutex_init(&ch->lock);
	return ch;
}

struct zuf_chan *zuf_chan_create(struct zuf_peer *peer, unsigned int cpu,
				 unsigned int no, size_t cmd_size,
				 struct file *file)
{
	struct zuf_chan *ch;
	struct zuf_cpu *zc;
	int err;

	if (no >= ZUFS_MAX_ZT_CHANNELS || !cpu_possible(cpu))
		return ERR_PTR(-ERANGE);
	ch = chan_alloc(cmd_size);
	if (!ch)
		return ERR_PTR(-ENOMEM);
	ch->peer = zuf_peer_get(peer);
	ch->cpu = cpu;
	ch->no = no;
	ch->inode = file_inode(file);
	ihold(ch->inode);
	ch->mnt = mntget(file->f_path.mnt);
	zc = per_cpu_ptr(peer->cpus, cpu);
	ch->zc = zc;
	zuf_puts_make_buffer(&zc->puts);

	mutex_lock(&peer->lock);
	err = rcu_access_pointer(zc->chans[no]) ? -EINVAL : zuf_peer_claim(peer);
	if (!err) {
		ch->gen = peer->live_gen;
		zuf_peer_role_get(peer);
		WRITE_ONCE(peer->put_max, min_t(size_t, peer->put_max,
						cmd_size - sizeof(struct zufs_ioc_hdr)));
		rcu_assign_pointer(zc->chans[no], ch);
		cpu_count_channels(peer, cpu);
		wake_up_all(&zc->stays_wait);
		zuf_peer_watch(peer);
	}
	mutex_unlock(&peer->lock);
	pr_debug("channel %u.%u: command buffer of %zu bytes: %d\n", cpu, no, cmd_size, err);
	if (!err)
		return ch;
	zuf_chan_put(ch);
	return ERR_PTR(err);
}

/* The message of a killed application has died with the channel: the server keeps nothing of it. */
static void orphan_drop(struct zuf_chan *ch)
{
	zuf_win_drop_pages(ch);
	zuf_win_clear(ch);
	zuf_puts_lost(&ch->carried);
	/* last: an inode whose end waits for this may be freed now */
	zuf_puts_done(&ch->carried);
}

void zuf_chan_die(struct zuf_chan *ch)
{
	struct zuf_peer *peer = ch->peer;
	enum zuf_chan_state old;

	rcu_read_lock();
	old = xchg(&ch->state, ZUF_CH_DEAD);
	/* ANSWERED: the application may wait for a list of the server */
	if (old == ZUF_CH_RUNNING || old == ZUF_CH_ANSWERED)
		wake_up_process(ch->app);
	rcu_read_unlock();
	if (old == ZUF_CH_DEAD)
		return;
	pr_debug("channel %u.%u dies in state %d\n", ch->cpu, ch->no, old);
	/* the ZT, which would have done this, does not run, or finds the channel DEAD */
	if (old == ZUF_CH_ORPHAN)
		orphan_drop(ch);
	zuf_stays_end(ch);
	if (READ_ONCE(ch->server))
		wake_up_process(ch->server);

	mutex_lock(&peer->lock);
	RCU_INIT_POINTER(ch->zc->chans[ch->no], NULL);
	cpu_count_channels(peer, ch->cpu);
	zuf_peer_role_put(peer);
	mutex_unlock(&peer->lock);
	wake_up_all(&ch->zc->idle_wait);
	wake_up_all(&ch->zc->stays_wait);
}

/* ---- the application's side ---- */

/* The application has a signal. Return: true: it is fatal and the wait is over (ORPHAN). */
static bool app_signal(struct zuf_claim *claim, unsigned int *sleep)
{
	struct zuf_chan *ch = claim->ch;

	if (fatal_signal_pending(current)) {
		__set_current_state(TASK_RUNNING);
		ch->peer->ops->leave(claim);
		set_current_state(*sleep);
		if (chan_move(ch, ZUF_CH_RUNNING, ZUF_CH_ORPHAN) != ZUF_CH_RUNNING)
			return false;
		zuf_stats_event(ch->peer->stats, ZUF_EV_ORPHAN, 1);
		return true;
	}
	/* otherwise it is work for this task (io_uring ...), which does not concern the server */
	if (task_sigpending(current)) {
		zuf_chan_set_flags(ch, ZUFS_H_INTR, 0);
		claim->told = true;
	}
	*sleep = TASK_KILLABLE;
	return false;
}

/* The task state of an application that sleeps and has noticed no signal yet. */
static unsigned int app_sleep_state(const struct zuf_claim *claim)
{
	if (claim->unkillable)
		return TASK_UNINTERRUPTIBLE;
	return claim->op->flags & ZUF_OPF_KILLABLE ? TASK_KILLABLE : TASK_INTERRUPTIBLE;
}

/* Give the CPU away. In a killable sleep the task must check now and then for a suspend. */
static void app_schedule(struct zuf_claim *claim, unsigned int sleep, bool *pinned)
{
	if (!*pinned) {
		schedule_timeout(sleep == TASK_KILLABLE ? ZUF_KILLABLE_MAX : MAX_SCHEDULE_TIMEOUT);
		return;
	}
	claim->pin_left = schedule_timeout(claim->pin_left);
	if (!claim->pin_left) {
		__set_current_state(TASK_RUNNING);
		zuf_cpu_unpin(true);
		*pinned = false;
	}
}

/*
 * Sleep until the answer is there. Return: the state of the channel; RUNNING: it is lost.
 *
 * For the first ZUF_PIN_JIFFIES of its operation the application stays on this CPU. Then it sleeps
 * on and may be moved: a task that sets the application's CPUs, or takes the CPU off-line, waits
 * for the end of the pin, with locks that all others need. An application that has moved loses the
 * neighbourhood of the ZT and nothing else: no step of the way back looks at a CPU.
 */
static enum zuf_chan_state app_sleep(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	unsigned int sleep = app_sleep_state(claim);
	bool pinned = claim->pin_left && zuf_cpu_pin(ch->cpu);
	enum zuf_chan_state s;

	zuf_stats_event(ch->peer->stats, ZUF_EV_SLEPT, 1);
	for (;;) {
		set_current_state(sleep | (pinned || claim->unkillable ? 0 : zuf_freezable()));
		s = smp_load_acquire(&ch->state);
		if (s != ZUF_CH_RUNNING)
			break;
		if (signal_pending_state(sleep, current) && app_signal(claim, &sleep)) {
			claim->lost = true;
			break;
		}
		app_schedule(claim, sleep, &pinned);
	}
	__set_current_state(TASK_RUNNING);
	zuf_cpu_unpin(pinned);
	return s;
}

static int hand_over(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	enum zuf_chan_state s = READ_ONCE(ch->state);

	ch->app = current;
	if (s == ZUF_CH_DEAD || chan_move(ch, s, ZUF_CH_RUNNING) != s)
		return -EIO;
	zuf_wake(ch->server);
	/* stay runnable: a task that need not be woken is not taken off the run queue either */
	schedule();
	s = smp_load_acquire(&ch->state);
	if (unlikely(s == ZUF_CH_RUNNING))
		s = app_sleep(claim);
	if (unlikely(s == ZUF_CH_DEAD))
		return -EIO;
	return unlikely(claim->lost) ? -EINTR : 0;
}

int zuf_chan_call(struct zuf_claim *claim)
{
	int err = hand_over(claim);

	/* -EIO: the channel has died, and maybe nothing of the message was executed */
	if (unlikely(err && !claim->lost))
		zuf_puts_lost(&claim->ch->carried);
	/* this also undoes what app_signal() has counted, if the answer came first */
	if (likely(!claim->lost))
		zuf_puts_done(&claim->ch->carried);
	return err;
}

bool zuf_chan_abandon(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;

	ch->peer->ops->leave(claim);
	if (chan_move(ch, ZUF_CH_ANSWERED, ZUF_CH_ORPHAN) != ZUF_CH_ANSWERED) {
		zuf_puts_done(&ch->carried);
		return false;
	}
	claim->lost = true;
	zuf_stats_event(ch->peer->stats, ZUF_EV_ORPHAN, 1);
	wake_up_process(ch->server);
	return true;
}

/* The channel is IDLE again: wake a task that may take it. */
static void chan_wake_claimer(struct zuf_chan *ch)
{
	struct zuf_cpu *zc = ch->zc;

	if (!waitqueue_active(&zc->idle_wait))
		return;
	zuf_claim_wake(zc, !zuf_chan_is_normal(ch));
}

void zuf_chan_release(struct zuf_claim *claim)
{
	struct zuf_chan *ch = claim->ch;
	enum zuf_chan_state s;
	bool wanted;

	if (unlikely(!ch))
		return;
	s = READ_ONCE(ch->state);
	if (!claim->lost)
		zuf_stays_end(ch);
	if (!claim->lost && s != ZUF_CH_DEAD) {
		wanted = zuf_chan_is_wanted(ch);
		/* AWAY, or tasks that wait for a channel would take it again and again */
		chan_move(ch, s, wanted ? ZUF_CH_AWAY : ZUF_CH_IDLE);
		/* look once more: a task that left one meanwhile may have found the channel busy */
		wanted |= READ_ONCE(ch->brk) || signal_pending(ch->server) ||
			  zuf_chan_is_wanted(ch);
		if (unlikely(wanted))
			wake_up_process(ch->server);
		chan_wake_claimer(ch);
	}
	zuf_chan_put(ch);
}

/* ---- messages that nobody waits for ---- */

/*
 * Return: 0: the message belongs to the server; -EIO: the channel is DEAD, nothing has happened.
 */
static int post_message(struct zuf_chan *ch, struct zuf_post *post)
{
	struct zuf_carried *carried = &ch->carried;

	zuf_chan_put_msg(ch, post->hdr);
	if (post->ep)
		zuf_puts_attach(post->puts ?: &ch->zc->puts, ch, post->hdr->in_len, post->ep);
	ch->refusals = 0;
	if (post->tag)
		zuf_puts_carry(carried, post->tag, ZUF_LEFT_NO_LOCK);
	carried->post = post;
	carried->err = -ENOTCONN;
	if (chan_move(ch, ZUF_CH_CLAIMED, ZUF_CH_ORPHAN) == ZUF_CH_CLAIMED) {
		wake_up_process(ch->server);
		return 0;
	}
	carried->post = NULL;
	zuf_puts_lost(carried);
	zuf_puts_done(carried);
	return -EIO;
}

int zuf_chan_post(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_post *post)
{
	struct zuf_claim claim = { };
	int err;

	if (!zuf_peer_is_live(peer, gen))
		return -EIO;
	claim.ch = zuf_chan_try(peer, flags & ZUF_OPF_NESTED);
	if (!claim.ch)
		return -EAGAIN;
	if (claim.ch->gen != gen)
		err = -EIO;
	else if (post->hdr->in_len > claim.ch->cmd_size)
		err = -E2BIG;
	else
		err = post_message(claim.ch, post);
	claim.lost = !err;
	zuf_chan_release(&claim);
	return err;
}

/* ---- the server's side ---- */

static int chan_break(struct zuf_chan *ch, int err)
{
	const struct zufs_ioc_hdr hdr = {
		.err = err, .in_len = sizeof(hdr), .operation = ZUFS_OP_BREAK,
	};

	zuf_chan_put_msg(ch, &hdr);
	return err;
}

/*
 * Answer the application, or offer the channel. The task state is set already, so that a message
 * that comes at once finds us asleep. Return: false: an orphan must be finished first.
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
 * Handle what ends the sleep other than a message. Return: 1: sleep (on), otherwise the result of
 * the ioctl. An application that has claimed the channel must first let go of it, unless the ZT is
 * being killed: then the application finds out when the channel dies. After a signal the ioctl is
 * restarted by itself, AWAY to IDLE, unless a handler without SA_RESTART has run: freezer, SIGSTOP
 * and debuggers act in between, and the server does not notice them.
 */
static int chan_idle_event(struct zuf_chan *ch)
{
	bool sig = signal_pending(current);

	if (READ_ONCE(ch->state) == ZUF_CH_DEAD) {
		ch->peer->ops->unstage(ch);
		return -E2BIG;
	}
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

/* Must the ZT look for messages of killed applications? */
static bool chan_has_parked(struct zuf_chan *ch)
{
	enum zuf_chan_state s = READ_ONCE(ch->state);

	return unlikely(s == ZUF_CH_AWAY) || (s == ZUF_CH_IDLE && zuf_chan_is_wanted(ch));
}

/* Return: true: such a message is in the command buffer, as if its application had just died. */
static bool chan_take_parked(struct zuf_chan *ch)
{
	enum zuf_chan_state s = chan_move(ch, ZUF_CH_IDLE, ZUF_CH_AWAY);

	if (s != ZUF_CH_IDLE && s != ZUF_CH_AWAY)
		return false;
	if (!ch->peer->ops->take(ch)) {
		if (chan_move(ch, ZUF_CH_AWAY, ZUF_CH_IDLE) == ZUF_CH_AWAY)
			chan_wake_claimer(ch);
		return false;
	}
	if (chan_move(ch, ZUF_CH_AWAY, ZUF_CH_ORPHAN) == ZUF_CH_AWAY)
		return true;
	zuf_puts_done(&ch->carried);
	return false;
}

/* Asleep with a signal pending: only the application's next step may wake the ZT. */
static bool chan_is_app_owned(struct zuf_chan *ch)
{
	enum zuf_chan_state s = READ_ONCE(ch->state);

	return s == ZUF_CH_CLAIMED || s == ZUF_CH_ANSWERED;
}

/*
 * Is a message there? Its application may have been killed before the ZT looked (ORPHAN): the
 * server gets the message all the same.
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
 * The server has answered a message whose application was killed. Return: true: the command buffer
 * holds another message for the server. If the channel dies meanwhile, what it carries is dropped
 * here.
 */
static bool chan_finish_orphan(struct zuf_chan *ch)
{
	bool again;

	if (chan_move(ch, ZUF_CH_ORPHAN, ZUF_CH_FINISH) != ZUF_CH_ORPHAN)
		return false;
	again = ch->peer->ops->finish(ch);
	if (!again)
		zuf_stays_end(ch);
	if (chan_move(ch, ZUF_CH_FINISH, again ? ZUF_CH_ORPHAN : ZUF_CH_AWAY) == ZUF_CH_FINISH)
		return again;
	orphan_drop(ch);
	return false;
}

int zuf_chan_wait(struct zuf_chan *ch)
{
	unsigned int sleep = TASK_INTERRUPTIBLE;
	int err;

	if (unlikely(shm_load(&ch->cmd->err) == -EZUFS_RETRY || READ_ONCE(ch->stage)))
		ch->peer->ops->stage(ch);
	set_current_state(sleep);
	while (unlikely(!chan_offer(ch))) {
		__set_current_state(TASK_RUNNING);
		if (chan_finish_orphan(ch))
			return 0;
		set_current_state(sleep);
	}
	while (!chan_has_message(ch)) {
		if (unlikely(chan_has_parked(ch))) {
			__set_current_state(TASK_RUNNING);
			if (chan_take_parked(ch))
				return 0;
			set_current_state(sleep);
			continue;
		}
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
	return unlikely(ch->orphan_list) ? ch->peer->ops->resume(ch) : 0;
}

void zuf_chan_break(struct zuf_chan *ch)
{
	WRITE_ONCE(ch->brk, true);
	smp_mb(); /* pairs with set_current_state() in zuf_chan_wait() */
	if (READ_ONCE(ch->server))
		wake_up_process(ch->server);
}

/* ---- all channels of a peer ---- */

/* Return: the channel of a slot, referenced, if it belongs to this server; else NULL. */
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

void zuf_chan_for_each(struct zuf_peer *peer, u32 gen, void (*fn)(struct zuf_chan *ch))
{
	struct zuf_chan *ch;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
			ch = slot_get(per_cpu_ptr(peer->cpus, cpu), i, gen);
			if (!ch)
				continue;
			fn(ch);
			zuf_chan_put(ch);
		}
	}
}

void zuf_chan_break_all(struct zuf_peer *peer)
{
	unsigned int cpu, i;
	struct zuf_chan *ch;

	mutex_lock(&peer->lock);
	for_each_cpu(cpu, &peer->chan_cpus) {
		struct zuf_cpu *zc = per_cpu_ptr(peer->cpus, cpu);

		for (i = 0; i < ZUFS_MAX_ZT_CHANNELS; i++) {
			ch = rcu_dereference_protected(zc->chans[i],
						       lockdep_is_held(&peer->lock));
			if (ch)
				zuf_chan_break(ch);
		}
	}
	mutex_unlock(&peer->lock);
}
