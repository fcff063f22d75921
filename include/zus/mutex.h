/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes for plugins, with priority inheritance: who holds one runs with the priority of those
 * who wait for it.
 *
 * Threads that serve channels may be real-time threads that are pinned to their CPU (zus/fs.h,
 * "Threads"). One of these would wait for ever for a background thread that holds the mutex and
 * never runs, because a third thread of the CPU has more priority than it. For the same reason
 * nobody may spin. A mutex lies in ordinary memory, never in T1. A condition variable can be used
 * with it (pthread_cond_wait with &m->mutex).
 */
#ifndef ZUS_MUTEX_H
#define ZUS_MUTEX_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_mutex {
	pthread_mutex_t mutex;
};

/* 0, or -errno: -EOPNOTSUPP if the system has no such mutexes, -ENOMEM. */
static inline int zus_mutex_init(struct zus_mutex *m)
{
	pthread_mutexattr_t attr;
	int err = pthread_mutexattr_init(&attr);

	if (err)
		return -err;
	err = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (!err)
		err = pthread_mutex_init(&m->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}

/* Nobody has it. */
static inline void zus_mutex_destroy(struct zus_mutex *m)
{
	pthread_mutex_destroy(&m->mutex);
}

/* Sleeps until it is free. The caller does not have it already. */
static inline void zus_mutex_lock(struct zus_mutex *m)
{
	if (pthread_mutex_lock(&m->mutex))
		abort();	/* no mutex: to go on without it would be worse */
}

/* True: the caller has it now. Does not wait. */
static inline bool zus_mutex_trylock(struct zus_mutex *m)
{
	return !pthread_mutex_trylock(&m->mutex);
}

/* Only by the thread that has it. */
static inline void zus_mutex_unlock(struct zus_mutex *m)
{
	if (pthread_mutex_unlock(&m->mutex))
		abort();
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_MUTEX_H */
