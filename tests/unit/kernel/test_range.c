// SPDX-License-Identifier: BSD-2-Clause
/*
 * The range lock (kernel/op/range.c), compiled in user space and executed in every order that
 * sequentially consistent memory allows.
 *
 * Each task is a coroutine that gives way before every access to what tasks share: the
 * atomic operations, the spin lock, the wait. The explorer runs one choice after the other
 * (which task takes its next step; does a waiter get killed), always from the start, and
 * leaves off where it comes to a state that it has seen: the state is the shared memory and,
 * of each task, all that it has read so far, which is what it does next depends on. Between
 * the steps it looks at what the lock promises: no two holders in conflict, none passes an
 * earlier one, NOWAIT never waits, and in the end all are through and nothing is left.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "explore.h"

/* ---- what the kernel has ---- */

typedef uint64_t u64;
typedef struct { int v; } atomic_t;
typedef struct { bool held; } spinlock_t;
struct list_head { struct list_head *next, *prev; };
struct lock_class_key { char none; };

static void step(void);			/* others may run now */
static void saw(uint64_t value);	/* the running task has read that */
static bool sleep_until_zero(atomic_t *v);
static void wake(const atomic_t *v);
static unsigned int nr_maps;		/* that lockdep was told of */
static void spin_lock(spinlock_t *lock);

#define unlikely(x)	(x)
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define list_entry	container_of
#define list_for_each_entry(e, head, member)					\
	for ((e) = list_entry((head)->next, __typeof__(*(e)), member);		\
	     &(e)->member != (head); (e) = list_entry((e)->member.next, __typeof__(*(e)), member))
#define list_for_each_entry_continue(e, head, member)				\
	for ((e) = list_entry((e)->member.next, __typeof__(*(e)), member);	\
	     &(e)->member != (head); (e) = list_entry((e)->member.next, __typeof__(*(e)), member))

#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))
#define list_empty(l)		((l)->next == (l))

static void list_insert(struct list_head *new, struct list_head *prev, struct list_head *next)
{
	new->prev = prev;
	new->next = next;
	prev->next = next->prev = new;
}

static void list_add(struct list_head *new, struct list_head *head)
{
	list_insert(new, head, head->next);
}

static void list_add_tail(struct list_head *new, struct list_head *head)
{
	list_insert(new, head->prev, head);
}

static void list_del(struct list_head *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	l->next = l->prev = NULL;
}

#define READ_ONCE(x)		({ step(); __typeof__(x) was_ = (x); saw((uintptr_t)was_); was_; })
#define cmpxchg(p, old, new)							\
	({									\
		step();								\
		__typeof__(*(p)) was_ = *(p);					\
		if (was_ == (old))						\
			*(p) = (new);						\
		saw((uintptr_t)was_);						\
		was_;								\
	})
#define cmpxchg_release		cmpxchg
#define smp_store_release(p, v)	(step(), (void)(*(p) = (v)))
#define atomic_set(a, n)	((void)((a)->v = (n)))
#define atomic_read_acquire(a)	((a)->v)
#define atomic_dec_and_test(a)	(--(a)->v == 0)
#define wake_up_var(a)		wake(a)
#define zuf_wait_var_killable(a, cond)	((cond) ? 0 : sleep_until_zero(a) ? 0 : -EINTR)
#define spin_lock_init(l)	((void)((l)->held = false))
#define spin_unlock(l)		(step(), (void)((l)->held = false))
#define lockdep_init_map(...)	((void)(key), nr_maps++)
#define rwlock_acquire(...)	((void)0)
#define rwlock_release(...)	((void)0)

#include "../../../kernel/op/range.h"
#include "../../../kernel/op/range.c"

/* ---- tasks ---- */

#define MAX_TASKS	4
#define MAX_TURNS	2
#define STACK		(64 * 1024)
#define MAX_DEPTH	400

enum doing { DOING_NOTHING, WAITS, HOLDS };

/* One call: to lock a range, hold it, unlock it. */
struct turn {
	u64 first, last;
	bool write, nowait;
};

struct task {
	ucontext_t uc;
	char *stack;
	const struct turn *turns;
	unsigned int nr_turns, turn;
	bool done, killed, may_be_killed;
	uint64_t seen;		/* hash of all that it has read */
	const spinlock_t *wants;	/* runnable once that is free */
	const atomic_t *sleeps;		/* runnable once that is 0 and it is woken */
	bool woken;
	struct zuf_range range;
	enum doing doing;
};

static struct task tasks[MAX_TASKS];
static unsigned int nr_tasks;
static struct task *running;
static ucontext_t explorer;
static struct zuf_ranges ranges;
static unsigned long refused, kills, states;

static void saw(uint64_t value)
{
	mix_seen(&running->seen, value);
}

static void step(void)
{
	swapcontext(&running->uc, &explorer);
}

