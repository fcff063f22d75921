// SPDX-License-Identifier: GPL-2.0-only
/*
 * park.c - a message that waits for the end of its list without a channel
 *
 * This is for servers that have said that they can take the message back on another thread
 * (ZUFS_FSC_RETRY_MOVES). The application copies the message, gives the channel back and waits for
 * the list; then it claims a channel like everybody else and hands the copy over.
 *
 * An application that is killed leaves the copy to the peer. The copy must reach the server, which
 * has something under way for it, but not before the list has ended. That needs no worker and no
 * memory: the next thread of the server that has nothing to do takes the copy, as if its
 * application had been killed a moment after the hand-over (ORPHAN).
 *
 *	LIVE   on peer->parks, the application waits
 *	left   on peer->parks, nobody waits; the end of the list moves it on
 *	ready  on peer->parks_left, counted in peer->parks_ready; so is what undo.c leaves
 *
 * The application that leaves and the end of the list meet under park_lock: whichever comes later
 * makes the park ready. When the server goes live_gen becomes 0 first, so an application that
 * leaves afterwards finds nobody to leave its message to.
 */
#include "park.h"

#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "chan.h"
#include "endpoint.h"
#include "list.h"
#include "peer.h"
#include "stats.h"

/* ---- life ---- */

static struct zuf_park *park_create(struct zuf_peer *peer, u32 gen, size_t size, gfp_t gfp)
{
	struct zuf_park *park = kvzalloc(struct_size(park, msg, DIV_ROUND_UP(size, sizeof(u64))),
					 gfp | __GFP_ACCOUNT);

	if (!park)
		return NULL;
	refcount_set(&park->refs, 1);
	INIT_LIST_HEAD(&park->link);
	park->gen = gen;
	park->peer = zuf_peer_get(peer);
	park->size = size;
	return park;
}

struct zuf_park *zuf_park_create_steps(struct zuf_peer *peer, u32 gen)
{
	return park_create(peer, gen, 0, GFP_KERNEL);
}

struct zuf_park *zuf_park_create(const struct zuf_op *op, struct zuf_chan *ch, u32 n)
{
	size_t size = max(sizeof(struct zufs_ioc_IO), (size_t)zufs_io_size(n));
	struct zuf_park *park;

	/* since the words fit into the buffer, only a buffer smaller than zufs_ioc_IO matters */
	size = min(size, ch->cmd_size);
	park = park_create(ch->peer, ch->gen, size, GFP_NOFS);
	if (!park)
		return NULL;
	shm_take(park->msg, ch->cmd, size);
	memcpy(park->msg, op->hdr, sizeof(*op->hdr));
	return park;
}

void zuf_park_free(struct zuf_park *park)
{
	zuf_list_put(park->iom);
	if (park->steps)
		park->steps->drop(park->arg);
	zuf_peer_put(park->peer);
	kvfree(park);
}

static void park_put(struct zuf_park *park)
{
	if (refcount_dec_and_test(&park->refs))
		zuf_park_free(park);
}

/* ---- for the next idle thread ---- */

static void wake_idle(struct zuf_chan *ch)
{
	if (READ_ONCE(ch->state) == ZUF_CH_IDLE && zuf_chan_is_normal(ch))
		wake_up_process(ch->server);
}

/* Context: park_lock is held. */
static void make_ready(struct zuf_park *park)
{
	lockdep_assert_held(&park->peer->park_lock);
	list_move_tail(&park->link, &park->peer->parks_left);
	WRITE_ONCE(park->peer->parks_ready, park->peer->parks_ready + 1);
}

/* A channel that is not idle now looks when it becomes idle: zuf_chan_release(). */
static void tell_threads(struct zuf_peer *peer, u32 gen)
{
	smp_mb(); /* @parks_ready before the states of channels */
	zuf_chan_for_each(peer, gen, wake_idle);
}

static struct zuf_park *take_ready(struct zuf_peer *peer, u32 gen)
{
	struct zuf_park *park;

	spin_lock(&peer->park_lock);
	park = list_first_entry_or_null(&peer->parks_left, struct zuf_park, link);
	if (park && park->gen == gen) {
		list_del_init(&park->link);
		WRITE_ONCE(peer->parks_ready, peer->parks_ready - 1);
	} else {
		park = NULL;
	}
	spin_unlock(&peer->park_lock);
	return park;
}

/* The message goes without a window: the one that the server knew is gone. */
static void no_window(struct zufs_ioc_hdr *hdr)
{
	if (hdr->operation != ZUFS_OP_READ && hdr->operation != ZUFS_OP_WRITE)
		return;
	hdr->offset = ZUS_API_MAP_MAX_SIZE - ZUF_BOUNCE_SMALL;
	hdr->len = 0;
}

/*
 * Copy as much of the message as there is room for. If that is not all, the server gets -E2BIG and
 * no list.
 */
static void put_back(struct zuf_park *park, struct zuf_chan *ch, int err)
{
	struct zufs_ioc_IO *io = (void *)park->msg;
	size_t size = min(park->size, ch->cmd_size);

	io->hdr.err = err;
	if (unlikely(size < park->size)) {
		io->hdr.err = err ?: -E2BIG;
		if (park->size >= sizeof(*io))
			io->ziom.iom_n = 0;
	}
	ch->sent_op = io->hdr.operation;
	ch->sent_flags = io->hdr.flags;
	shm_put(ch->cmd, park->msg, size);
}

