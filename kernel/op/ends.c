// SPDX-License-Identifier: GPL-2.0-only
/*
 * ends.c - queue items and messages for the worker of a root (endwork.c), wait for them, and the
 * gate that a freeze closes
 *
 * Locking: root->ends.lock, a spin lock, taken in process context only, inside of zsb->dirty_lock.
 */
#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "ends.h"
#include "held.h"
#include "ride.h"
#include "sb.h"
#include "sbid.h"
#include "stats.h"
#include "wake.h"
#include "zinode.h"

/* Items that a thaw moves before it lets others have the lock. */
#define THAW_PIECE	64

static spinlock_t *ends_lock(const struct zuf_sbid *sbid)
{
	return &zuf_sbid_root(sbid)->ends.lock;
}

/* ---- counters of a mount ---- */

/* An item can go on. The lock is held. */
static void active_start(struct zuf_ends *ends, struct zuf_end *end)
{
	end->gen = ends->gen;
	atomic_inc(&ends->nr_active[end->gen]);
}

void zuf_ends_left_start(struct zuf_sbid *sbid, struct zuf_carried *carried)
{
	zuf_sbid_get(sbid);
	spin_lock(ends_lock(sbid));
	carried->gen = sbid->ends.gen;
	atomic_inc(&sbid->ends.nr_left[carried->gen]);
	spin_unlock(ends_lock(sbid));
}

void zuf_ends_left_done(struct zuf_endpoint *ep, unsigned int gen)
{
	struct zuf_sbid *sbid = zuf_sbid_of(ep);

	atomic_dec(&sbid->ends.nr_left[gen]);
	zuf_ends_wake(sbid);
	zuf_sbid_put(sbid);
}

bool zuf_ends_are_done(const struct zuf_sbid *sbid)
{
	return !atomic_read(&sbid->ends.nr) && !zuf_ends_nr_left(&sbid->ends) &&
	       !zuf_held_is_untold(sbid) && !READ_ONCE(sbid->ends.telling);
}

/* ---- an inode's item ---- */

void zuf_end_init(struct zuf_end *end)
{
	memset(end, 0, sizeof(*end));
	INIT_LIST_HEAD(&end->link);
	INIT_HLIST_NODE(&end->by_ino);
	INIT_LIST_HEAD(&end->sync_link);
	atomic_set(&end->owners, 1);
}

void zuf_end_vfs_done(struct inode *inode)
{
	struct zuf_inode *zii = ZUF_I(inode);

	if (atomic_dec_and_test(&zii->end.owners))
		zuf_put_tag_put(&zii->tag);
}

void zuf_end_sync_start(struct zuf_sb *zsb, struct zuf_end *end, u64 seq)
{
	lockdep_assert_held(&zsb->dirty_lock);
	end->sync_seq = seq;
	spin_lock(ends_lock(zsb->sbid));
	list_add_tail(&end->sync_link, &zsb->sbid->ends.syncs);
	spin_unlock(ends_lock(zsb->sbid));
}

void zuf_end_sync_done(struct zuf_sbid *sbid, struct zuf_end *end, int err)
{
	if (list_empty(&end->sync_link))
		return;
	if (err)
		cmpxchg(&sbid->ends.sync_err, 0, err);
	end->sync_length = 0;
	spin_lock(ends_lock(sbid));
	list_del_init(&end->sync_link);
	spin_unlock(ends_lock(sbid));
	zuf_ends_wake(sbid);
}

bool zuf_ends_sync_due(struct zuf_sbid *sbid, u64 seq)
{
	struct zuf_end *end;
	bool due = false;

	spin_lock(ends_lock(sbid));
	list_for_each_entry(end, &sbid->ends.syncs, sync_link) {
		due = end->sync_seq < seq;
		if (due)
			break;
	}
	spin_unlock(ends_lock(sbid));
	return due;
}

static struct hlist_head *ino_head(struct zuf_ends *ends, u64 ino)
{
	return &ends->by_ino[hash_64(ino, ZUF_ENDS_HASH_BITS)];
}

void zuf_end_queue(struct zuf_sb *zsb, struct inode *inode)
{
	struct zuf_end *end = &ZUF_I(inode)->end;
	struct zuf_sbid *sbid = zsb->sbid;

	end->sbid = sbid;
	zuf_sbid_get(sbid);
	atomic_inc(&sbid->ends.nr);
	atomic_inc(&end->owners);
	zuf_stats_event(sbid->ep.stats, ZUF_EV_FORGET, 1);
	spin_lock(ends_lock(sbid));
	hlist_add_head(&end->by_ino, ino_head(&sbid->ends, inode->i_ino));
	list_add_tail(&end->link, &sbid->ends.todo);
	active_start(&sbid->ends, end);
	spin_unlock(ends_lock(sbid));
	zuf_ends_kick(zuf_sbid_root(sbid));
}

