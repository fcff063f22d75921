// SPDX-License-Identifier: GPL-2.0-only
/*
 * evict.c - telling the server that the kernel has done with an inode
 *
 * A cookie that is given back may be handed out again at once by a LOOKUP of another CPU:
 * the server counts references, so the late message takes away just one. Of one inode the
 * order is kept: its last message waits for all others (the tag). What rides along needs
 * no memory and waits for nobody, so it suits reclaim and exit as well.
 *
 *	unmount, remount, freeze	flush first
 *	statfs				the same, but waits for no server that hangs
 *	-ENOSPC while something waits	dispatch.c flushes and asks once more
 *	the server ends			zuf_puts_drop_all
 */
#include "chan.h"
#include "dispatch.h"
#include "evict.h"
#include "inode.h"
#include "mapped.h"
#include "root.h"
#include "stats.h"
#include "super.h"
#include "sync.h"

void zuf_evicts_init(struct zuf_sb *zsb)
{
	struct zuf_evicts *ev = &zsb->evicts;

	mutex_init(&ev->lock);
	if (!(zsb->fs_caps & ZUFS_FSC_EVICT_RIDES))
		return;
	ev->tag[1] = zuf_put_tag_create(GFP_KERNEL);
	if (ev->tag[1])
		ev->tag[0] = zuf_put_tag_create(GFP_KERNEL);
}

void zuf_evicts_fini(struct zuf_sb *zsb)
{
	zuf_put_tag_put(zsb->evicts.tag[0]);
	zuf_put_tag_put(zsb->evicts.tag[1]);
}

/* With the next message of this CPU; false: it must go alone. @tag: counts it. */
static bool ride_along(struct zuf_sb *zsb, struct zuf_put_tag *tag,
		       const struct zufs_ioc_hdr *hdr)
{
	struct zuf_cpu *zc = per_cpu_ptr(zsb->root->cpus, raw_smp_processor_id());

	if (!zuf_puts_queue(zsb, zc, tag, hdr))
		return false;
	zuf_stats_op(zuf_sb_stats(zsb), zuf_stat_slot(hdr->operation), 0, 0);
	return true;
}

void zuf_evict_send(struct zuf_sb *zsb, u64 zus_ii, u16 operation, struct inode *inode)
{
	struct zufs_ioc_evict_inode msg = {
		.hdr = ZUF_HDR(operation, sizeof(msg), 0, 0),
		.zus_ii = zus_ii,
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED);
	struct zuf_put_tag *tag = inode ? ZUF_I(inode)->put_tag : NULL;
	struct zuf_evicts *ev = &zsb->evicts;
	struct zufs_ioc_sync sync;

	if (inode && operation == ZUFS_OP_EVICT_INODE && zuf_sync_evict(inode, &sync)) {
		op.before = &sync.hdr;
		op.before_inode = inode;
	}
	if (inode && operation == ZUFS_OP_FREE_INODE)
		op.pinned = zuf_mapped_detach_pinned(inode);
	if (!zsb->zus_sbi)
		return;
	if (ev->tag[0] && !op.before && !op.pinned && !(tag && atomic_read(&tag->pending)) &&
	    ride_along(zsb, ev->tag[READ_ONCE(ev->cur)], &msg.hdr))
		return;
	op.goose = tag;
	msg.hdr.out_len = sizeof(msg);
	/* no answer matters: a server that is gone has forgotten it already */
	zuf_dispatch(zsb, &op);
}

void zuf_evict_send_race(struct zuf_sb *zsb, u64 zus_ii, struct zuf_put_tag *tag)
{
	struct zufs_ioc_evict_inode msg = {
		.hdr = ZUF_HDR(ZUFS_OP_EVICT_INODE, sizeof(msg), 0, 0),
		.zus_ii = zus_ii,
		.flags = ZI_LOOKUP_RACE,
	};
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED);

	if (!zsb->zus_sbi || (zsb->evicts.tag[0] && tag && ride_along(zsb, tag, &msg.hdr)))
		return;
	msg.hdr.out_len = sizeof(msg);
	zuf_dispatch(zsb, &op);
}

int zuf_evict_flush(struct zuf_sb *zsb)
{
	struct zuf_evicts *ev = &zsb->evicts;
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
	struct zuf_evicts *ev = &zsb->evicts;
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
