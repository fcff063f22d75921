// SPDX-License-Identifier: GPL-2.0-only
/*
 * puts.c - puts that wait, travel, are waited for
 *
 * Locking: a CPU's buffer is under its own spin lock, taken in process context
 * only. The lock is also what orders a late put against the end of the server:
 * zuf_puts_drop_all() comes after live_gen has changed, and zuf_puts_queue()
 * looks at live_gen under the lock.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "chan.h"
#include "dispatch.h"
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
	INIT_DELAYED_WORK(&puts->work, puts_deadline);
}

void zuf_puts_fini(struct zuf_puts *puts)
{
	cancel_delayed_work_sync(&puts->work);
	kvfree(puts->buf);
}

/* ---- tags ---- */

struct zuf_put_tag *zuf_put_tag_create(gfp_t gfp)
{
	struct zuf_put_tag *tag = kzalloc(sizeof(*tag), gfp | __GFP_ACCOUNT);

	if (tag)
		refcount_set(&tag->refs, 1);
	return tag;
}

struct zuf_put_tag *zuf_put_tag_get(struct zuf_put_tag *tag)
{
	if (tag)
		refcount_inc(&tag->refs);
	return tag;
}

void zuf_put_tag_put(struct zuf_put_tag *tag)
{
	if (tag && refcount_dec_and_test(&tag->refs))
		kfree(tag);
}

static void tag_executed(struct zuf_put_tag *tag)
{
	if (atomic_dec_and_test(&tag->pending))
		wake_up_var(&tag->pending);
	zuf_put_tag_put(tag);
}

void zuf_puts_carry(struct zuf_carried *carried, struct zuf_put_tag *tag, enum zuf_left left)
{
	refcount_inc(&tag->refs);
	atomic_inc(&tag->pending);
	if (left != ZUF_LEFT_NO_LOCK)
		atomic_inc(&tag->left[left]);
	carried->left[carried->nr] = left;
	carried->tag[carried->nr++] = tag;
}

void zuf_puts_done(struct zuf_carried *carried)
{
	while (carried->nr) {
		struct zuf_put_tag *tag = carried->tag[--carried->nr];
		u8 left = carried->left[carried->nr];

		if (unlikely(left != ZUF_LEFT_NO_LOCK) && atomic_dec_and_test(&tag->left[left]))
			wake_up_var(&tag->left);
		tag_executed(tag);
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

static bool puts_have_buffer(struct zuf_puts *puts)
{
	u8 *buf;

	if (likely(READ_ONCE(puts->buf)))
		return true;
	buf = kvmalloc(ZUF_PUTS_BYTES, GFP_NOFS | __GFP_ACCOUNT);
	if (!buf)
		return false;
	if (cmpxchg(&puts->buf, NULL, buf))
		kvfree(buf);
	return true;
}

static void puts_arm(struct zuf_puts *puts, unsigned long delay)
{
	queue_delayed_work(puts_wq, &puts->work, delay);
}

bool zuf_puts_queue(struct zuf_sb *zsb, struct zuf_cpu *zc, struct zuf_put_tag *tag,
		    const struct zufs_ioc_hdr *msg)
{
	u32 max = msg->operation == ZUFS_OP_PUT_MULTY ? ZUF_PUTS_MAX : ZUF_PUTS_ALL_MAX;
	struct zuf_puts *puts = &zc->puts;
	bool queued = false, arm = false;
	size_t len = msg->in_len;

	if (len > min_t(size_t, ZUF_PUTS_MSG_MAX, zsb->root->put_max) || !puts_have_buffer(puts))
		return false;
	spin_lock(&puts->lock);
	if (puts->nr < max && len <= ZUF_PUTS_BYTES - puts->used &&
	    zuf_root_is_live(zsb->root, zsb->server_gen)) {
		memcpy(puts->buf + puts->used, msg, len);
		if (!puts->nr)
			puts->oldest = jiffies;
		puts->used += len;
		puts->len[puts->nr] = len;
		puts->tag[puts->nr++] = tag;
		refcount_inc(&tag->refs);
		atomic_inc(&tag->pending);
		tag->last_cpu = zc->cpu;
		queued = true;
		arm = !puts->armed;
		puts->armed = true;
	}
	spin_unlock(&puts->lock);
	if (likely(queued)) {
		zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_PUT_QUEUED, 1);
		trace_zuf_put(ZUF_EV_PUT_QUEUED, zc->cpu, 1);
	}
	if (unlikely(arm))
		puts_arm(puts, msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS));
	return queued;
}

/* How many of the first puts fit into @room bytes; their size in @bytes. */
static u32 puts_that_fit(const struct zuf_puts *puts, size_t room, u32 *bytes)
{
	u32 n;

	for (n = 0, *bytes = 0; n < puts->nr && *bytes + puts->len[n] <= room; n++)
		*bytes += puts->len[n];
	return n;
}

