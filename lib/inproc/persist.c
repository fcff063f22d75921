// SPDX-License-Identifier: BSD-2-Clause
/*
 * The persistence entries of the fake's environment, and the stores to T1 of the fake itself. They
 * count what is called and log it (record.c); once a test watches, they also keep what a crash
 * would leave of T1.
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
#include <zus/thread.h>

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

/* Under the lock, as the next one. */
static void stage(struct fake *f, size_t start, size_t bytes)
{
	struct fake_watch *w = &f->watch;

	if (w->durable && bytes) {
		memcpy(w->staged + start, f->md.t1 + start, bytes);
		add_range(w, start, bytes);
	}
}

static void commit(struct fake_watch *w)
{
	size_t i;

	for (i = 0; i < w->nr_ranges; i++)
		memcpy(w->durable + w->ranges[i].start, w->staged + w->ranges[i].start,
		       w->ranges[i].bytes);
	w->nr_ranges = 0;
}

/* ---- the plugin's ---- */

/*
 * Each of these holds the lock from the store to its event. False: the server is dead, it stores
 * no more.
 */
static bool begin(struct fake *f, enum fake_persist what)
{
	count(f, what);
	pthread_mutex_lock(&f->watch.lock);
	if (!f->watch.is_dead)
		return true;
	pthread_mutex_unlock(&f->watch.lock);
	return false;
}

/* data: of what was stored, NULL of all else. */
static void end(struct fake *f, enum fake_event_kind kind, size_t start, size_t bytes,
		const void *data)
{
	const struct fake_event event = {
		.kind = kind,
		.thread = zus_thread_number(),
		.offset = start,
		.bytes = bytes,
		.data = data,
	};

	fake_record_event(f, event);
	pthread_mutex_unlock(&f->watch.lock);
}

static void env_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t at = offset_in_t1(f, addr, bytes), first, last;

	if (!begin(f, FAKE_FLUSH))
		return;
	if (bytes) {
		first = at & ~(size_t)(ZUS_CACHE_LINE - 1);
		last = (at + bytes + ZUS_CACHE_LINE - 1) & ~(size_t)(ZUS_CACHE_LINE - 1);
		stage(f, first, last - first);
	}
	end(f, FAKE_EV_FLUSH, at, bytes, NULL);
}

static void env_fence(const struct zus_env *env)
{
	struct fake *f = env->ctx;

	if (!begin(f, FAKE_FENCE))
		return;
	commit(&f->watch);
	end(f, FAKE_EV_FENCE, 0, 0, NULL);
}

static void env_copy_nt(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t at = offset_in_t1(f, dst, bytes);

	if (!begin(f, FAKE_COPY_NT))
		return;
	memcpy(dst, src, bytes);
	stage(f, at, bytes);
	end(f, FAKE_EV_COPY_NT, at, bytes, dst);
}

static void env_zero_nt(const struct zus_env *env, void *dst, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t at = offset_in_t1(f, dst, bytes);

	if (!begin(f, FAKE_ZERO_NT))
		return;
	memset(dst, 0, bytes);
	stage(f, at, bytes);
	end(f, FAKE_EV_ZERO_NT, at, bytes, NULL);
}

static void env_store(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	struct fake *f = env->ctx;
	size_t at = offset_in_t1(f, dst, bytes);

	if (!begin(f, FAKE_STORE))
		return;
	memcpy(dst, src, bytes);
	end(f, FAKE_EV_STORE, at, bytes, dst);
}

static void env_store8(const struct zus_env *env, void *dst, uint64_t value)
{
	struct fake *f = env->ctx;
	size_t at = offset_in_t1(f, dst, sizeof(value));

	if (at % sizeof(value))
		abort();
	if (!begin(f, FAKE_STORE8))
		return;
	__atomic_store_n((uint64_t *)dst, value, __ATOMIC_RELEASE);
	end(f, FAKE_EV_STORE8, at, sizeof(value), dst);
}

