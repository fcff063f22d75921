/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h - the server as messages see it: who it is, and its channels
 *
 * One process at a time is the server. Each time that another one takes the place, or the
 * same one comes back, it gets a new generation: what was made for an earlier one (cookies,
 * puts, channels) is not used with a later one. A channel has one generation for life.
 *
 * A peer lies in the object that owns it (op/root.h) and is reference counted: channels,
 * special files and mounts hold it.
 */
#ifndef ZUF_PEER_H
#define ZUF_PEER_H

#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "mounter.h"
#include "puts.h"
#include "zuf/zus_api.h"

struct zuf_chan;
struct zuf_carried;
struct zuf_claim;
struct zuf_endpoint;
struct zuf_op;
struct zuf_peer;
struct zuf_stats;

/* The channels of one CPU; looked at by every operation on it. */
struct zuf_cpu {
	struct zuf_chan __rcu *chans[ZUFS_MAX_ZT_CHANNELS];
	unsigned int nr;		/* how many there are; peer->lock */
	unsigned int normal_end;	/* slots below serve all, the rest nested ones */
	wait_queue_head_t idle_wait;	/* exclusive: nothing was idle */
	atomic_t stays;			/* channels, and who waits for them, of ZUF_OPF_STAYS */
	wait_queue_head_t stays_wait;	/* exclusive: they were too many */
	int cpu;
	struct zuf_puts puts;		/* go with the next message of this CPU */
};

/*
 * struct zuf_peer_ops - what the owner of the peer does when something happens here
 *
 * What a killed caller leaves in its channel is the owner's business (op/leave.c,
 * op/finish.c), of which a channel knows no more than when to ask.
 * @release: the last reference is gone
 * @down: nobody is the server any more; @gen was the last one, 0: there was none. peer->lock.
 * @leave: the caller is about to leave its message to the server, which has it or is to get it
 *	again; it owns the channel. zuf_puts_done() follows if the answer is faster
 * @hold: the same for a message that has no channel: what must wait for it is in @carried then
 * @finish: the server has answered a message that was left; the ZT, channel FINISH. Return:
 *	true: the command buffer holds a message that the server must carry out at once
 * @stage: the ZT is about to answer -EZUFS_RETRY, or something is staged: take the list
 * @unstage: what was staged and is not used goes; any side
 * @resume: the ZT is about to deliver a message that was left with a list. Return: 0 or -EINTR
 * @take: put a message that was left without a channel into the command buffer; the ZT,
 *	channel AWAY. Return: false: there is none
 * @forget: the channel is freed: drop what it has of all of this
 */
struct zuf_peer_ops {
	void (*release)(struct zuf_peer *peer);
	void (*down)(struct zuf_peer *peer, u32 gen);
	void (*leave)(struct zuf_claim *claim);
	void (*hold)(struct zuf_carried *carried, const struct zuf_op *op,
		     struct zuf_endpoint *ep);
	bool (*finish)(struct zuf_chan *ch);
	void (*stage)(struct zuf_chan *ch);
	void (*unstage)(struct zuf_chan *ch);
	int (*resume)(struct zuf_chan *ch);
	bool (*take)(struct zuf_chan *ch);
	void (*forget)(struct zuf_chan *ch);
};

struct zuf_peer {
	/* read by every operation, written when a server comes or goes */
	u32 live_gen;			/* the server that answers; 0 = none */
	u32 put_max;			/* a put that waits must fit every command buffer, with
					 * a NOOP; bytes */
	u32 parks_ready;		/* so many messages wait for a thread (ops->take) */
	struct zuf_cpu __percpu *cpus;
	struct zuf_stats __percpu *stats; /* of what belongs to no mount */
	const struct zuf_peer_ops *ops;

	struct kref ref ____cacheline_aligned_in_smp;
	struct delayed_work watch;	/* looks for threads that have ended (watch.c) */

	spinlock_t park_lock;		/* the next two, @parks_ready, struct zuf_park */
	struct list_head parks;		/* messages without a channel: their list is under way */
	struct list_head parks_left;	/* of killed applications: for the next idle thread */

	struct mutex lock;		/* all below, and channel slots */
	bool watched;			/* @watch will look again */
	u32 last_gen;
	struct pid *server;		/* thread group of the server, or NULL */
	struct pid *ousted;		/* of the last one that lost its place by an abort */
	unsigned int nr_roles;		/* mounter and ZT files of the live server */
	struct cpumask chan_cpus;	/* CPUs with a channel; read without the lock */
	struct zuf_mounter mounter;
};

/* Return: 0 or -ENOMEM; zuf_peer_fini() follows in any case. */
int zuf_peer_init(struct zuf_peer *peer, const struct zuf_peer_ops *ops);
/* No reference and no channel is left. May wait for work items. */
void zuf_peer_fini(struct zuf_peer *peer);

struct zuf_peer *zuf_peer_get(struct zuf_peer *peer);
void zuf_peer_put(struct zuf_peer *peer);

/* True while the server that got @gen is the one that answers. */
static inline bool zuf_peer_is_live(const struct zuf_peer *peer, u32 gen)
{
	return READ_ONCE(peer->live_gen) == gen;
}

/**
 * zuf_peer_claim() - the caller says that it is the server
 * Context: peer->lock held.
 * Return: 0, -EBUSY (another process is), -ESHUTDOWN (it was, and was aborted).
 */
int zuf_peer_claim(struct zuf_peer *peer);
/* Nobody is the server any more; peer->lock held. */
void zuf_peer_down(struct zuf_peer *peer);
/* A mounter or ZT file took, gave up its role; peer->lock held. */
void zuf_peer_role_get(struct zuf_peer *peer);
void zuf_peer_role_put(struct zuf_peer *peer);

/* watch.c: a thread has come: see to it that its end is noticed; peer->lock held. */
void zuf_peer_watch(struct zuf_peer *peer);
void zuf_peer_watch_init(struct zuf_peer *peer);

#endif
