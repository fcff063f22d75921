// SPDX-License-Identifier: GPL-2.0-only
/*
 * puts.c - puts that wait, travel, are waited for
 *
 * Locking: a CPU's buffer is under its own spin lock, taken in process context
 * only. The lock is also what orders a late put against the end of the server:
 * zuf_puts_drop_all() comes after live_gen has changed, and zuf_puts_queue() and
 * zuf_puts_attach() look at live_gen under the lock.
 */
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "chan.h"
#include "dispatch.h"
#include "ends.h"
#include "held.h"
#include "puts.h"
#include "root.h"
#include "stats.h"
#include "super.h"
#include "trace.h"
#include "wake.h"

static struct workqueue_struct *puts_wq;

static void puts_deadline(struct work_struct *work);

int zuf_puts_module_init(void)
{
	puts_wq = alloc_workqueue("zuf_puts", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	return puts_wq ? 0 : -ENOMEM;
}

void zuf_puts_module_fini(void)
{
	destroy_workqueue(puts_wq);
}

void zuf_puts_init(struct zuf_puts *puts, struct zuf_root *root)
{
	spin_lock_init(&puts->lock);
	puts->root = root;
	INIT_LIST_HEAD(&puts->noops);
	INIT_DELAYED_WORK(&puts->work, puts_deadline);
}

void zuf_puts_fini(struct zuf_puts *puts)
{
	cancel_delayed_work_sync(&puts->work);
	kvfree(puts->buf);
}

/* ---- tags ---- */

void zuf_put_tag_init(struct zuf_put_tag *tag, const struct zuf_sbid *sbid,
		      void (*release)(struct zuf_put_tag *tag))
{
	memset(tag, 0, sizeof(*tag));
	tag->sbid = sbid;
	atomic_set(&tag->uses, 1);
	tag->release = release;
}

void zuf_put_tag_put(struct zuf_put_tag *tag)
{
	int uses;

	if (unlikely(tag->note_idle))
		WRITE_ONCE(tag->idle_at, jiffies);
	uses = atomic_dec_return(&tag->uses);
	/* the tag may be gone, its address is all that is used */
	if (uses == 1)
		wake_up_var(tag);
	else if (!uses)
		tag->release(tag);
}

void zuf_puts_carry(struct zuf_carried *carried, struct zuf_put_tag *tag, enum zuf_left left)
{
	atomic_inc(&tag->uses);
	if (left != ZUF_LEFT_NO_LOCK)
		atomic_inc(&tag->left[left]);
	carried->left[carried->nr] = left;
	carried->tag[carried->nr++] = tag;
}

void zuf_puts_done(struct zuf_carried *carried)
{
	struct zuf_sbid *sbid = carried->sbid;
	struct zuf_post *post = carried->post;

	while (carried->nr) {
		struct zuf_put_tag *tag = carried->tag[--carried->nr];
		u8 left = carried->left[carried->nr];

		if (unlikely(left != ZUF_LEFT_NO_LOCK) && atomic_dec_and_test(&tag->left[left]))
			wake_up_var(&tag->left);
		zuf_put_tag_put(tag);
	}
	if (unlikely(sbid)) {
		carried->sbid = NULL;
		zuf_ends_left_done(sbid, carried->gen);
	}
	if (unlikely(post)) {
		carried->post = NULL;
		post->done(post, carried->err);
	}
}

int zuf_puts_wait_left(struct zuf_put_tag *tag, bool shared, bool unkillable)
{
	if (unkillable) {
		wait_var_event(&tag->left, !zuf_tag_is_left(tag, shared));
		return 0;
	}
	return zuf_wait_var_killable(&tag->left, !zuf_tag_is_left(tag, shared)) ? -EINTR : 0;
}

/* ---- the buffer of a CPU ---- */

void zuf_puts_make_buffer(struct zuf_puts *puts)
{
	u8 *buf;

	if (READ_ONCE(puts->buf))
		return;
	buf = kvmalloc(ZUF_PUTS_BYTES, GFP_KERNEL_ACCOUNT);
	if (buf && cmpxchg(&puts->buf, NULL, buf))
		kvfree(buf);
}

static void puts_arm(struct zuf_puts *puts, unsigned long delay)
{
	queue_delayed_work(puts_wq, &puts->work, delay);
}

bool zuf_puts_queue(struct zuf_root *root, u32 gen, struct zuf_cpu *zc,
		    struct zuf_put_tag *tag, const struct zufs_ioc_hdr *msg)
{
	u32 max = msg->operation == ZUFS_OP_PUT_MULTY ? ZUF_PUTS_MAX : ZUF_PUTS_ALL_MAX;
	struct zuf_puts *puts = &zc->puts;
	bool queued = false, arm = false;
	size_t len = msg->in_len;

	if (len > min_t(size_t, ZUF_PUTS_MSG_MAX, root->put_max) ||
	    unlikely(!READ_ONCE(puts->buf)))
		return false;
	spin_lock(&puts->lock);
	if (puts->nr < max && len <= ZUF_PUTS_BYTES - puts->used &&
	    zuf_root_is_live(root, gen)) {
		memcpy(puts->buf + puts->used, msg, len);
		if (!puts->nr)
			puts->oldest = jiffies;
		puts->used += len;
		puts->len[puts->nr] = len;
		puts->tag[puts->nr++] = tag;
		atomic_inc(&tag->uses);
		tag->last_cpu = zc->cpu;
		queued = true;
		arm = !puts->armed;
		puts->armed = true;
	}
	spin_unlock(&puts->lock);
	if (likely(queued))
		trace_zuf_put(ZUF_EV_PUT_QUEUED, zc->cpu, 1);
	if (unlikely(arm))
		puts_arm(puts, msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS));
	return queued;
}

