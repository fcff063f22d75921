// SPDX-License-Identifier: GPL-2.0-only
/*
 * held.c - blocks that the server keeps back
 *
 * A frame is held if anybody has a reference to it except T1 itself and page table entries
 * (zuf_page_is_pinned). What may happen to one block, and why nobody else gets it:
 *
 *  - Two records have the block (CLONE). The first record that it leaves makes the worker tell the
 *    server; the other one finds it in the set. The block is freed when both have gone, after the
 *    BUSY in any case.
 *  - The block is idle when it leaves the first record, and held when it leaves the second one:
 *    the server is told then. It has one owner less, and frees the block after the second message.
 *  - The block is found idle, and is pinned anew through the second record, which it then leaves.
 *    Either add() finds it in the set and removes the worker's note of its first look: then the
 *    worker's exchange fails, and the worker looks again. Or it is gone from the set, and add()
 *    makes a new entry, whose BUSY is sent after the IDLE.
 *  - With several channels a server could execute a BUSY before an IDLE that was sent earlier. Not
 *    here: the IDLE is answered before the BUSY is sent. Servers must count all the same.
 *  - Others go on adding blocks: a task that waits does so for one round over the set that begins
 *    after the task has come.
 *  - A task that waits is killed: it sends nothing that frees. A put that must follow waits with
 *    the root's worker (zuf_contract_put, orphan_put), and so does the end of an inode.
 *  - UNMAP comes between the removal from the record and the BUSY: nothing is mapped, nothing is in
 *    the record. It returns -EBUSY as long as anything of the mount is untold (zuf_unmap). After
 *    that the server knows.
 *  - The mount ends: BUSY is sent before UMOUNT, IDLE is not sent. The set stays, and the devices
 *    with it, until it is empty, or until the next mount takes it over and tells its server before
 *    all else.
 *  - The server ends: nothing is told, all counts go on. zuf_held_wait_told() returns.
 *
 * All of this is executed in each possible order by tests/unit/kernel/test_held.c.
 *
 * If other files may have a frame mapped, a single look could take a pin for an entry. So a block
 * leaves the set after two looks, a tick apart.
 */
#ifdef __KERNEL__
#include <linux/jiffies.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "compat/pfn.h"
#include "devset.h"
#include "ends.h"
#include "held.h"
#include "sbid.h"
#include "stats.h"
#include "t1map.h"
#include "wake.h"
#endif

/* States of an entry. */
enum {
	HELD_UNTOLD	= 1,
	HELD_TOLD	= 2,
	HELD_LOOKS_IDLE	= 3,		/* the first look has found it idle */
};

#define UNTOLD		XA_MARK_0	/* marks HELD_UNTOLD entries: set right after the entry */

/* Stages of the message. */
enum {
	MSG_NONE,
	MSG_FORMED,			/* to be sent, maybe for a second time */
	MSG_POSTED,
	MSG_BACK,
};

#define PAUSE_MIN	(HZ / 100 + 1)
#define PAUSE_MAX	HZ
#define RETRY		msecs_to_jiffies(10)	/* when no channel was idle */
#define RETRY_NOMEM	msecs_to_jiffies(100)
#define LOOK_AT		1024			/* blocks per look, or an eighth if that is more */
#define NEVER		MAX_JIFFY_OFFSET

/* ---- counters ---- */

bool zuf_held_is_untold(const struct zuf_sbid *sbid)
{
	return unlikely(atomic_read(&sbid->ends.nr_untold));
}

u32 zuf_held_ticket(const struct zuf_sbid *sbid)
{
	/* pairs with begin_round(): a round that begins later finds the blocks that we added */
	smp_mb();
	return READ_ONCE(sbid->ends.rounds) + 1;
}

bool zuf_held_is_told(const struct zuf_sbid *sbid, u32 ticket)
{
	return !zuf_held_is_untold(sbid) ||
	       (s32)(READ_ONCE(sbid->ends.rounds_told) - ticket) >= 0;
}

int zuf_held_wait_told(struct zuf_sbid *sbid)
{
	u32 ticket;

	if (likely(!zuf_held_is_untold(sbid)))
		return 0;
	ticket = zuf_held_ticket(sbid);
	return zuf_wait_killable(sbid->ends.wait, zuf_held_is_told(sbid, ticket) ||
				 !zuf_sbid_is_live(sbid)) ? -EINTR : 0;
}

