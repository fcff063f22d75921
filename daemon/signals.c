// SPDX-License-Identifier: BSD-2-Clause
/*
 * Signals: TERM, INT, QUIT are read by main from a signalfd; HUP, PIPE, USR1, USR2, ALRM are
 * ignored; a crash prints a stack and aborts.
 *
 * Set up before any thread exists, so every thread inherits the mask. The crash handler uses
 * only what is safe there: write() and backtrace_symbols_fd(), whose library was loaded
 * before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
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

static void crash(int sig, siginfo_t *info, void *context)
{
	void *frames[64];
	int n;

	(void)context;
	say("<2>zusd: crashed by signal ");
	say_number((unsigned long)sig, 10);
	say(" at address 0x");
	say_number((unsigned long)info->si_addr, 16);
	if (sig == SIGBUS)
		say(info->si_code == BUS_MCEERR_AR || info->si_code == BUS_MCEERR_AO ?
		    ": memory error of the device" : ": touched an unmapped page");
	say(", stack:\n");
	n = backtrace(frames, 64);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	abort();
}

static void set_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_RESETHAND };
	void *frame;
	size_t i;

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
