// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blocks that the server keeps back (kernel/op/held.c), compiled in user space and executed in
 * every order that sequentially consistent memory allows.
 *
 * One block, which two files share. Each file maps it until a message takes its share away:
 * its task does what the drop of a record does. A third task pins the frame through a
 * mapping that is there at the moment, and lets go. The worker runs zuf_held_work(), a server
 * executes the messages, one after the other as the channel does. Each is a coroutine that gives
 * way before every access to what they share; the explorer runs one choice after the
 * other, goes back to try the next one, and leaves off at states that it has seen. What must hold
 * in each: no block that is the server's again (no share, count 0) is pinned. In the end nothing
 * is counted, in the set, or waited for.
 */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <zuf/zus_api.h>

#include "explore.h"

/* ---- what the kernel has ---- */

typedef uint64_t u64;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef unsigned int gfp_t;
typedef struct { int v; } atomic_t;
typedef struct { bool held; } spinlock_t;
struct zuf_devset { int none; };
struct page { int pins; };
struct zuf_stats { int none; };
struct zuf_post {
	const struct zufs_ioc_hdr *hdr;
	const struct zuf_endpoint *ep;
	void (*done)(struct zuf_post *post, int err);
};
/* Of one block: the entry and its mark. */
struct xarray {
	void *entry;
	bool mark;
};

struct zuf_peer { int none; };
struct zuf_endpoint { struct zuf_peer *peer; u32 gen; struct zuf_stats *stats; };
struct zuf_ends { atomic_t nr_untold; u32 rounds, rounds_told; bool telling, frozen; int wait; };
struct zuf_sbid {
	struct zuf_endpoint ep;
	struct zuf_ends ends;
	u64 zus_sbi;
	struct { int v; } ref;
};

static void step(void);			/* others may run now */
static void saw(uint64_t value);	/* the running task has read that */
static void wait_begins(void);
static bool wait_sleeps(void);
static void wait_ends(void);
static void wake_all(void);
static void wait_is_over(void);
static int zuf_chan_post(struct zuf_peer *peer, u32 gen, u32 flags, struct zuf_post *post);

static unsigned long jiffies;

#define HZ			100UL
#define MAX_JIFFY_OFFSET	(~0UL >> 1)
#define msecs_to_jiffies(ms)	((ms) / 10UL)
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define likely(x)		(x)
#define unlikely(x)		(x)
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define GFP_NOWAIT		0
#define GFP_NOFS		0
#define __GFP_ACCOUNT		0
#define PAGE_SIZE		4096
#define XA_MARK_0		0
#define XA_FLAGS_ACCOUNT	0
#define ZUF_OPF_NESTED		0
#define ZUF_HDR(op, in, start, out) { .operation = (op), .in_len = (u16)(in) }
#define READ_ONCE(x)		({ __typeof__(x) was_ = (x); saw((uintptr_t)was_); was_; })
#define STEP_READ(x)		({ step(); READ_ONCE(x); })
/* a step stands before what is read first, and before each change of the set */
#define WRITE_ONCE(x, v)	((void)((x) = (v)))
#define smp_mb()		((void)0)
#define cond_resched()		((void)0)
#define atomic_read(a)		STEP_READ((a)->v)
#define atomic_inc(a)		((void)(a)->v++)
#define atomic_dec(a)		((void)(a)->v--)
#define atomic_sub_and_test(n, a) ({ bool z_ = !((a)->v -= (int)(n)); saw(z_); z_; })
#define spin_lock_init(l)	((void)((l)->held = false))
#define spin_lock(l)		((void)(l))	/* what is inside is one step */
#define spin_unlock(l)		((void)(l))
#define zuf_sbid_get(s)		((void)(s)->ref.v++)
#define zuf_sbid_put(s)		((void)(s)->ref.v--)
#define zuf_sbid_is_live(s)	((void)(s), true)
#define zuf_sbid_root(s)	(s)
#define zuf_ends_wake(s)	((void)(s), wake_all())
#define zuf_ends_kick(r)	((void)(r))
#define zuf_stats_op(s, n, a, b) ((void)(s), (void)(n))
#define zuf_stat_slot(op)	(op)
#define zuf_wait_killable(wq, cond)						\
	({									\
		bool over_ = false, on_ = true;					\
		while (!over_ && on_) {						\
			wait_begins();						\
			over_ = (cond);						\
			on_ = over_ || wait_sleeps();				\
			wait_ends();						\
		}								\
		wait_is_over();							\
		over_ ? 0 : -EINTR;						\
	})
