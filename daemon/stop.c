// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ending threads that sleep in the kernel.
 *
 * A thread checks the stop flag and then waits in an ioctl; BREAK_ALL wakes who waits at
 * that moment, so it is repeated until every thread has left, or it keeps failing. The count
 * of waiters and its condition are guarded by one mutex.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include "zusd.h"

#define BREAK_PAUSE_NS	20000000	/* when to break again if nobody has left */
#define ERRORS_MAX	50		/* in a row */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static unsigned int waiters[ZUSD_WAITER_KINDS];	/* under lock */

void zusd_waiter_enter(enum zusd_waiter kind)
{
	pthread_mutex_lock(&lock);
	waiters[kind]++;
	pthread_mutex_unlock(&lock);
}

void zusd_waiter_leave(enum zusd_waiter kind)
{
	pthread_mutex_lock(&lock);
	waiters[kind]--;
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&lock);
}

static struct timespec next_try(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += BREAK_PAUSE_NS;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

int zusd_break_waiters(int root_fd, enum zusd_waiter kind)
{
	unsigned int errors = 0;
	struct timespec until;
	int err = 0;

	pthread_mutex_lock(&lock);
	while (waiters[kind] && errors < ERRORS_MAX) {
		pthread_mutex_unlock(&lock);
		err = zus_break_all(root_fd);
		errors = err ? errors + 1 : 0;
		until = next_try();
		pthread_mutex_lock(&lock);
		if (waiters[kind])
			pthread_cond_clockwait(&left, &lock, CLOCK_MONOTONIC, &until);
	}
	if (!waiters[kind])
		err = 0;
	pthread_mutex_unlock(&lock);
	return err;
}
