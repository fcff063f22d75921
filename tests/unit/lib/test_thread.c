// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads: name, CPU and result; a CPU or policy that is refused is an error of the creation;
 * what the creator has for itself is not inherited.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <zus/thread.h>

/* ---- what the library asks of the system: it gets these ---- */

/*
 * A sanitizer calls what is defined here too, before it is ready for code that it watches: none of
 * this is watched.
 */
#define UNWATCHED	__attribute__((no_sanitize("thread", "address", "undefined")))

/* A sanitizer's stacks for signals would be in the way of the library's. */
const char *__asan_default_options(void);
UNWATCHED const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

const char *__tsan_default_options(void);
UNWATCHED const char *__tsan_default_options(void)
{
	return "use_sigaltstack=0";
}

static struct {
	bool is_there;			/* somebody has installed one */
	bool refuse;
	void *asked;			/* the last one that was to be installed */
} signal_stack;

UNWATCHED int sigaltstack(const stack_t *stack, stack_t *old)
{
	if (stack && !(stack->ss_flags & SS_DISABLE))
		signal_stack.asked = stack->ss_sp;
	if (stack && signal_stack.refuse) {
		errno = ENOMEM;
		return -1;
	}
	if (old && signal_stack.is_there) {
		*old = (stack_t){ .ss_flags = 0 };
		return 0;
	}
	return (int)syscall(SYS_sigaltstack, stack, old);
}

static const char *cpu_list;		/* of every node; NULL: the machine's */

UNWATCHED FILE *fopen(const char *path, const char *mode)
{
	static FILE *(*next)(const char *path, const char *mode);

	if (cpu_list && !strncmp(path, "/sys/devices/system/node/", 25))
		return fmemopen((void *)cpu_list, strlen(cpu_list), "r");
	if (!next)
		next = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen");
	return next(path, mode);
}

static cpu_set_t asked_cpus;		/* by the last thread that was bound */

UNWATCHED int pthread_setaffinity_np(pthread_t tid, size_t size, const cpu_set_t *set)
{
	static int (*next)(pthread_t tid, size_t size, const cpu_set_t *set);

	if (size == sizeof(asked_cpus))
		asked_cpus = *set;
	if (!next)
		next = (int (*)(pthread_t, size_t, const cpu_set_t *))
			dlsym(RTLD_NEXT, "pthread_setaffinity_np");
	return next(tid, size, set);
}

/* ---- attributes ---- */

struct seen {
	char name[16];
	int cpus;
	int cpu;
	sem_t go;
};

static int first_cpu(void)
{
	cpu_set_t set;
	int i;

	sched_getaffinity(0, sizeof(set), &set);
	for (i = 0; i < CPU_SETSIZE && !CPU_ISSET(i, &set); i++)
		;
	return i;
}

static void *look(void *arg)
{
	struct seen *s = arg;
	cpu_set_t set;

	sem_wait(&s->go);
	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	sched_getaffinity(0, sizeof(set), &set);
	s->cpus = CPU_COUNT(&set);
	s->cpu = zus_current_cpu();
	return s;
}

static void thread_has_its_name_and_cpu(void **state)
{
	int cpu = first_cpu();
	const struct zus_thread_attr attr = { .name = "a-name-too-long-to-show", .cpu = cpu };
	struct zus_thread *t;
	struct seen s = { .cpus = 0 };

	(void)state;
	sem_init(&s.go, 0, 0);
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), 0);
	assert_int_equal(zus_thread_pin(t, cpu), 0);
	assert_int_equal(zus_thread_pin(t, -1), -EINVAL);
	sem_post(&s.go);
	assert_ptr_equal(zus_thread_join(t), &s);
	assert_string_equal(s.name, "a-name-too-long");
	assert_int_equal(s.cpus, 1);
	assert_int_equal(s.cpu, cpu);
	sem_destroy(&s.go);
}

static void refused_attributes_fail_the_creation(void **state)
{
	struct zus_thread_attr attr = { .name = "x", .cpu = CPU_SETSIZE - 1 };
	struct zus_thread *t;
	struct seen s;

	(void)state;
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
	attr.cpu = CPU_SETSIZE;
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
	attr.cpu = -1;
	attr.policy = SCHED_FIFO;
	attr.priority = 1000;
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
}

/* ---- what a ZT has, and what a thread that it starts has not ---- */

struct child {
	int cpus, policy, nice;
	bool has_signal_stack;
	int err;
};

