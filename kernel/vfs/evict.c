// SPDX-License-Identifier: GPL-2.0-only
/*
 * evict.c - tell the server that the kernel no longer uses an inode
 *
 * A LOOKUP on another CPU may hand a cookie out again as soon as the kernel gives it back. The
 * server counts references, so a late message takes away just one. The messages of one inode are
 * kept in order: its last message waits for all others (the tag). What cannot ride (ride.c) is
 * sent here, or left to a worker where nobody may wait (ends.h).
 */
#include "dispatch.h"
#include "ends.h"
#include "evict.h"
#include "held.h"
#include "messages.h"
#include "pins.h"
#include "ride.h"
#include "sb.h"
#include "sbid.h"
#include "sync.h"
#include "zinode.h"

/* ---- the end of an inode ---- */

static void fill_evict(struct zufs_ioc_evict_inode *msg, u64 zus_ii, u16 operation)
{
	*msg = (struct zufs_ioc_evict_inode){
		.hdr = ZUF_HDR(operation, sizeof(*msg), 0, 0),
		.zus_ii = zus_ii,
	};
}

/* The usual case: no message has to go first. Return: false: nothing was done. */
static bool end_rides(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	struct zufs_ioc_evict_inode msg;

	if (end->sync_length || end->attr || zuf_tag_pending(zuf_inode_tag(inode)) ||
	    zuf_held_is_untold(zsb->sbid))
		return false;
	fill_evict(&msg, ZUF_I(inode)->zus_ii, end->operation);
	return zuf_evict_ride(zsb->sbid, &msg.hdr);
}

/*
 * Return an error if the task is killed or interrupted: then the worker sends SYNC again, which
 * does no harm.
 */
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

/* As sync_now(), for what a killed chmod has left. */
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

/* Send everything that is left from here. Return: false: the worker must do the rest. */
static bool end_now(struct zuf_sb *zsb, struct inode *inode, struct zuf_end *end)
{
	struct zufs_ioc_evict_inode msg;
	struct zuf_op op = ZUF_OP(&msg, .flags = ZUF_OPF_FORGET | ZUF_OPF_NESTED,
				  .inode = inode, .ends = true);

	/* these tasks must not wait: nothing could end their wait for a server that hangs */
	if (current->flags & (PF_EXITING | PF_MEMALLOC | PF_KTHREAD))
		return false;
	if (zuf_flush(zsb, zuf_inode_tag(inode)) ||
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

/* Return: false: the file system is frozen and the message would change something. */
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
	/* if frames are held the end waits until nobody holds them */
	if ((may_be_freed(inode, end) && zuf_pins_keep(inode, end)) || end->zi ||
	    !try_end(zsb, inode, end))
		zuf_end_queue(zsb, inode);
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
			      zuf_ride(&sbid->ep, zuf_inode_tag(inode), &msg.hdr)))
		return;
	msg.hdr.out_len = sizeof(msg);
	zuf_dispatch(zsb, &op);
}
