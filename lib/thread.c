// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads with a name, a CPU and a scheduling policy, and what the calling thread is doing.
 *
 * The attributes are applied by the new thread itself before it calls its function, and
 * the creator waits for the outcome, so a refused CPU or policy is an error of
 * zus_thread_create. A handle belongs to its creator.
 */
#define _GNU_SOURCE
#include <zus/thread.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "internal.h"

struct zus_thread {
	pthread_t tid;
	void *(*fn)(void *arg);
	void *arg;
	struct zus_thread_attr attr;
	sem_t ready;			/* posted once, after err is set */
	int err;
};

/* Written twice per operation: initial-exec spares the call that finds them. */
#define HOT_TLS	static __thread __attribute__((tls_model("initial-exec")))

HOT_TLS const struct zufs_ioc_hdr *cur_hdr;
HOT_TLS int cur_cpu = -1;

void zus_thread_set_op(const struct zufs_ioc_hdr *hdr, int cpu)
{
	cur_hdr = hdr;
	cur_cpu = cpu;
}

int zus_current_cpu(void)
{
	return cur_cpu >= 0 ? cur_cpu : sched_getcpu();
}

bool zus_signal_pending(void)
{
	const struct zufs_ioc_hdr *hdr = cur_hdr;

	return hdr && __atomic_load_n(&hdr->flags, __ATOMIC_RELAXED) & ZUFS_H_INTR;
}

static int pin(pthread_t tid, int cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(tid, sizeof(set), &set);
}

static int apply_attr(const struct zus_thread_attr *a)
{
	struct sched_param param = { .sched_priority = a->priority };
	char name[16];
	int err;

	snprintf(name, sizeof(name), "%s", a->name ? a->name : "zus");
	pthread_setname_np(pthread_self(), name);
	if (a->cpu >= 0) {
		err = pin(pthread_self(), a->cpu);
		if (err)
			return err;
	}
	if (a->policy == SCHED_RR || a->policy == SCHED_FIFO)
		return -pthread_setschedparam(pthread_self(), a->policy, &param);
	/* who = 0 is the calling thread: the nice value of Linux is per thread */
	if (a->nice && setpriority(PRIO_PROCESS, 0, a->nice))
		return -errno;
	return 0;
}

static void *thread_main(void *arg)
{
	struct zus_thread *t = arg;
	int err = apply_attr(&t->attr);

	t->err = err;
	sem_post(&t->ready);
	return err ? NULL : t->fn(t->arg);
}

int zus_thread_create(struct zus_thread **thread, const struct zus_thread_attr *attr,
		      void *(*fn)(void *arg), void *arg)
{
	struct zus_thread *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->arg = arg;
	t->attr = *attr;
	sem_init(&t->ready, 0, 0);
	err = -pthread_create(&t->tid, NULL, thread_main, t);
	if (err)
		goto err_free;
	while (sem_wait(&t->ready) && errno == EINTR)
		;
	if (t->err) {
		err = t->err;
		pthread_join(t->tid, NULL);
		goto err_free;
	}
	*thread = t;
	return 0;

err_free:
	sem_destroy(&t->ready);
	free(t);
	return err;
}

void *zus_thread_join(struct zus_thread *t)
{
	void *ret = NULL;

	pthread_join(t->tid, &ret);
	sem_destroy(&t->ready);
	free(t);
	return ret;
}

int zus_thread_pin(struct zus_thread *t, int cpu)
{
	return pin(t->tid, cpu);
}
