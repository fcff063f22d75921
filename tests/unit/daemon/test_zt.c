// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ZT threads: one for each channel and online CPU, how long each serves, CPUs that come later,
 * the end. daemon/zt.c is built here; channels, messages and the CPUs of the machine are functions
 * of the test, and threads are real ones that are bound to no CPU.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <zus/channel.h>
#include <zus/thread.h>

static void *some_memory(size_t n, size_t size);
static int start_thread(struct zus_thread **thread, const struct zus_thread_attr *attr,
			void *(*fn)(void *arg), void *arg);
static int pin_thread(struct zus_thread *thread, int cpu);
static int set_priority(__priority_which_t which, id_t who, int nice);
static long call_system(long number, ...);

#define calloc			some_memory
#define zus_thread_create	start_thread
#define zus_thread_pin		pin_thread
#define setpriority		set_priority
#define syscall			call_system
#include "../../../daemon/zt.c"
#undef calloc
#undef zus_thread_create
#undef zus_thread_pin

#define CPUS	ZUSD_MAX_CPUS
#define AGAIN	INT_MIN			/* of a script: it begins anew */

static struct zusd z;

/* What the machine and the kernel do, and what they have seen. Under lock once threads run. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t event;
	bool no_memory;
	int thread_err, open_err, break_err, numa_err, pin_err;
	int bad_cpu;			/* these errors are this one's only; -1: everybody's */
	struct zufs_cpu_set online;
	/* what waits return: 0 = a message; a positive number: so many such; 0 behind the last */
	const int *script;
	unsigned int messages, waits, idle;
	bool broken;			/* waiting threads are told to look */
	int waiters;
	unsigned int threads, opened, closed, pinned, rseqs, priorities;
	unsigned int channels;		/* bit per number that was opened */
	int last_nice, last_priority, last_policy;
	char names[128];		/* of the threads, as far as they fit */
	int last_pinned;
} k;

static void *some_memory(size_t n, size_t size)
{
	return k.no_memory ? NULL : calloc(n, size);
}

static int error_of(int cpu, int err)
{
	return k.bad_cpu < 0 || k.bad_cpu == cpu ? err : 0;
}

static int start_thread(struct zus_thread **thread, const struct zus_thread_attr *attr,
			void *(*fn)(void *arg), void *arg)
{
	struct zus_thread_attr own = *attr;
	size_t len = strlen(k.names);
	int err = error_of(attr->cpu, k.thread_err);

	if (err)
		return err;
	k.threads++;
	k.last_nice = attr->nice;
	k.last_policy = attr->policy;
	k.last_priority = attr->priority;
	snprintf(k.names + len, sizeof(k.names) - len, "%s ", attr->name);
	own.cpu = -1;
	own.policy = SCHED_OTHER;
	own.nice = 0;
	return zus_thread_create(thread, &own, fn, arg);
}

static int pin_thread(struct zus_thread *thread, int cpu)
{
	assert_non_null(thread);
	k.pinned++;
	k.last_pinned = cpu;
	return k.pin_err;
}

static int set_priority(__priority_which_t which, id_t who, int nice)
{
	pthread_mutex_lock(&k.lock);
	k.priorities += which == PRIO_PROCESS && !who && nice == ZUSD_NICE_DEFAULT;
	pthread_mutex_unlock(&k.lock);
	return -1;
}

static long call_system(long number, ...)
{
	pthread_mutex_lock(&k.lock);
	k.rseqs += number == SYS_rseq;
	pthread_mutex_unlock(&k.lock);
	return -1;
}

/* ---- channels ---- */

int zus_channel_open(struct zus_channel *ch, int root_fd, unsigned int channel_no, int cpu)
{
	int err = error_of(cpu, k.open_err);

	if (err)
		return err;
	pthread_mutex_lock(&k.lock);
	k.opened++;
	k.channels |= 1U << channel_no;
	pthread_mutex_unlock(&k.lock);
	*ch = (struct zus_channel){ .fd = root_fd, .cmd = { .cpu = cpu, .size = channel_no } };
	return 0;
}

void zus_channel_close(struct zus_channel *ch)
{
	pthread_mutex_lock(&k.lock);
	k.closed += ch->fd == z.root_fd;
	pthread_mutex_unlock(&k.lock);
}