void zuf_end_unpinned(struct zuf_sbid *sbid, struct zuf_end *end)
{
	spin_lock(ends_lock(sbid));
	if (end->held == ZUF_END_WAITS) {
		list_move_tail(&end->link, &sbid->ends.todo);
		active_start(&sbid->ends, end);
	}
	end->held = ZUF_END_IDLE;
	/* from here on the inode may be freed */
	spin_unlock(ends_lock(sbid));
	zuf_ends_wake(sbid);
	zuf_ends_kick(zuf_sbid_root(sbid));
}

void zuf_end_done(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;
	unsigned int gen = end->gen;

	zuf_end_sync_done(sbid, end, -EIO);
	spin_lock(ends_lock(sbid));
	hlist_del_init(&end->by_ino);
	spin_unlock(ends_lock(sbid));
	if (atomic_dec_and_test(&end->owners))
		zuf_put_tag_put(zuf_end_tag(end));
	atomic_dec(&sbid->ends.nr_active[gen]);
	atomic_dec(&sbid->ends.nr);
	zuf_ends_wake(sbid);
	zuf_sbid_put(sbid);
}

/* The item of this inode number that is still there, or NULL. */
static struct zuf_end *find_ino(struct zuf_ends *ends, u64 ino)
{
	struct zuf_end *end;

	hlist_for_each_entry(end, ino_head(ends, ino), by_ino)
		if (zuf_end_inode(end)->vfs_inode.i_ino == ino)
			return end;
	return NULL;
}

static bool will_be_freed(const struct zuf_end *end)
{
	return !end->zi && end->operation == ZUFS_OP_FREE_INODE &&
	       READ_ONCE(end->sent) != ZUF_END_LAST;
}

/* Return: 0: there is no item, or zuf_end_inherit() takes over from it; -EAGAIN: wait; -ESTALE. */
static int look_for_ino(struct zuf_sbid *sbid, u64 ino)
{
	struct zuf_end *end;
	int err = 0;

	spin_lock(ends_lock(sbid));
	end = find_ino(&sbid->ends, ino);
	if (end && will_be_freed(end))
		err = -ESTALE;
	else if (end && !end->parked)
		err = -EAGAIN;
	spin_unlock(ends_lock(sbid));
	return err;
}

/* The item goes on. The lock is held. */
static void end_unpark(struct zuf_end *end)
{
	struct zuf_ends *ends = &end->sbid->ends;

	end->parked = false;
	active_start(ends, end);
	list_move_tail(&end->link, &ends->todo);
}

u32 zuf_end_inherit(struct zuf_sbid *sbid, u64 ino)
{
	struct zuf_end *end;
	u32 attr = 0;

	if (likely(!atomic_read(&sbid->ends.nr)))
		return 0;
	spin_lock(ends_lock(sbid));
	end = find_ino(&sbid->ends, ino);
	if (end && end->parked && !will_be_freed(end)) {
		swap(attr, end->attr);
		/* only the cookie is left to be given back, and that may be late */
		hlist_del_init(&end->by_ino);
		end_unpark(end);
	}
	spin_unlock(ends_lock(sbid));
	if (attr)
		zuf_ends_kick(zuf_sbid_root(sbid));
	return attr;
}

bool zuf_end_has_ino(struct zuf_sbid *sbid, u64 ino)
{
	return unlikely(atomic_read(&sbid->ends.nr)) && look_for_ino(sbid, ino);
}

int zuf_end_wait_ino(struct zuf_sbid *sbid, u64 ino)
{
	int err = 0;

	if (likely(!atomic_read(&sbid->ends.nr)))
		return 0;
	if (zuf_wait_killable(sbid->ends.wait, (err = look_for_ino(sbid, ino)) != -EAGAIN))
		return -EINTR;
	return err;
}

/* ---- the gate ---- */

bool zuf_ends_free_begin(struct zuf_sbid *sbid)
{
	atomic_inc(&sbid->ends.nr_frees);
	/* pairs with zuf_ends_freeze(): either that sees the count, or we see the flag */
	smp_mb__after_atomic();
	if (likely(!READ_ONCE(sbid->ends.frozen)))
		return true;
	zuf_ends_free_end(sbid);
	return false;
}

void zuf_ends_free_end(struct zuf_sbid *sbid)
{
	if (atomic_dec_and_test(&sbid->ends.nr_frees))
		zuf_ends_wake(sbid);
}

static bool is_quiet(struct zuf_ends *ends, unsigned int gen)
{
	return !atomic_read(&ends->nr_frees) && !atomic_read(&ends->nr_left[gen]) &&
	       !atomic_read(&ends->nr_active[gen]) && !atomic_read(&ends->nr_untold) &&
	       !READ_ONCE(ends->telling);
}

