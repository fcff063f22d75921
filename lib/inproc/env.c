// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake's environment but for persistence (persist.c): memory that is accounted for, random
 * bytes of a seed, clocks, background threads, lists.
 *
 * Every block and every thread that the plugin has not given back yet is known, so what a server
 * leaves when it dies can be cleared away. The tables are under f->owned.lock; the rest is atomic.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

/* A block in the table: its address, and this bit if it is of pages. */
#define OF_PAGES	((uintptr_t)1)
#define TABLE_MIN	64		/* a power of two, as every size of the table */

struct fake_background {
	struct fake_background *next;
	struct zus_thread *thread;
};

static size_t home_of(const struct fake_owned *o, uintptr_t block)
{
	return (size_t)((uint64_t)block / 16 * 0x9e3779b97f4a7c15ULL >> 20) & (o->size - 1);
}

static void insert(struct fake_owned *o, uintptr_t block)
{
	size_t i = home_of(o, block);

	while (o->blocks[i])
		i = (i + 1) & (o->size - 1);
	o->blocks[i] = block;
	o->nr++;
}

/* At most half of the table is in use. */
static bool make_room(struct fake_owned *o)
{
	struct fake_owned bigger = { .size = o->size ? 2 * o->size : TABLE_MIN };
	size_t i;

	if (2 * o->nr < o->size)
		return true;
	bigger.blocks = calloc(bigger.size, sizeof(bigger.blocks[0]));
	if (!bigger.blocks)
		return false;
	for (i = 0; i < o->size; i++)
		if (o->blocks[i])
			insert(&bigger, o->blocks[i]);
	free(o->blocks);
	o->blocks = bigger.blocks;
	o->size = bigger.size;
	return true;
}

/* Closes the gap at i: what was pushed on by the block that stood there moves back. */
static void remove_at(struct fake_owned *o, size_t i)
{
	size_t at = i, home;

	o->nr--;
	for (;;) {
		at = (at + 1) & (o->size - 1);
		home = home_of(o, o->blocks[at]);
		if (!o->blocks[at])
			break;
		if (((at - home) & (o->size - 1)) >= ((at - i) & (o->size - 1))) {
			o->blocks[i] = o->blocks[at];
			i = at;
		}
	}
	o->blocks[i] = 0;
}

static void *own(struct fake *f, void *p, uintptr_t kind)
{
	struct fake_owned *o = &f->owned;
	bool fits = true;

	if (!p)
		return NULL;
	pthread_mutex_lock(&o->lock);
	fits = make_room(o);
	if (fits)
		insert(o, (uintptr_t)p | kind);
	pthread_mutex_unlock(&o->lock);
	if (fits)
		return p;
	free(p);
	return NULL;
}

/* What is not the plugin's, or was got by the other function, cannot be given back. */
static void disown(struct fake *f, void *p, uintptr_t kind)
{
	struct fake_owned *o = &f->owned;
	uintptr_t block = (uintptr_t)p | kind;
	size_t i;

	if (!p)
		return;
	pthread_mutex_lock(&o->lock);
	if (!o->size)
		abort();
	for (i = home_of(o, block); o->blocks[i] != block; i = (i + 1) & (o->size - 1))
		if (!o->blocks[i])
			abort();
	remove_at(o, i);
	pthread_mutex_unlock(&o->lock);
}

static void *env_alloc(const struct zus_env *env, size_t bytes)
{
	const struct zus_env *real = zus_env_default();
	struct fake *f = env->ctx;

	return fake_strikes(f, FAKE_ALLOC) ? NULL : own(f, real->alloc(real, bytes), 0);
}

static void env_free(const struct zus_env *env, void *p)
{
	const struct zus_env *real = zus_env_default();

	disown(env->ctx, p, 0);
	real->free(real, p);
}

static void *env_page_alloc(const struct zus_env *env, unsigned int order)
{
	const struct zus_env *real = zus_env_default();
	struct fake *f = env->ctx;

	if (fake_strikes(f, FAKE_ALLOC))
		return NULL;
	return own(f, real->page_alloc(real, order), OF_PAGES);
}

static void env_page_free(const struct zus_env *env, void *p, unsigned int order)
{
	const struct zus_env *real = zus_env_default();

	disown(env->ctx, p, OF_PAGES);
	real->page_free(real, p, order);
}

/* ---- randomness and time ---- */

/* SplitMix64: each step is one addition, so any thread may take one. */
uint64_t fake_random(struct fake *f)
{
	uint64_t v = __atomic_add_fetch(&f->random, 0x9e3779b97f4a7c15ULL, __ATOMIC_RELAXED);

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ULL;
	v = (v ^ v >> 27) * 0x94d049bb133111ebULL;
	return v ^ v >> 31;
}

static int env_random(const struct zus_env *env, void *buf, size_t bytes)
{
	struct fake *f = env->ctx;
	uint8_t *p = buf;
	uint64_t v;
	size_t n;

	if (fake_strikes(f, FAKE_RANDOM))
		return -EIO;
	for (; bytes; bytes -= n, p += n) {
		v = fake_random(f);
		n = bytes < sizeof(v) ? bytes : sizeof(v);
		memcpy(p, &v, n);
	}
	return 0;
}

void fake_set_clock(struct fake *f, int64_t now_ns, int64_t step_ns)
{
	__atomic_store_n(&f->clock_step, step_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&f->clock, now_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&f->own_clock, true, __ATOMIC_RELEASE);
}

static int64_t tick(struct fake *f)
{
	return __atomic_fetch_add(&f->clock, __atomic_load_n(&f->clock_step, __ATOMIC_RELAXED),
				  __ATOMIC_RELAXED);
}