static void held_told(struct zuf_sbid *sbid, unsigned int nr)
{
	if (!nr || !atomic_sub_and_test(nr, &sbid->ends.nr_untold))
		return;
	zuf_ends_wake(sbid);
	zuf_ends_kick(zuf_sbid_root(sbid));
}

/* A round goes from the first block to the last one and may take several messages. */
static void begin_round(struct zuf_sbid *sbid)
{
	if (!sbid)
		return;
	WRITE_ONCE(sbid->ends.rounds, sbid->ends.rounds + 1);
	smp_mb();
}

static void end_round(struct zuf_sbid *sbid)
{
	WRITE_ONCE(sbid->ends.rounds_told, sbid->ends.rounds);
	zuf_ends_wake(sbid);
	zuf_ends_kick(zuf_sbid_root(sbid));
}

/* ---- add ---- */

int zuf_held_add(struct zuf_held *held, u64 block, gfp_t gfp)
{
	struct zuf_sbid *sbid = held->sbid;
	void *old;

	/* counted before the worker can find it */
	if (sbid)
		atomic_inc(&sbid->ends.nr_untold);
	do {
		old = xa_cmpxchg(&held->blocks, block, NULL, xa_mk_value(HELD_UNTOLD), gfp);
		/* the block was about to leave: the worker looks twice again, or was faster */
	} while (old == xa_mk_value(HELD_LOOKS_IDLE) &&
		 xa_cmpxchg(&held->blocks, block, old, xa_mk_value(HELD_TOLD), gfp) != old);
	if (!old) {
		atomic_inc(&held->nr);
		WRITE_ONCE(held->pause, PAUSE_MIN);
		xa_set_mark(&held->blocks, block, UNTOLD);
	} else if (sbid) {
		held_told(sbid, 1);
	}
	if (!xa_is_err(old))
		held->kick(held);
	return xa_err(old);
}

/* ---- the message ---- */

static bool msg_follows(const struct zuf_held *held, u64 block)
{
	const struct zufs_t1_run *last = &held->msg.runs[held->msg.t1.nr - 1];

	return held->msg.t1.nr && last->first + last->nr == block;
}

static bool has_room(const struct zuf_held *held, u64 block)
{
	return held->msg.t1.nr < ZUFS_T1_RUNS_MAX || msg_follows(held, block);
}

static void add_block(struct zuf_held *held, u64 block)
{
	u32 nr = held->msg.t1.nr;

	if (msg_follows(held, block)) {
		held->msg.runs[nr - 1].nr++;
		return;
	}
	held->msg.runs[nr] = (struct zufs_t1_run){ .first = block, .nr = 1 };
	held->msg.t1.nr++;
}

static void form_msg(struct zuf_held *held, u16 operation)
{
	struct zufs_ioc_t1_runs *t1 = &held->msg.t1;

	if (!t1->nr || !held->sbid)
		return;
	t1->hdr = (struct zufs_ioc_hdr)
		ZUF_HDR(operation, sizeof(*t1) + t1->nr * sizeof(held->msg.runs[0]), 0, 0);
	t1->zus_sbi = held->sbid->zus_sbi;
	t1->__pad = 0;
	held->stage = MSG_FORMED;
}

static void form_busy(struct zuf_held *held)
{
	unsigned long block = held->tell_next;
	void *entry;

	if (!block && !xa_marked(&held->blocks, UNTOLD))
		return;
	if (!block)
		begin_round(held->sbid);
	held->msg.t1.nr = 0;
	entry = xa_find(&held->blocks, &block, ULONG_MAX, UNTOLD);
	while (entry && has_room(held, block)) {
		if (held->sbid)
			add_block(held, block);
		/* this needs no memory: it replaces a value */
		xa_store(&held->blocks, block, xa_mk_value(HELD_TOLD), GFP_NOWAIT);
		xa_clear_mark(&held->blocks, block, UNTOLD);
		cond_resched();
		entry = xa_find_after(&held->blocks, &block, ULONG_MAX, UNTOLD);
	}
	held->tell_next = entry ? block : 0;
	held->last_of_round = !entry;
	form_msg(held, ZUFS_OP_T1_BUSY);
	/* the rest of a round may have left the set in another way */
	if (held->stage == MSG_NONE && held->sbid && !entry)
		end_round(held->sbid);
}