static void spin_lock(spinlock_t *lock)
{
	running->wants = lock;
	step();
	running->wants = NULL;
	assert_false(lock->held);
	lock->held = true;
	saw(1);
}

static bool sleep_until_zero(atomic_t *v)
{
	running->sleeps = v;
	running->woken = false;
	running->doing = WAITS;
	step();
	running->sleeps = NULL;
	saw(running->killed);
	return !running->killed;
}

static void wake(const atomic_t *v)
{
	unsigned int i;

	for (i = 0; i < nr_tasks; i++)
		if (tasks[i].sleeps == v)
			tasks[i].woken = true;
}

static bool conflict(const struct zuf_range *a, const struct zuf_range *b)
{
	return (a->write || b->write) && a->first <= b->last && b->first <= a->last;
}

static void task_turn(struct task *t, const struct turn *turn)
{
	int err;

	memset(&t->range, 0x5a, sizeof(t->range));
	t->range.first = turn->first;
	t->range.last = turn->last;
	t->range.write = turn->write;
	err = zuf_range_lock(&ranges, &t->range, turn->nowait);
	saw((uint64_t)err);
	t->doing = DOING_NOTHING;
	if (err) {
		assert_true(turn->nowait ? err == -EAGAIN : err == -EINTR && t->killed);
		refused += turn->nowait;
		kills += !turn->nowait;
		return;
	}
	t->doing = HOLDS;
	step();
	t->doing = DOING_NOTHING;
	zuf_range_unlock(&ranges, &t->range);
}

static void task_main(void)
{
	struct task *t = running;

	for (t->turn = 0; t->turn < t->nr_turns; t->turn++) {
		saw(t->turn);
		task_turn(t, &t->turns[t->turn]);
		/* nobody may look at it any more */
		memset(&t->range, 0xa5, sizeof(t->range));
	}
	t->done = true;
	swapcontext(&t->uc, &explorer);
}

/* ---- the explorer ---- */

static uint64_t state_hash(void)
{
	uint64_t h = 1;
	struct list_head *l;
	unsigned int i;

	mix(&h, (uintptr_t)ranges.only);
	mix(&h, ranges.lock.held);
	for (l = ranges.list.next; l != &ranges.list; l = l->next)
		mix(&h, (uintptr_t)l);
	for (i = 0; i < nr_tasks; i++) {
		const struct task *t = &tasks[i];

		mix(&h, t->seen);
		mix(&h, t->done | t->killed << 1 | (unsigned int)t->doing << 2 |
			(uint64_t)t->turn << 8 | (uint64_t)!!t->wants << 16 |
			(uint64_t)!!t->sleeps << 17 | (uint64_t)t->woken << 18);
		mix(&h, t->sleeps ? (uint64_t)t->range.blockers.v : 0);
	}
	return h;
}

/* The choices that there are: run task i; or, odd, kill it while it sleeps. */
static bool can(unsigned int choice)
{
	const struct task *t = &tasks[choice / 2];

	if (t->done)
		return false;
	if (choice % 2)
		return t->sleeps && t->may_be_killed && !t->killed;
	if (t->wants)
		return !t->wants->held;
	return !t->sleeps || (!t->sleeps->v && t->woken) || t->killed;
}

/* Holders in conflict; an earlier one in the list that is in conflict with a holder. */
static void check_promises(void)
{
	const struct list_head *l, *k;
	unsigned int i, j;

	for (i = 0; i < nr_tasks; i++)
		for (j = 0; j < i; j++)
			assert_false(tasks[i].doing == HOLDS && tasks[j].doing == HOLDS &&
				     conflict(&tasks[i].range, &tasks[j].range));
	if (ranges.lock.held)
		return;
	for (l = ranges.list.next; l != &ranges.list; l = l->next) {
		const struct zuf_range *e = container_of(l, struct zuf_range, link);
		int blockers = 0;

		for (k = ranges.list.next; k != l; k = k->next)
			blockers += conflict(container_of(k, struct zuf_range, link), e);
		if (l != ranges.list.next)
			assert_int_equal(e->blockers.v, blockers);
		else
			assert_int_equal(blockers, 0);
	}
}

static void choose(unsigned int choice)
{
	struct task *t = &tasks[choice / 2];

	if (choice % 2) {
		t->killed = true;
		return;
	}
	running = t;
	swapcontext(&explorer, &t->uc);
}

static void start(void)
{
	unsigned int i;

	/* the memory of an inode is not cleared */
	memset(&ranges, 0x5a, sizeof(ranges));
	nr_maps = 0;
	zuf_ranges_init(&ranges);
	assert_int_equal(nr_maps, 1);
	for (i = 0; i < nr_tasks; i++) {
		struct task *t = &tasks[i];

		t->turn = 0;
		t->done = t->killed = false;
		t->seen = 0;
		t->wants = NULL;
		t->sleeps = NULL;
		t->woken = false;
		t->doing = DOING_NOTHING;
		memset(&t->range, 0, sizeof(t->range));
		coroutine_start(&t->uc, t->stack, STACK, task_main);
	}
}