/* Puts that follow each other: @nr from number @first on, @bytes from byte @at on. */
struct puts_run {
	u32 first, nr;
	u32 at, bytes;
};

/* The first of @sbid that fit into @room bytes. */
static struct puts_run puts_that_fit(const struct zuf_puts *puts, const struct zuf_sbid *sbid,
				     size_t room)
{
	struct puts_run run = { };
	u32 n = 0;

	for (; n < puts->nr && unlikely(puts->tag[n]->sbid != sbid); n++)
		run.at += puts->len[n];
	run.first = n;
	for (; n < puts->nr && puts->tag[n]->sbid == sbid &&
	       run.bytes + puts->len[n] <= room; n++)
		run.bytes += puts->len[n];
	run.nr = n - run.first;
	return run;
}

/* Each but the last says that another one follows. */
static void link_puts(const struct zuf_puts *puts, const struct puts_run *run)
{
	u8 *at = puts->buf + run->at;
	u32 i;

	for (i = 0; i + 1 < run->nr; i++) {
		((struct zufs_ioc_hdr *)at)->flags = ZUFS_H_HAS_PIGY_PUT;
		at += puts->len[run->first + i];
	}
}

static void take_out(struct zuf_puts *puts, const struct puts_run *run)
{
	u32 next = run->first + run->nr, rest = puts->nr - next;
	u8 *at = puts->buf + run->at;

	if (unlikely(rest)) {
		memmove(at, at + run->bytes, puts->used - run->at - run->bytes);
		memmove(puts->len + run->first, puts->len + next, rest * sizeof(puts->len[0]));
		memmove(puts->tag + run->first, puts->tag + next, rest * sizeof(puts->tag[0]));
	}
	puts->used -= run->bytes;
	puts->nr -= run->nr;
	WRITE_ONCE(puts->taken, puts->taken + run->nr);
}

