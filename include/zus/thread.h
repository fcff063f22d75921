/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads for plugins and for the daemon, and what a running operation may ask about itself.
 *
 * Background threads are started at mount and must be joined before umount returns:
 *
 *	static void *tier(void *arg)		zus_env_thread_create(env, &t, &attr, tier, sb);
 *	{					...
 *		while (zus_thread_wait(SECOND))	zus_thread_wake(t);	space is low
 *			move_cold_blocks(arg);	...
 *		return NULL;			zus_thread_stop(t);
 *	}					zus_env_thread_join(env, t);
 *
 * Functions without a handle speak of the calling thread.
 */
#ifndef ZUS_THREAD_H
#define ZUS_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_thread;

struct zus_thread_attr {
	const char *name;		/* at most 15 characters are shown */
	int cpu;			/* pinned to it; -1 = the process's; ZUS_THREAD_NODE */
	int policy;			/* SCHED_OTHER, SCHED_RR, SCHED_FIFO */
	int priority;			/* of RR and FIFO */
	int nice;			/* of OTHER; 0 = the process's */
};

/* For the cpu of the attributes: any CPU of a NUMA node (the one near to a device, say). */
#define ZUS_THREAD_NODE(node)	(-2 - (node))

#define ZUS_THREAD_ATTR_INIT { .name = "zus", .cpu = -1, .policy = 0, .priority = 0, .nice = 0 }

/*
 * Starts fn(arg). 0 or -errno (also when the CPU or the policy is refused, and -EAGAIN when there
 * are too many, see zus_thread_number). Of CPU, policy and
 * nice value nothing comes from the calling thread, which may be a ZT: what is left out of the
 * attributes is that of the process, its main thread. (pthread_create makes a thread that
 * stays on the CPU of its creator, before all others there.) The thread has a stack for
 * signal handlers of its own.
 */
int zus_thread_create(struct zus_thread **thread, const struct zus_thread_attr *attr,
		      void *(*fn)(void *arg), void *arg);
/* Waits for its end, returns what fn returned and frees the handle. */
void *zus_thread_join(struct zus_thread *thread);

/*
 * The same two for plugins, through their environment: a test can refuse a thread, and knows which
 * there are. Threads that end as soon as they are asked to (zus_thread_wait, or
 * zus_thread_should_stop now and then) can be ended by a test as well.
 */
static inline int zus_env_thread_create(const struct zus_env *env, struct zus_thread **thread,
					const struct zus_thread_attr *attr,
					void *(*fn)(void *arg), void *arg)
{
	if (!ZUS_ENV_HAS(env, thread_create))
		return zus_thread_create(thread, attr, fn, arg);
	return env->thread_create(env, thread, attr, fn, arg);
}

static inline void *zus_env_thread_join(const struct zus_env *env, struct zus_thread *thread)
{
	if (!ZUS_ENV_HAS(env, thread_join))
		return zus_thread_join(thread);
	return env->thread_join(env, thread);
}

/* Pins a running thread anew; 0 or -errno. */
int zus_thread_pin(struct zus_thread *thread, int cpu);

/* Asks it to end: its wait ends, and every later one at once. The caller joins it then. */
void zus_thread_stop(struct zus_thread *thread);
/* Ends its wait, or else the next one. */
void zus_thread_wake(struct zus_thread *thread);

/*
 * Sleeps until it is woken, asked to end, or so many ns have passed (negative: no limit). False:
 * it was asked to end. For threads of zus_thread_create; others get false at once.
 */
bool zus_thread_wait(int64_t timeout_ns);
/* Within long work: was the calling thread asked to end? */
bool zus_thread_should_stop(void);

/* Threads besides those that serve channels which may have a number at one time. */
#define ZUS_THREADS_OTHER	256

/*
 * The number of the calling thread, the smallest one that was free: no other thread that is alive
 * has it, and it stays the same until the thread ends. Every thread has one, those that serve
 * (each channel of a CPU has a thread of its own), those of zus_thread_create (from their creation
 * until they are joined), the one that mounts and unmounts, and whoever else asks. It is less than
 * num_threads of struct zus_mount, so it can be an index: of a log, a cache, a counter. A few
 * instructions. With more than ZUS_THREADS_OTHER threads that serve no channel, zus_thread_create
 * is -EAGAIN, and the question of a thread that is neither aborts.
 */
unsigned int zus_thread_number(void);

/* The CPU of the calling thread: that of its channel for a ZT, else where it runs now. */
int zus_current_cpu(void);

/*
 * True if the application that waits for the current operation got a signal. A long operation asks
 * now and then and returns a short result, or -EINTR if it has done nothing: the system call
 * (but ioctl) starts anew when the signal was none that the application hears of, or its handler
 * has SA_RESTART. Of fallocate and truncate only a fatal one is told. False outside of an
 * operation.
 */
bool zus_signal_pending(void);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_THREAD_H */
