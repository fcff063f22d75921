// SPDX-License-Identifier: GPL-2.0-only
/*
 * sync.c - fsync, msync, sync: SYNC of stores through mappings
 *
 * Everything else is durable when the server has answered it. So only the pages that have been
 * writable since their last SYNC (mapped.c) need work: they are taken out of the mappings first,
 * then the server writes its caches back, and only when the server says that it has done so do
 * the pages become clean. If the server refuses they stay due.
 *
 * Inodes with such pages are on a list of the super-block, without a reference; sync takes one
 * for the time of the message. If pages are still due at the evict, SYNC is sent then, or by a
 * worker (ends.h); sync waits for that, too.
 */
#include <linux/fs.h>
#include <linux/errseq.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "dispatch.h"
#include "ends.h"
#include "held.h"
#include "mapped.h"
#include "messages.h"
#include "pins.h"
#include "ride.h"
#include "sb.h"
#include "sbid.h"
#include "sync.h"
#include "wake.h"

static int send_sync(struct inode *inode, pgoff_t first, pgoff_t last, bool datasync)
{
	struct zufs_ioc_sync msg;
	struct zuf_op op = ZUF_OP(&msg, .flush = zuf_inode_tag(inode),
				  ZUF_INODE(inode, struct zufs_ioc_sync, zus_ii));

	zuf_sync_fill(&msg, (u64)first << PAGE_SHIFT,
		      (u64)(last - first + 1) << PAGE_SHIFT, datasync);
	return zuf_dispatch(ZUF_SB(inode->i_sb), &op);
}

int zuf_sync_range(struct inode *inode, loff_t start, loff_t end, bool datasync)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	pgoff_t first = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	int err;

	zuf_assert_exclusive(inode);
	if (!zm || !zuf_mapped_is_dirty(zm) || !zuf_mapped_clean_start(zm, &first, &last))
		return 0;
	err = send_sync(inode, first, last, datasync);
	if (!err)
		zuf_mapped_clean_end(zm, first, last);
	return err;
}

static int sync_inode(struct inode *inode, loff_t start, loff_t end, bool datasync)
{
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	int err;

	/* frames that have left the record may still be the file's (failed truncate, shift) */
	if (zm && unlikely(READ_ONCE(zm->has_left)))
		zuf_pins_write_back(ZUF_SB(inode->i_sb));
	if (!zm || !zuf_mapped_is_dirty(zm))
		return 0;
	err = zuf_lock_killable(inode);
	if (err)
		return err;
	err = zuf_lock_mapping_killable(inode->i_mapping);
	if (!err) {
		err = zuf_sync_range(inode, start, end, datasync);
		filemap_invalidate_unlock(inode->i_mapping);
	}
	inode_unlock(inode);
	return err;
}

int zuf_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	int err = sync_inode(file_inode(file), start, end, datasync);
	int lost;

	/* the system call starts anew, and is the one that tells */
	if (zuf_is_interrupted(err))
		return err;
	/* puts of writes that were lost with the server: each open file learns of them once */
	lost = file_check_and_advance_wb_err(file);
	return err ?: lost;
}

void zuf_sync_evict(struct inode *inode)
{
	struct zuf_end *end = &ZUF_I(inode)->end;
	struct zuf_mapped *zm = zuf_mapped_of(inode);
	struct zuf_sb *zsb = ZUF_SB(inode->i_sb);
	pgoff_t first = 0, last = ULONG_MAX;

	if (!zm || !zuf_mapped_is_dirty(zm) || !zuf_mapped_clean_start(zm, &first, &last))
		return;
	end->sync_offset = (u64)first << PAGE_SHIFT;
	end->sync_length = (u64)(last - first + 1) << PAGE_SHIFT;
	/* from one list to the other in one step: sync(2) must find it on one of them */
	spin_lock(&zsb->dirty_lock);
	zuf_end_sync_start(zsb, end, zm->dirty_seq);
	list_del_init(&zm->dirty_link);
	spin_unlock(&zsb->dirty_lock);
	zuf_ends_wake(zsb->sbid);
}

/* ---- all of a file system ---- */

/* Take the next inode off @todo and hold it; it is on zsb->dirty again. */
static struct inode *next_dirty(struct zuf_sb *zsb, struct list_head *todo)
{
	struct inode *inode = NULL;
	struct zuf_mapped *zm;

	spin_lock(&zsb->dirty_lock);
	while (!inode && !list_empty(todo)) {
		zm = list_first_entry(todo, struct zuf_mapped, dirty_link);
		/* NULL: its evict tells the server, and sync_all() waits for that */
		inode = igrab(zm->inode);
		if (inode)
			zm->dirty_seq = zsb->dirty_seq;
		/* the oldest entries stay in front */
		if (inode)
			list_move_tail(&zm->dirty_link, &zsb->dirty);
		else
			list_move(&zm->dirty_link, &zsb->dirty);
	}
	spin_unlock(&zsb->dirty_lock);
	return inode;
}

/* Is a SYNC from before @seq due, of an inode that is being evicted or was? */
static bool evicted_are_due(struct zuf_sb *zsb, u64 seq)
{
	struct zuf_mapped *first;
	bool due;

	spin_lock(&zsb->dirty_lock);
	first = list_first_entry_or_null(&zsb->dirty, struct zuf_mapped, dirty_link);
	due = (first && first->dirty_seq < seq) || zuf_ends_sync_due(zsb->sbid, seq);
	spin_unlock(&zsb->dirty_lock);
	return due;
}

