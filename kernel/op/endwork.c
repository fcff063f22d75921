// SPDX-License-Identifier: GPL-2.0-only
/*
 * endwork.c - the worker of a root: sends the ends of inodes, and messages of killed applications
 *
 * The worker serves its mounts in turn. For each it hands over one message, and it comes back when
 * that message is done (the channel's end kicks it), or after a while if nobody tells it: when a
 * channel is idle again, or puts that travel with messages of others are done. So a message that
 * hangs stops its own mount, but no other one and no thread.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "call.h"
#include "chan.h"
#include "ends.h"
#include "held.h"
#include "messages.h"
#include "ride.h"
#include "sbid.h"
#include "settle.h"
#include "stats.h"
#include "umount.h"
#include "zinode.h"

/* When to look again if nobody tells the worker. */
#define LOOK_MS		10
#define NEVER		MAX_JIFFY_OFFSET

static spinlock_t *ends_lock(const struct zuf_sbid *sbid)
{
	return &zuf_sbid_root(sbid)->ends.lock;
}

/* ---- one message of a mount ---- */

/* The mount's one message is done with. */
static void post_over(struct zuf_sbid *sbid)
{
		/* whoever sees this also sees what was added to the lists before */
	smp_store_release(&sbid->ends.posted, false);
	zuf_ends_kick(zuf_sbid_root(sbid));
}

static int ends_post(struct zuf_sbid *sbid, struct zuf_post *post, u16 operation)
{
	int err;

	WRITE_ONCE(sbid->ends.posted, true);
	err = zuf_chan_post(sbid->ep.peer, sbid->ep.gen, ZUF_OPF_NESTED, post);
	if (err)
		WRITE_ONCE(sbid->ends.posted, false);
	else
		zuf_stats_op(sbid->ep.stats, zuf_stat_slot(operation), 0, 0);
	return err;
}

/*
 * Unless somebody else has taken some, each NOOP must take at least one put. If it did not, the
 * worker would send NOOPs for ever.
 */
static void flush_done(struct zuf_post *flush, int err)
{
	struct zuf_sbid *sbid = container_of(flush, struct zuf_sbid, ends.flush);
	struct zuf_end *end = sbid->ends.flush_for;

	if (unlikely(READ_ONCE(flush->puts->taken) == sbid->ends.flush_taken &&
		     zuf_sbid_is_live(sbid) &&
		     zuf_puts_has(flush->puts, zuf_end_tag(end)))) {
		pr_warn_ratelimited("sb %llu: a put fits into no command buffer\n", sbid->ep.id);
		end->no_flush = true;
	}
	post_over(sbid);
	zuf_sbid_put(sbid);
}

/* Send a NOOP that takes the puts of @end on one CPU along. */
static int post_flush(struct zuf_end *end, unsigned int cpu)
{
	struct zuf_sbid *sbid = end->sbid;
	static const struct zufs_ioc_hdr noop = ZUF_HDR(ZUFS_OP_NOOP, sizeof(noop), 0, 0);
	struct zuf_post *flush = &sbid->ends.flush;
	int err;

	*flush = (struct zuf_post){
		.hdr = &noop,
		.puts = &per_cpu_ptr(sbid->ep.peer->cpus, cpu)->puts,
		.ep = &sbid->ep,
		.done = flush_done,
	};
	sbid->ends.flush_for = end;
	sbid->ends.flush_taken = READ_ONCE(flush->puts->taken);
	zuf_sbid_get(sbid);
	err = ends_post(sbid, flush, ZUFS_OP_NOOP);
	if (err)
		zuf_sbid_put(sbid);
	return err;
}

static void next_step(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;

	WRITE_ONCE(end->sent, ZUF_END_NONE);
	spin_lock(ends_lock(sbid));
	list_add(&end->link, &sbid->ends.todo);
	spin_unlock(ends_lock(sbid));
}

static void end_post_done(struct zuf_post *post, int err)
{
	struct zuf_end *end = container_of(post, struct zuf_end, post);
	struct zuf_sbid *sbid = end->sbid;

	zuf_sbid_get(sbid);
	if (end->sent == ZUF_END_SYNC) {
		zuf_end_sync_done(sbid, end, err == -ENOTCONN ? -EIO : zuf_err_from_server(err));
		next_step(end);
	} else if (end->sent == ZUF_END_ATTR) {
		end->attr = 0;
		zuf_ends_free_end(sbid);
		next_step(end);
	} else {
		if (end->operation == ZUFS_OP_FREE_INODE) {
			zuf_evicts_freed(sbid);
			zuf_ends_free_end(sbid);
		}
		zuf_end_done(end);
	}
	post_over(sbid);
	zuf_sbid_put(sbid);
}

