// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ZT threads: one per channel and online CPU, pinned, each looping in WAIT_OPT.
 *
 * Started by the mounter at the first mount and by main for CPUs that come online later, so the
 * array is under z->zts->lock; a ZT itself touches its own entry only. A CPU that went away
 * leaves its threads running elsewhere; when it is back they are pinned again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "zusd.h"

#define ERRORS_MAX	16		/* in a row: more means that the channel is broken */

struct zt {
	struct zusd *z;
	struct zus_thread *thread;	/* NULL = not running */
	int cpu;
	unsigned int channel_no;
	struct zus_channel channel;
	sem_t opened;			/* posted once `err` is valid */
	int err;
};

struct zusd_zts {
	pthread_mutex_t lock;
	unsigned int num_channels;	/* 0 = no mount yet */
	struct zt *cpu[ZUSD_MAX_CPUS];	/* num_channels of them each, or NULL */
};

/* ---- a ZT ---- */

/* True if waiting again makes no sense. */
static bool final_error(int err, unsigned int in_a_row)
{
	switch (err) {
	case -ERANGE:
	case -E2BIG:
	case -ENODEV:
	case -EBADF:
	case -ENOTTY:
	case -EINVAL:
	case -EPERM:
		return true;
	default:
		return in_a_row > ERRORS_MAX;
	}
}

static int zt_loop(struct zt *zt)
{
	unsigned int errors = 0;
	int err;

	for (;;) {
		err = zus_channel_wait(&zt->channel);
		if (__builtin_expect(!err, 1)) {
			errors = 0;
			if (zus_dispatch(&zt->channel.cmd) != ZUFS_OP_BREAK)
				continue;
		} else if (err != -EINTR && final_error(err, ++errors)) {
			return err;
		}
		if (__atomic_load_n(&zt->z->zts_stopping, __ATOMIC_ACQUIRE))
			return 0;
	}
}

/*
 * The C library has the kernel note the CPU for each thread after each switch. Two switches
 * per operation make that dear, and no ZT needs it: sched_getcpu() finds another way. Without
 * success nothing is lost.
 */
static void drop_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

/* What nobody has asked for may be refused. */
static void set_default_nice(const struct zusd *z)
{
	if (z->opt.policy == SCHED_OTHER && z->opt.nice == ZUSD_NICE_DEFAULT)
		setpriority(PRIO_PROCESS, 0, ZUSD_NICE_DEFAULT);
}

static void *zt_main(void *arg)
{
	struct zt *zt = arg;
	struct zusd *z = zt->z;
	int err;

	drop_rseq();
	set_default_nice(z);
	zt->err = zus_channel_open(&zt->channel, z->root_fd, zt->channel_no, zt->cpu);
	err = zt->err;
	sem_post(&zt->opened);
	if (err)
		return NULL;
	err = zt_loop(zt);
	if (err)
		zus_err(&z->env, "ZT(%d.%u) leaves: %s", zt->cpu, zt->channel_no,
			strerror(-err));
	zus_channel_close(&zt->channel);
	zusd_waiter_leave(ZUSD_WAITER_ZT);
	return NULL;
}

static int zt_start(struct zt *zt, struct zusd *z, int cpu, unsigned int channel_no)
{
	char name[32];
	struct zus_thread_attr attr = {
		.name = name,
		.cpu = cpu,
		.policy = z->opt.policy,
		.priority = z->opt.priority,
		.nice = z->opt.nice == ZUSD_NICE_DEFAULT ? 0 : z->opt.nice,
	};
	int err;

	snprintf(name, sizeof(name), "ZT(%d.%u)", cpu, channel_no);
	zt->z = z;
	zt->cpu = cpu;
	zt->channel_no = channel_no;
	sem_init(&zt->opened, 0, 0);
	zusd_waiter_enter(ZUSD_WAITER_ZT);
	err = zus_thread_create(&zt->thread, &attr, zt_main, zt);
	if (err)
		goto err_sem;
	while (sem_wait(&zt->opened) && errno == EINTR)
		;
	if (zt->err) {
		err = zt->err;
		zus_thread_join(zt->thread);
		goto err_sem;
	}
	return 0;

err_sem:
	zusd_waiter_leave(ZUSD_WAITER_ZT);
	zt->thread = NULL;
	sem_destroy(&zt->opened);
	return err;
}

/* ---- all of them ---- */

