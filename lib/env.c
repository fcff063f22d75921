// SPDX-License-Identifier: BSD-2-Clause
/*
 * The default environment: heap, clocks, random bytes, stderr, CPU cache instructions, threads.
 *
 * Used by the daemon (which replaces the iomap entries), by tools and as the base of the test
 * environment. Stateless and immutable: every entry may be called from any thread.
 */
#define _GNU_SOURCE
#include <zus/env.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <zus/mem.h>
#include <zus/thread.h>
#include "internal.h"

static void *heap_alloc(const struct zus_env *env, size_t bytes)
{
	(void)env;
	return calloc(1, bytes ? bytes : 1);
}

static void heap_free(const struct zus_env *env, void *p)
{
	(void)env;
	free(p);
}

static void *heap_page_alloc(const struct zus_env *env, unsigned int order)
{
	(void)env;
	if (order > 30)
		return NULL;
	return aligned_alloc(ZUS_PAGE_SIZE, ZUS_PAGE_SIZE << order);
}

static void heap_page_free(const struct zus_env *env, void *p, unsigned int order)
{
	(void)env;
	(void)order;
	free(p);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t clock_now_ns(const struct zus_env *env)
{
	(void)env;
	return clock_ns(CLOCK_REALTIME);
}

static int64_t clock_monotonic_ns(const struct zus_env *env)
{
	(void)env;
	return clock_ns(CLOCK_MONOTONIC);
}

static int kernel_random(const struct zus_env *env, void *buf, size_t bytes)
{
	char *p = buf;
	ssize_t n;

	(void)env;
	while (bytes) {
		n = getrandom(p, bytes, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int thread_create(const struct zus_env *env, struct zus_thread **thread,
			 const struct zus_thread_attr *attr, void *(*fn)(void *arg), void *arg)
{
	(void)env;
	return zus_thread_create(thread, attr, fn, arg);
}

static void *thread_join(const struct zus_env *env, struct zus_thread *thread)
{
	(void)env;
	return zus_thread_join(thread);
}

static int no_iomap_exec(const struct zus_env *env, struct zus_sb *sb,
			 const uint64_t *words, uint32_t n)
{
	(void)env;
	(void)sb;
	(void)words;
	(void)n;
	return -EOPNOTSUPP;
}

static const struct zus_env default_env = {
	.size = sizeof(struct zus_env),
	.alloc = heap_alloc,
	.free = heap_free,
	.page_alloc = heap_page_alloc,
	.page_free = heap_page_free,
	.now_ns = clock_now_ns,
	.vlog = zus_log_stderr,
	.flush = zus_pmem_flush,
	.fence = zus_pmem_fence,
	.copy_nt = zus_pmem_copy_nt,
	.zero_nt = zus_pmem_zero_nt,
	.iomap_exec = no_iomap_exec,
	.random = kernel_random,
	.monotonic_ns = clock_monotonic_ns,
	.thread_create = thread_create,
	.thread_join = thread_join,
};

const struct zus_env *zus_env_default(void)
{
	return &default_env;
}
