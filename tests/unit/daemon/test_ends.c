// SPDX-License-Identifier: BSD-2-Clause
/*
 * How zusd ends: a crash of any thread prints one stack and aborts, a second ^C ends at once, and
 * threads that cannot be woken are not waited for. What ends does so in a child.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "zusd.h"

#define CRASHERS	4

static char said[1 << 16];		/* by the last child */

/* Runs fn in a child that is killed after a minute; what it says is in said. */
static int status_of(void (*fn)(void))
{
	size_t len = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		alarm(60);
		fn();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static unsigned int times_said(const char *text)
{
	const char *at = said;
	unsigned int n;

	for (n = 0; (at = strstr(at, text)); n++)
		at += strlen(text);
	return n;
}

static void assert_told_of_a_crash(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(times_said("crashed by signal 11"), 1);
	assert_int_equal(times_said("stack:"), 1);
	/* and its lines after that */
	assert_true(strlen(strstr(said, "stack:")) > strlen("stack:\n"));
}

/* ---- crashes ---- */

static volatile bool enough;		/* never */

static int no_end(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return enough ? depth : no_end(depth + 1) + frame[0];
}

static void *overflow(void *arg)
{
	(void)arg;
	no_end(0);
	return NULL;
}

static void overflow_in_thread(void)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t;

	if (zusd_signals_init() >= 0 && !zus_thread_create(&t, &attr, overflow, NULL))
		zus_thread_join(t);
}

static void overflow_in_main(void)
{
	if (zusd_signals_init() >= 0)
		overflow(NULL);
}

static void stack_overflow_prints_a_stack(void **state)
{
	(void)state;
	assert_told_of_a_crash(status_of(overflow_in_thread));
	assert_told_of_a_crash(status_of(overflow_in_main));
}

static pthread_barrier_t together;

static void *crash_together(void *arg)
{
	pthread_barrier_wait(&together);
	pthread_kill(pthread_self(), SIGSEGV);
	return arg;
}

static void crash_in_threads(void)
{
	const struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct zus_thread *t[CRASHERS];
	int i;

	pthread_barrier_init(&together, NULL, CRASHERS);
	if (zusd_signals_init() < 0)
		return;
	for (i = 0; i < CRASHERS; i++)
		zus_thread_create(&t[i], &attr, crash_together, NULL);
	for (i = 0; i < CRASHERS; i++)
		zus_thread_join(t[i]);
}

static void of_threads_that_crash_together_one_speaks(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		assert_told_of_a_crash(status_of(crash_in_threads));
}

/* ---- signals to end ---- */

static void read_signal(int fd, unsigned int wanted)
{
	struct signalfd_siginfo si;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 10000) != 1 || read(fd, &si, sizeof(si)) != sizeof(si) ||
	    si.ssi_signo != wanted)
		_exit(1);
}

static void interrupt_twice(void)
{
	int fd = zusd_signals_init();

	/* who was started in the background has it ignored */
	signal(SIGINT, SIG_DFL);
	kill(getpid(), SIGINT);
	read_signal(fd, SIGINT);
	zusd_signals_release();
	/* a wrapper may send it twice */
	kill(getpid(), SIGTERM);
	read_signal(fd, SIGTERM);
	kill(getpid(), SIGINT);
	_exit(2);
}

static void second_interrupt_ends_at_once(void **state)
{
	int status;

	(void)state;
	status = status_of(interrupt_twice);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

/* ---- threads that cannot be woken ---- */

static void waking_that_fails_has_an_end(void **state)
{
	(void)state;
	assert_int_equal(zusd_break_waiters(-1, ZUSD_WAITER_ZT), 0);
	zusd_waiter_enter(ZUSD_WAITER_ZT);
	alarm(60);
	assert_int_equal(zusd_break_waiters(-1, ZUSD_WAITER_ZT), -EBADF);
	alarm(0);
	/* of the others none is there */
	assert_int_equal(zusd_break_waiters(-1, ZUSD_WAITER_MOUNTER), 0);
	zusd_waiter_leave(ZUSD_WAITER_ZT);
	assert_int_equal(zusd_break_waiters(-1, ZUSD_WAITER_ZT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_overflow_prints_a_stack),
		cmocka_unit_test(of_threads_that_crash_together_one_speaks),
		cmocka_unit_test(second_interrupt_ends_at_once),
		cmocka_unit_test(waking_that_fails_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
