// SPDX-License-Identifier: GPL-2.0-only
/*
 * flush.c - send puts that must go now: a task waits for them, or they have waited too long
 *
 * A NOOP of the mount takes them along. A task that needs them executed sends one and waits
 * (zuf_puts_send); the work of a CPU posts one for each mount and waits for nobody.
 */
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "call.h"
#include "chan.h"
#include "endpoint.h"
#include "peer.h"
#include "puts.h"
#include "stats.h"
#include "trace.h"

/* Send a message that does nothing but carry the puts of the mount that wait in @puts. */
static int send_noop(struct zuf_endpoint *ep, struct zuf_puts *puts)
{
	struct zufs_ioc_hdr hdr = ZUF_HDR(ZUFS_OP_NOOP, sizeof(hdr), 0, 0);
	struct zuf_op op = { .hdr = &hdr, .puts = puts, .flags = ZUF_OPF_NESTED };
	struct zuf_claim claim;
	int err;

	claim.start = zuf_stats_start();
	err = zuf_chan_claim(ep->peer, ep->gen, op.flags, &claim);
	if (err)
		return err;
	err = zuf_call(ep, &op, &claim);
	zuf_chan_release(&claim);
	return err;
}

/* A NOOP that nobody waits for in place. It is on the list of @puts, under the lock of @puts. */
struct noop {
	struct zuf_post post;
	struct zuf_puts *puts;
	struct list_head link;
};

static void noop_free(struct noop *noop)
{
	spin_lock(&noop->puts->lock);
	list_del(&noop->link);
	spin_unlock(&noop->puts->lock);
	kfree(noop);
}

static void noop_done(struct zuf_post *post, int err)
{
	noop_free(container_of(post, struct noop, post));
}

/* Return: a mount that has puts here and no NOOP under way, or NULL. @puts->lock is held. */
static const struct zuf_endpoint *whose_turn(const struct zuf_puts *puts)
{
	const struct noop *noop;
	u32 i;

	lockdep_assert_held(&puts->lock);
	for (i = 0; i < puts->nr; i++) {
		const struct zuf_endpoint *ep = puts->tag[i]->ep;
		bool posted = false;

		list_for_each_entry(noop, &puts->noops, link)
			posted |= noop->post.ep == ep;
		if (!posted)
			return ep;
	}
	return NULL;
}

/*
 * Post a NOOP. No worker waits for a server: a mount whose last NOOP is answered late gets the next
 * one late. The peer stays as long as its channels. Return: false: no more can be sent now.
 */
static bool post_noop(struct zuf_puts *puts)
{
	static const struct zufs_ioc_hdr hdr = ZUF_HDR(ZUFS_OP_NOOP, sizeof(hdr), 0, 0);
	struct zuf_peer *peer = puts->peer;
	struct noop *noop;

	/* reclaim may wait for this work, so this waits for no memory: the work looks again */
	noop = kzalloc(sizeof(*noop), GFP_NOWAIT | __GFP_NOWARN);
	if (!noop)
		return false;
	noop->puts = puts;
	noop->post = (struct zuf_post){ .hdr = &hdr, .puts = puts, .done = noop_done };
	spin_lock(&puts->lock);
	noop->post.ep = whose_turn(puts);
	list_add(&noop->link, &puts->noops);
	spin_unlock(&puts->lock);
	if (!noop->post.ep ||
	    zuf_chan_post(peer, READ_ONCE(peer->live_gen), ZUF_OPF_NESTED, &noop->post)) {
		noop_free(noop);
		return false;
	}
	zuf_stats_op(peer->stats, zuf_stat_slot(ZUFS_OP_NOOP), 0, 0);
	return true;
}

void zuf_puts_deadline(struct work_struct *work)
{
	struct zuf_puts *puts = container_of(to_delayed_work(work), struct zuf_puts, work);
	unsigned int mounts = ZUF_PUTS_ALL_MAX;
	unsigned long due;
	bool send = false;

	spin_lock(&puts->lock);
	due = puts->oldest + msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS);
	if (!puts->nr) {
		puts->armed = false;
	} else if (time_before(jiffies, due)) {
		zuf_puts_arm(puts, due - jiffies);
	} else {
		/* look again: a small command buffer may not take all, or no channel may be idle */
		zuf_puts_arm(puts, msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS));
		send = true;
	}
	spin_unlock(&puts->lock);
	if (!send)
		return;
	zuf_stats_event(puts->peer->stats, ZUF_EV_PUT_DEADLINE, 1);
	trace_zuf_put(ZUF_EV_PUT_DEADLINE, container_of(puts, struct zuf_cpu, puts)->cpu, 0);
	while (mounts-- && post_noop(puts))
		;
}

static int flush_cpu(struct zuf_endpoint *ep, struct zuf_put_tag *tag, unsigned int cpu)
{
	struct zuf_puts *puts = &per_cpu_ptr(ep->peer->cpus, cpu)->puts;
	u32 taken;
	int err = 0;

	while (!err && zuf_puts_has(puts, tag)) {
		taken = READ_ONCE(puts->taken);
		err = send_noop(ep, puts);
		/* each NOOP must take one put at least, unless somebody else has taken some */
		if (unlikely(!err && taken == READ_ONCE(puts->taken) && zuf_puts_has(puts, tag))) {
			pr_warn_ratelimited("CPU %u: a put fits into no command buffer\n", cpu);
			err = -EIO;
		}
	}
	return err;
}

int zuf_puts_send(struct zuf_endpoint *ep, struct zuf_put_tag *tag)
{
	unsigned int cpu;
	int err;

	if (!tag || !zuf_tag_pending(tag))
		return 0;
	zuf_stats_event(ep->stats, ZUF_EV_GOOSE, 1);
	trace_zuf_goose(ep->id, tag, zuf_tag_pending(tag));
	err = flush_cpu(ep, tag, READ_ONCE(tag->last_cpu));
	if (err == -EINTR || !zuf_tag_pending(tag))
		return err == -EINTR ? err : 0;
	for_each_possible_cpu(cpu) {
		err = flush_cpu(ep, tag, cpu);
		if (err == -EINTR)
			return err;
	}
	return 0;
}