/* ---- looks ---- */

/* DMA may have stored to the page, and no SYNC will cover that. */
static void write_back(struct page *page)
{
	if (page && is_zone_device_page(page))
		arch_wb_cache_pmem(page_address(page), PAGE_SIZE);
}

void zuf_held_write_back(struct zuf_held *held)
{
	unsigned long block;
	void *entry;

	xa_for_each(&held->blocks, block, entry) {
		write_back(zuf_t1_block_page(held->devs, block, 1));
		cond_resched();
	}
}

/* The second look has found the block idle as well. Return: false: no room in the message. */
static bool let_go(struct zuf_held *held, u64 block, void *entry, struct page *page)
{
	if (!has_room(held, block))
		return false;
	write_back(page);
		/* if this fails the block was added once more meanwhile */
	if (xa_cmpxchg(&held->blocks, block, entry, NULL, GFP_NOWAIT) == entry) {
		atomic_dec(&held->nr);
		if (held->sbid)
			add_block(held, block);
	}
	return true;
}

static bool look_at(struct zuf_held *held, u64 block, void *entry)
{
	struct page *page = zuf_t1_block_page(held->devs, block, 1);
	bool idle = !page || !zuf_page_is_pinned(page);

	if (idle)
		held->pause = PAUSE_MIN;
	if (idle && entry == xa_mk_value(HELD_LOOKS_IDLE))
		return let_go(held, block, entry, page);
	if (entry != xa_mk_value(HELD_UNTOLD))
		xa_cmpxchg(&held->blocks, block, entry,
			   xa_mk_value(idle ? HELD_LOOKS_IDLE : HELD_TOLD), GFP_NOWAIT);
	return true;
}

static void held_look(struct zuf_held *held)
{
	unsigned int budget = max(LOOK_AT, atomic_read(&held->nr) / 8);
	unsigned long block;
	void *entry;

	held->looked = jiffies;
	held->pause = min(2 * held->pause, (unsigned long)PAUSE_MAX);
	held->msg.t1.nr = 0;
	xa_for_each_start(&held->blocks, block, entry, held->next) {
		if (!budget-- || !look_at(held, block, entry))
			break;
		cond_resched();
	}
	held->next = entry ? block : 0;
	if (entry)
		held->pause = PAUSE_MIN;
	form_msg(held, ZUFS_OP_T1_IDLE);
}

static void set_telling(struct zuf_held *held, bool telling)
{
	struct zuf_sbid *sbid = held->sbid;

	if (!sbid)
		return;
	WRITE_ONCE(sbid->ends.telling, telling);
	/* pairs with that of zuf_ends_freeze(): either it waits for us, or we see its flag */
	smp_mb();
	if (!telling)
		zuf_ends_wake(sbid);
}

/* A frozen file system must not change, and one that ends hears only what it must hear. */
static bool may_look(const struct zuf_held *held)
{
	const struct zuf_sbid *sbid = held->sbid;

	return atomic_read(&held->nr) && time_after(jiffies, held->looked + 1) &&
	       !(sbid && (held->ended || READ_ONCE(sbid->ends.frozen)));
}

/* ---- the worker ---- */

static void post_done(struct zuf_post *post, int err)
{
	struct zuf_held *held = container_of(post, struct zuf_held, post);

	/* the worker that finds @held back may free it, and then it drops our kick */
	spin_lock(&held->lock);
	held->answer = err;
	held->stage = MSG_BACK;
	held->kick(held);
	spin_unlock(&held->lock);
}

static u8 get_stage(struct zuf_held *held)
{
	u8 stage;

	spin_lock(&held->lock);
	stage = held->stage;
	spin_unlock(&held->lock);
	return stage;
}

/* The message is executed, or void. */
static void msg_done(struct zuf_held *held)
{
	const struct zufs_ioc_t1_runs *t1 = &held->msg.t1;
	unsigned int i, nr = 0;

	held->stage = MSG_NONE;
	if (t1->hdr.operation == ZUFS_OP_T1_BUSY)
		for (i = 0; i < t1->nr; i++)
			nr += held->msg.runs[i].nr;
	held_told(held->sbid, nr);
	if (t1->hdr.operation == ZUFS_OP_T1_BUSY && held->last_of_round)
		end_round(held->sbid);
}