static void check_end(void)
{
	unsigned int i;

	for (i = 0; i < nr_tasks; i++)
		assert_true(tasks[i].done);	/* else it waits for ever */
	assert_null(ranges.only);
	assert_true(list_empty(&ranges.list));
	assert_false(ranges.lock.held);
}

/* Depth first; each path is run from the start, as coroutines cannot be copied. */
static void explore(void)
{
	static unsigned char path[MAX_DEPTH];
	unsigned int depth = 0, choice = 0, i;

	know_nothing();
	start();
	for (;;) {
		while (choice < 2 * nr_tasks && !can(choice))
			choice++;
		if (choice < 2 * nr_tasks) {
			assert_true(depth < MAX_DEPTH);
			path[depth++] = (unsigned char)choice;
			choose(choice);
			check_promises();
			choice = 0;
			if (!know(state_hash())) {
				states++;
				for (i = 0; i < 2 * nr_tasks && !can(i); i++)
					;
				if (i < 2 * nr_tasks)
					continue;
				check_end();
			}
		}
		/* back, to the next choice of the last one that has any left */
		if (!depth)
			return;
		choice = path[--depth] + 1U;
		start();
		for (i = 0; i < depth; i++)
			choose(path[i]);
	}
}

static void run(const struct turn turns[][MAX_TURNS], const unsigned int *nr, unsigned int n,
		bool may_be_killed)
{
	unsigned int i;

	nr_tasks = n;
	for (i = 0; i < n; i++) {
		if (!tasks[i].stack)
			tasks[i].stack = malloc(STACK);
		assert_non_null(tasks[i].stack);
		tasks[i].turns = turns[i];
		tasks[i].nr_turns = nr[i];
		tasks[i].may_be_killed = may_be_killed;
	}
	states = 0;
	refused = 0;
	kills = 0;
	explore();
	print_message("%u tasks: %lu states, %lu refused, %lu killed\n", n, states, refused, kills);
	assert_true(states > 100);
}

/* ---- tests ---- */

static const unsigned int once[MAX_TASKS] = { 1, 1, 1, 1 };

static void test_two_writers_come_again(void **state)
{
	static const struct turn turns[][MAX_TURNS] = {
		{ { 0, 3, true, false }, { 2, 2, true, false } },
		{ { 3, 5, true, false }, { 0, 9, false, false } },
	};
	static const unsigned int twice[] = { 2, 2 };

	(void)state;
	run(turns, twice, 2, true);
	assert_true(kills);
}

static void test_reader_writer_and_one_beside_them(void **state)
{
	static const struct turn turns[][MAX_TURNS] = {
		{ { 0, 3, false, false } },
		{ { 3, 5, true, false } },
		{ { 6, 7, true, false } },
	};

	(void)state;
	run(turns, once, 3, true);
}

/* a waiter in the middle that is killed; what is behind it waits for both */
static void test_three_in_a_row(void **state)
{
	static const struct turn turns[][MAX_TURNS] = {
		{ { 0, 1, true, false } },
		{ { 1, 2, true, false } },
		{ { 2, 2, false, false } },
	};

	(void)state;
	run(turns, once, 3, true);
	assert_true(kills);
}

static void test_nowait_is_refused_and_leaves_nothing(void **state)
{
	static const struct turn turns[][MAX_TURNS] = {
		{ { 0, 1, true, false } },
		{ { 1, 2, true, true } },
		{ { 2, 2, false, false } },
	};

	(void)state;
	run(turns, once, 3, true);
	assert_true(refused);
}

static void test_readers_do_not_wait_for_each_other(void **state)
{
	static const struct turn turns[][MAX_TURNS] = {
		{ { 0, 9, false, true } },
		{ { 0, 9, false, true } },
		{ { 5, 5, false, true } },
	};

	(void)state;
	run(turns, once, 3, false);
	assert_int_equal(refused, 0);
}

/* the same entry in the same place a second time, while another moves the first one */
static void test_the_only_one_comes_back(void **state)
{
	static const struct turn turns[][MAX_TURNS] = {
		{ { 0, 0, true, false }, { 7, 7, true, false } },
		{ { 0, 7, true, false } },
		{ { 7, 7, false, true } },
	};
	static const unsigned int nr[] = { 2, 1, 1 };

	(void)state;
	run(turns, nr, 3, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_writers_come_again),
		cmocka_unit_test(test_reader_writer_and_one_beside_them),
		cmocka_unit_test(test_three_in_a_row),
		cmocka_unit_test(test_nowait_is_refused_and_leaves_nothing),
		cmocka_unit_test(test_readers_do_not_wait_for_each_other),
		cmocka_unit_test(test_the_only_one_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