static int wait_gen(struct zuf_ends *ends, unsigned int gen)
{
	return zuf_wait_killable(ends->wait, is_quiet(ends, gen)) ? -EINTR : 0;
}

int zuf_ends_wait_quiet(struct zuf_sb *zsb)
{
	struct zuf_ends *ends = &zsb->sbid->ends;
	unsigned int gen = ends->gen;
	int err;

	lockdep_assert_held_write(&zsb->sb->s_umount);
	/* items that an earlier, killed wait left there; nothing is added to that generation */
	err = wait_gen(ends, !gen);
	if (err)
		return err;
	spin_lock(ends_lock(zsb->sbid));
	ends->gen = !gen;
	spin_unlock(ends_lock(zsb->sbid));
	return wait_gen(ends, gen);
}

static bool has_work(const struct zuf_ends *ends)
{
	return atomic_read(&ends->nr_active[0]) || atomic_read(&ends->nr_active[1]) ||
	       zuf_ends_nr_left(ends);
}

bool zuf_ends_wait_some(struct zuf_sbid *sbid, long timeout)
{
	struct zuf_ends *ends = &sbid->ends;

	if (!has_work(ends))
		return false;
	wait_event_killable_timeout(ends->wait, !has_work(ends), timeout);
	return true;
}

bool zuf_ends_has_pinned(struct zuf_sbid *sbid)
{
	bool has;

	spin_lock(ends_lock(sbid));
	has = !list_empty(&sbid->ends.pinned);
	spin_unlock(ends_lock(sbid));
	return has;
}

bool zuf_ends_hold_back(struct zuf_sbid *sbid)
{
	bool holds;

	spin_lock(ends_lock(sbid));
	holds = !list_empty(&sbid->ends.parked) || !list_empty(&sbid->ends.pinned);
	spin_unlock(ends_lock(sbid));
	return holds;
}

int zuf_ends_freeze(struct zuf_sb *zsb)
{
	int err;

	lockdep_assert_held_write(&zsb->sb->s_umount);
	WRITE_ONCE(zsb->sbid->ends.frozen, true);
	smp_mb(); /* pairs with zuf_ends_free_begin() */
	err = zuf_ends_wait_quiet(zsb);
	if (!err)
		err = zuf_evict_flush(zsb);
	if (err)
		zuf_ends_thaw(zsb->sbid);
	return err;
}

void zuf_ends_thaw(struct zuf_sbid *sbid)
{
	struct zuf_ends *ends = &sbid->ends;
	unsigned int piece;

	spin_lock(ends_lock(sbid));
	WRITE_ONCE(ends->frozen, false);
	while (!list_empty(&ends->parked)) {
		for (piece = THAW_PIECE; piece && !list_empty(&ends->parked); piece--)
			end_unpark(list_first_entry(&ends->parked, struct zuf_end, link));
		spin_unlock(ends_lock(sbid));
		cond_resched();
		spin_lock(ends_lock(sbid));
	}
	spin_unlock(ends_lock(sbid));
	zuf_ends_kick(zuf_sbid_root(sbid));
}

/* ---- messages of killed applications ---- */

void zuf_ends_add_left(struct zuf_left_msg *left, const struct zuf_carried *of)
{
	struct zuf_sbid *sbid = left->sbid;

	left->ticket = zuf_held_ticket(sbid);
	zuf_stats_event(sbid->ep.stats, ZUF_EV_FORGET, 1);
	spin_lock(ends_lock(sbid));
	/* @of is counted in a generation that is not done, and somebody may wait for that one */
	left->gen = of ? of->gen : sbid->ends.gen;
	atomic_inc(&sbid->ends.nr_left[left->gen]);
	list_add_tail(&left->link, &sbid->ends.left);
	spin_unlock(ends_lock(sbid));
	zuf_ends_kick(zuf_sbid_root(sbid));
}

/* ---- life ---- */

void zuf_ends_init(struct zuf_sbid *sbid)
{
	struct zuf_ends *ends = &sbid->ends;
	unsigned int i;

	INIT_LIST_HEAD(&ends->left);
	INIT_LIST_HEAD(&ends->todo);
	INIT_LIST_HEAD(&ends->parked);
	INIT_LIST_HEAD(&ends->pinned);
	INIT_LIST_HEAD(&ends->syncs);
	for (i = 0; i < ARRAY_SIZE(ends->by_ino); i++)
		INIT_HLIST_HEAD(&ends->by_ino[i]);
	init_waitqueue_head(&ends->wait);
	spin_lock(ends_lock(sbid));
	list_add_tail(&ends->link, &zuf_sbid_root(sbid)->ends.mounts);
	spin_unlock(ends_lock(sbid));
}

void zuf_ends_fini(struct zuf_sbid *sbid)
{
	spin_lock(ends_lock(sbid));
	list_del_init(&sbid->ends.link);
	spin_unlock(ends_lock(sbid));
}