/* Wait for the SYNCs of evicted inodes, and report their error: nobody else learns of it. */
static int wait_for_evicted(struct zuf_sb *zsb, u64 seq)
{
	struct zuf_ends *ends = &zsb->sbid->ends;
	int err;

	if (zuf_wait_killable(ends->wait, !evicted_are_due(zsb, seq)))
		return -EINTR;
	err = xchg(&ends->sync_err, 0);
	if (err)
		errseq_set(&zsb->sb->s_wb_err, err);
	return err;
}

/* Sync all that is due now; later stores are left to the next sync. */
static int sync_all(struct zuf_sb *zsb)
{
	struct inode *inode;
	LIST_HEAD(todo);
	int err = 0, ret;
	u64 seq;

	spin_lock(&zsb->dirty_lock);
	seq = ++zsb->dirty_seq;
	list_splice_init(&zsb->dirty, &todo);
	spin_unlock(&zsb->dirty_lock);
	while ((inode = next_dirty(zsb, &todo))) {
		ret = sync_inode(inode, 0, LLONG_MAX, true);
		iput(inode);
		if (!err)
			err = ret;
		cond_resched();
	}
	ret = wait_for_evicted(zsb, seq);
	return err ?: ret;
}

int zuf_sync_fs(struct super_block *sb, int wait)
{
	struct zuf_sb *zsb = ZUF_SB(sb);
	int err;

	/* the call that waits follows this one */
	if (!wait)
		return 0;
	/*
	 * The mount ends in the exit of its last user or in a worker: nothing could end a wait
	 * for a server that hangs. All SYNCs are sent as the inodes are evicted, and UMOUNT
	 * comes after them.
	 */
	if (!sb->s_root && (current->flags & (PF_KTHREAD | PF_EXITING)))
		return 0;
	/* a sync that another task has begun must also have ended when this one returns */
	if (mutex_lock_killable(&zsb->sync_lock))
		return -EINTR;
	zuf_pins_write_back(zsb);
	err = sync_all(zsb);
	mutex_unlock(&zsb->sync_lock);
	return err;
}

/* ---- freeze ---- */

/*
 * Return the next inode after @last with puts that are not executed, with a reference; drop the
 * reference to @last.
 */
static struct inode *next_with_puts(struct super_block *sb, struct inode *last)
{
	struct inode *inode = last, *found = NULL;

	spin_lock(&sb->s_inode_list_lock);
	inode = list_prepare_entry(inode, &sb->s_inodes, i_sb_list);
	list_for_each_entry_continue(inode, &sb->s_inodes, i_sb_list) {
		if (!zuf_tag_pending(zuf_inode_tag(inode)))
			continue;
		found = igrab(inode);
		if (found)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(last);
	return found;
}

/* Take the locks of all that make new puts, readers and faults: or a flush would never end. */
static int flush_locked(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int err = zuf_lock_killable(inode);

	if (err)
		return err;
	if (S_ISREG(inode->i_mode))
		err = zuf_lock_mapping_killable(mapping);
	if (!err) {
		err = zuf_flush(ZUF_SB(inode->i_sb), zuf_inode_tag(inode));
		if (S_ISREG(inode->i_mode))
			filemap_invalidate_unlock(mapping);
	}
	inode_unlock(inode);
	return err;
}

/* Evicted inodes had their puts executed before, or will have (zuf_ends_wait_quiet()). */
static int have_puts_executed(struct super_block *sb)
{
	struct inode *inode = NULL;
	int err = 0;

	while (!err && (inode = next_with_puts(sb, inode))) {
		err = flush_locked(inode);
		cond_resched();
	}
	iput(inode);
	return err;
}

int zuf_quiesce(struct super_block *sb)
{
	struct zuf_sb *zsb = ZUF_SB(sb);
	int err = zuf_ends_freeze(zsb);

	if (err)
		return err;
	err = zuf_sync_fs(sb, 1);
	if (!err)
		err = have_puts_executed(sb);
	/* for inodes that were evicted meanwhile and so were not found */
	if (!err)
		err = zuf_ends_wait_quiet(zsb);
	if (err)
		zuf_ends_thaw(zsb->sbid);
	return err;
}

/*
 * Wait until no inode that has begun to end would have to wait for the thaw. -EBUSY: pins hold
 * an inode that must be freed, for how long nobody knows, and the server does not keep blocks
 * back.
 */
static int sync_drain(struct zuf_sb *zsb)
{
	struct zuf_ends *ends = &zsb->sbid->ends;
	int err = zuf_ends_wait_quiet(zsb);

	/* the server is told of the held frames, and then the inodes need not wait for them */
	if (!err && zuf_keeps_back(zsb) && zuf_ends_has_pinned(zsb->sbid)) {
		if (zuf_wait_killable(ends->wait, !zuf_ends_has_pinned(zsb->sbid)))
			return -EINTR;
		err = zuf_ends_wait_quiet(zsb);
	}
	/* whoever held a frame may have released it a moment ago */
	if (!err && zuf_ends_has_pinned(zsb->sbid)) {
		zuf_pins_look(zsb);
		err = zuf_ends_wait_quiet(zsb);
	}
	if (!err && zuf_ends_has_pinned(zsb->sbid))
		err = -EBUSY;
	return err;
}

int zuf_quiesce_read_only(struct super_block *sb)
{
	struct zuf_sb *zsb = ZUF_SB(sb);
	int err;

	/* this ends: no inode loses its last name meanwhile, and those without one go one by one */
	for (;;) {
		err = sync_drain(zsb);
		if (!err)
			err = zuf_quiesce(sb);
		if (err || !zuf_ends_hold_back(zsb->sbid))
			return err;
		zuf_ends_thaw(zsb->sbid);
	}
}
