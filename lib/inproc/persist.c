// SPDX-License-Identifier: BSD-2-Clause
/*
 * The persistence entries of the fake's environment. They count what is called; once a test
 * watches, they also keep what a crash would leave of T1.
 *
 * A flush takes its whole lines, a streaming store exactly its bytes: as they are then, they
 * are staged, and a fence, of whatever thread, makes them durable. A store that is not
 * flushed never gets there, though a real cache may write it back at any time. What lies
 * outside of T1 cannot be persisted: that is an abort.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zus/pmem.h>

struct fake_range {
	size_t start, bytes;		/* in T1 */
};

static void count(struct fake *f, enum fake_persist what)
{
	__atomic_fetch_add(&f->watch.calls[what], 1, __ATOMIC_RELAXED);
}

static size_t offset_in_t1(const struct fake *f, const void *addr, size_t bytes)
{
	if (!zus_t1_contains(&f->md, addr, bytes))
		abort();
	return (size_t)((const uint8_t *)addr - f->md.t1);
}

static void add_range(struct fake_watch *w, size_t start, size_t bytes)
{
	if (w->nr_ranges == w->max_ranges) {
		w->max_ranges = w->max_ranges ? 2 * w->max_ranges : 64;
		w->ranges = realloc(w->ranges, w->max_ranges * sizeof(*w->ranges));
		if (!w->ranges)
			abort();
	}
	w->ranges[w->nr_ranges++] = (struct fake_range){ start, bytes };
}

static void stage(struct fake *f, size_t start, size_t bytes)
{
	struct fake_watch *w = &f->watch;

	pthread_mutex_lock(&w->lock);
	if (w->durable && bytes) {
		memcpy(w->staged + start, f->md.t1 + start, bytes);
		add_range(w, start, bytes);
	}
	pthread_mutex_unlock(&w->lock);
}

static void env_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t start = offset_in_t1(f, addr, bytes), end = start + bytes;

	count(f, FAKE_FLUSH);
	if (!bytes)
		return;
	start &= ~(size_t)(ZUS_CACHE_LINE - 1);
	end = (end + ZUS_CACHE_LINE - 1) & ~(size_t)(ZUS_CACHE_LINE - 1);
	stage(f, start, end - start);
}

static void env_fence(const struct zus_env *env)
{
	struct fake *f = env->ctx;
	struct fake_watch *w = &f->watch;
	size_t i;

	count(f, FAKE_FENCE);
	pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->nr_ranges; i++)
		memcpy(w->durable + w->ranges[i].start, w->staged + w->ranges[i].start,
		       w->ranges[i].bytes);
	w->nr_ranges = 0;
	pthread_mutex_unlock(&w->lock);
}

static void env_copy_nt(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t start = offset_in_t1(f, dst, bytes);

	count(f, FAKE_COPY_NT);
	memcpy(dst, src, bytes);
	stage(f, start, bytes);
}

static void env_zero_nt(const struct zus_env *env, void *dst, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t start = offset_in_t1(f, dst, bytes);

	count(f, FAKE_ZERO_NT);
	memset(dst, 0, bytes);
	stage(f, start, bytes);
}

static void env_store(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	struct fake *f = env->ctx;

	offset_in_t1(f, dst, bytes);
	count(f, FAKE_STORE);
	memcpy(dst, src, bytes);
}

static void env_store8(const struct zus_env *env, void *dst, uint64_t value)
{
	struct fake *f = env->ctx;

	if (offset_in_t1(f, dst, sizeof(value)) % sizeof(value))
		abort();
	count(f, FAKE_STORE8);
	__atomic_store_n((uint64_t *)dst, value, __ATOMIC_RELEASE);
}

void fake_persist_init(struct fake *f)
{
	pthread_mutex_init(&f->watch.lock, NULL);
	f->env.flush = env_flush;
	f->env.fence = env_fence;
	f->env.copy_nt = env_copy_nt;
	f->env.zero_nt = env_zero_nt;
	f->env.store = env_store;
	f->env.store8 = env_store8;
}

void fake_persist_fini(struct fake *f)
{
	if (f->watch.durable)
		munmap(f->watch.durable, 2 * f->t1_bytes);
	free(f->watch.ranges);
	pthread_mutex_destroy(&f->watch.lock);
}

/* ---- what tests ask ---- */

uint64_t fake_persisted(struct fake *f, enum fake_persist what)
{
	return __atomic_load_n(&f->watch.calls[what], __ATOMIC_RELAXED);
}

int fake_persist_watch(struct fake *f)
{
	struct fake_watch *w = &f->watch;
	uint8_t *p;
	int err = 0;

	p = mmap(NULL, 2 * f->t1_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	memcpy(p, f->md.t1, f->t1_bytes);
	pthread_mutex_lock(&w->lock);
	if (w->durable) {
		err = -EBUSY;
	} else {
		w->durable = p;
		w->staged = p + f->t1_bytes;
	}
	pthread_mutex_unlock(&w->lock);
	if (err)
		munmap(p, 2 * f->t1_bytes);
	return err;
}

const void *fake_after_crash(struct fake *f, const void *addr)
{
	if (!f->watch.durable)
		abort();
	return f->watch.durable + offset_in_t1(f, addr, 1);
}

bool fake_is_durable(struct fake *f, const void *addr, size_t bytes)
{
	bool same;

	if (!f->watch.durable)
		abort();
	pthread_mutex_lock(&f->watch.lock);
	same = !memcmp(f->watch.durable + offset_in_t1(f, addr, bytes), addr, bytes);
	pthread_mutex_unlock(&f->watch.lock);
	return same;
}
