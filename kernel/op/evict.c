// SPDX-License-Identifier: GPL-2.0-only
/*
 * evict.c - telling the server that the kernel has done with an inode
 *
 * A cookie that is given back may be handed out again at once by a LOOKUP of another CPU:
 * the server counts references, so the late message takes away just one. Of one inode the
 * order is kept: its last message waits for all others (the tag). What rides along needs
 * no memory and waits for nobody, so it suits reclaim and exit as well. What cannot ride
 * is sent here, or left to a worker where nobody may wait (ends.h).
 *
 *	unmount, remount, freeze	flush first
 *	statfs				the same, but waits for no server that hangs
 *	-ENOSPC				if something waits, or was freed just now: dispatch.c
 *					flushes and asks once more
 *	the server ends			zuf_puts_drop_all
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "chan.h"
#include "dispatch.h"
#include "ends.h"
#include "evict.h"
#include "held.h"
#include "inode.h"
#include "pins.h"
#include "root.h"
#include "sbid.h"
#include "stats.h"
#include "super.h"
#include "sync.h"

/* That long after a FREE_INODE an operation that found no space is sent again. */
#define FREED_LATELY	HZ

static void evict_tag_free(struct zuf_put_tag *tag)
{
	kfree(tag);
}

static struct zuf_put_tag *evict_tag_create(const struct zuf_sbid *sbid)
{
	struct zuf_put_tag *tag = kmalloc(sizeof(*tag), GFP_KERNEL_ACCOUNT);

	if (!tag)
		return NULL;
	zuf_put_tag_init(tag, sbid, evict_tag_free);
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
	ev->tag[1] = evict_tag_create(zsb->sbid);
	if (ev->tag[1])
		ev->tag[0] = evict_tag_create(zsb->sbid);
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

/* @tag: counts it. */
static bool ride_along(struct zuf_sbid *sbid, struct zuf_put_tag *tag,
		       const struct zufs_ioc_hdr *hdr)
{
	if (!zuf_puts_queue(sbid->root, sbid->server_gen, zuf_chan_home(sbid->root), tag, hdr))
		return false;
	zuf_stats_event(sbid->stats ?: sbid->root->stats, ZUF_EV_PUT_QUEUED, 1);
	zuf_stats_op(sbid->stats ?: sbid->root->stats, zuf_stat_slot(hdr->operation), 0, 0);
	return true;
}

bool zuf_evict_ride(struct zuf_sbid *sbid, const struct zufs_ioc_hdr *hdr)
{
	struct zuf_evicts *ev = &sbid->evicts;

	return ev->tag[0] && ride_along(sbid, ev->tag[READ_ONCE(ev->cur)], hdr);
}

/* ---- the end of an inode ---- */

static void fill_evict(struct zufs_ioc_evict_inode *msg, u64 zus_ii, u16 operation)
{
	*msg = (struct zufs_ioc_evict_inode){
		.hdr = ZUF_HDR(operation, sizeof(*msg), 0, 0),
		.zus_ii = zus_ii,
	};
}

/* Nothing has to go before: the usual case. False: nothing is done. */
static bool end_rides(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	struct zufs_ioc_evict_inode msg;

	if (end->sync_length || end->attr || zuf_tag_pending(zuf_inode_tag(inode)) ||
	    zuf_held_is_untold(zsb->sbid))
		return false;
	fill_evict(&msg, ZUF_I(inode)->zus_ii, end->operation);
	return zuf_evict_ride(zsb->sbid, &msg.hdr);
}

/* Killed, or interrupted: the worker sends it once more, which does no harm. */
static int sync_now(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	struct zufs_ioc_sync msg;
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_NESTED,
				  ZUF_INODE(inode, struct zufs_ioc_sync, zus_ii));
	int err;

	zuf_sync_fill(&msg, end->sync_offset, end->sync_length, true);
	err = zuf_dispatch(zsb, &op);
	if (zuf_is_interrupted(err))
		return err;
	zuf_end_sync_done(zsb->sbid, end, err);
	return 0;
}

/* The same of what a killed chmod has left. */
static int attr_now(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	struct zufs_ioc_attr msg;
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_NESTED,
				  ZUF_INODE(inode, struct zufs_ioc_attr, zus_ii));
	int err;

	zuf_setattr_fill(&msg, end->attr);
	err = zuf_dispatch(zsb, &op);
	if (zuf_is_interrupted(err))
		return err;
	end->attr = 0;
	return 0;
}

/* All that is left, by our own messages. False: the rest is the worker's. */
static bool end_now(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	struct zufs_ioc_evict_inode msg;
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED,
				  .inode = inode, .ends = true);

	/* nothing could end the wait of some for a server that hangs */
	if (current->flags & (PF_EXITING | PF_MEMALLOC | PF_KTHREAD))
		return false;
	if (zuf_puts_goose(zsb, zuf_inode_tag(inode)) ||
	    (end->sync_length && sync_now(zsb, inode, end)) ||
	    (end->attr && attr_now(zsb, inode, end)))
		return false;
	fill_evict(&msg, ZUF_I(inode)->zus_ii, end->operation);
	msg.hdr.out_len = sizeof(msg);
	zuf_dispatch(zsb, &op);
	if (end->operation == ZUFS_OP_FREE_INODE)
		zuf_evicts_freed(zsb->sbid);
	return true;
}

