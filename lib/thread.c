// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads with a name, a CPU and a scheduling policy, and what the calling thread is doing.
 *
 * The attributes are applied by the new thread itself before it calls its function, and
 * the creator waits for the outcome, so a refused CPU or policy is an error of
 * zus_thread_create. A handle belongs to its creator. A new thread starts with the CPU, policy
 * and nice value of its creator, which may be a ZT: what the attributes do not say is
 * taken from the process (its main thread) instead.
 */
#define _GNU_SOURCE
#include <zus/thread.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "internal.h"

/* What a handler of a crash needs to print a stack, with room to spare. */
#define SIGNAL_STACK_BYTES	(64UL << 10)

struct zus_thread {
	pthread_t tid;
	void *(*fn)(void *arg);
	void *arg;
	struct zus_thread_attr attr;
	unsigned int number;		/* see number.c */
	sem_t ready;			/* posted once, after err is set */
	int err;
	pthread_mutex_t lock;		/* the three below */
	pthread_cond_t event;
	bool woken;
	bool stop;
};

/* Written twice per operation: initial-exec spares the call that finds them. */
#define HOT_TLS	static __thread __attribute__((tls_model("initial-exec")))

HOT_TLS const struct zufs_ioc_hdr *cur_hdr;
HOT_TLS int cur_cpu = -1;
HOT_TLS struct zus_thread *self;

void zus_thread_set_op(const struct zufs_ioc_hdr *hdr, int cpu)
{
	cur_hdr = hdr;
	cur_cpu = cpu;
}

const struct zufs_ioc_hdr *zus_thread_op(void)
{
	return cur_hdr;
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

/* The CPUs of a node as "0-3,8"; a machine without nodes has all of them in node 0. */
static int node_cpus(int node, cpu_set_t *set)
{
	char path[64];
	int from, to, found;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	f = fopen(path, "re");
	if (!f)
		return node ? -EINVAL : 0;
	CPU_ZERO(set);
	while (fscanf(f, "%d", &from) == 1) {
		found = fscanf(f, "-%d", &to);
		for (to = found == 1 ? to : from; from <= to && from < CPU_SETSIZE; from++)
			CPU_SET(from, set);
		if (fgetc(f) != ',')
			break;
	}
	fclose(f);
	return 0;
}

/* The CPUs that the process may use, whoever of its threads asks. */
static int process_cpus(cpu_set_t *set)
{
	return sched_getaffinity(getpid(), sizeof(*set), set) ? -errno : 0;
}

static int pin_by_attr(int cpu)
{
	cpu_set_t set;
	int err;

	if (cpu >= 0)
		return pin(pthread_self(), cpu);
	err = process_cpus(&set);
	if (!err && cpu < -1)
		err = node_cpus(-2 - cpu, &set);
	return err ? err : -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* 0 is that of the process, and then a refusal (its creator had a higher one) is no error. */
static int set_nice(int nice)
{
	/* who = 0 is the calling thread: the nice value of Linux is per thread */
	if (nice)
		return setpriority(PRIO_PROCESS, 0, nice) ? -errno : 0;
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, (id_t)getpid()));
	return 0;
}

static int apply_attr(const struct zus_thread_attr *a)
{
	struct sched_param param = { .sched_priority = a->priority };
	char name[16];
	int err;

	snprintf(name, sizeof(name), "%s", a->name ? a->name : "zus");
	pthread_setname_np(pthread_self(), name);
	err = pin_by_attr(a->cpu);
	if (err)
		return err;
	if (a->policy == SCHED_RR || a->policy == SCHED_FIFO)
		return -pthread_setschedparam(pthread_self(), a->policy, &param);
	param.sched_priority = 0;
	err = -pthread_setschedparam(pthread_self(), SCHED_OTHER, &param);
	return err ? err : set_nice(a->nice);
}

/*
 * A stack for handlers of signals: who overflows its own can still say so. Without memory for
 * it there is none. What somebody else (a sanitizer) has installed stays.
 */
static void *signal_stack_install(void)
{
	stack_t old, stack = { .ss_size = SIGNAL_STACK_BYTES };

	if (sigaltstack(NULL, &old) || !(old.ss_flags & SS_DISABLE))
		return NULL;
	stack.ss_sp = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return NULL;
	if (!sigaltstack(&stack, NULL))
		return stack.ss_sp;
	munmap(stack.ss_sp, SIGNAL_STACK_BYTES);
	return NULL;
}

static void signal_stack_remove(void *sp)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	if (sp && !sigaltstack(&none, NULL))
		munmap(sp, SIGNAL_STACK_BYTES);
}

static void *thread_main(void *arg)
{
	struct zus_thread *t = arg;
	int err = apply_attr(&t->attr);
	void *stack, *ret;

	self = t;
	zus_thread_number_set_own(t->number);
	t->err = err;
	sem_post(&t->ready);
	if (err)
		return NULL;
	stack = signal_stack_install();
	ret = t->fn(t->arg);
	signal_stack_remove(stack);
	return ret;
}

static void init_event(struct zus_thread *t)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->event, &attr);
	pthread_condattr_destroy(&attr);
}

static void thread_free(struct zus_thread *t)
{
	zus_thread_number_give(t->number);
	pthread_cond_destroy(&t->event);
	pthread_mutex_destroy(&t->lock);
	sem_destroy(&t->ready);
	free(t);
}

int zus_thread_create(struct zus_thread **thread, const struct zus_thread_attr *attr,
		      void *(*fn)(void *arg), void *arg)
{
	struct zus_thread *t;
	int err, number = zus_thread_number_take();

	if (number < 0)
		return number;
	t = calloc(1, sizeof(*t));
	if (!t) {
		zus_thread_number_give((unsigned int)number);
		return -ENOMEM;
	}
	t->number = (unsigned int)number;
	t->fn = fn;
	t->arg = arg;
	t->attr = *attr;
	sem_init(&t->ready, 0, 0);
	init_event(t);
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
	thread_free(t);
	return err;
}

void *zus_thread_join(struct zus_thread *t)
{
	void *ret = NULL;

	pthread_join(t->tid, &ret);
	thread_free(t);
	return ret;
}

static void signal_thread(struct zus_thread *t, bool stop)
{
	pthread_mutex_lock(&t->lock);
	t->woken = true;
	t->stop |= stop;
	pthread_cond_signal(&t->event);
	pthread_mutex_unlock(&t->lock);
}

void zus_thread_stop(struct zus_thread *t)
{
	signal_thread(t, true);
}

void zus_thread_wake(struct zus_thread *t)
{
	signal_thread(t, false);
}

bool zus_thread_should_stop(void)
{
	bool stop = false;

	if (self) {
		pthread_mutex_lock(&self->lock);
		stop = self->stop;
		pthread_mutex_unlock(&self->lock);
	}
	return stop;
}

static struct timespec after_ns(int64_t ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ns / 1000000000);
	ts.tv_nsec += (long)(ns % 1000000000);
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

bool zus_thread_wait(int64_t timeout_ns)
{
	struct zus_thread *t = self;
	struct timespec until;
	bool stop;
	int err = 0;

	if (!t)
		return false;
	if (timeout_ns >= 0)
		until = after_ns(timeout_ns);
	pthread_mutex_lock(&t->lock);
	while (!t->woken && !t->stop && !err)
		err = timeout_ns < 0 ? pthread_cond_wait(&t->event, &t->lock) :
				       pthread_cond_timedwait(&t->event, &t->lock, &until);
	t->woken = false;
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return !stop;
}

int zus_thread_pin(struct zus_thread *t, int cpu)
{
	return pin(t->tid, cpu);
}
