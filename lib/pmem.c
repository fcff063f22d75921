// SPDX-License-Identifier: BSD-2-Clause
/*
 * Persistence primitives of the default environment: cache-line flush by the best
 * instruction that the CPU has, store fence, non-temporal copy and zero.
 *
 * The choice is made once, on first use; a race of two first users chooses the same. On
 * CPUs other than x86-64 the data is copied plainly and the fence is a full barrier:
 * enough where caches are in the persistence domain.
 */
#define _GNU_SOURCE
#include <zus/pmem.h>

#include <string.h>
#include "internal.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

enum flush_kind { FLUSH_UNKNOWN, FLUSH_CLFLUSH, FLUSH_CLFLUSHOPT, FLUSH_CLWB };

static enum flush_kind flush_kind;

static enum flush_kind flush_detect(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return FLUSH_CLFLUSH;
	if (b & bit_CLWB)
		return FLUSH_CLWB;
	if (b & bit_CLFLUSHOPT)
		return FLUSH_CLFLUSHOPT;
	return FLUSH_CLFLUSH;
}

static enum flush_kind flush_get(void)
{
	enum flush_kind kind = __atomic_load_n(&flush_kind, __ATOMIC_RELAXED);

	if (kind == FLUSH_UNKNOWN) {
		kind = flush_detect();
		__atomic_store_n(&flush_kind, kind, __ATOMIC_RELAXED);
	}
	return kind;
}

__attribute__((target("clwb"))) static void flush_clwb(char *p, char *end)
{
	for (; p < end; p += ZUS_CACHE_LINE)
		_mm_clwb(p);
}

__attribute__((target("clflushopt"))) static void flush_clflushopt(char *p, char *end)
{
	for (; p < end; p += ZUS_CACHE_LINE)
		_mm_clflushopt(p);
}

static void flush_clflush(char *p, char *end)
{
	for (; p < end; p += ZUS_CACHE_LINE)
		_mm_clflush(p);
}

void zus_pmem_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	char *p = (char *)((uintptr_t)addr & ~(uintptr_t)(ZUS_CACHE_LINE - 1));
	char *end = (char *)addr + bytes;

	(void)env;
	if (!bytes)
		return;
	switch (flush_get()) {
	case FLUSH_CLWB:
		flush_clwb(p, end);
		break;
	case FLUSH_CLFLUSHOPT:
		flush_clflushopt(p, end);
		break;
	default:
		flush_clflush(p, end);
	}
}

void zus_pmem_fence(const struct zus_env *env)
{
	(void)env;
	_mm_sfence();
}

const char *zus_pmem_flush_name(void)
{
	switch (flush_get()) {
	case FLUSH_CLWB:
		return "clwb";
	case FLUSH_CLFLUSHOPT:
		return "clflushopt";
	default:
		return "clflush";
	}
}

/* Bytes up to the next 8-byte boundary, but not more than there are. */
static size_t head_bytes(const void *p, size_t bytes)
{
	size_t head = -(uintptr_t)p & 7;

	return head < bytes ? head : bytes;
}

void zus_pmem_copy_nt(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	size_t n = head_bytes(dst, bytes);
	const char *s = src;
	char *d = dst;
	long long word;

	memcpy(d, s, n);
	zus_pmem_flush(env, d, n);
	d += n;
	s += n;
	for (bytes -= n; bytes >= 8; bytes -= 8, d += 8, s += 8) {
		memcpy(&word, s, 8);
		_mm_stream_si64((long long *)(void *)d, word);
	}
	memcpy(d, s, bytes);
	zus_pmem_flush(env, d, bytes);
}

void zus_pmem_zero_nt(const struct zus_env *env, void *dst, size_t bytes)
{
	size_t n = head_bytes(dst, bytes);
	char *d = dst;

	memset(d, 0, n);
	zus_pmem_flush(env, d, n);
	d += n;
	for (bytes -= n; bytes >= 8; bytes -= 8, d += 8)
		_mm_stream_si64((long long *)(void *)d, 0);
	memset(d, 0, bytes);
	zus_pmem_flush(env, d, bytes);
}

#else /* !__x86_64__ */

void zus_pmem_flush(const struct zus_env *env, const void *addr, size_t bytes)
{
	(void)env;
	(void)addr;
	(void)bytes;
}

void zus_pmem_fence(const struct zus_env *env)
{
	(void)env;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

const char *zus_pmem_flush_name(void)
{
	return "none";
}

void zus_pmem_copy_nt(const struct zus_env *env, void *dst, const void *src, size_t bytes)
{
	(void)env;
	memcpy(dst, src, bytes);
}

void zus_pmem_zero_nt(const struct zus_env *env, void *dst, size_t bytes)
{
	(void)env;
	memset(dst, 0, bytes);
}

#endif