static void *see(void *arg)
{
	struct child *c = arg;
	struct sched_param param;
	cpu_set_t set;
	stack_t stack;

	sched_getaffinity(0, sizeof(set), &set);
	c->cpus = CPU_COUNT(&set);
	pthread_getschedparam(pthread_self(), &c->policy, &param);
	c->nice = getpriority(PRIO_PROCESS, 0);
	c->has_signal_stack = !sigaltstack(NULL, &stack) && !(stack.ss_flags & SS_DISABLE);
	return NULL;
}

static void *start_another(void *arg)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct child *c = arg;
	struct zus_thread *t;

	c->err = zus_thread_create(&t, &attr, see, c);
	if (!c->err)
		zus_thread_join(t);
	return NULL;
}

/* What a thread with these attributes gives to one that it starts without any. */
static int child_of(const struct zus_thread_attr *attr, struct child *c)
{
	struct zus_thread *t;
	int err = zus_thread_create(&t, attr, start_another, c);

	if (!err)
		zus_thread_join(t);
	return err;
}

static void assert_like_the_process(const struct child *c)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	assert_int_equal(c->err, 0);
	assert_int_equal(c->cpus, CPU_COUNT(&set));
	assert_int_equal(c->policy, SCHED_OTHER);
	assert_int_equal(c->nice, getpriority(PRIO_PROCESS, 0));
}

static void attributes_of_the_creator_are_not_inherited(void **state)
{
	struct zus_thread_attr attr = { .name = "ZT", .cpu = first_cpu() };
	int nice = getpriority(PRIO_PROCESS, 0), err;
	struct child c = { .cpus = 0 };

	(void)state;
	assert_int_equal(child_of(&attr, &c), 0);
	assert_like_the_process(&c);
	assert_true(c.has_signal_stack);
	/* what only root may do */
	attr.nice = nice > -15 ? nice - 5 : nice + 5;
	err = child_of(&attr, &c);
	assert_true(!err || err == -EACCES || err == -EPERM);
	if (!err)
		assert_like_the_process(&c);
	attr.policy = SCHED_FIFO;
	attr.priority = 20;
	err = child_of(&attr, &c);
	assert_true(!err || err == -EPERM);
	if (!err)
		assert_like_the_process(&c);
}

static bool is_mapped(void *addr)
{
	return !msync(addr, 1, MS_ASYNC);
}

/* Whether a thread has one, when its end is over. */
static bool has_signal_stack(void)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t;
	struct child c = { .cpus = 0 };

	signal_stack.asked = NULL;
	assert_int_equal(zus_thread_create(&t, &attr, see, &c), 0);
	zus_thread_join(t);
	return c.has_signal_stack;
}

static void a_thread_has_a_stack_for_signals_while_it_lives(void **state)
{
	(void)state;
	assert_true(has_signal_stack());
	assert_non_null(signal_stack.asked);
	assert_false(is_mapped(signal_stack.asked));
	/* it can do without */
	signal_stack.refuse = true;
	assert_false(has_signal_stack());
	signal_stack.refuse = false;
	assert_non_null(signal_stack.asked);
	assert_false(is_mapped(signal_stack.asked));
	/* and somebody else's stays */
	signal_stack.is_there = true;
	assert_true(has_signal_stack());
	signal_stack.is_there = false;
	assert_null(signal_stack.asked);
}

/* What an earlier call has left in errno is no interruption of this one. */
static void an_old_error_does_not_hold_up_the_creation(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t;
	struct child c;

	(void)state;
	errno = EINTR;
	assert_int_equal(zus_thread_create(&t, &attr, see, &c), 0);
	zus_thread_join(t);
}

static void outside_of_an_operation_nothing_is_pending(void **state)
{
	(void)state;
	assert_false(zus_signal_pending());
	assert_true(zus_current_cpu() >= 0);
}

/* ---- background threads ---- */

struct worker {
	sem_t rounds;			/* posted after each wait that does not stop it */
	int64_t timeout_ns;
	int cpus;
	bool asked;			/* what zus_thread_should_stop says at the end */
};

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	w->cpus = CPU_COUNT(&set);
	while (zus_thread_wait(w->timeout_ns))
		sem_post(&w->rounds);
	w->asked = zus_thread_should_stop();
	/* it stays so */
	w->asked &= !zus_thread_wait(-1);
	return w;
}

static struct zus_thread *start_worker(struct worker *w, int64_t timeout_ns, int cpu)
{
	const struct zus_thread_attr attr = { .name = "worker", .cpu = cpu };
	struct zus_thread *t;