static void message_to_chan(struct zuf_park *park, struct zuf_chan *ch)
{
	struct zufs_ioc_hdr *hdr = (void *)park->msg;

	hdr->flags = ZUFS_H_INTR;
	no_window(hdr);
	put_back(park, ch, zuf_list_result(park->iom));
}

bool zuf_park_take(struct zuf_chan *ch)
{
	struct zuf_park *park = take_ready(ch->peer, ch->gen);

	if (!park)
		return false;
	if (park->steps) {
		park->steps->first(ch, park->arg);
		park->steps = NULL;
	} else {
		message_to_chan(park, ch);
	}
	WARN_ON_ONCE(ch->carried.nr || ch->carried.ep);
	ch->carried = park->carried;
	ch->refusals = 0;
	ch->undo = false;
	park_put(park);
	return true;
}

/* ---- the application's side ---- */

void zuf_park_add(struct zuf_park *park, struct zuf_list *iom)
{
	struct zuf_peer *peer = park->peer;

	park->iom = zuf_list_get(iom);
	refcount_inc(&park->refs);
	spin_lock(&peer->park_lock);
	list_add_tail(&park->link, &peer->parks);
	spin_unlock(&peer->park_lock);
}

int zuf_park_wait(struct zuf_park *park, bool unkillable)
{
	unsigned int sleep = unkillable ? TASK_UNINTERRUPTIBLE : TASK_KILLABLE;
	struct zuf_list *iom = park->iom;

	/* this sleep is never freezable: the device ends it */
	if (___wait_event(*zuf_list_waitq(iom), zuf_list_is_over(iom) ||
			  !zuf_peer_is_live(park->peer, park->gen), sleep, 0, 0, schedule()))
		return -EINTR;
	return zuf_peer_is_live(park->peer, park->gen) ? 0 : -EIO;
}

bool zuf_park_leave(struct zuf_park *park, const struct zuf_op *op, struct zuf_endpoint *ep)
{
	struct zuf_peer *peer = park->peer;
	bool live, ready = false;

	peer->ops->hold(&park->carried, op, ep);
	spin_lock(&peer->park_lock);
	live = zuf_peer_is_live(peer, park->gen);
	if (live) {
		park->left = true;
		ready = park->over;
		if (ready)
			make_ready(park);
	}
	spin_unlock(&peer->park_lock);
	if (!live) {
		zuf_puts_done(&park->carried);
		zuf_park_end(park);
		return false;
	}
	/* the park may be gone, but the mount holds the peer as well */
	zuf_stats_event(peer->stats, ZUF_EV_ORPHAN, 1);
	if (ready)
		tell_threads(peer, READ_ONCE(peer->live_gen));
	return true;
}

void zuf_park_leave_steps(struct zuf_park *park, const struct zuf_park_steps *steps, void *arg,
			  const struct zuf_op *op, struct zuf_endpoint *ep)
{
	park->steps = steps;
	park->arg = arg;
	park->over = true;
	zuf_park_leave(park, op, ep);
}

void zuf_park_end(struct zuf_park *park)
{
	struct zuf_peer *peer = park->peer;

	spin_lock(&peer->park_lock);
	list_del_init(&park->link);
	spin_unlock(&peer->park_lock);
	park_put(park);
}

void zuf_park_give(struct zuf_park *park, struct zuf_chan *ch, const struct zuf_op *op, int err)
{
	memcpy(park->msg, op->hdr, sizeof(*op->hdr));
	if (op->ii_at && op->ii_at + sizeof(u64) <= park->size)
		memcpy((void *)park->msg + op->ii_at, (void *)op->hdr + op->ii_at, sizeof(u64));
	put_back(park, ch, err);
}

/* ---- the list's side ---- */

void zuf_park_done(struct zuf_list *iom, void *arg, int err)
{
	struct zuf_park *park = arg;
	struct zuf_peer *peer = park->peer;
	bool ready;

	spin_lock(&peer->park_lock);
	park->over = true;
	ready = park->left;
	if (ready)
		make_ready(park);
	spin_unlock(&peer->park_lock);
	/* our reference of the park holds the peer */
	if (ready)
		tell_threads(peer, park->gen);
	park_put(park);
}

/* ---- the server's end ---- */

void zuf_park_drop_all(struct zuf_peer *peer)
{
	struct zuf_park *park, *next;
	LIST_HEAD(dropped);

	lockdep_assert_held(&peer->lock);
	spin_lock(&peer->park_lock);
	list_splice_init(&peer->parks_left, &dropped);
	WRITE_ONCE(peer->parks_ready, 0);
	list_for_each_entry_safe(park, next, &peer->parks, link) {
		if (park->left)
			list_move(&park->link, &dropped);
		else
			wake_up_all(zuf_list_waitq(park->iom));
	}
	list_for_each_entry(park, &dropped, link)
		park->left = false;
	spin_unlock(&peer->park_lock);
	while (!list_empty(&dropped)) {
		park = list_first_entry(&dropped, struct zuf_park, link);
		list_del_init(&park->link);
		zuf_puts_done(&park->carried);
		park_put(park);
	}
}
