/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h - the server as messages see it: who it is, and its channels
 *
 * One process at a time is the server. Each time that another process takes the place, or the
 * same one comes back, it gets a new generation: what was made for an earlier generation (cookies,
 * puts, channels) is not used with a later one. A channel keeps its generation for life.
 *
 * A peer lies in the object that owns it (op/root.h) and is reference counted: channels,
 * special files and mounts hold references.
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

/* The channels of one CPU; every operation on the CPU looks at them. */
struct zuf_cpu {
	struct zuf_chan __rcu *chans[ZUFS_MAX_ZT_CHANNELS];
	unsigned int nr;		/* number of channels; peer->lock */
	unsigned int normal_end;	/* slots below serve all, the rest nested operations */
	wait_queue_head_t idle_wait;	/* exclusive: tasks that found no idle channel */
	atomic_t stays;			/* places taken by ZUF_OPF_STAYS operations (stays.c) */
	wait_queue_head_t stays_wait;	/* exclusive: tasks that found no place */
	int cpu;
	struct zuf_puts puts;		/* go with the next message of this CPU */
};

/*
 * struct zuf_peer_ops - what the owner of the peer does when something happens here
 *
 * What a killed caller leaves in its channel is the owner's business (op/leave.c,
 * op/finish.c). A channel knows only when to ask the owner.
 * @release: the last reference is gone
 * @down: nobody is the server any more; @gen was the last generation, 0: there was none. peer->lock
 *	is held.
 * @leave: the caller is about to leave its message to the server, which has it or is to get it
 *	again; the caller owns the channel. If the answer comes first, zuf_puts_done() follows
 * @hold: like @leave, for a message that has no channel: puts what must wait for it into @carried
 * @finish: the server has answered a message that was left; called by the ZT, channel FINISH.
 *	Return: true: the command buffer holds a message that the server must execute at once
 * @stage: the ZT is about to answer -EZUFS_RETRY, or something is staged: take the list
 * @unstage: drop what was staged and is not used; either side calls it
 * @resume: the ZT is about to deliver a message that was left with a list. Return: 0 or -EINTR
 * @take: put a message that was left without a channel into the command buffer; called by the ZT,
 *	channel AWAY. Return: false: there is none
 * @forget: the channel is freed: drop everything that the above have stored in it
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
	u32 live_gen;			/* generation of the live server; 0 = none */
	u32 put_max;			/* most bytes of a put that waits: it must fit into every
					 * command buffer, behind a NOOP */
	u32 parks_ready;		/* number of messages that wait for a thread (ops->take) */
	struct zuf_cpu __percpu *cpus;
	struct zuf_stats __percpu *stats; /* of what belongs to no mount */
	const struct zuf_peer_ops *ops;

	struct kref ref ____cacheline_aligned_in_smp;
	struct delayed_work watch;	/* looks for threads that have ended (watch.c) */

	spinlock_t park_lock;		/* the next two, @parks_ready, struct zuf_park */
	struct list_head parks;		/* messages without a channel, whose list is under way */
	struct list_head parks_left;	/* of killed applications: for the next idle thread */

	struct mutex lock;		/* all below, and channel slots */
	bool watched;			/* @watch will look again */
	u32 last_gen;
	struct pid *server;		/* thread group of the server, or NULL */
	struct pid *ousted;		/* the last server that lost its place by an abort */
	unsigned int nr_roles;		/* mounter and ZT files of the live server */
	struct cpumask chan_cpus;	/* CPUs with a channel; read without the lock */
	struct zuf_mounter mounter;
};

/* Return: 0 or -ENOMEM; zuf_peer_fini() must follow in any case. */
int zuf_peer_init(struct zuf_peer *peer, const struct zuf_peer_ops *ops);
/* Context: no reference and no channel is left. May wait for work items. */
void zuf_peer_fini(struct zuf_peer *peer);

struct zuf_peer *zuf_peer_get(struct zuf_peer *peer);
void zuf_peer_put(struct zuf_peer *peer);

/* True while the server that got @gen is the one that answers. */
static inline bool zuf_peer_is_live(const struct zuf_peer *peer, u32 gen)
{
	return READ_ONCE(peer->live_gen) == gen;
}

/**
 * zuf_peer_claim() - the calling process claims to be the server
 * Context: peer->lock held.
 * Return: 0, -EBUSY (another process is the server), -ESHUTDOWN (this process was the server, and
 * was aborted).
 */
int zuf_peer_claim(struct zuf_peer *peer);
/* Nobody is the server any more; peer->lock held. */
void zuf_peer_down(struct zuf_peer *peer);
/* A mounter or ZT file has taken (get) or given up (put) its role; peer->lock held. */
void zuf_peer_role_get(struct zuf_peer *peer);
void zuf_peer_role_put(struct zuf_peer *peer);

/* watch.c: a thread of the server has come: watch for its end; peer->lock held. */
void zuf_peer_watch(struct zuf_peer *peer);
void zuf_peer_watch_init(struct zuf_peer *peer);

#endif