/* @end is on no list. On success its message belongs to the server. */
static int post_end(struct zuf_end *end, const struct zufs_ioc_hdr *hdr, u8 sent)
{
	int err;

	WRITE_ONCE(end->sent, sent);
	end->post = (struct zuf_post){
		.hdr = hdr,
		.tag = zuf_end_tag(end),
		.ep = &end->sbid->ep,
		.done = end_post_done,
	};
	err = ends_post(end->sbid, &end->post, hdr->operation);
	if (err)
		WRITE_ONCE(end->sent, ZUF_END_NONE);
	return err;
}

static int post_sync(struct zuf_end *end)
{
	struct zufs_ioc_sync msg;

	zuf_sync_fill(&msg, end->sync_offset, end->sync_length, true);
	msg.zus_ii = zuf_end_inode(end)->zus_ii;
	return post_end(end, &msg.hdr, ZUF_END_SYNC);
}

static int post_attr(struct zuf_end *end)
{
	struct zufs_ioc_attr msg;

	zuf_setattr_fill(&msg, end->attr);
	msg.zus_ii = zuf_end_inode(end)->zus_ii;
	return post_end(end, &msg.hdr, ZUF_END_ATTR);
}

/*
 * Send the last message. Return: -EINPROGRESS: it rides along with another one, and nothing is left
 * to do; otherwise it is sent alone, as post_end().
 */
static int post_last(struct zuf_end *end)
{
	struct zufs_ioc_evict_inode msg = {
		.hdr = ZUF_HDR(end->operation, sizeof(msg), 0, 0),
		.zus_ii = zuf_end_inode(end)->zus_ii,
	};

	if (zuf_evict_ride(end->sbid, &msg.hdr))
		return -EINPROGRESS;
	msg.hdr.out_len = sizeof(msg);
	msg.hdr.out_max = sizeof(msg);
	return post_end(end, &msg.hdr, ZUF_END_LAST);
}

/* Park the item until the thaw, unless the thaw has come meanwhile. */
static void end_park(struct zuf_end *end)
{
	struct zuf_ends *ends = &end->sbid->ends;

	spin_lock(ends_lock(end->sbid));
	if (ends->frozen) {
		end->parked = true;
		list_add_tail(&end->link, &ends->parked);
		atomic_dec(&ends->nr_active[end->gen]);
	} else {
		list_add_tail(&end->link, &ends->todo);
	}
	spin_unlock(ends_lock(end->sbid));
	zuf_ends_wake(end->sbid);
}

static void put_back(struct zuf_end *end)
{
	spin_lock(ends_lock(end->sbid));
	list_add_tail(&end->link, &end->sbid->ends.todo);
	spin_unlock(ends_lock(end->sbid));
}

/* The last steps of an item. Return: as end_step(). */
static int end_last(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;
	bool changes = zuf_end_changes(end), attr = end->attr;
	int err;

	if (changes && !zuf_ends_free_begin(sbid)) {
		end_park(end);
		return 0;
	}
	err = attr ? post_attr(end) : post_last(end);
	if (!err)
		return -EALREADY;
	/* not with the server, so no end of a message counts it down */
	if (changes)
		zuf_ends_free_end(sbid);
	if (err == -EAGAIN || attr) {
		if (err != -EAGAIN)
			end->attr = 0;
		put_back(end);
		return err == -EAGAIN ? err : 0;
	}
	zuf_end_done(end);
	return 0;
}

/* Return: true: pins.c knows the item, and tells when it can go on. */
static bool wait_for_pins(struct zuf_end *end)
{
	struct zuf_ends *ends = &end->sbid->ends;
	bool held;

	spin_lock(ends_lock(end->sbid));
	held = end->held == ZUF_END_HELD;
	if (held) {
		end->held = ZUF_END_WAITS;
		list_add_tail(&end->link, &ends->pinned);
		atomic_dec(&ends->nr_active[end->gen]);
	}
	spin_unlock(ends_lock(end->sbid));
	if (held)
		zuf_ends_wake(end->sbid);
	return held;
}

