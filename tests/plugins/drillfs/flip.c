// SPDX-License-Identifier: BSD-2-Clause
/*
 * flip.c - a thread that changes a word of a list to and fro while the kernel reads it
 *
 * Started before the operation answers, stopped by its restart, by "clear" or at the end; one
 * at a time. drill_sb.lock orders start and stop; the thread itself takes no lock.
 */
#include "drill.h"

static void *flip_main(void *arg)
{
	struct drill_sb *d = arg;
	uint64_t flips = 0;

	while (!__atomic_load_n(&d->flip_stop, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(d->flip_at, d->flip_evil, __ATOMIC_RELAXED);
		__atomic_store_n(d->flip_at, d->flip_good, __ATOMIC_RELAXED);
		flips++;
	}
	__atomic_fetch_add(&d->stats.flips, flips, __ATOMIC_RELAXED);
	return NULL;
}

void drill_flip_start(struct drill_sb *d, uint64_t *at, uint64_t evil)
{
	struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;

	attr.name = "flipper";
	pthread_mutex_lock(&d->lock);
	if (!d->flipper) {
		d->flip_at = at;
		d->flip_good = *at;
		d->flip_evil = evil;
		d->flip_stop = false;
		if (zus_thread_create(&d->flipper, &attr, flip_main, d))
			d->flipper = NULL;
	}
	pthread_mutex_unlock(&d->lock);
}

void drill_flip_stop(struct drill_sb *d)
{
	struct zus_thread *thread;

	pthread_mutex_lock(&d->lock);
	thread = d->flipper;
	d->flipper = NULL;
	__atomic_store_n(&d->flip_stop, true, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&d->lock);
	if (thread)
		zus_thread_join(thread);
}