/* Starts the missing channels of a CPU, under lock. */
static int start_cpu(struct zusd *z, int cpu)
{
	struct zusd_zts *all = z->zts;
	int err;

	if (!all->cpu[cpu]) {
		all->cpu[cpu] = calloc(all->num_channels, sizeof(struct zt));
		if (!all->cpu[cpu])
			return -ENOMEM;
	}
	for (unsigned int c = 0; c < all->num_channels; c++) {
		struct zt *zt = &all->cpu[cpu][c];

		if (zt->thread)
			continue;
		err = zt_start(zt, z, cpu, c);
		if (err) {
			zus_warn(&z->env, "cannot start ZT(%d.%u): %s", cpu, c,
				 strerror(-err));
			return err;
		}
	}
	return 0;
}

static bool cpu_in(const struct zufs_cpu_set *set, int cpu)
{
	return set->bits[cpu / 64] >> cpu % 64 & 1;
}

int zusd_zts_start(struct zusd *z, unsigned int num_channels)
{
	struct zusd_zts *all = z->zts;
	struct zufs_cpu_set online;
	unsigned int started = 0;
	int err, first_err = 0;

	if (!num_channels || num_channels > ZUFS_MAX_ZT_CHANNELS)
		return -EINVAL;
	err = zus_numa_online_cpus(z->root_fd, &online);
	if (err)
		return err;
	pthread_mutex_lock(&all->lock);
	if (!all->num_channels)
		all->num_channels = num_channels;
	for (int cpu = 0; cpu < ZUSD_MAX_CPUS; cpu++) {
		if (!cpu_in(&online, cpu))
			continue;
		err = start_cpu(z, cpu);
		if (!err)
			started++;
		else if (!first_err)
			first_err = err;
	}
	pthread_mutex_unlock(&all->lock);
	if (started)
		return 0;
	return first_err ? first_err : -ENODEV;
}

void zusd_zts_cpu_online(struct zusd *z, int cpu)
{
	struct zusd_zts *all = z->zts;

	if (cpu < 0 || cpu >= ZUSD_MAX_CPUS)
		return;
	pthread_mutex_lock(&all->lock);
	if (all->num_channels && !zusd_stopping(z)) {
		for (unsigned int c = 0; all->cpu[cpu] && c < all->num_channels; c++) {
			struct zt *zt = &all->cpu[cpu][c];
			int err = zt->thread ? zus_thread_pin(zt->thread, cpu) : 0;

			if (err)
				zus_warn(&z->env, "cannot pin ZT(%d.%u) again: %s", cpu, c,
					 strerror(-err));
		}
		start_cpu(z, cpu);
	}
	pthread_mutex_unlock(&all->lock);
}

void zusd_zts_all_online(struct zusd *z)
{
	struct zufs_cpu_set online;
	int err = zus_numa_online_cpus(z->root_fd, &online);

	if (err) {
		zus_warn(&z->env, "cannot read which CPUs are online: %s", strerror(-err));
		return;
	}
	for (int cpu = 0; cpu < ZUSD_MAX_CPUS; cpu++) {
		if (cpu_in(&online, cpu))
			zusd_zts_cpu_online(z, cpu);
	}
}

int zusd_zts_stop(struct zusd *z)
{
	struct zusd_zts *all = z->zts;
	int err;

	__atomic_store_n(&z->zts_stopping, true, __ATOMIC_RELEASE);
	err = zusd_break_waiters(z->root_fd, ZUSD_WAITER_ZT);
	if (err) {
		zus_err(&z->env, "cannot wake the ZTs: %s", strerror(-err));
		return err;
	}
	for (int cpu = 0; cpu < ZUSD_MAX_CPUS; cpu++) {
		for (unsigned int c = 0; all->cpu[cpu] && c < all->num_channels; c++) {
			struct zt *zt = &all->cpu[cpu][c];

			if (!zt->thread)
				continue;
			zus_thread_join(zt->thread);
			sem_destroy(&zt->opened);
			zt->thread = NULL;
		}
		free(all->cpu[cpu]);
		all->cpu[cpu] = NULL;
	}
	return 0;
}

int zusd_zts_create(struct zusd *z)
{
	z->zts = calloc(1, sizeof(*z->zts));
	if (!z->zts)
		return -ENOMEM;
	pthread_mutex_init(&z->zts->lock, NULL);
	return 0;
}

void zusd_zts_destroy(struct zusd *z)
{
	pthread_mutex_destroy(&z->zts->lock);
	free(z->zts);
}
