/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads for plugins and for the daemon, and what a running operation may ask about itself.
 *
 * Background threads are started at mount and must be joined before umount returns.
 * zus_signal_pending and zus_current_cpu speak of the calling thread.
 */
#ifndef ZUS_THREAD_H
#define ZUS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_thread;

struct zus_thread_attr {
	const char *name;		/* at most 15 characters are shown */
	int cpu;			/* pinned to it; -1 = anywhere */
	int policy;			/* SCHED_OTHER, SCHED_RR, SCHED_FIFO */
	int priority;			/* of RR and FIFO */
	int nice;			/* of OTHER */
};

#define ZUS_THREAD_ATTR_INIT { .name = "zus", .cpu = -1, .policy = 0, .priority = 0, .nice = 0 }

/* Starts fn(arg). 0 or -errno (also when the CPU or the policy is refused). */
int zus_thread_create(struct zus_thread **thread, const struct zus_thread_attr *attr,
		      void *(*fn)(void *arg), void *arg);
/* Waits for its end, returns what fn returned and frees the handle. */
void *zus_thread_join(struct zus_thread *thread);
/* Pins a running thread anew; 0 or -errno. */
int zus_thread_pin(struct zus_thread *thread, int cpu);

/* The CPU of the calling thread: that of its channel for a ZT, else where it runs now. */
int zus_current_cpu(void);

/*
 * True if the application that waits for the current operation got a signal. A long operation asks
 * now and then and returns -EINTR or a short result. False outside of an operation.
 */
bool zus_signal_pending(void);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_THREAD_H */