/* False: it is frozen, and something would change. */
static bool try_end(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	bool changes = zuf_end_changes(end), done;

	if (changes && !zuf_ends_free_begin(zsb->sbid))
		return false;
	done = end_rides(zsb, inode, end) || end_now(zsb, inode, end);
	if (changes)
		zuf_ends_free_end(zsb->sbid);
	return done;
}

static bool may_be_freed(const struct inode *inode, const struct zuf_end *end)
{
	return !inode->i_nlink || end->zi;
}

void zuf_evict_end(struct inode *inode)
{
	struct zuf_sb *zsb = ZUF_SB(inode->i_sb);
	struct zuf_end *end = &ZUF_I(inode)->end;

	if (!zsb->zus_sbi)
		return;
	end->operation = inode->i_nlink ? ZUFS_OP_EVICT_INODE : ZUFS_OP_FREE_INODE;
	if (inode->i_nlink || end->zi)
		zuf_sync_evict(inode);
	/* of what somebody still holds: when he does no more */
	if ((may_be_freed(inode, end) && zuf_pins_keep(inode, end)) || end->zi ||
	    !try_end(zsb, inode, end))
		zuf_end_queue(zsb, inode);
}

/* False: poisoned, or not to be seen any more. T1 stays until the mount is closed. */
static bool take_links(struct zuf_end *end, u32 *links)
{
	struct zuf_root *root = end->sbid->root;
	bool taken = false;
	__le32 nlink;

	mutex_lock(&root->lock);
	if (!end->sbid->closed)
		taken = !shm_take_mc(&nlink, &end->zi->i_nlink, sizeof(nlink));
	mutex_unlock(&root->lock);
	if (taken)
		*links = le32_to_cpu(nlink);
	return taken;
}

void zuf_evict_decide(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;
	u32 links = 0;
	/* what cannot be known may have a name */
	bool frees = take_links(end, &links) && !links;

	if (frees) {
		end->attr = 0;
		zuf_end_sync_done(sbid, end, 0);
	}
	spin_lock(&sbid->root->ends.lock);
	end->operation = frees ? ZUFS_OP_FREE_INODE : ZUFS_OP_EVICT_INODE;
	end->zi = NULL;
	spin_unlock(&sbid->root->ends.lock);
	zuf_ends_wake(sbid);
}

/* ---- cookies without an inode ---- */

void zuf_evict_send(struct zuf_sb *zsb, u64 zus_ii, u16 operation)
{
	struct zufs_ioc_evict_inode msg;
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED);

	fill_evict(&msg, zus_ii, operation);
	if (!zsb->zus_sbi || zuf_evict_ride(zsb->sbid, &msg.hdr))
		return;
	msg.hdr.out_len = sizeof(msg);
	zuf_dispatch(zsb, &op);
}

void zuf_evict_send_race(struct zuf_sb *zsb, u64 zus_ii, struct inode *inode)
{
	struct zufs_ioc_evict_inode msg;
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED);
	struct zuf_sbid *sbid = zsb->sbid;

	fill_evict(&msg, zus_ii, ZUFS_OP_EVICT_INODE);
	msg.flags = ZI_LOOKUP_RACE;
	if (!zsb->zus_sbi || (sbid->evicts.tag[0] && inode &&
			      ride_along(sbid, zuf_inode_tag(inode), &msg.hdr)))
		return;
	msg.hdr.out_len = sizeof(msg);
	zuf_dispatch(zsb, &op);
}

/* ---- flush ---- */

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
	/* what an earlier flush left behind when it was killed; nothing is added there */
	err = zuf_puts_goose(zsb, ev->tag[!cur]);
	if (!err) {
		WRITE_ONCE(ev->cur, !cur);
		err = zuf_puts_goose(zsb, ev->tag[cur]);
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
	/* who has the lock may be waiting for the message that hangs */
	locked = mutex_trylock(&ev->lock);
	cur = READ_ONCE(ev->cur);
	err = zuf_puts_send(zsb, ev->tag[!cur]);
	if (!err && locked)
		left = zuf_puts_wait_some(ev->tag[!cur], left);
	/* from here on new ones are counted where nobody waits */
	if (!err && locked && left)
		WRITE_ONCE(ev->cur, !cur);
	if (!err)
		err = zuf_puts_send(zsb, ev->tag[cur]);
	if (!err && locked && left)
		zuf_puts_wait_some(ev->tag[cur], left);
	if (locked)
		mutex_unlock(&ev->lock);
	return err;
}
