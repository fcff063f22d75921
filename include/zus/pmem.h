/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistence on T1. A store to T1 is durable after its cache lines were flushed (or were
 * written by the non-temporal copies below) and a fence followed. Stores of 8 aligned
 * bytes are atomic against a crash, nothing larger is. Callable from any thread; the fence
 * orders the calling CPU only.
 */
#ifndef ZUS_PMEM_H
#define ZUS_PMEM_H

#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZUS_CACHE_LINE	64

/* Starts writing back all lines that hold a byte of the range. */
static inline void zus_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	env->flush(env, addr, bytes);
}

/* Flushes and copies before this are durable after it. */
static inline void zus_fence(const struct zus_env *env)
{
	env->fence(env);
}

/* Both: the range is durable after it. */
static inline void zus_persist(const struct zus_env *env, const void *addr, size_t bytes)
{
	env->flush(env, addr, bytes);
	env->fence(env);
}

/* Copy and zero past the caches: durable after the next fence. Any alignment. */
static inline void zus_copy_nt(const struct zus_env *env, void *dst, const void *src,
			       size_t bytes)
{
	env->copy_nt(env, dst, src, bytes);
}

static inline void zus_zero_nt(const struct zus_env *env, void *dst, size_t bytes)
{
	env->zero_nt(env, dst, bytes);
}

/* What the flushes of the default environment are made of: "clwb", "clflushopt", "clflush". */
const char *zus_pmem_flush_name(void);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_PMEM_H */