int zus_channel_wait(struct zus_channel *ch)
{
	int ret = 0;

	(void)ch;
	pthread_mutex_lock(&k.lock);
	k.waits++;
	if (k.script && *k.script != AGAIN) {
		ret = *k.script++;
	} else {
		k.idle++;
		pthread_cond_broadcast(&k.event);
		while (!k.broken)
			pthread_cond_wait(&k.event, &k.lock);
		k.idle--;
	}
	pthread_mutex_unlock(&k.lock);
	return ret;
}

unsigned int zus_dispatch(struct zus_cmd *cmd)
{
	bool ends;

	(void)cmd;
	pthread_mutex_lock(&k.lock);
	ends = k.broken && (!k.script || *k.script == AGAIN);
	k.messages += !ends;
	pthread_mutex_unlock(&k.lock);
	return ends ? ZUFS_OP_BREAK : ZUFS_OP_NOOP;
}

int zus_numa_online_cpus(int root_fd, struct zufs_cpu_set *set)
{
	assert_int_equal(root_fd, z.root_fd);
	*set = k.online;
	return k.numa_err;
}

/* ---- the rest of zusd ---- */

void zusd_waiter_enter(enum zusd_waiter kind)
{
	pthread_mutex_lock(&k.lock);
	k.waiters += kind == ZUSD_WAITER_ZT;
	pthread_mutex_unlock(&k.lock);
}

void zusd_waiter_leave(enum zusd_waiter kind)
{
	pthread_mutex_lock(&k.lock);
	k.waiters -= kind == ZUSD_WAITER_ZT;
	pthread_cond_broadcast(&k.event);
	pthread_mutex_unlock(&k.lock);
}

int zusd_break_waiters(int root_fd, enum zusd_waiter kind)
{
	assert_int_equal(root_fd, z.root_fd);
	assert_int_equal(kind, ZUSD_WAITER_ZT);
	if (k.break_err)
		return k.break_err;
	pthread_mutex_lock(&k.lock);
	k.broken = true;
	pthread_cond_broadcast(&k.event);
	pthread_mutex_unlock(&k.lock);
	return 0;
}

/* ---- steps of a test ---- */

/* A thread that is waited for in vain is the end: each test takes some milliseconds. */
static int setup(void **state)
{
	(void)state;
	alarm(10);
	memset(&k, 0, sizeof(k));
	k.bad_cpu = -1;
	pthread_mutex_init(&k.lock, NULL);
	pthread_cond_init(&k.event, NULL);
	z = (struct zusd){
		.root_fd = 4711,
		.env = *zus_env_default(),
		.opt.nice = ZUSD_NICE_DEFAULT,
	};
	return zusd_zts_create(&z);
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(zusd_zts_stop(&z), 0);
	zusd_zts_destroy(&z);
	assert_int_equal(k.waiters, 0);
	assert_int_equal(k.closed, k.opened);
	alarm(0);
	return 0;
}

static void set_online(int cpu)
{
	k.online.bits[cpu / 64] |= 1ULL << cpu % 64;
}

static void start(unsigned int num_channels)
{
	assert_int_equal(zusd_zts_start(&z, num_channels), 0);
}

/* Until so many threads wait for a message and so many have left. */
static void wait_until_idle(unsigned int n, unsigned int left)
{
	pthread_mutex_lock(&k.lock);
	while (k.idle != n || (unsigned int)k.waiters != k.threads - left)
		pthread_cond_wait(&k.event, &k.lock);
	pthread_mutex_unlock(&k.lock);
}

/* ---- tests ---- */

static void each_channel_of_an_online_cpu_has_a_thread(void **state)
{
	(void)state;
	set_online(0);
	set_online(5);
	set_online(64);
	set_online(CPUS - 1);
	start(2);
	assert_int_equal(k.threads, 8);
	assert_int_equal(k.opened, 8);
	assert_string_equal(k.names, "ZT(0.0) ZT(0.1) ZT(5.0) ZT(5.1) ZT(64.0) ZT(64.1) "
			    "ZT(1023.0) ZT(1023.1) ");
	wait_until_idle(8, 0);
	/* the next mount finds them, whatever it asks for */
	start(2);
	start(3);
	assert_int_equal(k.threads, 8);
	/* and those of a CPU that has come meanwhile are as many */
	set_online(7);
	start(1);
	assert_int_equal(k.threads, 10);
	assert_int_equal(k.waiters, 10);
	if (__rseq_size)
		assert_int_equal(k.rseqs, 10);
	else
		assert_int_equal(k.rseqs, 0);
}