static int64_t env_now_ns(const struct zus_env *env)
{
	const struct zus_env *real = zus_env_default();
	struct fake *f = env->ctx;

	return __atomic_load_n(&f->own_clock, __ATOMIC_ACQUIRE) ? tick(f) : real->now_ns(real);
}

static int64_t env_monotonic_ns(const struct zus_env *env)
{
	const struct zus_env *real = zus_env_default();
	struct fake *f = env->ctx;

	return __atomic_load_n(&f->own_clock, __ATOMIC_ACQUIRE) ? tick(f) :
								  real->monotonic_ns(real);
}

/* ---- threads ---- */

static int env_thread_create(const struct zus_env *env, struct zus_thread **thread,
			     const struct zus_thread_attr *attr, void *(*fn)(void *arg),
			     void *arg)
{
	struct fake *f = env->ctx;
	struct fake_background *b;
	int err;

	if (fake_strikes(f, FAKE_THREAD) || fake_is_dead(f))
		return -EAGAIN;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	err = zus_thread_create(&b->thread, attr, fn, arg);
	if (err) {
		free(b);
		return err;
	}
	*thread = b->thread;
	pthread_mutex_lock(&f->owned.lock);
	b->next = f->owned.background;
	f->owned.background = b;
	f->owned.nr_background++;
	pthread_mutex_unlock(&f->owned.lock);
	return 0;
}

/* Any one with NULL. Returns the handle, or NULL. */
static struct zus_thread *take_background(struct fake *f, const struct zus_thread *thread)
{
	struct fake_owned *o = &f->owned;
	struct zus_thread *found = NULL;
	struct fake_background *b, **at;

	pthread_mutex_lock(&o->lock);
	for (at = &o->background; *at && thread && (*at)->thread != thread; at = &(*at)->next)
		;
	b = *at;
	if (b) {
		*at = b->next;
		o->nr_background--;
		found = b->thread;
	}
	pthread_mutex_unlock(&o->lock);
	free(b);
	return found;
}

static void *env_thread_join(const struct zus_env *env, struct zus_thread *thread)
{
	struct fake *f = env->ctx;

	if (take_background(f, thread) == thread)
		return zus_thread_join(thread);
	if (!fake_is_dead(f))
		abort();
	return NULL;			/* the fake joins it */
}

/* ---- lists ---- */

static int env_iomap_exec(const struct zus_env *env, struct zus_sb *sb,
			  const uint64_t *words, uint32_t n)
{
	(void)sb;
	return fake_iomap_run(env->ctx, words, n);
}

static int env_iomap_exec_flags(const struct zus_env *env, struct zus_sb *sb,
				const uint64_t *words, uint32_t n, uint32_t flags)
{
	struct fake *f = env->ctx;

	(void)sb;
	__atomic_store_n(&f->list_flags, flags, __ATOMIC_RELAXED);
	return fake_iomap_run_flags(f, words, n, flags);
}

static int env_iomap_exec_async(const struct zus_env *env, struct zus_sb *sb,
				const uint64_t *words, uint32_t n, uint32_t flags,
				uint64_t cookie)
{
	struct fake *f = env->ctx;

	__atomic_store_n(&f->list_flags, flags, __ATOMIC_RELAXED);
	if (fake_is_dead(f))
		return -EIO;
	return fake_list_start(f, sb, words, n, flags, cookie);
}

/* ---- all of it ---- */

static void stop_background(struct fake *f)
{
	struct zus_thread *thread;

	pthread_mutex_lock(&f->owned.lock);
	for (struct fake_background *b = f->owned.background; b; b = b->next)
		zus_thread_stop(b->thread);
	pthread_mutex_unlock(&f->owned.lock);
	while ((thread = take_background(f, NULL)))
		zus_thread_join(thread);
}

void fake_env_clear(struct fake *f)
{
	struct fake_owned *o = &f->owned;
	size_t i;

	stop_background(f);
	pthread_mutex_lock(&o->lock);
	for (i = 0; o->nr; i++) {
		if (!o->blocks[i])
			continue;
		free((void *)(o->blocks[i] & ~OF_PAGES));
		o->blocks[i] = 0;
		o->nr--;
	}
	pthread_mutex_unlock(&o->lock);
}

void fake_env_init(struct fake *f, uint64_t seed)
{
	pthread_mutex_init(&f->owned.lock, NULL);
	f->random = seed;
	f->env = *zus_env_default();
	f->env.ctx = f;
	f->env.alloc = env_alloc;
	f->env.free = env_free;
	f->env.page_alloc = env_page_alloc;
	f->env.page_free = env_page_free;
	f->env.random = env_random;
	f->env.now_ns = env_now_ns;
	f->env.monotonic_ns = env_monotonic_ns;
	f->env.thread_create = env_thread_create;
	f->env.thread_join = env_thread_join;
	f->env.iomap_exec = env_iomap_exec;
	f->env.iomap_exec_flags = env_iomap_exec_flags;
	f->env.iomap_exec_async = env_iomap_exec_async;
}

void fake_env_fini(struct fake *f)
{
	free(f->owned.blocks);
	pthread_mutex_destroy(&f->owned.lock);
}

int64_t fake_outstanding(struct fake *f)
{
	int64_t n;

	pthread_mutex_lock(&f->owned.lock);
	n = (int64_t)(f->owned.nr + f->owned.nr_background);
	pthread_mutex_unlock(&f->owned.lock);
	return n + fake_devices(f);
}

unsigned int fake_background(struct fake *f)
{
	unsigned int n;

	pthread_mutex_lock(&f->owned.lock);
	n = f->owned.nr_background;
	pthread_mutex_unlock(&f->owned.lock);
	return n;
}