/* Must the server still hear of frames that had left when this was first asked? */
static bool wait_until_told(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;

	if (!zuf_held_is_untold(sbid))
		return false;
	if (!end->has_ticket) {
		end->ticket = zuf_held_ticket(sbid);
		end->has_ticket = true;
	}
	return !zuf_held_is_told(sbid, end->ticket);
}

/* Return: false: poisoned, or not accessible any more. T1 stays until the mount is closed. */
static bool take_links(struct zuf_end *end, u32 *links)
{
	struct zuf_peer *peer = end->sbid->ep.peer;
	bool taken = false;
	__le32 nlink;

	mutex_lock(&peer->lock);
	if (!end->sbid->closed)
		taken = !shm_take_mc(&nlink, &end->zi->i_nlink, sizeof(nlink));
	mutex_unlock(&peer->lock);
	if (taken)
		*links = le32_to_cpu(nlink);
	return taken;
}

/* Choose EVICT_INODE or FREE_INODE by the links: no left message of the inode is under way. */
static void end_decide(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;
	u32 links = 0;
	/* an inode whose links cannot be known may have a name */
	bool frees = take_links(end, &links) && !links;

	if (frees) {
		end->attr = 0;
		zuf_end_sync_done(sbid, end, 0);
	}
	spin_lock(ends_lock(sbid));
	end->operation = frees ? ZUFS_OP_FREE_INODE : ZUFS_OP_EVICT_INODE;
	end->zi = NULL;
	spin_unlock(ends_lock(sbid));
	zuf_ends_wake(sbid);
}

/*
 * Do what an item needs next; it is on no list.
 * Return: 0: go on with others; -EALREADY: a message is with the server; -EAGAIN: no
 * channel is idle; -EBUSY: what the item waits for is under way, look again.
 */
static int end_step(struct zuf_end *end)
{
	struct zuf_sbid *sbid = end->sbid;
	unsigned int cpu;
	int err;

	if (zuf_tag_pending(zuf_end_tag(end)) && !end->no_flush) {
		cpu = zuf_puts_find(sbid->ep.peer, zuf_end_tag(end));
		/* the worker takes nothing from the list while a message is with the server */
		err = cpu < nr_cpu_ids ? post_flush(end, cpu) : -EBUSY;
		put_back(end);
		if (!err)
			return -EALREADY;
		return err == -EAGAIN ? err : -EBUSY;
	}
	if (end->zi) {
		/* no put waits to be taken along; left messages end by themselves */
		if (zuf_has_left(zuf_end_tag(end))) {
			put_back(end);
			return -EBUSY;
		}
		/* the server's stores come before the end of its message */
		smp_rmb();
		end_decide(end);
	}
	if (!zuf_sbid_is_live(sbid)) {
		zuf_end_sync_done(sbid, end, -EIO);
		if (!wait_for_pins(end))
			zuf_end_done(end);
		return 0;
	}
	/* SYNC comes first, as sync(2) does not wait for those who hold frames */
	if (end->sync_length) {
		err = post_sync(end);
		if (!err)
			return -EALREADY;
		if (err != -EAGAIN)
			zuf_end_sync_done(sbid, end, err);
		put_back(end);
		return err == -EAGAIN ? err : 0;
	}
	if (wait_for_pins(end))
		return 0;
	/* the end of the telling kicks the worker */
	if (wait_until_told(end)) {
		put_back(end);
		return -EBUSY;
	}
	return end_last(end);
}

/* ---- messages of killed applications ---- */

/* @lost: the server has ended, and maybe has not executed it. */
static void left_done(struct zuf_left_msg *left, bool lost)
{
	struct zuf_sbid *sbid = left->sbid;
	unsigned int gen = left->gen;

	if (lost)
		zuf_puts_lost(&left->held);
	zuf_puts_done(&left->held);
	kvfree(left);
	zuf_ends_left_done(&sbid->ep, gen);
}

static void left_post_done(struct zuf_post *post, int err)
{
	struct zuf_left_msg *left = container_of(post, struct zuf_left_msg, post);
	struct zuf_sbid *sbid = left->sbid;

	zuf_sbid_get(sbid);
	left_done(left, err == -ENOTCONN);
	post_over(sbid);
	zuf_sbid_put(sbid);
}

