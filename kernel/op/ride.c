// SPDX-License-Identifier: GPL-2.0-only
/*
 * ride.c - EVICT_INODE and FREE_INODE that ride along with other messages of their mount
 *
 * A message that rides along needs no memory and waits for nobody, so it suits reclaim and exit.
 *
 *	unmount, remount, freeze	flush first
 *	statfs				flushes too, but does not wait for a server that hangs
 *	-ENOSPC				if something waits, or was freed just now, dispatch.c
 *					flushes and sends the operation once more
 *	the server ends			zuf_puts_drop_all
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "chan.h"
#include "held.h"
#include "ride.h"
#include "sb.h"
#include "sbid.h"
#include "stats.h"

/* For so long after a FREE_INODE an operation that found no space is sent again. */
#define FREED_LATELY	HZ

static void evict_tag_free(struct zuf_put_tag *tag)
{
	kfree(tag);
}

static struct zuf_put_tag *evict_tag_create(const struct zuf_endpoint *ep)
{
	struct zuf_put_tag *tag = kmalloc(sizeof(*tag), GFP_KERNEL_ACCOUNT);

	if (!tag)
		return NULL;
	zuf_put_tag_init(tag, ep, evict_tag_free);
	tag->note_idle = true;
	tag->idle_at = jiffies - 2 * FREED_LATELY;
	return tag;
}

void zuf_evicts_init(struct zuf_sb *zsb)
{
	struct zuf_evicts *ev = &zsb->sbid->evicts;

	ev->freed_at = jiffies - 2 * FREED_LATELY;
	if (!(zsb->fs_caps & ZUFS_FSC_EVICT_RIDES))
		return;
	ev->tag[1] = evict_tag_create(&zsb->sbid->ep);
	if (ev->tag[1])
		ev->tag[0] = evict_tag_create(&zsb->sbid->ep);
}

void zuf_evicts_fini(struct zuf_evicts *ev)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (ev->tag[i])
			zuf_put_tag_put(ev->tag[i]);
	mutex_destroy(&ev->lock);
}

void zuf_evicts_freed(struct zuf_sbid *sbid)
{
	WRITE_ONCE(sbid->evicts.freed_at, jiffies);
}

bool zuf_evicts_may_help(const struct zuf_evicts *ev)
{
	unsigned int i;

	if (zuf_evicts_wait(ev))
		return true;
	for (i = 0; ev->tag[0] && i < 2; i++)
		if (time_before(jiffies, READ_ONCE(ev->tag[i]->idle_at) + FREED_LATELY))
			return true;
	return time_before(jiffies, READ_ONCE(ev->freed_at) + FREED_LATELY);
}

bool zuf_ride(struct zuf_endpoint *ep, struct zuf_put_tag *tag, const struct zufs_ioc_hdr *hdr)
{
	if (!zuf_puts_queue(ep->peer, ep->gen, zuf_chan_home(ep->peer), tag, hdr))
		return false;
	zuf_stats_event(ep->stats, ZUF_EV_PUT_QUEUED, 1);
	zuf_stats_op(ep->stats, zuf_stat_slot(hdr->operation), 0, 0);
	return true;
}

bool zuf_evict_ride(struct zuf_sbid *sbid, const struct zufs_ioc_hdr *hdr)
{
	struct zuf_evicts *ev = &sbid->evicts;

	return ev->tag[0] && zuf_ride(&sbid->ep, ev->tag[READ_ONCE(ev->cur)], hdr);
}

/* ---- flush ---- */

int zuf_flush(struct zuf_sb *zsb, struct zuf_put_tag *tag)
{
	int err = tag ? zuf_held_wait_told(zsb->sbid) : 0;

	if (!err)
		err = zuf_puts_send(&zsb->sbid->ep, tag);
	if (err || !tag || !zuf_tag_pending(tag))
		return err;
	/* what is under way ends with the message that carries it, or is dropped with the server */
	return zuf_tag_wait(tag);
}

int zuf_evict_flush(struct zuf_sb *zsb)
{
	struct zuf_evicts *ev = &zsb->sbid->evicts;
	unsigned int cur;
	int err;

	if (!zuf_evicts_wait(ev))
		return 0;
	err = mutex_lock_killable(&ev->lock);
	if (err)
		return err;
	cur = ev->cur;
	/* messages that an earlier, killed flush left there; nothing is added to this tag */
	err = zuf_flush(zsb, ev->tag[!cur]);
	if (!err) {
		WRITE_ONCE(ev->cur, !cur);
		err = zuf_flush(zsb, ev->tag[cur]);
	}
	mutex_unlock(&ev->lock);
	return err;
}

int zuf_evict_flush_some(struct zuf_sb *zsb)
{
	long left = msecs_to_jiffies(ZUF_EVICT_SOME_MS);
	struct zuf_evicts *ev = &zsb->sbid->evicts;
	unsigned int cur;
	bool locked;
	int err;

	if (!zuf_evicts_wait(ev))
		return 0;
	/* the task that holds the lock may be waiting for the message that hangs */
	locked = mutex_trylock(&ev->lock);
	cur = READ_ONCE(ev->cur);
	err = zuf_puts_send(&zsb->sbid->ep, ev->tag[!cur]);
	if (!err && locked)
		left = zuf_tag_wait_some(ev->tag[!cur], left);
	/* from here on new messages are counted in the tag for which nobody waits */
	if (!err && locked && left)
		WRITE_ONCE(ev->cur, !cur);
	if (!err)
		err = zuf_puts_send(&zsb->sbid->ep, ev->tag[cur]);
	if (!err && locked && left)
		zuf_tag_wait_some(ev->tag[cur], left);
	if (locked)
		mutex_unlock(&ev->lock);
	return err;
}