	*w = (struct worker){ .timeout_ns = timeout_ns };
	sem_init(&w->rounds, 0, 0);
	assert_int_equal(zus_thread_create(&t, &attr, work, w), 0);
	return t;
}

static void end_worker(struct zus_thread *t, struct worker *w)
{
	zus_thread_stop(t);
	assert_ptr_equal(zus_thread_join(t), w);
	assert_true(w->asked);
	sem_destroy(&w->rounds);
}

static void waiting_thread_is_woken_and_stopped(void **state)
{
	struct worker w;
	struct zus_thread *t = start_worker(&w, -1, -1);
	int i, rounds;

	(void)state;
	for (i = 0; i < 100; i++) {
		zus_thread_wake(t);
		sem_wait(&w.rounds);
	}
	/* a wake is not lost, wherever the thread is */
	zus_thread_wake(t);
	end_worker(t, &w);
	t = start_worker(&w, -1, -1);
	zus_thread_stop(t);
	end_worker(t, &w);
	t = start_worker(&w, 3600LL * 1000000000, -1);
	zus_thread_wake(t);
	sem_wait(&w.rounds);
	sem_getvalue(&w.rounds, &rounds);
	assert_int_equal(rounds, 0);
	end_worker(t, &w);
}

static void *wait_when_told(void *arg)
{
	struct worker *w = arg;

	sem_wait(&w->rounds);
	w->asked = !zus_thread_wait(-1) && zus_thread_should_stop();
	return w;
}

/* The thread looks when both have happened. */
static void wake_does_not_take_a_stop_back(void **state)
{
	const struct zus_thread_attr attr = { .name = "worker", .cpu = -1 };
	struct zus_thread *t;
	struct worker w = { 0 };

	(void)state;
	sem_init(&w.rounds, 0, 0);
	assert_int_equal(zus_thread_create(&t, &attr, wait_when_told, &w), 0);
	zus_thread_stop(t);
	zus_thread_wake(t);
	sem_post(&w.rounds);
	assert_ptr_equal(zus_thread_join(t), &w);
	assert_true(w.asked);
	sem_destroy(&w.rounds);
}

static void wait_ends_with_its_time(void **state)
{
	struct worker w;
	struct zus_thread *t = start_worker(&w, 1000000, -1);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		sem_wait(&w.rounds);
	end_worker(t, &w);
}

static void *wait_once(void *arg)
{
	struct timespec from, to;
	int64_t *waited = arg, limit = *waited;

	clock_gettime(CLOCK_MONOTONIC, &from);
	*waited = -1;
	if (zus_thread_wait(limit)) {
		clock_gettime(CLOCK_MONOTONIC, &to);
		*waited = (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
	}
	return arg;
}

/* Never less than its time, also across a second's end; 0 is over at once. */
static void wait_takes_its_time(void **state)
{
	static const int64_t limits[] = { 0, 20000000, 999999999, 1000000001 };
	const struct zus_thread_attr attr = { .name = "waiter", .cpu = -1 };
	struct zus_thread *t;
	int64_t waited;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(limits); i++) {
		waited = limits[i];
		assert_int_equal(zus_thread_create(&t, &attr, wait_once, &waited), 0);
		assert_ptr_equal(zus_thread_join(t), &waited);
		assert_true(waited >= limits[i]);
	}
}

static void *wait_long_then_not(void *arg)
{
	bool *over = arg;

	if (zus_thread_wait(3600LL * 1000000000))
		*over = zus_thread_wait(0);
	return arg;
}

/* Also when the one before had an hour. */
static void wait_of_no_time_is_over_at_once(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t;
	bool over = false;

	(void)state;
	assert_int_equal(zus_thread_create(&t, &attr, wait_long_then_not, &over), 0);
	zus_thread_wake(t);
	assert_ptr_equal(zus_thread_join(t), &over);
	assert_true(over);
}

/* The CPUs that a thread asks for on a node whose list is this. */
static void assert_node_has(const char *list, const int *cpus, size_t n)
{
	const struct zus_thread_attr attr = { .cpu = ZUS_THREAD_NODE(0) };
	struct zus_thread *t;
	struct child c;
	cpu_set_t set;
	size_t i;
	int err;

	CPU_ZERO(&set);
	CPU_ZERO(&asked_cpus);
	for (i = 0; i < n; i++)
		CPU_SET(cpus[i], &set);
	cpu_list = list;
	err = zus_thread_create(&t, &attr, see, &c);
	cpu_list = NULL;
	/* this machine may have none of them */
	if (!err)
		zus_thread_join(t);
	else
		assert_int_equal(err, -EINVAL);
	assert_true(CPU_EQUAL(&set, &asked_cpus));
}