#define is_zone_device_page(p)	((p) && false)
#define arch_wb_cache_pmem(a, n) ((void)(a))
#define page_address(p)		(p)

#define xa_mk_value(v)		((void *)(uintptr_t)((v) << 1 | 1))
#define xa_is_err(e)		((void)(e), false)
#define xa_err(e)		((void)(e), 0)
#define xa_init_flags(xa, f)	memset(xa, 0, sizeof(*(xa)))
#define xa_destroy(xa)		((void)(xa))

static void *xa_cmpxchg(struct xarray *xa, u64 index, void *old, void *entry, gfp_t gfp)
{
	void *was;

	(void)index;
	(void)gfp;
	step();
	was = xa->entry;
	if (was == old)
		xa->entry = entry;
	if (!xa->entry)
		xa->mark = false;
	saw((uintptr_t)was);
	return was;
}

static void *xa_store(struct xarray *xa, u64 index, void *entry, gfp_t gfp)
{
	void *was = xa->entry;

	(void)index;
	(void)gfp;
	step();
	xa->entry = entry;
	return was;
}

static void *xa_erase(struct xarray *xa, u64 index)
{
	return xa_store(xa, index, NULL, 0);
}

static void xa_set_mark(struct xarray *xa, u64 index, int mark)
{
	(void)index;
	(void)mark;
	step();
	xa->mark = xa->entry;
}

static void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, int mark)
{
	(void)max;
	(void)mark;
	step();
	*index = 7;
	saw(xa->mark);
	return xa->mark ? xa->entry : NULL;
}

static void xa_clear_mark(struct xarray *xa, u64 index, int mark)
{
	(void)index;
	(void)mark;
	step();
	xa->mark = false;
}

#define BLOCK	7UL
#define xa_for_each_if(xa, i, e, cond)						\
	for ((i) = BLOCK, (e) = (cond) ? STEP_READ((xa)->entry) : NULL; (e); (e) = NULL)
#define xa_marked(xa, m)		READ_ONCE((xa)->mark)
#define xa_find_after(xa, i, max, m)	NULL
#define xa_for_each_start(xa, i, e, s)	xa_for_each_if(xa, i, e, (s) <= BLOCK)
#define xa_for_each(xa, i, e)		xa_for_each_if(xa, i, e, true)

static struct page frame;

static struct page *zuf_t1_block_page(struct zuf_devset *devs, u64 block, unsigned long nr)
{
	(void)devs;
	(void)block;
	(void)nr;
	return &frame;
}

static bool zuf_page_is_pinned(struct page *page)
{
	return STEP_READ(page->pins);
}

#include "../../../kernel/op/held.h"
#include "../../../kernel/op/held.c"

/* ---- tasks ---- */

enum { FILE_A, FILE_B, PINNER, WORKER, SERVER, NR_TASKS };

#define STACK		(64 * 1024)
#define STACK_USED	(6 * 1024)	/* at its end, all that is in use */
#define MAX_DEPTH	1000

struct task {
	ucontext_t uc;
	char *stack;
	bool done, killed;
	uint64_t seen;		/* hash of all that it has read */
	uint64_t seen_first;	/* when the wait began */
	bool queued, woken;	/* in the queue of those who wait */
	bool sleeps;		/* until it is woken */
	bool idles;		/* until somebody has something for it */
};

