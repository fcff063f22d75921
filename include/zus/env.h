/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment of a plugin: memory, clocks, randomness, log, persistence, threads, lists.
 *
 * A plugin keeps no mutable globals and calls no allocator or clock of its own: it gets
 * everything through the const struct zus_env of its super-block. The daemon passes the
 * real one, tests one that counts and fails on demand; the plugin cannot tell.
 * All entries may be called from any thread at any time. The table is append-only; `size`
 * tells which entries exist. Wrappers with types are in mem.h, time.h, random.h, pmem.h, log.h,
 * thread.h, iomap.h.
 */
#ifndef ZUS_ENV_H
#define ZUS_ENV_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_sb;
struct zus_thread;
struct zus_thread_attr;

struct zus_env {
	uint32_t size;			/* sizeof(struct zus_env) of the provider */
	uint32_t reserved;
	void *ctx;			/* the provider's own */

	/* Memory: zeroed, 16-byte aligned; NULL = there is none. free(NULL) is fine. */
	void *(*alloc)(const struct zus_env *env, size_t bytes);
	void (*free)(const struct zus_env *env, void *p);
	/* 2^order pages, page aligned, not zeroed. */
	void *(*page_alloc)(const struct zus_env *env, unsigned int order);
	void (*page_free)(const struct zus_env *env, void *p, unsigned int order);

	/* Wall-clock time in ns since the epoch. */
	int64_t (*now_ns)(const struct zus_env *env);

	/* One message of a syslog level (LOG_ERR ...), no newline at its end. */
	void (*vlog)(const struct zus_env *env, int level, const char *fmt, va_list ap);

	/* T1 persistence; durable after the fence. */
	void (*flush)(const struct zus_env *env, const void *addr, size_t bytes);
	void (*fence)(const struct zus_env *env);
	void (*copy_nt)(const struct zus_env *env, void *dst, const void *src, size_t bytes);
	void (*zero_nt)(const struct zus_env *env, void *dst, size_t bytes);

	/* Executes n iomap words for a super-block and waits. 0 or -errno. */
	int (*iomap_exec)(const struct zus_env *env, struct zus_sb *sb,
			  const uint64_t *words, uint32_t n);
	/* The same with ZUFS_IOM_EXEC_* flags. */
	int (*iomap_exec_flags)(const struct zus_env *env, struct zus_sb *sb,
				const uint64_t *words, uint32_t n, uint32_t flags);
	/*
	 * Starts a list. 0: the message ZUFS_OP_IOM_DONE with this cookie will come; -EAGAIN: too
	 * many are under way.
	 */
	int (*iomap_exec_async)(const struct zus_env *env, struct zus_sb *sb,
				const uint64_t *words, uint32_t n, uint32_t flags,
				uint64_t cookie);

	/* Bytes that nobody can foretell. 0 or -errno. */
	int (*random)(const struct zus_env *env, void *buf, size_t bytes);
	/* A clock that is never set: ns since any point in time. */
	int64_t (*monotonic_ns)(const struct zus_env *env);

	/* As zus_thread_create and zus_thread_join. */
	int (*thread_create)(const struct zus_env *env, struct zus_thread **thread,
			     const struct zus_thread_attr *attr, void *(*fn)(void *arg),
			     void *arg);
	void *(*thread_join)(const struct zus_env *env, struct zus_thread *thread);

	/* Plain stores to T1; NULL where nobody watches them, and then they are just done. */
	void (*store)(const struct zus_env *env, void *dst, const void *src, size_t bytes);
	void (*store8)(const struct zus_env *env, void *dst, uint64_t value);
	/* NULL, or in the place of what zus_t1_load does. */
	int (*load)(const struct zus_env *env, void *dst, const void *src, size_t bytes);
};

/* True if the provider's table, which may be an older one, has the entry. */
#define ZUS_ENV_HAS(env, entry)						\
	((env)->size >= offsetof(struct zus_env, entry) + sizeof((env)->entry) && (env)->entry)

/*
 * The real environment: heap, the clocks and random bytes of the kernel, stderr, CPU cache
 * instructions, threads. Its
 * iomap_exec answers -EOPNOTSUPP, the two after it are NULL; the daemon copies the table and
 * puts its own there.
 */
const struct zus_env *zus_env_default(void);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_ENV_H */