/* Take the first message that no other one must precede off the list. */
static struct zuf_left_msg *next_left(struct zuf_sbid *sbid)
{
	struct zuf_left_msg *left;
	bool told = true;

	spin_lock(ends_lock(sbid));
	list_for_each_entry(left, &sbid->ends.left, link) {
		if (left->after && zuf_tag_is_left(left->after, false))
			continue;
		/* after this put the server may give its old blocks away; tickets ascend */
		if (left->msg->operation == ZUFS_OP_PUT_MULTY) {
			told = told && zuf_held_is_told(sbid, left->ticket);
			if (!told)
				continue;
		}
		list_del_init(&left->link);
		spin_unlock(ends_lock(sbid));
		return left;
	}
	spin_unlock(ends_lock(sbid));
	return NULL;
}

/* Send a left message. Return: as end_step(). */
static int left_step(struct zuf_left_msg *left)
{
	struct zuf_sbid *sbid = left->sbid;
	int err;

	left->post = (struct zuf_post){
		.hdr = left->msg, .ep = &sbid->ep, .done = left_post_done,
	};
	err = ends_post(sbid, &left->post, left->msg->operation);
	if (!err)
		return -EALREADY;
	if (err != -EAGAIN) {
		left_done(left, true);
		return 0;
	}
	spin_lock(ends_lock(sbid));
	list_add(&left->link, &sbid->ends.left);
	spin_unlock(ends_lock(sbid));
	return err;
}

/* ---- the worker: round and round ---- */

static struct zuf_end *take_first(struct zuf_sbid *sbid, struct list_head *list)
{
	struct zuf_end *end;

	spin_lock(ends_lock(sbid));
	end = list_first_entry_or_null(list, struct zuf_end, link);
	if (end)
		list_del_init(&end->link);
	spin_unlock(ends_lock(sbid));
	return end;
}

/* Take as many items as the mount has when its turn begins: those put back have had theirs. */
static unsigned long go_on(struct zuf_sbid *sbid)
{
	struct zuf_ends *ends = &sbid->ends;
	unsigned int turns = atomic_read(&ends->nr) + zuf_ends_nr_left(ends);
	struct zuf_left_msg *left;
	struct zuf_end *end;
	bool busy = false;
	int err = 0;

	while (!smp_load_acquire(&ends->posted) && turns--) {
		left = next_left(sbid);
		end = left ? NULL : take_first(sbid, &ends->todo);
		if (!left && !end)
			break;
		err = left ? left_step(left) : end_step(end);
		if (err == -EALREADY)
			return NEVER;
		if (err == -EAGAIN)
			break;
		busy |= err == -EBUSY;
		cond_resched();
	}
	/* nobody tells when a message is done that another one waits for */
	busy |= err || !list_empty(&ends->left);
	return busy || !list_empty(&ends->todo) ? msecs_to_jiffies(LOOK_MS) : NEVER;
}

static unsigned long ends_drive(struct zuf_sbid *sbid)
{
	unsigned long wait = NEVER;

	if (!zuf_ends_are_done(sbid) && !READ_ONCE(sbid->ends.posted))
		wait = go_on(sbid);
	return min(wait, zuf_umount_look(sbid) ? NEVER : msecs_to_jiffies(LOOK_MS));
}

void zuf_ends_work(struct work_struct *work)
{
	struct zuf_root_ends *re = container_of(to_delayed_work(work), struct zuf_root_ends,
						work);
	unsigned long wait = NEVER;
	struct zuf_sbid *sbid;
	LIST_HEAD(turn);

	spin_lock(&re->lock);
	list_splice_init(&re->mounts, &turn);
	while (!list_empty(&turn)) {
		sbid = list_first_entry(&turn, struct zuf_sbid, ends.link);
		list_move_tail(&sbid->ends.link, &re->mounts);
		/* the mount is about to be freed: that waits for our lock to leave the list */
		if (!kref_get_unless_zero(&sbid->ep.ref))
			continue;
		spin_unlock(&re->lock);
		wait = min(wait, ends_drive(sbid));
		zuf_sbid_put(sbid);
		spin_lock(&re->lock);
	}
	spin_unlock(&re->lock);
	/* a kick that came meanwhile is due earlier, and is not changed */
	if (wait != NEVER)
		zuf_ends_look_in(re, wait);
}
