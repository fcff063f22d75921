/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistence on T1: what a plugin that must survive a power failure stores, flushes and fences.
 * Callable from any thread.
 *
 * A store to T1 is durable after its cache lines were flushed (or were written by the copies past
 * the caches below) and a fence followed. What a crash leaves:
 *
 *	- Stores of 8 aligned bytes are there whole or not at all, nothing larger is.
 *	- Plain stores to one cache line become durable in the order in which they were done. Those
 *	  to different lines do so in any order, and at any time: a cache may write a line back
 *	  that nobody has flushed.
 *	- Copies and zeros past the caches are stores of 8 aligned bytes (their first and last bytes
 *	  may be smaller ones) that become durable in any order until the fence.
 *	- A flush without a fence orders nothing: of a flushed store and a later one to another line
 *	  the later one may be the only one that is left.
 *	- What a thread has flushed or copied past the caches before a fence is durable before any
 *	  store after the fence can be, also before a plain one that is never flushed. So a
 *	  record that is fenced is there whenever a trace of what was stored after it is.
 *	- A fence speaks of flushes and copies of the calling thread (on whatever CPUs it has run),
 *	  not of those of others. Who publishes what another thread has flushed must have learned of
 *	  that thread's fence, or flushes the lines again.
 *
 * On CPUs other than x86-64 there are no flushes, and the fence is a full barrier: that is enough
 * where caches are in the persistence domain, and nowhere else.
 */
#ifndef ZUS_PMEM_H
#define ZUS_PMEM_H

#include <string.h>
#include <zus/env.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZUS_CACHE_LINE	64

/* ---- stores ---- */

/*
 * A plain store of 8 bytes to an address in T1 that is a multiple of 8: whoever reads T1, and a
 * crash, finds the old value or the new one. What was stored before is seen before it by other
 * threads (release), so it can publish what was built aside. The value goes as the CPU has it:
 * see zus/le.h.
 */
static inline void zus_store8(const struct zus_env *env, void *dst, uint64_t value)
{
	if (ZUS_ENV_HAS(env, store8))
		env->store8(env, dst, value);
	else
		__atomic_store_n((uint64_t *)dst, value, __ATOMIC_RELEASE);
}

/* Plain stores of any bytes to T1, which must not overlap with src; in no order. */
static inline void zus_store(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	if (ZUS_ENV_HAS(env, store))
		env->store(env, dst, src, bytes);
	else
		memcpy(dst, src, bytes);
}

/* ---- flushes and fences ---- */

/* Starts writing back all lines that hold a byte of the range. */
static inline void zus_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	env->flush(env, addr, bytes);
}

/* What this thread has flushed, or copied past the caches, is durable after it. */
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

/* ---- past the caches ---- */

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

/* ---- loads that may fail ---- */

/*
 * Copies bytes out of T1, of any alignment. 0, or -EIO: the device's memory is bad there, and dst
 * holds anything. Each aligned word of 8 bytes is loaded at once. Any other load from bad memory
 * is a SIGBUS that ends the server with all its mounts, so this is for what can be told to be lost
 * and lived without: metadata, whose checksum is that of the copy. With locks held too: it
 * returns like any function. A load that succeeds costs a few instructions for 8 bytes.
 */
int zus_t1_load(const struct zus_env *env, void *dst, const void *src, size_t bytes);

/* What the flushes of the default environment are made of: "clwb", "clflushopt", "clflush". */
const char *zus_pmem_flush_name(void);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_PMEM_H */
