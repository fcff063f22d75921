// SPDX-License-Identifier: GPL-2.0-only
/*
 * puts.c - puts that wait on a CPU and travel with its next message
 *
 * Locking: the buffer of a CPU is under its own spin lock, taken in process context
 * only. The lock also orders a late put against the end of the server:
 * zuf_puts_drop_all() runs after live_gen has changed, and zuf_puts_queue() and
 * zuf_puts_attach() look at live_gen under the lock.
 */
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "chan.h"
#include "endpoint.h"
#include "peer.h"
#include "puts.h"
#include "stats.h"
#include "trace.h"

static struct workqueue_struct *puts_wq;

int zuf_puts_module_init(void)
{
	puts_wq = alloc_workqueue("zuf_puts", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	return puts_wq ? 0 : -ENOMEM;
}

void zuf_puts_module_fini(void)
{
	destroy_workqueue(puts_wq);
}

void zuf_puts_init(struct zuf_puts *puts, struct zuf_peer *peer)
{
	spin_lock_init(&puts->lock);
	puts->peer = peer;
	INIT_LIST_HEAD(&puts->noops);
	INIT_DELAYED_WORK(&puts->work, zuf_puts_deadline);
}

void zuf_puts_fini(struct zuf_puts *puts)
{
	cancel_delayed_work_sync(&puts->work);
	kvfree(puts->buf);
}

/* ---- the buffer of a CPU ---- */

void zuf_puts_make_buffer(struct zuf_puts *puts)
{
	u8 *buf;

	if (READ_ONCE(puts->buf))
		return;
	buf = kvmalloc(ZUF_PUTS_BYTES, GFP_KERNEL_ACCOUNT);
	if (buf && cmpxchg(&puts->buf, NULL, buf))
		kvfree(buf);
}

void zuf_puts_arm(struct zuf_puts *puts, unsigned long delay)
{
	queue_delayed_work(puts_wq, &puts->work, delay);
}

bool zuf_puts_queue(struct zuf_peer *peer, u32 gen, struct zuf_cpu *zc,
		    struct zuf_put_tag *tag, const struct zufs_ioc_hdr *msg)
{
	u32 max = msg->operation == ZUFS_OP_PUT_MULTY ? ZUF_PUTS_MAX : ZUF_PUTS_ALL_MAX;
	struct zuf_puts *puts = &zc->puts;
	bool queued = false, arm = false;
	size_t len = msg->in_len;

	if (len > min_t(size_t, ZUF_PUTS_MSG_MAX, READ_ONCE(peer->put_max)) ||
	    unlikely(!READ_ONCE(puts->buf)))
		return false;
	spin_lock(&puts->lock);
	if (puts->nr < max && len <= ZUF_PUTS_BYTES - puts->used &&
	    zuf_peer_is_live(peer, gen)) {
		memcpy(puts->buf + puts->used, msg, len);
		if (!puts->nr)
			puts->oldest = jiffies;
		puts->used += len;
		puts->len[puts->nr] = len;
		puts->left[puts->nr] = zuf_left_of(msg);
		puts->tag[puts->nr++] = tag;
		atomic_inc(&tag->uses);
		tag->last_cpu = zc->cpu;
		queued = true;
		arm = !puts->armed;
		puts->armed = true;
	}
	spin_unlock(&puts->lock);
	if (likely(queued))
		trace_zuf_put(ZUF_EV_PUT_QUEUED, zc->cpu, 1);
	if (unlikely(arm))
		zuf_puts_arm(puts, msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS));
	return queued;
}

/* Adjacent puts: @nr puts from number @first on, @bytes bytes from byte @at on. */
struct puts_run {
	u32 first, nr;
	u32 at, bytes;
};

/* The first adjacent puts of @ep that fit into @room bytes. */
static struct puts_run puts_that_fit(const struct zuf_puts *puts, const struct zuf_endpoint *ep,
				     size_t room)
{
	struct puts_run run = { };
	u32 n = 0;

	lockdep_assert_held(&puts->lock);
	for (; n < puts->nr && unlikely(puts->tag[n]->ep != ep); n++)
		run.at += puts->len[n];
	run.first = n;
	for (; n < puts->nr && puts->tag[n]->ep == ep &&
	       run.bytes + puts->len[n] <= room; n++)
		run.bytes += puts->len[n];
	run.nr = n - run.first;
	return run;
}

