// SPDX-License-Identifier: GPL-2.0-only
/*
 * mounter.c - messages to the thread of the server that mounts
 *
 *	caller (mount, umount ...)              mounter (in ZU_IOC_MOUNT)
 *	  waits for its turn, WAITING
 *	  WAITING -> POSTED                     copies the message to user space
 *	                                        POSTED -> TAKEN, returns
 *	  sleeps killably                       comes back with the answer
 *	                                        TAKEN -> ANSWERED
 *	  ANSWERED -> AWAY (it may post again)
 *
 * State and message are under m->lock. Copies from and to user space are made without it: in
 * POSTED and TAKEN the buffer belongs to the mounter alone. A caller that is killed leaves
 * ABANDONED behind: the answer is dropped, and if a mount succeeded nevertheless it is undone
 * with an UMOUNT message.
 */
#include <linux/mount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "peer.h"
#include "stats.h"
#include "wake.h"

int zuf_mounter_init(struct zuf_mounter *m)
{
	mutex_init(&m->thread);
	spin_lock_init(&m->lock);
	init_waitqueue_head(&m->server_wait);
	init_waitqueue_head(&m->caller_wait);
	init_waitqueue_head(&m->turn_wait);
	m->msg = kzalloc(ZUF_MNT_MSG_MAX, GFP_KERNEL_ACCOUNT);
	return m->msg ? 0 : -ENOMEM;
}

void zuf_mounter_fini(struct zuf_mounter *m)
{
	mutex_destroy(&m->thread);
	kfree(m->msg);
}

int zuf_mounter_start(struct zuf_mounter *m, const void *owner, struct vfsmount *mnt)
{
	int err = -EBUSY;

	spin_lock(&m->lock);
	if (m->state == ZUF_MNT_NONE) {
		m->state = ZUF_MNT_AWAY;
		m->mnt = mnt;
		m->owner = owner;
		m->brk = false;
		m->undo_sbi = 0;
		err = 0;
	}
	spin_unlock(&m->lock);
	return err;
}

bool zuf_mounter_stop(struct zuf_mounter *m, const void *owner)
{
	bool had;

	spin_lock(&m->lock);
	had = m->owner && (!owner || m->owner == owner);
	if (had) {
		m->state = ZUF_MNT_NONE;
		WRITE_ONCE(m->stops, m->stops + 1);
		m->mnt = NULL;
		m->owner = NULL;
	}
	spin_unlock(&m->lock);
	if (had) {
		wake_up_all(&m->caller_wait);
		wake_up_all(&m->server_wait);
	}
	return had;
}

struct vfsmount *zuf_mounter_mnt(struct zuf_mounter *m)
{
	struct vfsmount *mnt = NULL;

	spin_lock(&m->lock);
	if (m->mnt)
		mnt = mntget(m->mnt);
	spin_unlock(&m->lock);
	return mnt;
}

/* ---- the caller ---- */

/* No mutex: a task that waits for a mutex while the server is frozen could not be frozen. */
static int turn_begin(struct zuf_mounter *m)
{
	return zuf_wait_killable(m->turn_wait, !test_and_set_bit_lock(0, &m->calling)) ?
	       -EINTR : 0;
}

static void turn_end(struct zuf_mounter *m)
{
	clear_bit_unlock(0, &m->calling);
	/* wake_up() takes the lock of the queue, so the cleared bit is visible to every waiter */
	wake_up(&m->turn_wait);
}

static enum zuf_mnt_state mounter_state(struct zuf_mounter *m)
{
	return READ_ONCE(m->state);
}

/* The state may be that of a server that came up meanwhile: @gen and @stops tell. */
static bool mounter_can_post(struct zuf_peer *peer, u32 gen)
{
	enum zuf_mnt_state s = mounter_state(&peer->mounter);

	return s == ZUF_MNT_WAITING || s == ZUF_MNT_NONE || !zuf_peer_is_live(peer, gen);
}

static bool mounter_has_answered(struct zuf_mounter *m, u32 stops)
{
	return mounter_state(m) == ZUF_MNT_ANSWERED || READ_ONCE(m->stops) != stops;
}

/*
 * The caller was killed while waiting: take the message back, or abandon its answer.
 * Return: false: the answer came first and must be taken, or the message went with its server.
 */
static bool mounter_abandon(struct zuf_mounter *m, u32 stops)
{
	bool left = false;

	spin_lock(&m->lock);
	if (m->stops == stops && m->state != ZUF_MNT_ANSWERED) {
		/* if the state is not TAKEN it is POSTED */
		m->state = m->state == ZUF_MNT_TAKEN ? ZUF_MNT_ABANDONED : ZUF_MNT_WAITING;
		left = true;
	}
	spin_unlock(&m->lock);
	return left;
}

static int mounter_result(s32 err)
{
	if (err > 0)
		return -EBADRQC;
	return err < -511 ? -EIO : err;
}