static struct task tasks[NR_TASKS];
static struct task *running;
static ucontext_t explorer;
static unsigned long states, kills, idles_told;
static bool may_be_killed;
static int pins;		/* how often it is pinned */

static struct zuf_peer peer;

/* All but the tasks, @frame and @jiffies. */
static struct world {
	struct zuf_sbid sbid;
	struct zuf_held held;
	bool mapped[2], share[2];	/* by file: in its record, at the server */
	bool kicked;
	struct zuf_post *posted;
	int count;			/* of the server */
} w;

/* What there was before a choice: it is restored in place, so addresses stay true. */
struct snapshot {
	struct task tasks[NR_TASKS];
	struct world w;
	struct page frame;
	unsigned long jiffies;
	char stacks[NR_TASKS][STACK_USED];
	unsigned int choice;
};

static struct snapshot path[MAX_DEPTH];

static void saw(uint64_t value)
{
	mix_seen(&running->seen, value);
}

/* How far it is counts as what it knows. */
static void step(void)
{
	saw(1);
	swapcontext(&running->uc, &explorer);
}

/* How often it was woken in vain does not matter. */
static void wait_begins(void)
{
	if (running->seen_first)
		running->seen = running->seen_first;
	running->seen_first = running->seen;
	running->queued = true;
	running->woken = false;
}

static bool wait_sleeps(void)
{
	running->sleeps = true;
	step();
	running->sleeps = false;
	saw(running->killed);
	return !running->killed;
}

static void wait_ends(void)
{
	running->queued = false;
}

static void wait_is_over(void)
{
	running->seen_first = 0;
}

static void wake_all(void)
{
	unsigned int i;

	for (i = 0; i < NR_TASKS; i++)
		tasks[i].woken |= tasks[i].queued;
}

static int zuf_chan_post(struct zuf_peer *r, u32 gen, u32 flags, struct zuf_post *post)
{
	(void)r;
	(void)gen;
	(void)flags;
	step();
	if (w.posted)
		abort();
	w.posted = post;
	return 0;
}

static void kick(struct zuf_held *h)
{
	(void)h;
	w.kicked = true;
}

/* A truncate: drop() of w.mapped.c, then what dispatch does before it sends. */
static void truncate_file(int file)
{
	step();
	w.mapped[file] = false;		/* unmapped: nobody pins it here any more */
	if (zuf_page_is_pinned(&frame))
		zuf_held_add(&w.held, BLOCK, 0);
	if (zuf_held_wait_told(&w.sbid)) {
		kills++;
		return;
	}
	step();
	w.share[file] = false;
}

static void pin_it(void)
{
	int i;

	for (i = 0; i < pins; i++) {
		step();
		if (!w.mapped[FILE_A] && !w.mapped[FILE_B])
			return;
		frame.pins++;
		step();
		frame.pins--;
	}
}

/* It comes by kicks and by time. */
static void work(void)
{
	for (;;) {
		running->idles = true;
		step();
		running->idles = false;
		w.kicked = false;
		jiffies += 2;
		zuf_held_work(&w.held);
	}
}

static void serve(void)
{
	struct zuf_post *post;

	for (;;) {
		running->idles = true;
		step();
		running->idles = false;
		post = w.posted;
		if (post->hdr->operation == ZUFS_OP_T1_BUSY) {
			w.count++;
		} else {
			w.count--;
			idles_told++;
		}
		step();
		w.posted = NULL;
		post->done(post, -EIO);
	}
}

static void task_main(void)
{
	struct task *t = running;

	switch (t - tasks) {
	case PINNER:
		pin_it();
		break;
	case WORKER:
		work();
		break;
	case SERVER:
		serve();
		break;
	default:
		truncate_file((int)(t - tasks));
	}
	t->done = true;
	swapcontext(&t->uc, &explorer);
}

/* ---- the explorer ---- */