void zuf_puts_attach(struct zuf_puts *puts, struct zuf_chan *ch, size_t in_len,
		     const struct zuf_sbid *sbid)
{
	struct puts_run run;

	/* messages are 8-byte aligned; a name or value of odd length goes alone */
	if (!READ_ONCE(puts->nr) || in_len % 8)
		return;
	spin_lock(&puts->lock);
	/* the server of the channel may have died meanwhile: these are of another one */
	if (unlikely(!zuf_root_is_live(puts->root, ch->gen))) {
		spin_unlock(&puts->lock);
		return;
	}
	run = puts_that_fit(puts, sbid, ch->cmd_size - in_len);
	if (run.nr) {
		WARN_ON_ONCE(ch->carried.nr);
		link_puts(puts, &run);
		shm_put((void __shm *)ch->cmd + in_len, puts->buf + run.at, run.bytes);
		zuf_chan_set_flags(ch, ZUFS_H_HAS_PIGY_PUT, 0);
		memcpy(ch->carried.tag, puts->tag + run.first, run.nr * sizeof(puts->tag[0]));
		ch->carried.nr = run.nr;
		memset(ch->carried.left, ZUF_LEFT_NO_LOCK, run.nr);
		take_out(puts, &run);
	}
	spin_unlock(&puts->lock);
	if (unlikely(!run.nr))
		return;
	zuf_stats_event(puts->root->stats, ZUF_EV_PUT_RODE, run.nr);
	trace_zuf_put(ZUF_EV_PUT_RODE, ch->zc->cpu, run.nr);
}

void zuf_puts_drop_all(struct zuf_root *root)
{
	struct zuf_puts *puts;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		puts = &per_cpu_ptr(root->cpus, cpu)->puts;
		spin_lock(&puts->lock);
		if (puts->nr) {
			zuf_stats_event(root->stats, ZUF_EV_PUT_DROPPED, puts->nr);
			trace_zuf_put(ZUF_EV_PUT_DROPPED, cpu, puts->nr);
		}
		while (puts->nr)
			zuf_put_tag_put(puts->tag[--puts->nr]);
		puts->used = 0;
		spin_unlock(&puts->lock);
	}
}

/* ---- puts that must go now ---- */

/* A message that only carries what waits of the mount in @puts. */
static int send_noop(struct zuf_sb *zsb, struct zuf_puts *puts)
{
	struct {
		struct zufs_ioc_hdr hdr;
	} msg = { .hdr = ZUF_HDR(ZUFS_OP_NOOP, sizeof(msg), 0, 0) };
	struct zuf_op op = ZUF_OP(&msg, .puts = puts, .flags = ZUF_OPF_NESTED);

	return zuf_dispatch(zsb, &op);
}

/* One that nobody waits for in place. On the list of @puts, under its lock. */
struct noop {
	struct zuf_post post;
	struct zuf_puts *puts;
	struct list_head link;
};

static void noop_free(struct noop *noop)
{
	spin_lock(&noop->puts->lock);
	list_del(&noop->link);
	spin_unlock(&noop->puts->lock);
	kfree(noop);
}

static void noop_done(struct zuf_post *post, int err)
{
	noop_free(container_of(post, struct noop, post));
}

/* A mount with puts here and none under way; or NULL. Under the lock. */
static const struct zuf_sbid *whose_turn(const struct zuf_puts *puts)
{
	const struct noop *noop;
	u32 i;

	for (i = 0; i < puts->nr; i++) {
		const struct zuf_sbid *sbid = puts->tag[i]->sbid;
		bool posted = false;

		list_for_each_entry(noop, &puts->noops, link)
			posted |= noop->post.sbid == sbid;
		if (!posted)
			return sbid;
	}
	return NULL;
}

/*
 * No worker waits for a server: who answers the last one late gets the next one late. The
 * root stays as long as its channels. False: nothing more can go now.
 */
static bool post_noop(struct zuf_puts *puts)
{
	static const struct zufs_ioc_hdr hdr = ZUF_HDR(ZUFS_OP_NOOP, sizeof(hdr), 0, 0);
	struct zuf_root *root = puts->root;
	struct noop *noop;

	/* what reclaim may wait for waits for no memory: the work looks again */
	noop = kzalloc(sizeof(*noop), GFP_NOWAIT | __GFP_NOWARN);
	if (!noop)
		return false;
	noop->puts = puts;
	noop->post = (struct zuf_post){ .hdr = &hdr, .puts = puts, .done = noop_done };
	spin_lock(&puts->lock);
	noop->post.sbid = whose_turn(puts);
	list_add(&noop->link, &puts->noops);
	spin_unlock(&puts->lock);
	if (!noop->post.sbid ||
	    zuf_chan_post(root, READ_ONCE(root->live_gen), ZUF_OPF_NESTED, &noop->post)) {
		noop_free(noop);
		return false;
	}
	zuf_stats_op(root->stats, zuf_stat_slot(ZUFS_OP_NOOP), 0, 0);
	return true;
}