static int env_load(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	const struct zus_env *real = zus_env_default();
	struct fake *f = env->ctx;
	size_t at = offset_in_t1(f, src, bytes);
	bool is_bad;

	pthread_mutex_lock(&f->watch.lock);
	is_bad = at < f->watch.bad_end && at + bytes > f->watch.bad_start;
	pthread_mutex_unlock(&f->watch.lock);
	return is_bad ? -EIO : zus_t1_load(real, dst, src, bytes);
}

/* ---- the kernel's ---- */

void fake_kernel_copy(struct fake *f, unsigned int thread, void *dst, const void *src,
		      size_t bytes)
{
	const struct fake_event event = {
		.kind = FAKE_EV_KERNEL_COPY,
		.thread = thread,
		.offset = offset_in_t1(f, dst, bytes),
		.bytes = bytes,
		.data = dst,
	};
	struct fake_watch *w = &f->watch;

	pthread_mutex_lock(&w->lock);
	memcpy(dst, src, bytes);
	if (w->durable) {
		/* the fence of the kernel's is not one for what the plugin has staged */
		memcpy(w->durable + event.offset, src, bytes);
		memcpy(w->staged + event.offset, src, bytes);
	}
	fake_record_event(f, event);
	pthread_mutex_unlock(&w->lock);
}

void fake_kernel_fence(struct fake *f, unsigned int thread)
{
	const struct fake_event event = { .kind = FAKE_EV_KERNEL_FENCE, .thread = thread };

	pthread_mutex_lock(&f->watch.lock);
	fake_record_event(f, event);
	pthread_mutex_unlock(&f->watch.lock);
}

void fake_device_copy(struct fake *f, enum fake_event_kind kind, uint64_t offset, void *dst,
		      const void *src, size_t bytes)
{
	const struct fake_event event = {
		.kind = kind,
		.thread = zus_thread_number(),
		.offset = offset,
		.bytes = bytes,
		.data = src ? dst : NULL,
	};

	pthread_mutex_lock(&f->watch.lock);
	if (src)
		memcpy(dst, src, bytes);
	else
		memset(dst, 0, bytes);
	fake_record_event(f, event);
	pthread_mutex_unlock(&f->watch.lock);
}

void fake_device_flush(struct fake *f)
{
	const struct fake_event event = {
		.kind = FAKE_EV_T2_FLUSH,
		.thread = zus_thread_number(),
	};

	pthread_mutex_lock(&f->watch.lock);
	fake_record_event(f, event);
	pthread_mutex_unlock(&f->watch.lock);
}

/* ---- life ---- */

void fake_persist_init(struct fake *f)
{
	pthread_mutex_init(&f->watch.lock, NULL);
	f->env.flush = env_flush;
	f->env.fence = env_fence;
	f->env.copy_nt = env_copy_nt;
	f->env.zero_nt = env_zero_nt;
	f->env.store = env_store;
	f->env.store8 = env_store8;
	f->env.load = env_load;
}

void fake_set_dead(struct fake *f, bool is_dead)
{
	pthread_mutex_lock(&f->watch.lock);
	f->watch.is_dead = is_dead;
	pthread_mutex_unlock(&f->watch.lock);
}

bool fake_is_dead(struct fake *f)
{
	bool is_dead;

	pthread_mutex_lock(&f->watch.lock);
	is_dead = f->watch.is_dead;
	pthread_mutex_unlock(&f->watch.lock);
	return is_dead;
}

void fake_persist_fini(struct fake *f)
{
	fake_record_fini(f);
	if (f->watch.durable)
		munmap(f->watch.durable, 2 * f->t1_bytes);
	free(f->watch.ranges);
	pthread_mutex_destroy(&f->watch.lock);
}

/* ---- what tests ask ---- */

void fake_poison(struct fake *f, const void *addr, size_t bytes)
{
	size_t at = offset_in_t1(f, addr, bytes);

	pthread_mutex_lock(&f->watch.lock);
	f->watch.bad_start = at;
	f->watch.bad_end = bytes ? at + bytes : 0;
	pthread_mutex_unlock(&f->watch.lock);
}

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
