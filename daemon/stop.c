// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ending threads that sleep in the kernel.
 *
 * A thread checks the stop flag and then waits in an ioctl; BREAK_ALL wakes who waits at
 * that moment, so it is repeated until every thread has left. The count of waiters and its
 * condition are guarded by one mutex.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include "zusd.h"

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

/* When to break again if nobody has left. */
static struct timespec next_try(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

void zusd_break_waiters(int root_fd, enum zusd_waiter kind)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	while (waiters[kind]) {
		pthread_mutex_unlock(&lock);
		zus_break_all(root_fd);
		until = next_try();
		pthread_mutex_lock(&lock);
		if (waiters[kind])
			pthread_cond_timedwait(&left, &lock, &until);
	}
	pthread_mutex_unlock(&lock);
}
