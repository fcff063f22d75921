// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ending threads that sleep in the kernel: who is woken how often, and when it is given up.
 * daemon/stop.c is built here; the kernel, the clock and the wait are functions of the test, so
 * there is one thread and no time passes.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <zus/channel.h>

static int read_clock(clockid_t id, struct timespec *ts);
static int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t id,
		      const struct timespec *until);
static int wake(pthread_cond_t *cond);

#define clock_gettime		read_clock
#define pthread_cond_clockwait	wait_until
#define pthread_cond_signal	wake
#include "../../../daemon/stop.c"
#undef pthread_cond_signal

#define ROOT_FD	4711

static struct {
	const int *results;		/* of the breaks; INT_MAX: the last one, for ever */
	unsigned int breaks, waits, wakes;
	unsigned int leaves_at;		/* the wait in which one leaves; 0 = none does */
	struct timespec now, until;
} k;

int zus_break_all(int root_fd)
{
	assert_int_equal(root_fd, ROOT_FD);
	k.breaks++;
	if (!k.results)
		return 0;
	return k.results[1] == INT_MAX ? *k.results : *k.results++;
}

static int read_clock(clockid_t id, struct timespec *ts)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*ts = k.now;
	return 0;
}

static int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t id,
		      const struct timespec *until)
{
	(void)cond;
	assert_int_equal(id, CLOCK_MONOTONIC);
	k.until = *until;
	k.waits++;
	/* else this would wait for ever */
	assert_true(k.waits < 10000);
	if (k.waits != k.leaves_at)
		return ETIMEDOUT;
	pthread_mutex_unlock(mutex);
	zusd_waiter_leave(ZUSD_WAITER_ZT);
	pthread_mutex_lock(mutex);
	return 0;
}

static int wake(pthread_cond_t *cond)
{
	k.wakes++;
	return pthread_cond_signal(cond);
}

static int setup(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	return 0;
}

static void without_waiters_nobody_is_woken(void **state)
{
	(void)state;
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), 0);
	zusd_waiter_enter(ZUSD_WAITER_MOUNTER);
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), 0);
	zusd_waiter_leave(ZUSD_WAITER_MOUNTER);
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_MOUNTER), 0);
	assert_int_equal(k.breaks, 0);
	assert_int_equal(k.waits, 0);
}

/* Who went to sleep behind one break is woken by the next. */
static void waiters_are_woken_until_all_have_left(void **state)
{
	(void)state;
	zusd_waiter_enter(ZUSD_WAITER_ZT);
	zusd_waiter_enter(ZUSD_WAITER_MOUNTER);
	k.leaves_at = 3;
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), 0);
	assert_int_equal(k.breaks, 3);
	assert_int_equal(k.waits, 3);
	/* and tells it */
	assert_int_equal(k.wakes, 1);
	zusd_waiter_leave(ZUSD_WAITER_MOUNTER);
}

static void next_try_comes_a_little_later(void **state)
{
	static const struct { struct timespec now, until; } times[] = {
		{ { 5, 0 }, { 5, BREAK_PAUSE_NS } },
		{ { 5, 999999999 }, { 6, BREAK_PAUSE_NS - 1 } },
		{ { 5, 1000000000 - BREAK_PAUSE_NS }, { 6, 0 } },
		{ { 5, 999999999 - BREAK_PAUSE_NS }, { 5, 999999999 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(times); i++) {
		setup(state);
		k.now = times[i].now;
		k.leaves_at = 1;
		zusd_waiter_enter(ZUSD_WAITER_ZT);
		assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), 0);
		assert_int_equal(k.until.tv_sec, times[i].until.tv_sec);
		assert_int_equal(k.until.tv_nsec, times[i].until.tv_nsec);
	}
}

static void errors_in_a_row_are_the_end(void **state)
{
	static const int always[] = { -EIO, INT_MAX };

	(void)state;
	zusd_waiter_enter(ZUSD_WAITER_ZT);
	k.results = always;
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), -EIO);
	assert_int_equal(k.breaks, ERRORS_MAX);
	/* unless all have left meanwhile */
	setup(state);
	k.results = always;
	k.leaves_at = ERRORS_MAX;
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), 0);
}

static void success_between_errors_counts(void **state)
{
	static int results[2 * ERRORS_MAX + 2];
	int i;

	(void)state;
	for (i = 0; i < 2 * ERRORS_MAX; i++)
		results[i] = i == ERRORS_MAX - 1 ? 0 : -EIO;
	results[i] = 0;
	results[i + 1] = INT_MAX;
	k.results = results;
	k.leaves_at = 2 * ERRORS_MAX - 2;
	zusd_waiter_enter(ZUSD_WAITER_ZT);
	assert_int_equal(zusd_break_waiters(ROOT_FD, ZUSD_WAITER_ZT), 0);
	assert_int_equal(k.breaks, 2 * ERRORS_MAX - 2);
}

#define T(fn)	cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_waiters_nobody_is_woken),
		T(waiters_are_woken_until_all_have_left),
		T(next_try_comes_a_little_later),
		T(errors_in_a_row_are_the_end),
		T(success_between_errors_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