/* Give a message to the mounter when it waits. Return: 0, -EINTR; -EIO: that server is gone. */
static int mounter_post(struct zuf_peer *peer, u32 gen, const struct zufs_ioc_mount *msg,
			u32 *stops)
{
	struct zuf_mounter *m = &peer->mounter;
	int err;

	do {
		if (zuf_wait_killable(m->caller_wait, mounter_can_post(peer, gen)))
			return -EINTR;
		spin_lock(&m->lock);
		if (m->state == ZUF_MNT_NONE || !zuf_peer_is_live(peer, gen)) {
			err = -EIO;
		} else if (m->state == ZUF_MNT_WAITING) {
			memcpy(m->msg, msg, msg->hdr.in_len);
			/* bytes that the server leaves out must not be those of another message */
			if (msg->hdr.out_max > msg->hdr.in_len)
				memset((void *)m->msg + msg->hdr.in_len, 0,
				       msg->hdr.out_max - msg->hdr.in_len);
			m->state = ZUF_MNT_POSTED;
			*stops = m->stops;
			err = 0;
		} else {
			err = -EAGAIN;	/* a BREAK or a signal took the mounter away */
		}
		spin_unlock(&m->lock);
	} while (err == -EAGAIN);
	if (!err)
		wake_up(&m->server_wait);
	return err;
}

static int mounter_call_locked(struct zuf_peer *peer, u32 gen, struct zufs_ioc_mount *msg)
{
	struct zuf_mounter *m = &peer->mounter;
	size_t start = sizeof(msg->hdr);
	u32 stops;
	int err;

	err = mounter_post(peer, gen, msg, &stops);
	if (err)
		return err;
	if (zuf_wait_killable(m->caller_wait, mounter_has_answered(m, stops)) &&
	    mounter_abandon(m, stops))
		return -EINTR;
	spin_lock(&m->lock);
	if (m->state != ZUF_MNT_ANSWERED || m->stops != stops) {
		spin_unlock(&m->lock);
		return -EIO;
	}
	if (msg->hdr.out_len > start)
		memcpy((void *)msg + start, (void *)m->msg + start, msg->hdr.out_len - start);
	msg->hdr.err = m->result;
	m->state = ZUF_MNT_AWAY;
	spin_unlock(&m->lock);
	/* let the mounter see that the answer was taken, so that it waits for the next message */
	wake_up(&m->server_wait);
	return mounter_result(msg->hdr.err);
}

int zuf_mounter_call(struct zuf_peer *peer, u32 gen, struct zufs_ioc_mount *msg)
{
	struct zuf_mounter *m = &peer->mounter;
	u64 start;
	int err;

	if (msg->hdr.in_len > ZUF_MNT_MSG_MAX || msg->hdr.out_len > ZUF_MNT_MSG_MAX)
		return -E2BIG;
	msg->hdr.out_max = msg->hdr.out_len;
	start = zuf_stats_start();
	if (turn_begin(m))
		return -EINTR;
	err = mounter_call_locked(peer, gen, msg);
	turn_end(m);
	zuf_stats_op(peer->stats, zuf_stat_mnt_slot(msg->hdr.operation), start, err);
	return err;
}

void zuf_mounter_settle(struct zuf_peer *peer, u32 gen)
{
	struct zuf_mounter *m = &peer->mounter;

	if (turn_begin(m))
		return;
	/* the mounter waits for the next message only after it has undone the abandoned mount */
	zuf_wait_killable(m->caller_wait, mounter_can_post(peer, gen));
	turn_end(m);
}

/* ---- the mounter ---- */

/* Change the state if @owner has the role. Return: false: it has not, or the state is not @from. */
static bool owner_move(struct zuf_mounter *m, const void *owner, enum zuf_mnt_state from,
		       enum zuf_mnt_state to)
{
	bool moved;

	spin_lock(&m->lock);
	moved = m->owner == owner && m->state == from;
	if (moved)
		m->state = to;
	spin_unlock(&m->lock);
	return moved;
}

/* Set the result of the message that the server had, unless the role was taken from @owner. */
static void mounter_set_result(struct zuf_mounter *m, const void *owner, s32 result)
{
	spin_lock(&m->lock);
	if (m->owner != owner)
		goto out;
	m->result = result;
	if (m->state == ZUF_MNT_TAKEN) {
		m->state = ZUF_MNT_ANSWERED;
	} else if (m->state == ZUF_MNT_ABANDONED) {
		if (!result && m->msg->hdr.operation == ZUFS_M_MOUNT)
			m->undo_sbi = m->msg->zmi.zus_sbi;
		m->state = ZUF_MNT_AWAY;
	}
out:
	spin_unlock(&m->lock);
	wake_up(&m->caller_wait);
}

/*
 * The server comes back: take the answer of the message that it had. Only what the caller asked
 * for is copied, into the buffer, which belongs to the mounter in TAKEN.
 */