/* Each put but the last one says that another one follows. */
static void link_puts(const struct zuf_puts *puts, const struct puts_run *run)
{
	u8 *at = puts->buf + run->at;
	u32 i;

	lockdep_assert_held(&puts->lock);
	for (i = 0; i + 1 < run->nr; i++) {
		((struct zufs_ioc_hdr *)at)->flags = ZUFS_H_HAS_PIGY_PUT;
		at += puts->len[run->first + i];
	}
}

static void take_out(struct zuf_puts *puts, const struct puts_run *run)
{
	u32 next = run->first + run->nr, rest = puts->nr - next;
	u8 *at = puts->buf + run->at;

	lockdep_assert_held(&puts->lock);
	if (unlikely(rest)) {
		memmove(at, at + run->bytes, puts->used - run->at - run->bytes);
		memmove(puts->len + run->first, puts->len + next, rest * sizeof(puts->len[0]));
		memmove(puts->tag + run->first, puts->tag + next, rest * sizeof(puts->tag[0]));
		memmove(puts->left + run->first, puts->left + next, rest);
	}
	puts->used -= run->bytes;
	puts->nr -= run->nr;
	WRITE_ONCE(puts->taken, puts->taken + run->nr);
}

void zuf_puts_attach(struct zuf_puts *puts, struct zuf_chan *ch, size_t in_len,
		     const struct zuf_endpoint *ep)
{
	struct puts_run run;

	/* messages must be 8-byte aligned: behind a name or value of odd length none can follow */
	if (!READ_ONCE(puts->nr) || in_len % 8)
		return;
	spin_lock(&puts->lock);
	/* the server of the channel may have died meanwhile: then the puts are for another one */
	if (unlikely(!zuf_peer_is_live(puts->peer, ch->gen))) {
		spin_unlock(&puts->lock);
		return;
	}
	run = puts_that_fit(puts, ep, ch->cmd_size - in_len);
	if (run.nr) {
		WARN_ON_ONCE(ch->carried.nr);
		link_puts(puts, &run);
		shm_put((void __shm *)ch->cmd + in_len, puts->buf + run.at, run.bytes);
		zuf_chan_set_flags(ch, ZUFS_H_HAS_PIGY_PUT, 0);
		memcpy(ch->carried.tag, puts->tag + run.first, run.nr * sizeof(puts->tag[0]));
		ch->carried.nr = run.nr;
		memcpy(ch->carried.left, puts->left + run.first, run.nr);
		take_out(puts, &run);
	}
	spin_unlock(&puts->lock);
	if (unlikely(!run.nr))
		return;
	zuf_stats_event(puts->peer->stats, ZUF_EV_PUT_RODE, run.nr);
	trace_zuf_put(ZUF_EV_PUT_RODE, ch->zc->cpu, run.nr);
}

void zuf_puts_drop_all(struct zuf_peer *peer)
{
	struct zuf_puts *puts;
	unsigned int cpu;

	lockdep_assert_held(&peer->lock);
	for_each_possible_cpu(cpu) {
		puts = &per_cpu_ptr(peer->cpus, cpu)->puts;
		spin_lock(&puts->lock);
		if (puts->nr) {
			zuf_stats_event(peer->stats, ZUF_EV_PUT_DROPPED, puts->nr);
			trace_zuf_put(ZUF_EV_PUT_DROPPED, cpu, puts->nr);
		}
		while (puts->nr) {
			puts->nr--;
			zuf_put_lost(puts->tag[puts->nr], puts->left[puts->nr]);
			zuf_put_tag_put(puts->tag[puts->nr]);
		}
		puts->used = 0;
		spin_unlock(&puts->lock);
	}
}

bool zuf_puts_has(struct zuf_puts *puts, const struct zuf_put_tag *tag)
{
	bool found = false;
	u32 i;

	if (!READ_ONCE(puts->nr))
		return false;
	spin_lock(&puts->lock);
	for (i = 0; i < puts->nr; i++)
		found |= puts->tag[i] == tag;
	spin_unlock(&puts->lock);
	return found;
}

unsigned int zuf_puts_find(struct zuf_peer *peer, const struct zuf_put_tag *tag)
{
	unsigned int cpu = READ_ONCE(tag->last_cpu);

	if (zuf_puts_has(&per_cpu_ptr(peer->cpus, cpu)->puts, tag))
		return cpu;
	for_each_possible_cpu(cpu)
		if (zuf_puts_has(&per_cpu_ptr(peer->cpus, cpu)->puts, tag))
			return cpu;
	return nr_cpu_ids;
}