static uint64_t state_hash(void)
{
	uint64_t h = 1;
	unsigned int i;

	mix(&h, (uintptr_t)w.held.blocks.entry << 8 | w.held.blocks.mark << 1 | w.kicked);
	mix(&h, (uint64_t)w.held.nr.v << 32 | (uint64_t)w.held.stage << 8 | w.held.ended);
	mix(&h, (uint64_t)w.sbid.ends.nr_untold.v << 8 | w.sbid.ends.telling);
	mix(&h, (uint64_t)(w.count + 8) << 32 | (uint64_t)frame.pins << 8 | !!w.posted);
	mix(&h, w.mapped[0] | w.mapped[1] << 1 | w.share[0] << 2 | w.share[1] << 3);
	mix(&h, (uint64_t)w.sbid.ends.rounds << 32 | w.sbid.ends.rounds_told);
	mix(&h, (uint64_t)w.held.tell_next << 1 | w.held.last_of_round);
	mix(&h, w.held.msg.t1.hdr.operation | (uint64_t)w.held.msg.t1.nr << 16);
	for (i = 0; i < NR_TASKS; i++) {
		const struct task *t = &tasks[i];

		/* who idles begins anew: how he came there does not matter */
		mix(&h, t->idles ? 0 : t->seen);
		mix(&h, t->done | t->killed << 1 | t->sleeps << 2 | t->idles << 3 |
			t->queued << 4 | t->woken << 5);
	}
	return h;
}

/* Run task i; or, odd, kill it while it sleeps. */
static bool can(unsigned int choice)
{
	const struct task *t = &tasks[choice / 2];

	if (t->done)
		return false;
	if (choice % 2)
		return may_be_killed && t->sleeps && !t->killed;
	if (t->sleeps)
		return t->woken || t->killed;
	if (choice / 2 == WORKER && t->idles)
		return w.kicked || w.held.nr.v;
	if (choice / 2 == SERVER && t->idles)
		return w.posted;
	return true;
}

static void check_promises(void)
{
	/* the server may give it to anybody */
	if (!w.share[FILE_A] && !w.share[FILE_B] && !w.count)
		assert_int_equal(frame.pins, 0);
	assert_true(w.count >= 0);
}

static void choose(unsigned int choice)
{
	struct task *t = &tasks[choice / 2];

	if (choice % 2) {
		t->killed = true;
		return;
	}
	running = t;
	if (choice / 2 == WORKER && t->idles)
		t->seen = 0;
	if (choice / 2 == SERVER && t->idles)
		t->seen = 0;
	swapcontext(&explorer, &t->uc);
}

static void start(void)
{
	unsigned int i;

	memset(&w.sbid, 0, sizeof(w.sbid));
	memset(&w.held, 0, sizeof(w.held));
	w.sbid.ep.peer = &peer;
	jiffies = 1000;
	zuf_held_init(&w.held, NULL, kick);
	zuf_held_start(&w.held, &w.sbid);
	frame.pins = 0;
	w.mapped[0] = w.mapped[1] = w.share[0] = w.share[1] = true;
	w.kicked = false;
	w.posted = NULL;
	w.count = 0;
	for (i = 0; i < NR_TASKS; i++) {
		struct task *t = &tasks[i];

		t->done = t->killed = t->sleeps = t->idles = false;
		t->queued = t->woken = false;
		t->seen_first = 0;
		t->seen = 0;
		coroutine_start(&t->uc, t->stack, STACK, task_main);
	}
}

/* Nobody can go on: all is over. */
static void check_end(void)
{
	assert_true(tasks[FILE_A].done && tasks[FILE_B].done && tasks[PINNER].done);
	assert_int_equal(w.sbid.ends.nr_untold.v, 0);
	assert_false(w.sbid.ends.telling);
	assert_int_equal(w.held.nr.v, 0);
	assert_null(w.held.blocks.entry);
	assert_int_equal(w.count, 0);
}

static char *used(const struct task *t)
{
	return t->stack + STACK - STACK_USED;
}