static void channels_have_a_number(void **state)
{
	(void)state;
	set_online(1);
	assert_int_equal(zusd_zts_start(&z, 0), -EINVAL);
	assert_int_equal(zusd_zts_start(&z, ZUFS_MAX_ZT_CHANNELS + 1), -EINVAL);
	assert_int_equal(k.threads, 0);
	/* an old error is no interruption */
	errno = EINTR;
	start(ZUFS_MAX_ZT_CHANNELS);
	assert_int_equal(k.threads, ZUFS_MAX_ZT_CHANNELS);
	assert_int_equal(k.channels, (1U << ZUFS_MAX_ZT_CHANNELS) - 1);
}

/* A mount is served by the CPUs that can. */
static void a_cpu_may_fail(void **state)
{
	(void)state;
	set_online(1);
	set_online(2);
	k.bad_cpu = 1;
	k.open_err = -ENOMEM;
	start(1);
	assert_int_equal(k.waiters, 1);
	assert_int_equal(k.opened, 1);
	k.open_err = 0;
	k.thread_err = -EAGAIN;
	start(1);
	assert_int_equal(k.waiters, 1);
	/* and once it works it has its thread too */
	k.thread_err = 0;
	start(1);
	assert_int_equal(k.waiters, 2);
}

static void without_any_cpu_a_mount_fails(void **state)
{
	(void)state;
	assert_int_equal(zusd_zts_start(&z, 1), -ENODEV);
	set_online(3);
	set_online(4);
	k.open_err = -EMFILE;
	assert_int_equal(zusd_zts_start(&z, 1), -EMFILE);
	k.open_err = 0;
	k.thread_err = -EAGAIN;
	assert_int_equal(zusd_zts_start(&z, 1), -EAGAIN);
	k.no_memory = true;
	k.online = (struct zufs_cpu_set){ .bits = { 1 << 9 } };
	assert_int_equal(zusd_zts_start(&z, 1), -ENOMEM);
	/* of several errors the first one is told */
	set_online(4);
	assert_int_equal(zusd_zts_start(&z, 1), -EAGAIN);
	k.numa_err = -EIO;
	assert_int_equal(zusd_zts_start(&z, 1), -EIO);
}

static void memory_for_them_may_be_missing(void **state)
{
	struct zusd other = { .zts = NULL };

	(void)state;
	k.no_memory = true;
	assert_int_equal(zusd_zts_create(&other), -ENOMEM);
	k.no_memory = false;
}

/* One thread that lives through this; whether it serves afterwards. */
static void serve_script(const int *script, bool stays)
{
	set_online(0);
	k.script = script;
	start(1);
	wait_until_idle(stays, !stays);
	assert_int_equal(k.closed, !stays);
}

static void messages_are_dispatched_one_by_one(void **state)
{
	static const int script[] = { 0, 0, -EINTR, 0, AGAIN };

	(void)state;
	serve_script(script, true);
	assert_int_equal(k.messages, 3);
	assert_int_equal(k.waits, 5);
}

static void interruptions_do_not_count(void **state)
{
	static int script[101];
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		script[i] = -EINTR;
	script[i] = AGAIN;
	serve_script(script, true);
}

/* What may pass is waited out, for a while that a success ends. */
static void errors_may_pass(void **state)
{
	static int script[ERRORS_MAX * 2 + 2];
	int i;

	(void)state;
	for (i = 0; i < ERRORS_MAX * 2 + 1; i++)
		script[i] = i == ERRORS_MAX ? 0 : -ENOMEM;
	script[i] = AGAIN;
	serve_script(script, true);
}

static void errors_in_a_row_end_a_thread(void **state)
{
	static int script[ERRORS_MAX + 2];
	int i;

	(void)state;
	for (i = 0; i < ERRORS_MAX + 1; i++)
		script[i] = -ENOMEM;
	script[i] = AGAIN;
	serve_script(script, false);
	assert_int_equal(k.waits, ERRORS_MAX + 1);
}

static void some_errors_end_it_at_once(void **state)
{
	static const int errors[] = {
		-ERANGE, -E2BIG, -ENODEV, -EBADF, -ENOTTY, -EINVAL, -EPERM,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(errors); i++) {
		const int script[] = { errors[i], AGAIN };

		serve_script(script, false);
		assert_int_equal(k.waits, 1);
		assert_int_equal(k.messages, 0);
		teardown(state);
		setup(state);
	}
}

