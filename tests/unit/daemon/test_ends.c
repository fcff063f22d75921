// SPDX-License-Identifier: BSD-2-Clause
/*
 * How zusd ends: a crash of any thread prints one stack and aborts, a second ^C ends at once, and
 * threads that cannot be woken are not waited for. What ends does so in a child.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "zusd.h"

#define CRASHERS	4

static char said[1 << 16];		/* by the last child */

/* A sanitizer's stacks for signals would be in the way of zusd's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

/* Runs fn in a child that is killed when it says nothing for a minute; what it says is in said. */
static int status_of(void (*fn)(void))
{
	struct pollfd p = { .events = POLLIN };
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
		fn();
		_exit(0);
	}
	close(fds[1]);
	p.fd = fds[0];
	while (poll(&p, 1, 60000) == 1 &&
	       (n = read(fds[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = 0;
	close(fds[0]);
	if (!p.revents)
		kill(pid, SIGKILL);
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

/* While it prints the stack of one crash it has another one. */
static bool printing_crashes;

void backtrace_symbols_fd(void *const *frames, int n, int fd)
{
	static void (*next)(void *const *frames, int n, int fd);

	if (printing_crashes)
		raise(SIGBUS);
	if (!next)
		next = (void (*)(void *const *, int, int))dlsym(RTLD_NEXT, "backtrace_symbols_fd");
	next(frames, n, fd);
}

static void crash_twice(void)
{
	printing_crashes = true;
	if (zusd_signals_init() >= 0)
		raise(SIGSEGV);
}

static void crash_of_the_handler_ends_it(void **state)
{
	int status;

	(void)state;
	status = status_of(crash_twice);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(times_said("crashed by"), 1);
}

static void touch_a_hole(void)
{
	int fd = memfd_create("empty", 0);
	volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (zusd_signals_init() >= 0 && p != MAP_FAILED)
		(void)*p;
}

static void touch_bad_memory(void)
{
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AR };

	if (zusd_signals_init() >= 0)
		syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info);
}

static void reason_of_a_bus_error_is_told(void **state)
{
	(void)state;
	status_of(touch_a_hole);
	assert_int_equal(times_said("crashed by signal 7 at address 0x"), 1);
	assert_int_equal(times_said(": touched an unmapped page, stack:\n"), 1);
	status_of(touch_bad_memory);
	assert_int_equal(times_said("crashed by signal 7 at address 0x0: memory error of the "
				    "device, stack:\n"), 1);
	/* which is none of other crashes */
	status_of(overflow_in_main);
	assert_int_equal(times_said("unmapped page"), 0);
}

/* Who has a stack for signals (a sanitizer) keeps it. */
static void have_a_stack(void)
{
	static char own[64 << 10];
	const stack_t stack = { .ss_sp = own, .ss_size = sizeof(own) };
	stack_t found;

	if (sigaltstack(&stack, NULL) || zusd_signals_init() < 0 || sigaltstack(NULL, &found))
		_exit(1);
	_exit(found.ss_sp != own);
}

static void stack_of_somebody_else_stays(void **state)
{
	(void)state;
	assert_int_equal(status_of(have_a_stack), 0);
}

/* ---- signals to end ---- */

static bool is_blocked(int number)
{
	sigset_t set;

	return !pthread_sigmask(SIG_BLOCK, NULL, &set) && sigismember(&set, number);
}

static bool is_ignored(int number)
{
	struct sigaction sa;

	return !sigaction(number, NULL, &sa) && sa.sa_handler == SIG_IGN;
}

/* What is not initialized is not 0 by luck. */
static __attribute__((noinline)) void dirty_the_stack(void)
{
	volatile char dirt[4096];

	memset((void *)dirt, 0xff, sizeof(dirt));
}

/* 0: signals are what they should be; else which ones are not. */
static int look_at_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM };
	size_t i;

	dirty_the_stack();
	if (zusd_signals_init() < 0)
		return 1;
	if (!is_blocked(SIGTERM) || !is_blocked(SIGINT) || !is_blocked(SIGQUIT))
		return 2;
	if (is_blocked(SIGSEGV) || is_blocked(SIGCHLD))
		return 3;
	for (i = 0; i < ARRAY_LEN(ignored); i++)
		if (!is_ignored(ignored[i]))
			return 4;
	dirty_the_stack();
	zusd_signals_release();
	return is_blocked(SIGTERM) && !is_blocked(SIGINT) && !is_blocked(SIGQUIT) ? 0 : 5;
}

static void look_and_exit(void)
{
	_exit(look_at_signals());
}

static void signals_are_read_or_ignored(void **state)
{
	int status = status_of(look_and_exit);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Any number is a descriptor, and without one it is an error. */
static void want_descriptors(void)
{
	const struct rlimit none = { 0, 0 };

	close(0);
	errno = EPERM;
	if (zusd_signals_init() || setrlimit(RLIMIT_NOFILE, &none))
		_exit(1);
	_exit(zusd_signals_init() != -EMFILE);
}

static void descriptor_of_signals_may_be_missing(void **state)
{
	(void)state;
	assert_int_equal(status_of(want_descriptors), 0);
}

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
		cmocka_unit_test(crash_of_the_handler_ends_it),
		cmocka_unit_test(reason_of_a_bus_error_is_told),
		cmocka_unit_test(stack_of_somebody_else_stays),
		cmocka_unit_test(signals_are_read_or_ignored),
		cmocka_unit_test(descriptor_of_signals_may_be_missing),
		cmocka_unit_test(second_interrupt_ends_at_once),
		cmocka_unit_test(waking_that_fails_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