static bool is_live(const struct zuf_held *held)
{
	return zuf_sbid_is_live(held->sbid);
}

/* Return: true: the message is with the server, or must be sent later. */
static bool post_msg(struct zuf_held *held)
{
	const u16 operation = held->msg.t1.hdr.operation;
	struct zuf_sbid *sbid = held->sbid;
	int err;

	held->post = (struct zuf_post){
		.hdr = &held->msg.t1.hdr, .ep = &sbid->ep, .done = post_done,
	};
	held->stage = MSG_POSTED;
	err = zuf_chan_post(sbid->ep.peer, sbid->ep.gen, ZUF_OPF_NESTED, &held->post);
	if (!err) {
		zuf_stats_op(sbid->ep.stats, zuf_stat_slot(operation), 0, 0);
		return true;
	}
	held->stage = MSG_FORMED;
	/* if the server is live only the channel has gone */
	if (err == -EAGAIN || is_live(held))
		return true;
	msg_done(held);
	return false;
}

/* Tell the server until there is nothing to say, or a message is under way. */
static u8 tell_and_look(struct zuf_held *held)
{
	set_telling(held, true);
	do {
		if (held->stage == MSG_NONE)
			form_busy(held);
		if (held->stage == MSG_NONE && may_look(held))
			held_look(held);
		if (held->stage == MSG_NONE) {
			set_telling(held, false);
			return MSG_NONE;
		}
	} while (!post_msg(held));
	/* if the message is back already we have been kicked */
	return MSG_POSTED;
}

unsigned long zuf_held_work(struct zuf_held *held)
{
	u8 stage = get_stage(held);

	if (stage == MSG_POSTED)
		return NEVER;
	/*
	 * Only its channel has died: send the message again. A block that the server counts twice
	 * stays busy, until unmount.
	 */
	if (stage == MSG_BACK && held->answer == -ENOTCONN && is_live(held)) {
		held->stage = MSG_FORMED;
		return RETRY;
	}
	if (stage == MSG_BACK && held->answer == -ENOMEM) {
		held->stage = MSG_FORMED;
		return RETRY_NOMEM;
	}
	if (stage == MSG_BACK)
		msg_done(held);
	if (tell_and_look(held) != MSG_NONE)
		return RETRY;
	if (held->ended && held->sbid) {
		/* the server hears no more of these blocks */
		zuf_sbid_put(held->sbid);
		held->sbid = NULL;
	}
	return atomic_read(&held->nr) ? held->pause : NEVER;
}

void zuf_held_end(struct zuf_held *held)
{
	held->ended = true;
	if (!held->sbid || get_stage(held) != MSG_NONE || held->tell_next ||
	    atomic_read(&held->nr))
		return;
	zuf_sbid_put(held->sbid);
	held->sbid = NULL;
}

bool zuf_held_is_over(const struct zuf_held *held)
{
	return !held->sbid && !atomic_read(&held->nr);
}

/* ---- life ---- */

void zuf_held_init(struct zuf_held *held, struct zuf_devset *devs,
		   void (*kick)(struct zuf_held *held))
{
	held->devs = devs;
	held->kick = kick;
	held->looked = jiffies;
	held->pause = PAUSE_MIN;
	spin_lock_init(&held->lock);
	xa_init_flags(&held->blocks, XA_FLAGS_ACCOUNT);
}

void zuf_held_fini(struct zuf_held *held)
{
	xa_destroy(&held->blocks);
}

void zuf_held_start(struct zuf_held *held, struct zuf_sbid *sbid)
{
	zuf_sbid_get(sbid);
	held->sbid = sbid;
}

int zuf_held_move(struct zuf_held *from, struct zuf_held *to)
{
	unsigned long block;
	void *entry;
	int err = 0;

	xa_for_each(&from->blocks, block, entry) {
		err = zuf_held_add(to, block, GFP_NOFS | __GFP_ACCOUNT);
		if (err)
			break;
		/* the worker of @from may be faster */
		if (xa_erase(&from->blocks, block))
			atomic_dec(&from->nr);
	}
	return err;
}
