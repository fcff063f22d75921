// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the persistence primitives do to the CPU. lib/pmem.c is built here with instructions
 * that are recorded: which lines were flushed and by what, which words went past the caches,
 * when a fence came. A byte is durable when its line was flushed after its last plain store,
 * or when it was streamed.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

/* ---- the CPU ---- */

#define ARENA	512

static struct {
	_Alignas(64) uint8_t mem[ARENA];
	uint8_t at_rest[ARENA];		/* what has left the caches */
	unsigned int clwb, clflushopt, clflush, streams, fences;
	unsigned int features;		/* ebx of leaf 7 */
	int has_leaf, asked;
} cpu;

static void write_back(const void *p)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)cpu.mem;

	/* an instruction with an address in the middle takes the line too */
	off &= ~(uintptr_t)63;
	assert_true(off < ARENA);
	memcpy(cpu.at_rest + off, cpu.mem + off, 64);
}

static void record_clwb(const void *p)
{
	cpu.clwb++;
	write_back(p);
}

static void record_clflushopt(const void *p)
{
	cpu.clflushopt++;
	write_back(p);
}

static void record_clflush(const void *p)
{
	cpu.clflush++;
	write_back(p);
}

static void record_stream(long long *p, long long word)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)cpu.mem;

	assert_int_equal(off & 7, 0);
	assert_true(off < ARENA);
	memcpy(p, &word, 8);
	memcpy(cpu.at_rest + off, &word, 8);
	cpu.streams++;
}

static int record_cpuid(unsigned int leaf, unsigned int *ebx)
{
	assert_int_equal(leaf, 7);
	cpu.asked++;
	*ebx = cpu.features;
	return cpu.has_leaf;
}

#define _mm_clwb(p)			record_clwb(p)
#define _mm_clflushopt(p)		record_clflushopt(p)
#undef _mm_clflush
#define _mm_clflush(p)			record_clflush(p)
#define _mm_stream_si64(p, word)	record_stream(p, word)
#define _mm_sfence()			((void)cpu.fences++)
#define __get_cpuid_count(leaf, sub, a, b, c, d) \
	((void)(a), (void)(c), (void)(d), record_cpuid((leaf) + (sub), b))

#include "../../../lib/pmem.c"

static void reset(int has_leaf, unsigned int features)
{
	memset(&cpu, 0, sizeof(cpu));
	cpu.has_leaf = has_leaf;
	cpu.features = features;
	flush_kind = FLUSH_UNKNOWN;
}

static unsigned int flushes(void)
{
	return cpu.clwb + cpu.clflushopt + cpu.clflush;
}

/* ---- tests ---- */

static void best_instruction_is_chosen_once(void **state)
{
	(void)state;
	reset(0, ~0U);
	assert_string_equal(zus_pmem_flush_name(), "clflush");
	zus_pmem_flush(NULL, cpu.mem, 1);
	assert_int_equal(cpu.clflush, 1);
	reset(1, 0);
	assert_string_equal(zus_pmem_flush_name(), "clflush");
	reset(1, bit_CLFLUSHOPT);
	zus_pmem_flush(NULL, cpu.mem, 1);
	assert_int_equal(cpu.clflushopt, 1);
	assert_int_equal(flushes(), 1);
	assert_string_equal(zus_pmem_flush_name(), "clflushopt");
	reset(1, bit_CLFLUSHOPT | bit_CLWB);
	zus_pmem_flush(NULL, cpu.mem, 1);
	assert_int_equal(cpu.clwb, 1);
	assert_int_equal(flushes(), 1);
	assert_string_equal(zus_pmem_flush_name(), "clwb");
	assert_int_equal(cpu.asked, 1);
}

static const unsigned int kinds[] = { 0, bit_CLFLUSHOPT, bit_CLWB };

/* Every range: all of its lines, each once, and no other. */
static void flush_takes_each_line_of_the_range(void **state)
{
	size_t from, n, i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		for (from = 64; from < 130; from++) {
			for (n = 1; n < 130; n++) {
				size_t first = from / 64, last = (from + n - 1) / 64;

				reset(1, kinds[i]);
				memset(cpu.mem, 1, ARENA);
				zus_pmem_flush(NULL, cpu.mem + from, n);
				assert_int_equal(flushes(), last - first + 1);
				assert_memory_equal(cpu.at_rest + 64 * first, cpu.mem,
						    64 * (last - first + 1));
			}
		}
		reset(1, kinds[i]);
		zus_pmem_flush(NULL, cpu.mem + 70, 0);
		assert_int_equal(flushes(), 0);
	}
}

static void fence_is_a_fence(void **state)
{
	(void)state;
	reset(1, 0);
	zus_pmem_fence(NULL);
	assert_int_equal(cpu.fences, 1);
}

/* The lines that hold the head and the tail, which are not whole words. */
static unsigned int plain_lines(size_t to, size_t n)
{
	size_t head = -to & 7, tail;

	if (head > n)
		head = n;
	tail = (n - head) & 7;
	return !!head + !!tail;
}

static void check_nt(size_t to, size_t n, const uint8_t *src)
{
	uint8_t want[ARENA] = { 0 };
	size_t head = -to & 7;

	reset(1, bit_CLWB);
	if (src) {
		memcpy(want + to, src, n);
		zus_pmem_copy_nt(NULL, cpu.mem + to, src, n);
	} else {
		memset(cpu.mem, 7, ARENA);
		memset(cpu.at_rest, 7, ARENA);
		memset(want, 7, ARENA);
		memset(want + to, 0, n);
		zus_pmem_zero_nt(NULL, cpu.mem + to, n);
	}
	assert_memory_equal(cpu.mem, want, ARENA);
	assert_memory_equal(cpu.at_rest, want, ARENA);
	/* all whole words go past the caches, only what is left is flushed */
	assert_int_equal(cpu.streams, n > head ? (n - head) / 8 : 0);
	assert_int_equal(flushes(), plain_lines(to, n));
}

static void streamed_bytes_leave_the_caches(void **state)
{
	uint8_t src[128];
	size_t to, n;

	(void)state;
	for (n = 0; n < sizeof(src); n++)
		src[n] = (uint8_t)(n + 1);
	for (to = 64; to < 140; to++) {
		for (n = 0; n < 100; n++) {
			check_nt(to, n, src + n % 9);
			check_nt(to, n, NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(best_instruction_is_chosen_once),
		cmocka_unit_test(flush_takes_each_line_of_the_range),
		cmocka_unit_test(fence_is_a_fence),
		cmocka_unit_test(streamed_bytes_leave_the_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
