/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for plugins: objects from the heap and whole pages, through the environment so that
 * a test can refuse any of them. Every function may be called from any thread; the caller
 * owns what it gets and returns it with the matching function. NULL must be handled: it
 * normally becomes -ENOMEM of the operation.
 */
#ifndef ZUS_MEM_H
#define ZUS_MEM_H

#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZUS_PAGE_SHIFT	12
#define ZUS_PAGE_SIZE	((size_t)1 << ZUS_PAGE_SHIFT)

/* A zeroed object. */
static inline void *zus_alloc(const struct zus_env *env, size_t bytes)
{
	return env->alloc(env, bytes);
}

/* A zeroed array; NULL also when n * bytes overflows. */
static inline void *zus_alloc_array(const struct zus_env *env, size_t n, size_t bytes)
{
	size_t sum;

	if (__builtin_mul_overflow(n, bytes, &sum))
		return NULL;
	return env->alloc(env, sum);
}

/* Of zus_alloc and zus_alloc_array; NULL is fine. */
static inline void zus_free(const struct zus_env *env, void *p)
{
	env->free(env, p);
}

/* 2^order pages, page aligned, not zeroed; a plugin's DRAM buffers. */
static inline void *zus_page_alloc(const struct zus_env *env, unsigned int order)
{
	return env->page_alloc(env, order);
}

/* Of zus_page_alloc, with the same order. */
static inline void zus_page_free(const struct zus_env *env, void *p, unsigned int order)
{
	env->page_free(env, p, order);
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_MEM_H */