static int mounter_take_answer(struct zuf_mounter *m, const void *owner,
			       struct zufs_ioc_mount __user *arg)
{
	enum zuf_mnt_state s = mounter_state(m);
	struct zufs_ioc_hdr hdr;
	size_t start = sizeof(hdr), len;
	int err = 0;

	if (s != ZUF_MNT_TAKEN && s != ZUF_MNT_ABANDONED)
		return 0;
	if (copy_from_user(&hdr, arg, sizeof(hdr)))
		return -EFAULT;
	len = min(hdr.out_len, m->msg->hdr.out_max);
	if (len > start && copy_from_user((void *)m->msg + start,
					       (void __user *)arg + start, len - start))
		err = -EFAULT;
	mounter_set_result(m, owner, err ? -EIO : hdr.err);
	return err;
}

/* Make the UMOUNT of a mount that nobody wants the next message; its answer is dropped. */
static bool mounter_undo(struct zuf_mounter *m)
{
	if (!m->undo_sbi)
		return false;
	memset(m->msg, 0, sizeof(*m->msg));
	m->msg->hdr = (struct zufs_ioc_hdr)ZUF_MNT_HDR(ZUFS_M_UMOUNT, sizeof(*m->msg));
	m->msg->hdr.out_max = sizeof(*m->msg);
	m->msg->zmi.zus_sbi = m->undo_sbi;
	m->undo_sbi = 0;
	return true;
}

static long mounter_send_break(struct zufs_ioc_mount __user *arg, long ret)
{
	struct zufs_ioc_hdr hdr = {
		.err = EIO,
		.operation = ZUFS_OP_BREAK,
		.in_len = sizeof(hdr),
	};

	return copy_to_user(arg, &hdr, sizeof(hdr)) ? -EFAULT : ret;
}

static bool mounter_is_owner(struct zuf_mounter *m, const void *owner)
{
	return READ_ONCE(m->owner) == owner;
}

/* Ready for a caller, unless a caller has not yet looked at its answer. */
static bool mounter_ready(struct zuf_mounter *m, const void *owner)
{
	if (owner_move(m, owner, ZUF_MNT_AWAY, ZUF_MNT_WAITING))
		wake_up(&m->caller_wait);
	return mounter_state(m) == ZUF_MNT_POSTED || READ_ONCE(m->brk) ||
	       !mounter_is_owner(m, owner);
}

static long mounter_deliver(struct zuf_mounter *m, const void *owner,
			    struct zufs_ioc_mount __user *arg)
{
	if (!copy_to_user(arg, m->msg, m->msg->hdr.in_len))
		return 0;
	mounter_set_result(m, owner, -EIO);
	return -EFAULT;
}

static long mounter_wait_locked(struct zuf_mounter *m, const void *owner,
				struct zufs_ioc_mount __user *arg)
{
	long err;

	if (!mounter_is_owner(m, owner))
		return -EIO;
	err = mounter_take_answer(m, owner, arg);
	if (err)
		return err;
	if (mounter_undo(m)) {
		if (!owner_move(m, owner, ZUF_MNT_AWAY, ZUF_MNT_ABANDONED))
			return -EBUSY;
		return mounter_deliver(m, owner, arg);
	}
	do {
		err = wait_event_interruptible(m->server_wait, mounter_ready(m, owner));
		if (!mounter_is_owner(m, owner))
			return -EIO;
		if (owner_move(m, owner, ZUF_MNT_POSTED, ZUF_MNT_TAKEN))
			return mounter_deliver(m, owner, arg);
		/* otherwise a caller came, and was killed before we looked */
	} while (!err && !READ_ONCE(m->brk));
	owner_move(m, owner, ZUF_MNT_WAITING, ZUF_MNT_AWAY);
	/* restarted, unless a handler without SA_RESTART ran: no answer is taken twice */
	if (err)
		return mounter_send_break(arg, err);
	WRITE_ONCE(m->brk, false);
	return mounter_send_break(arg, 0);
}

long zuf_mounter_wait(struct zuf_peer *peer, const void *owner,
		      struct zufs_ioc_mount __user *arg)
{
	struct zuf_mounter *m = &peer->mounter;
	long err;

	/* must not block the owner of the role, not even for a moment */
	if (!mounter_is_owner(m, owner))
		return -EIO;
	/* message and answer belong to one thread */
	if (!mutex_trylock(&m->thread))
		return -EBUSY;
	err = mounter_wait_locked(m, owner, arg);
	mutex_unlock(&m->thread);
	return err;
}

int zuf_mounter_wait_left(struct zuf_mounter *m)
{
	if (mutex_lock_killable(&m->thread))
		return -EINTR;
	mutex_unlock(&m->thread);
	return 0;
}

void zuf_mounter_break(struct zuf_mounter *m)
{
	WRITE_ONCE(m->brk, true);
	wake_up_all(&m->server_wait);
}