static void all_cpus_of_a_node_are_taken(void **state)
{
	static const int one[] = { 0 }, some[] = { 0, 1, 2, 5, 7, 8 }, last[] = { 1022, 1023 };

	(void)state;
	assert_node_has("0\n", one, ARRAY_LEN(one));
	assert_node_has("0-2,5,7-8\n", some, ARRAY_LEN(some));
	/* what no set can hold is left out */
	assert_node_has("1022-1030\n", last, ARRAY_LEN(last));
}

static void thread_is_bound_to_a_node(void **state)
{
	const struct zus_thread_attr attr = { .cpu = ZUS_THREAD_NODE(1000) };
	struct worker w;
	struct zus_thread *t = start_worker(&w, -1, ZUS_THREAD_NODE(0));
	struct seen s;

	(void)state;
	end_worker(t, &w);
	assert_true(w.cpus >= 1);
	assert_int_equal(zus_thread_create(&t, &attr, look, &s), -EINVAL);
}

/* ---- numbers ---- */

static void *tell_number(void *arg)
{
	sem_wait(arg);
	return (void *)(uintptr_t)zus_thread_number();
}

static void threads_that_are_alive_have_different_numbers(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	unsigned int mine = zus_thread_number(), i;
	struct zus_thread *t[3];
	uint64_t seen = 1ULL << mine;
	sem_t go;

	(void)state;
	sem_init(&go, 0, 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(zus_thread_create(&t[i], &attr, tell_number, &go), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		sem_post(&go);
	for (i = 0; i < ARRAY_LEN(t); i++)
		seen |= 1ULL << (uintptr_t)zus_thread_join(t[i]);
	assert_int_equal(seen, 0xf);
	assert_int_equal(zus_thread_number(), mine);
	/* who failed to start has none either */
	assert_int_equal(zus_thread_create(&t[0], &(const struct zus_thread_attr){
		.cpu = CPU_SETSIZE }, tell_number, &go), -EINVAL);
	assert_int_equal(zus_thread_create(&t[0], &attr, tell_number, &go), 0);
	sem_post(&go);
	assert_int_equal((uintptr_t)zus_thread_join(t[0]), mine ? 0 : 1);
	sem_destroy(&go);
}

static void more_threads_than_numbers_are_refused(void **state)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t[ZUS_THREADS_OTHER];
	unsigned int n = 0, i;
	sem_t go;
	int err;

	(void)state;
	zus_thread_number();
	sem_init(&go, 0, 0);
	while (!(err = zus_thread_create(&t[n], &attr, tell_number, &go)))
		n++;
	assert_int_equal(err, -EAGAIN);
	assert_int_equal(n, ZUS_THREADS_OTHER - 1);
	for (i = 0; i < n; i++)
		sem_post(&go);
	for (i = 0; i < n; i++)
		assert_true((uintptr_t)zus_thread_join(t[i]) < ZUS_THREADS_OTHER);
	sem_destroy(&go);
}

static void foreign_threads_do_not_wait(void **state)
{
	(void)state;
	assert_false(zus_thread_should_stop());
	assert_false(zus_thread_wait(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_has_its_name_and_cpu),
		cmocka_unit_test(refused_attributes_fail_the_creation),
		cmocka_unit_test(attributes_of_the_creator_are_not_inherited),
		cmocka_unit_test(a_thread_has_a_stack_for_signals_while_it_lives),
		cmocka_unit_test(an_old_error_does_not_hold_up_the_creation),
		cmocka_unit_test(outside_of_an_operation_nothing_is_pending),
		cmocka_unit_test(waiting_thread_is_woken_and_stopped),
		cmocka_unit_test(wake_does_not_take_a_stop_back),
		cmocka_unit_test(wait_ends_with_its_time),
		cmocka_unit_test(wait_takes_its_time),
		cmocka_unit_test(wait_of_no_time_is_over_at_once),
		cmocka_unit_test(all_cpus_of_a_node_are_taken),
		cmocka_unit_test(thread_is_bound_to_a_node),
		cmocka_unit_test(threads_that_are_alive_have_different_numbers),
		cmocka_unit_test(more_threads_than_numbers_are_refused),
		cmocka_unit_test(foreign_threads_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