static void puts_deadline(struct work_struct *work)
{
	struct zuf_puts *puts = container_of(to_delayed_work(work), struct zuf_puts, work);
	unsigned int mounts = ZUF_PUTS_ALL_MAX;
	unsigned long due;
	bool send = false;

	spin_lock(&puts->lock);
	due = puts->oldest + msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS);
	if (!puts->nr) {
		puts->armed = false;
	} else if (time_before(jiffies, due)) {
		puts_arm(puts, due - jiffies);
	} else {
		/* looks again: a small command buffer may not take all, or no channel is idle */
		puts_arm(puts, msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS));
		send = true;
	}
	spin_unlock(&puts->lock);
	if (!send)
		return;
	zuf_stats_event(puts->root->stats, ZUF_EV_PUT_DEADLINE, 1);
	trace_zuf_put(ZUF_EV_PUT_DEADLINE, container_of(puts, struct zuf_cpu, puts)->cpu, 0);
	while (mounts-- && post_noop(puts))
		;
}

bool zuf_puts_has(struct zuf_puts *puts, const struct zuf_put_tag *tag)
{
	bool found = false;
	u32 i;

	if (!READ_ONCE(puts->nr))
		return false;
	spin_lock(&puts->lock);
	for (i = 0; i < puts->nr; i++)
		found |= puts->tag[i] == tag;
	spin_unlock(&puts->lock);
	return found;
}

unsigned int zuf_puts_find(struct zuf_root *root, const struct zuf_put_tag *tag)
{
	unsigned int cpu = READ_ONCE(tag->last_cpu);

	if (zuf_puts_has(&per_cpu_ptr(root->cpus, cpu)->puts, tag))
		return cpu;
	for_each_possible_cpu(cpu)
		if (zuf_puts_has(&per_cpu_ptr(root->cpus, cpu)->puts, tag))
			return cpu;
	return nr_cpu_ids;
}

static int goose_cpu(struct zuf_sb *zsb, struct zuf_put_tag *tag, unsigned int cpu)
{
	struct zuf_puts *puts = &per_cpu_ptr(zsb->root->cpus, cpu)->puts;
	u32 taken;
	int err = 0;

	while (!err && zuf_puts_has(puts, tag)) {
		taken = READ_ONCE(puts->taken);
		err = send_noop(zsb, puts);
		/* each takes one of them at least, if nobody else has */
		if (unlikely(!err && taken == READ_ONCE(puts->taken) && zuf_puts_has(puts, tag))) {
			pr_warn_ratelimited("CPU %u: a put fits into no command buffer\n", cpu);
			err = -EIO;
		}
	}
	return err;
}

int zuf_puts_send(struct zuf_sb *zsb, struct zuf_put_tag *tag)
{
	unsigned int cpu;
	int err;

	if (!tag || !zuf_tag_pending(tag))
		return 0;
	zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_GOOSE, 1);
	trace_zuf_goose(zsb, tag, zuf_tag_pending(tag));
	err = goose_cpu(zsb, tag, READ_ONCE(tag->last_cpu));
	if (err == -EINTR || !zuf_tag_pending(tag))
		return err == -EINTR ? err : 0;
	for_each_possible_cpu(cpu) {
		err = goose_cpu(zsb, tag, cpu);
		if (err == -EINTR)
			return err;
	}
	return 0;
}

int zuf_puts_goose(struct zuf_sb *zsb, struct zuf_put_tag *tag)
{
	int err = tag && zsb->sbid ? zuf_held_wait_told(zsb->sbid) : 0;

	if (!err)
		err = zuf_puts_send(zsb, tag);
	if (err || !tag || !zuf_tag_pending(tag))
		return err;
	/* what is under way: done by whom it went with, or dropped with the server */
	return zuf_wait_var_killable(tag, !zuf_tag_pending(tag)) ? -EINTR : 0;
}

long zuf_puts_wait_some(struct zuf_put_tag *tag, long timeout)
{
	return wait_var_event_timeout(tag, !zuf_tag_pending(tag), timeout);
}