/* It is at work until it is told to look, also when the end has begun. */
static void a_thread_at_work_does_not_end(void **state)
{
	static const int script[] = { 0, 0, 0, AGAIN }, interrupted[] = { 0, -EINTR, 0, AGAIN };

	(void)state;
	z.zts_stopping = true;
	serve_script(script, true);
	assert_int_equal(k.messages, 3);
	teardown(state);
	setup(state);
	z.zts_stopping = true;
	serve_script(interrupted, false);
	assert_int_equal(k.messages, 1);
}

static void threads_that_cannot_be_woken_are_left(void **state)
{
	(void)state;
	set_online(0);
	start(1);
	k.break_err = -EIO;
	assert_int_equal(zusd_zts_stop(&z), -EIO);
	assert_int_equal(k.waiters, 1);
	k.break_err = 0;
}

static void threads_have_the_policy_of_the_options(void **state)
{
	(void)state;
	set_online(0);
	/* nobody has asked for it: a refusal is none of the thread's creation */
	start(1);
	assert_int_equal(k.last_nice, 0);
	assert_int_equal(k.priorities, 1);
	teardown(state);
	setup(state);
	set_online(0);
	z.opt.nice = -7;
	start(1);
	assert_int_equal(k.last_nice, -7);
	assert_int_equal(k.priorities, 0);
	teardown(state);
	setup(state);
	set_online(0);
	z.opt.policy = SCHED_RR;
	z.opt.priority = 30;
	start(1);
	assert_int_equal(k.last_policy, SCHED_RR);
	assert_int_equal(k.last_priority, 30);
	assert_int_equal(k.priorities, 0);
}

/* ---- CPUs that come later ---- */

static void new_cpu_has_its_threads(void **state)
{
	(void)state;
	/* without a mount there are none */
	zusd_zts_cpu_online(&z, 3);
	assert_int_equal(k.threads, 0);
	set_online(0);
	start(2);
	zusd_zts_cpu_online(&z, 3);
	assert_int_equal(k.threads, 4);
	assert_int_equal(k.pinned, 0);
	/* one that was away: its threads are elsewhere */
	zusd_zts_cpu_online(&z, 3);
	assert_int_equal(k.threads, 4);
	assert_int_equal(k.pinned, 2);
	assert_int_equal(k.last_pinned, 3);
	k.pin_err = -EINVAL;
	zusd_zts_cpu_online(&z, 0);
	assert_int_equal(k.pinned, 4);
	assert_int_equal(k.last_pinned, 0);
	zusd_zts_cpu_online(&z, CPUS - 1);
	assert_int_equal(k.threads, 6);
}

static void thread_that_is_missing_is_started(void **state)
{
	(void)state;
	set_online(0);
	set_online(1);
	k.bad_cpu = 1;
	k.open_err = -ENOMEM;
	start(1);
	k.open_err = 0;
	zusd_zts_cpu_online(&z, 1);
	assert_int_equal(k.pinned, 0);
	assert_int_equal(k.waiters, 2);
}

static void nonsense_and_the_end_start_nothing(void **state)
{
	(void)state;
	set_online(0);
	start(1);
	zusd_zts_cpu_online(&z, -1);
	zusd_zts_cpu_online(&z, CPUS);
	z.stopping = true;
	zusd_zts_cpu_online(&z, 1);
	assert_int_equal(k.threads, 1);
	assert_int_equal(k.pinned, 0);
}

static void after_lost_events_all_cpus_are_looked_at(void **state)
{
	(void)state;
	set_online(0);
	start(1);
	set_online(2);
	set_online(70);
	k.numa_err = -EIO;
	zusd_zts_all_online(&z);
	assert_int_equal(k.threads, 1);
	k.numa_err = 0;
	zusd_zts_all_online(&z);
	assert_int_equal(k.threads, 3);
	assert_int_equal(k.pinned, 1);
	assert_int_equal(k.last_pinned, 0);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_channel_of_an_online_cpu_has_a_thread),
		T(channels_have_a_number),
		T(a_cpu_may_fail),
		T(without_any_cpu_a_mount_fails),
		T(memory_for_them_may_be_missing),
		T(messages_are_dispatched_one_by_one),
		T(interruptions_do_not_count),
		T(errors_may_pass),
		T(errors_in_a_row_end_a_thread),
		T(some_errors_end_it_at_once),
		T(a_thread_at_work_does_not_end),
		T(threads_that_cannot_be_woken_are_left),
		T(threads_have_the_policy_of_the_options),
		T(new_cpu_has_its_threads),
		T(thread_that_is_missing_is_started),
		T(nonsense_and_the_end_start_nothing),
		T(after_lost_events_all_cpus_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
