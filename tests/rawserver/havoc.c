// SPDX-License-Identifier: BSD-2-Clause
/*
 * havoc.c - actions of rules that hang, kill, and take threads and memory away
 *
 * Called by rule.c on the ZT of the message, without raw_lock. A thread that an
 * action leaves behind ends by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "spoil.h"

static pthread_cond_t release = PTHREAD_COND_INITIALIZER;
static unsigned long release_count;

static void do_hang(struct spoil *s)
{
	unsigned long now;

	raw_lock();
	now = release_count;
	raw_stats.hangs++;
	raw_note("hangs %s", raw_op_name(s->op));
	while (release_count == now)
		pthread_cond_wait(&release, &raw_mutex);
	raw_note("released %s intr %d", raw_op_name(s->op),
		 !!(s->hdr->flags & ZUFS_H_INTR));
	raw_unlock();
}

/* This thread ends, and nothing else: its channel and its files stay. */
static void do_leave(struct spoil *s)
{
	raw_lock();
	raw_note("leaves %s", raw_op_name(s->op));
	raw_unlock();
	pthread_exit(NULL);
}

void raw_release(void)
{
	release_count++;
	raw_stats.hangs = 0;
	pthread_cond_broadcast(&release);
}

/* A slow server: this is the behaviour under test, not a way to wait for something. */
static void do_delay(struct spoil *s)
{
	struct timespec time = { .tv_nsec = raw_number(s->arg) % 1000 * 1000000,
				 .tv_sec = raw_number(s->arg) / 1000 };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

static void do_exit(struct spoil *s)
{
	(void)s;
	_exit(0);
}

static void do_kill(struct spoil *s)
{
	(void)s;
	kill(getpid(), SIGKILL);
}

static void do_closefd(struct spoil *s)
{
	if (!s->zt)
		return;
	close(s->zt->fd);
	s->zt->fd = -1;
}

static void do_unwindow(struct spoil *s)
{
	/* once: what is mapped there later is not the window */
	if (!s->zt || s->zt->window_gone)
		return;
	s->zt->window_gone = true;
	munmap(s->zt->window, ZUS_API_MAP_MAX_SIZE);
}

static void do_uncmd(struct spoil *s)
{
	if (!s->zt || s->zt->cmd_gone)
		return;
	s->zt->cmd_gone = true;
	munmap(s->zt->cmd, raw_config.max_command);
}

struct second {
	struct raw_zt *zt;
	long times;
};

/* Not the ZT: it answers for it, and waits for messages that are the ZT's. */
static void *second_answerer(void *data)
{
	struct second *second = data;
	int first_errno = 0;
	long i;

	for (i = 0; i < second->times; i++) {
		if (ioctl(second->zt->fd, ZU_IOC_WAIT_OPT, second->zt->cmd) < 0 && !first_errno)
			first_errno = errno;
	}
	raw_lock();
	raw_note("second answer: %s", first_errno ? strerrorname_np(first_errno) : "taken");
	raw_unlock();
	return NULL;
}

static void do_twice(struct spoil *s)
{
	struct second second = { s->zt, (long)raw_number(s->arg) };
	int32_t err = s->hdr->err;
	pthread_t thread;

	if (s->zt && !pthread_create(&thread, NULL, second_answerer, &second))
		pthread_join(thread, NULL);
	s->hdr->err = err;	/* the ioctl's own error lies there now */
}

struct scribble {
	unsigned char *buf;
	long ms;
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Rewrites a whole command buffer while the kernel and the ZT use it. */
static void *scribbler(void *data)
{
	struct scribble *sc = data;
	long end = now_ms() + sc->ms;
	unsigned int seed = 12345, i;

	do {
		for (i = 0; i < raw_config.max_command; i++) {
			seed = seed * 1103515245 + 12345;
			((volatile unsigned char *)sc->buf)[i] = (unsigned char)(seed >> 16);
		}
	} while (now_ms() < end);
	raw_lock();
	raw_note("scribbled");
	raw_unlock();
	free(sc);
	return NULL;
}

static void do_scribble(struct spoil *s)
{
	struct scribble *sc = malloc(sizeof(*sc));
	pthread_t thread;

	if (!sc || !s->zt) {
		free(sc);
		return;
	}
	sc->buf = (void *)s->zt->cmd;
	sc->ms = (long)raw_number(s->arg);
	if (pthread_create(&thread, NULL, scribbler, sc))
		free(sc);
	else
		pthread_detach(thread);
}

/* ---- looking at the window ---- */

struct look {
	volatile char *at;
	bool write;
};

static void look(void *data)
{
	struct look *l = data;

	if (l->write)
		*l->at = 'X';
	else
		(void)*l->at;
}

static bool can(volatile char *at, bool write)
{
	struct look l = { at, write };

	return raw_trapped(look, &l);
}

/* Which pages of the window are there, and may the data be written? */
static void do_look(struct spoil *s)
{
	unsigned int page, low = 0, high = 0, first = s->hdr->offset / ZUFS_PAGE_SIZE;
	unsigned int end = (s->hdr->offset + s->hdr->len + ZUFS_PAGE_SIZE - 1) / ZUFS_PAGE_SIZE;
	bool writable = can(s->zt->window + s->hdr->offset, true);

	for (page = 0; page < ZUS_API_MAP_MAX_PAGES; page++) {
		bool there = can(s->zt->window + (size_t)page * ZUFS_PAGE_SIZE, false);

		if (there && page < first)
			low++;
		if (there && page >= end)
			high++;
	}
	raw_lock();
	raw_note("look %s pages %u..%u writable %d below %u above %u", raw_op_name(s->op),
		 first, end, writable, low, high);
	raw_unlock();
}

const struct raw_action raw_havoc_actions[] = {
	{ "hang", do_hang, false }, { "delay", do_delay, false }, { "exit", do_exit, false },
	{ "kill", do_kill, false }, { "closefd", do_closefd, false }, { "leave", do_leave, false },
	{ "unwindow", do_unwindow, false }, { "uncmd", do_uncmd, false },
	{ "twice", do_twice, false },
	{ "scribble", do_scribble, false }, { "look", do_look, false },
	{ "storm", raw_do_storm, false }, { "poke", raw_do_poke, false },
	{ NULL, NULL, false },
};