static void save(struct snapshot *s, unsigned int choice)
{
	unsigned int i;

	memcpy(s->tasks, tasks, sizeof(tasks));
	s->w = w;
	s->frame = frame;
	s->jiffies = jiffies;
	s->choice = choice;
	for (i = 0; i < NR_TASKS; i++) {
		/* nobody has been below */
		assert_int_equal(used(&tasks[i])[-1], 0x5a);
		memcpy(s->stacks[i], used(&tasks[i]), STACK_USED);
	}
}

static void restore(const struct snapshot *s)
{
	unsigned int i;

	memcpy(tasks, s->tasks, sizeof(tasks));
	w = s->w;
	frame = s->frame;
	jiffies = s->jiffies;
	for (i = 0; i < NR_TASKS; i++)
		memcpy(used(&tasks[i]), s->stacks[i], STACK_USED);
}

/* Depth first. */
static void explore(void)
{
	unsigned int depth = 0, choice = 0, i;

	know_nothing();
	start();
	for (;;) {
		while (choice < 2 * NR_TASKS && !can(choice))
			choice++;
		if (choice < 2 * NR_TASKS) {
			assert_true(depth < MAX_DEPTH);
			save(&path[depth++], choice);
			choose(choice);
			check_promises();
			choice = 0;
			if (!know(state_hash())) {
				states++;
				for (i = 0; i < 2 * NR_TASKS && !can(i); i++)
					;
				if (i < 2 * NR_TASKS)
					continue;
				check_end();
			}
		} else if (!depth) {
			return;
		} else {
			depth--;
			choice = path[depth].choice + 1U;
			restore(&path[depth]);
			continue;
		}
		depth--;
		choice = path[depth].choice + 1U;
		restore(&path[depth]);
	}
}

static void run(bool killable, int nr_pins)
{
	unsigned int i;

	may_be_killed = killable;
	pins = nr_pins;
	states = kills = idles_told = 0;
	for (i = 0; i < NR_TASKS; i++) {
		if (!tasks[i].stack)
			tasks[i].stack = malloc(STACK);
		assert_non_null(tasks[i].stack);
		memset(tasks[i].stack, 0x5a, STACK);
	}
	explore();
	print_message("%lu states, %lu killed, IDLE executed %lu times\n", states, kills,
		      idles_told);
	assert_true(states > 1000 && idles_told);
}

static void test_all_orders(void **state)
{
	(void)state;
	run(false, 2);
}

static void test_killed(void **state)
{
	(void)state;
	run(true, 1);
	assert_true(kills);
}

static bool end_is_over;

static void end_main(void)
{
	zuf_held_end(&w.held);
	end_is_over = zuf_held_is_over(&w.held);
	running->done = true;
	swapcontext(&running->uc, &explorer);
}

static bool is_over_with(int blocks, u8 stage, unsigned long tell_next)
{
	struct task *t = &tasks[WORKER];

	memset(&w, 0, sizeof(w));
	w.sbid.ep.peer = &peer;
	zuf_held_init(&w.held, NULL, kick);
	zuf_held_start(&w.held, &w.sbid);
	w.held.nr.v = blocks;
	w.held.stage = stage;
	w.held.tell_next = tell_next;
	if (!t->stack)
		t->stack = malloc(STACK);
	assert_non_null(t->stack);
	t->done = false;
	running = t;
	coroutine_start(&t->uc, t->stack, STACK, end_main);
	while (!t->done)
		swapcontext(&explorer, &t->uc);
	assert_true(w.held.ended);
	assert_int_equal(w.sbid.ref.v, end_is_over ? 0 : 1);
	return end_is_over;
}

/* What is left, or under way, is the worker's. */
static void test_end(void **state)
{
	(void)state;
	assert_true(is_over_with(0, MSG_NONE, 0));
	assert_false(is_over_with(1, MSG_NONE, 0));
	assert_false(is_over_with(0, MSG_FORMED, 0));
	assert_false(is_over_with(0, MSG_POSTED, 0));
	assert_false(is_over_with(0, MSG_BACK, 0));
	assert_false(is_over_with(0, MSG_NONE, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_orders),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