/* Link the messages behind the first one by their flags. */
static void link_puts(const struct zuf_puts *puts, struct zufs_ioc_hdr *hdr, u32 n)
{
	u32 i;

	hdr->flags |= ZUFS_H_HAS_PIGY_PUT;
	hdr = (void *)hdr + hdr->in_len;
	for (i = 0; i < n; i++) {
		hdr->flags = i + 1 < n ? ZUFS_H_HAS_PIGY_PUT : 0;
		hdr = (void *)hdr + puts->len[i];
	}
}

void zuf_puts_attach(struct zuf_puts *puts, struct zuf_chan *ch)
{
	size_t in_len = ch->cmd->in_len;
	u32 n, bytes;

	/* messages are 8-byte aligned; a name or value of odd length goes alone */
	if (!READ_ONCE(puts->nr) || in_len % 8)
		return;
	spin_lock(&puts->lock);
	n = puts_that_fit(puts, ch->cmd_size - in_len, &bytes);
	if (n) {
		memcpy((void *)ch->cmd + in_len, puts->buf, bytes);
		link_puts(puts, ch->cmd, n);
		memcpy(ch->carried.tag, puts->tag, n * sizeof(puts->tag[0]));
		ch->carried.nr = n;
		memset(ch->carried.left, ZUF_LEFT_NO_LOCK, n);
		puts->used -= bytes;
		puts->nr -= n;
		memmove(puts->buf, puts->buf + bytes, puts->used);
		memmove(puts->len, puts->len + n, puts->nr * sizeof(puts->len[0]));
		memmove(puts->tag, puts->tag + n, puts->nr * sizeof(puts->tag[0]));
	}
	spin_unlock(&puts->lock);
	zuf_stats_event(puts->root->stats, ZUF_EV_PUT_RODE, n);
	trace_zuf_put(ZUF_EV_PUT_RODE, ch->zc->cpu, n);
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
			tag_executed(puts->tag[--puts->nr]);
		puts->used = 0;
		spin_unlock(&puts->lock);
	}
}

/* ---- puts that must go now ---- */

/* A message that only carries what waits in @puts. */
static int send_noop(struct zuf_sb *zsb, struct zuf_puts *puts)
{
	struct {
		struct zufs_ioc_hdr hdr;
	} msg = { .hdr = ZUF_HDR(ZUFS_OP_NOOP, sizeof(msg), 0, 0) };
	struct zuf_op op = ZUF_OP(&msg, .puts = puts, .flags = ZUF_OPF_NESTED);

	return zuf_dispatch(zsb, &op);
}

static void puts_deadline(struct work_struct *work)
{
	struct zuf_puts *puts = container_of(to_delayed_work(work), struct zuf_puts, work);
	struct zuf_root *root = puts->root;
	struct zuf_sb zsb = { .root = root, .server_gen = READ_ONCE(root->live_gen) };
	unsigned long due;
	bool send = false;

	spin_lock(&puts->lock);
	due = puts->oldest + msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS);
	if (!puts->nr) {
		puts->armed = false;
	} else if (time_before(jiffies, due)) {
		puts_arm(puts, due - jiffies);
	} else {
		/* looks again: a small command buffer may not take all */
		puts_arm(puts, msecs_to_jiffies(ZUF_PUTS_DEADLINE_MS));
		send = true;
	}
	spin_unlock(&puts->lock);
	if (!send)
		return;
	zuf_stats_event(root->stats, ZUF_EV_PUT_DEADLINE, 1);
	trace_zuf_put(ZUF_EV_PUT_DEADLINE, container_of(puts, struct zuf_cpu, puts)->cpu, 0);
	send_noop(&zsb, puts);
}

static bool puts_have_tag(struct zuf_puts *puts, const struct zuf_put_tag *tag)
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

static int goose_cpu(struct zuf_sb *zsb, struct zuf_put_tag *tag, unsigned int cpu)
{
	struct zuf_puts *puts = &per_cpu_ptr(zsb->root->cpus, cpu)->puts;

	int err = 0;

	/* each takes one of them at least */
	while (!err && puts_have_tag(puts, tag))
		err = send_noop(zsb, puts);
	return err;
}

int zuf_puts_send(struct zuf_sb *zsb, struct zuf_put_tag *tag)
{
	unsigned int cpu;
	int err;

	if (!tag || !atomic_read(&tag->pending))
		return 0;
	zuf_stats_event(zuf_sb_stats(zsb), ZUF_EV_GOOSE, 1);
	trace_zuf_goose(zsb, tag, atomic_read(&tag->pending));
	err = goose_cpu(zsb, tag, READ_ONCE(tag->last_cpu));
	if (err == -EINTR || !atomic_read(&tag->pending))
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
	int err = zuf_puts_send(zsb, tag);

	if (err || !tag || !atomic_read(&tag->pending))
		return err;
	/* what is under way: done by whom it went with, or dropped with the server */
	return zuf_wait_var_killable(&tag->pending, !atomic_read(&tag->pending)) ? -EINTR : 0;
}

long zuf_puts_wait_some(struct zuf_put_tag *tag, long timeout)
{
	return wait_var_event_timeout(&tag->pending, !atomic_read(&tag->pending), timeout);
}
