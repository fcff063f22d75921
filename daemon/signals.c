// SPDX-License-Identifier: BSD-2-Clause
/*
 * Signals: TERM, INT, QUIT are read by main from a signalfd, a second INT or QUIT ends the
 * process; HUP, PIPE, USR1, USR2, ALRM are ignored; a crash prints a stack and aborts.
 *
 * Set up before any thread exists, so every thread inherits the mask. The crash handler uses
 * only what is safe there: write() and backtrace_symbols_fd(), whose library was loaded
 * before. It runs on a stack of its own: main's is here, those of other threads are made by
 * zus_thread_create. Of several threads that crash the first one speaks, the others wait for
 * its abort(). A load that a plugin has guarded (zus_t1_load) is no crash.
 *
 * A plugin that calls exit() would end the server without a word: it is told of as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zus/server.h>
#include "zusd.h"

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
static const int ignored_signals[] = { SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM };

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/* A number in decimal or hex without stdio. */
static void say_number(unsigned long v, unsigned int base)
{
	char text[24], *p = text + sizeof(text) - 1;

	*p = 0;
	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	say(p);
}

/* For whom the calling thread was at work. */
static void say_operation(void)
{
	char text[256];

	if (zus_current_op(text, sizeof(text))) {
		say(", in ");
		say(text);
	}
}

/* ---- exit ---- */

static bool exit_is_guarded;		/* atomic */

/* What exit() calls: to end the server is not for plugins. */
static void report_exit(void)
{
	if (!__atomic_load_n(&exit_is_guarded, __ATOMIC_ACQUIRE))
		return;
	say("<2>zusd: a plugin, or what it uses, has called exit()");
	say_operation();
	say("\n");
	_exit(1);
}

int zusd_guard_exit(bool on)
{
	static bool registered;

	if (!registered && (atexit(report_exit) || at_quick_exit(report_exit)))
		return -ENOMEM;
	registered = true;
	__atomic_store_n(&exit_is_guarded, on, __ATOMIC_RELEASE);
	return 0;
}

/* ---- crashes ---- */

/* Returns in the first thread that comes here, in no other. */
static void speak_alone(void)
{
	static pid_t speaker;		/* atomic */
	pid_t none = 0, me = gettid();

	if (__atomic_compare_exchange_n(&speaker, &none, me, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return;
	if (none == me)
		abort();		/* the handler itself has crashed */
	for (;;)
		pause();
}

static void crash(int sig, siginfo_t *info, void *context)
{
	void *frames[64];
	int n;

	if (zus_t1_load_failed(info, context))
		return;
	speak_alone();
	say("<2>zusd: crashed by signal ");
	say_number((unsigned long)sig, 10);
	say(" at address 0x");
	say_number((unsigned long)info->si_addr, 16);
	if (sig == SIGBUS)
		say(info->si_code == BUS_MCEERR_AR || info->si_code == BUS_MCEERR_AO ?
		    ": memory error of the device" : ": touched an unmapped page");
	say_operation();
	say(", stack:\n");
	n = backtrace(frames, 64);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	abort();
}

static void set_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static char stack_of_main[64 << 10];
	const stack_t stack = { .ss_sp = stack_of_main, .ss_size = sizeof(stack_of_main) };
	stack_t old;
	void *frame;
	size_t i;

	if (!sigaltstack(NULL, &old) && old.ss_flags & SS_DISABLE)
		sigaltstack(&stack, NULL);
	backtrace(&frame, 1);	/* loads what the handler will need */
	for (i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
		sigaction(crash_signals[i], &sa, NULL);
	for (i = 0; i < sizeof(ignored_signals) / sizeof(ignored_signals[0]); i++)
		signal(ignored_signals[i], SIG_IGN);
}

int zusd_signals_init(void)
{
	sigset_t set;
	int fd;

	set_handlers();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void zusd_signals_release(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
