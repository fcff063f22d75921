// SPDX-License-Identifier: BSD-2-Clause
/*
 * Elements of a list of commands (kernel/list/element.c), compiled in user space: a server writes
 * these lists, so whatever is in them is either an element in bounds or refused. A list lies on
 * the heap and is as long as it says: a read behind it is seen.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the kernel has ---- */

typedef uint64_t u64;
typedef uint32_t u32;

#define PAGE_SHIFT			12
#define PAGE_SIZE			(1UL << PAGE_SHIFT)
#define TASK_SIZE_MAX			((1ULL << 47) - PAGE_SIZE)
#define U64_MAX				UINT64_MAX
#define offset_in_page(p)		((p) & (PAGE_SIZE - 1))
#define check_mul_overflow(a, b, to)	__builtin_mul_overflow(a, b, to)
#define fallthrough			__attribute__((__fallthrough__))
#define WARN_ON_ONCE(x)			((x) ? abort() : (void)0)

#define ZUF_DEVSET_H
struct zuf_devset { u64 t1_bytes, t2_blocks; };

#include "../../../kernel/list/element.c"

#define T1_PAGES	16U
#define T2_BLOCKS	100U
#define MEM		(1UL << 30)

static const struct zuf_devset devices = { T1_PAGES << PAGE_SHIFT, T2_BLOCKS };
static struct zuf_iom_elem e;		/* the last one */

/* The first element of n words; *used: how many of them. */
static int next_of(const struct zuf_devset *ds, bool read_only, const u64 *words, u32 n, u32 *used)
{
	u64 *copy = malloc(n * sizeof(*copy) + !n);
	int ret;

	assert_non_null(copy);
	memcpy(copy, words, n * sizeof(*copy));
	*used = 0;
	memset(&e, 0xff, sizeof(e));
	ret = zuf_iom_next(ds, read_only, copy, n, used, &e);
	free(copy);
	return ret;
}

/* An element alone in its list, with a REPEAT behind it unless times is 0. */
static int decode_with(const struct zuf_devset *ds, bool read_only, u32 op, u64 val, u64 a, u64 b,
		       u64 times)
{
	u64 words[4] = { zufs_iom_pack(op, val), a, b };
	u32 n = zufs_iom_words(op), used;
	int ret;

	if (times)
		words[n++] = zufs_iom_pack(IOM_REPEAT, times);
	ret = next_of(ds, read_only, words, n, &used);
	if (ret == 1)
		assert_int_equal(used, n);
	return ret;
}

static int decode(u32 op, u64 val, u64 a, u64 b)
{
	return decode_with(&devices, false, op, val, a, b, 0);
}

static int repeat(u32 op, u64 val, u64 a, u64 b, u64 times)
{
	return decode_with(&devices, false, op, val, a, b, times);
}

static u64 page(u64 nr)
{
	return nr << PAGE_SHIFT;
}

static void list_ends_with_its_words(void **state)
{
	static const u32 ends[] = { IOM_NONE, IOM_DISCARD + 1, 255 };
	u64 word = 0;
	u32 used;
	size_t i;

	(void)state;
	assert_int_equal(next_of(&devices, false, &word, 0, &used), 0);
	for (i = 0; i < ARRAY_LEN(ends); i++) {
		word = zufs_iom_pack(ends[i], 7);
		assert_int_equal(next_of(&devices, false, &word, 1, &used), 0);
		assert_int_equal(used, 0);
	}
}

static void element_that_is_cut_off_is_refused(void **state)
{
	static const u32 ops[] = { IOM_T2_WRITE, IOM_T2_READ_LEN, IOM_T2_ZUSMEM_READ, IOM_UNMAP,
				   IOM_DISCARD };
	u64 words[3] = { 0 };
	u32 used, n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		words[0] = zufs_iom_pack(ops[i], 1);
		for (n = 1; n < zufs_iom_words(ops[i]); n++) {
			assert_int_equal(next_of(&devices, false, words, n, &used), -EIO);
			assert_int_equal(used, 0);
		}
	}
}

static void unknown_elements_are_refused(void **state)
{
	(void)state;
	assert_int_equal(decode(IOM_T1_WRITE, page(1), 0, 0), -EIO);
	assert_int_equal(decode(IOM_T1_READ, page(1), 0, 0), -EIO);
	assert_int_equal(decode(IOM_REPEAT, 1, 0, 0), -EIO);
}

static void one_page_goes_to_t2_or_from_it(void **state)
{
	static const u32 ops[] = { IOM_T2_WRITE, IOM_T2_READ };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		assert_int_equal(decode(ops[i], 7, page(3), 0), 1);
		assert_int_equal(e.op, ops[i]);
		assert_int_equal(e.block, 7);
		assert_int_equal(e.pages, 1);
		assert_int_equal(e.t1, page(3));
		assert_int_equal(repeat(ops[i], 7, page(3), 0, 4), 1);
		assert_int_equal(e.pages, 5);
	}
}

static void many_pages_are_those_of_one(void **state)
{
	(void)state;
	assert_int_equal(decode(IOM_T2_WRITE_LEN, 7, page(3), 4), 1);
	assert_int_equal(e.op, IOM_T2_WRITE);
	assert_int_equal(e.pages, 4);
	assert_int_equal(decode(IOM_T2_READ_LEN, 7, page(3), 4), 1);
	assert_int_equal(e.op, IOM_T2_READ);
	assert_int_equal(repeat(IOM_T2_READ_LEN, 7, page(3), 4, 2), 1);
	assert_int_equal(e.pages, 12);
	assert_int_equal(e.t1, page(3));
	assert_int_equal(decode(IOM_T2_READ_LEN, 7, page(3), 0), -EIO);
}

static void t2_has_an_end(void **state)
{
	(void)state;
	assert_int_equal(decode(IOM_T2_READ, T2_BLOCKS - 1, page(1), 0), 1);
	assert_int_equal(decode(IOM_T2_READ, T2_BLOCKS, page(1), 0), -EIO);
	assert_int_equal(repeat(IOM_T2_READ, T2_BLOCKS - 1, page(1), 0, 1), -EIO);
	assert_int_equal(decode(IOM_DISCARD, 0, 0, T2_BLOCKS), 1);
	assert_int_equal(decode(IOM_DISCARD, 1, 0, T2_BLOCKS), -EIO);
	assert_int_equal(decode(IOM_DISCARD, T2_BLOCKS - 1, 0, 2), -EIO);
	assert_int_equal(decode(IOM_DISCARD, 0, 0, T2_BLOCKS + 1), -EIO);
	/* once, and 99 times more */
	assert_int_equal(repeat(IOM_DISCARD, 0, 0, 1, T2_BLOCKS - 1), 1);
	assert_int_equal(e.pages, T2_BLOCKS);
	assert_int_equal(repeat(IOM_DISCARD, 0, 0, 1, T2_BLOCKS), -EIO);
	assert_int_equal(repeat(IOM_DISCARD, 0, 0, T2_BLOCKS, 1), -EIO);
}

/* No product or sum comes back to a small number. */
static void nothing_overflows(void **state)
{
	static const u64 large[] = {
		1ULL << 32, 1ULL << 52, 1ULL << 55, (1ULL << 56) - 1, 1ULL << 63, UINT64_MAX,
		UINT64_MAX - 2,
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_LEN(large); i++) {
		assert_int_equal(decode(IOM_T2_READ_LEN, 3, page(1), large[i]), -EIO);
		assert_int_equal(decode(IOM_DISCARD, 3, 0, large[i]), -EIO);
		assert_int_equal(decode(IOM_T2_READ, large[i] | 1ULL << 55, page(1), 0), -EIO);
		for (j = 0; j < 4; j++) {
			assert_int_equal(repeat(IOM_DISCARD, 3, 0, 4, large[j]), -EIO);
			assert_int_equal(repeat(IOM_DISCARD, 3, 0, large[i], large[j]), -EIO);
		}
		/* nor without devices to be checked against */
		assert_int_equal(decode_with(NULL, false, IOM_DISCARD, 3, 0, 1ULL << 32,
					     (1ULL << 32) - 1), -EIO);
		assert_int_equal(decode_with(NULL, false, IOM_T2_ZUSMEM_READ, 3, MEM, PAGE_SIZE,
					     1ULL << 51), -EIO);
	}
}

static void t1_has_an_end(void **state)
{
	(void)state;
	assert_int_equal(decode(IOM_T2_READ, 0, page(T1_PAGES - 1), 0), 1);
	assert_int_equal(decode(IOM_T2_READ, 0, page(T1_PAGES), 0), -EIO);
	assert_int_equal(decode(IOM_T2_READ, 0, page(T1_PAGES + 1), 0), -EIO);
	assert_int_equal(decode(IOM_T2_READ_LEN, 0, page(1), T1_PAGES - 1), 1);
	assert_int_equal(decode(IOM_T2_READ_LEN, 0, page(1), T1_PAGES), -EIO);
	assert_int_equal(decode(IOM_T2_READ_LEN, 0, page(2), T1_PAGES - 1), -EIO);
	/* block 0 is nobody's, and parts of pages are none */
	assert_int_equal(decode(IOM_T2_READ, 0, 0, 0), -EIO);
	assert_int_equal(decode(IOM_T2_READ, 0, page(1) + 1, 0), -EIO);
	assert_int_equal(decode(IOM_T2_READ, 0, page(1) + 512, 0), -EIO);
	assert_int_equal(decode(IOM_T2_READ, 0, UINT64_MAX << PAGE_SHIFT, 0), -EIO);
}

static void memory_of_the_server_is_in_pages(void **state)
{
	static const u32 ops[] = { IOM_T2_ZUSMEM_WRITE, IOM_T2_ZUSMEM_READ };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		assert_int_equal(decode(ops[i], 5, MEM, page(2)), 1);
		assert_int_equal(e.op, ops[i]);
		assert_true(zuf_iom_is_mem(&e));
		assert_int_equal(e.block, 5);
		assert_int_equal(e.pages, 2);
		assert_int_equal(e.mem, MEM);
		assert_int_equal(decode(ops[i], 5, MEM, page(16)), 1);
		assert_int_equal(decode(ops[i], 5, MEM, page(17)), -EIO);
		assert_int_equal(decode(ops[i], 5, MEM, 0), -EIO);
		assert_int_equal(decode(ops[i], 5, MEM, page(1) + 8), -EIO);
		assert_int_equal(decode(ops[i], 5, MEM + 8, page(1)), -EIO);
		assert_int_equal(decode(ops[i], 5, 0, page(1)), -EIO);
	}
	decode(IOM_T2_READ, 1, page(1), 0);
	assert_false(zuf_iom_is_mem(&e));
}

static void memory_of_the_server_has_an_end(void **state)
{
	const u64 end = TASK_SIZE_MAX;

	(void)state;
	assert_int_equal(decode(IOM_T2_ZUSMEM_READ, 5, end - page(2), page(2)), 1);
	assert_int_equal(decode(IOM_T2_ZUSMEM_READ, 5, end - page(1), page(2)), -EIO);
	assert_int_equal(repeat(IOM_T2_ZUSMEM_READ, 5, end - page(2), page(1), 1), 1);
	assert_int_equal(repeat(IOM_T2_ZUSMEM_READ, 5, end - page(2), page(1), 2), -EIO);
	assert_int_equal(decode(IOM_T2_ZUSMEM_READ, 5, end, page(1)), -EIO);
	assert_int_equal(decode(IOM_T2_ZUSMEM_READ, 5, end + page(1), page(1)), -EIO);
	assert_int_equal(decode(IOM_T2_ZUSMEM_READ, 5, UINT64_MAX << PAGE_SHIFT, page(1)), -EIO);
}

static void unmap_speaks_of_pages_of_an_inode(void **state)
{
	(void)state;
	assert_int_equal(decode(IOM_UNMAP, 1ULL << 50, 1ULL << 60, 77), 1);
	assert_int_equal(e.op, IOM_UNMAP);
	assert_int_equal(e.block, 1ULL << 50);
	assert_int_equal(e.pages, 1ULL << 60);
	assert_int_equal(e.ino, 77);
	assert_int_equal(decode(IOM_WBINV, 0, 0, 0), 1);
	assert_int_equal(e.op, IOM_WBINV);
	/* these are done once */
	assert_int_equal(repeat(IOM_UNMAP, 0, 1, 77, 1), -EIO);
	assert_int_equal(repeat(IOM_WBINV, 0, 0, 0, 1), -EIO);
}

static void writes_are_refused_where_nothing_may_be_written(void **state)
{
	static const struct { u32 op; u64 a, b; int ret; } cases[] = {
		{ IOM_T2_WRITE, 4096, 0, -EROFS }, { IOM_T2_WRITE_LEN, 4096, 2, -EROFS },
		{ IOM_T2_ZUSMEM_WRITE, MEM, 4096, -EROFS }, { IOM_DISCARD, 0, 1, -EROFS },
		{ IOM_T2_READ, 4096, 0, 1 }, { IOM_T2_READ_LEN, 4096, 2, 1 },
		{ IOM_T2_ZUSMEM_READ, MEM, 4096, 1 }, { IOM_UNMAP, 0, 1, 1 },
		{ IOM_WBINV, 0, 0, 1 },
		/* what is wrong is wrong before that */
		{ IOM_T2_WRITE, 0, 0, -EIO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(decode_with(&devices, true, cases[i].op, 1, cases[i].a,
					     cases[i].b, 0), cases[i].ret);
}

/* Only that nothing overflows. */
static void without_devices_only_the_list_is_checked(void **state)
{
	const u64 last = (UINT64_MAX >> PAGE_SHIFT) - 1;

	(void)state;
	assert_int_equal(decode_with(NULL, false, IOM_T2_READ, last, 1, 0, 0), 1);
	assert_int_equal(e.t1, 1);
	assert_int_equal(decode_with(NULL, false, IOM_T2_READ, last + 1, 1, 0, 0), -EIO);
	assert_int_equal(decode_with(NULL, false, IOM_T2_ZUSMEM_READ, 1, 8, 4096, 0), -EIO);
}

static void elements_follow_each_other(void **state)
{
	const u64 words[] = {
		zufs_iom_pack(IOM_T2_READ, 1), page(1),
		zufs_iom_pack(IOM_DISCARD, 2), 0, 3, zufs_iom_pack(IOM_REPEAT, 1),
		zufs_iom_pack(IOM_WBINV, 0),
		zufs_iom_pack(IOM_T2_WRITE, 9), page(2),
	};
	static const struct { u32 op, i, pages; } elems[] = {
		{ IOM_T2_READ, 2, 1 }, { IOM_DISCARD, 6, 6 }, { IOM_WBINV, 7, 0 },
		{ IOM_T2_WRITE, 9, 1 },
	};
	u64 *list = malloc(sizeof(words));
	size_t k;
	u32 i = 0;

	(void)state;
	assert_non_null(list);
	memcpy(list, words, sizeof(words));
	for (k = 0; k < ARRAY_LEN(elems); k++) {
		assert_int_equal(zuf_iom_next(&devices, false, list, ARRAY_LEN(words), &i, &e), 1);
		assert_int_equal(i, elems[k].i);
		assert_int_equal(e.op, elems[k].op);
		assert_int_equal(e.pages, elems[k].pages);
	}
	assert_int_equal(zuf_iom_next(&devices, false, list, ARRAY_LEN(words), &i, &e), 0);
	free(list);
}

static void nothing_is_repeated_twice(void **state)
{
	const u64 words[] = {
		zufs_iom_pack(IOM_DISCARD, 2), 0, 3, zufs_iom_pack(IOM_REPEAT, 1),
		zufs_iom_pack(IOM_REPEAT, 1),
	};
	u32 used;

	(void)state;
	assert_int_equal(next_of(&devices, false, words, 5, &used), -EIO);
	assert_int_equal(next_of(&devices, false, words, 4, &used), 1);
	assert_int_equal(e.pages, 6);
	/* a REPEAT behind the end of the list is none */
	assert_int_equal(next_of(&devices, false, words, 3, &used), 1);
	assert_int_equal(e.pages, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_ends_with_its_words),
		cmocka_unit_test(element_that_is_cut_off_is_refused),
		cmocka_unit_test(unknown_elements_are_refused),
		cmocka_unit_test(one_page_goes_to_t2_or_from_it),
		cmocka_unit_test(many_pages_are_those_of_one),
		cmocka_unit_test(t2_has_an_end),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(t1_has_an_end),
		cmocka_unit_test(memory_of_the_server_is_in_pages),
		cmocka_unit_test(memory_of_the_server_has_an_end),
		cmocka_unit_test(unmap_speaks_of_pages_of_an_inode),
		cmocka_unit_test(writes_are_refused_where_nothing_may_be_written),
		cmocka_unit_test(without_devices_only_the_list_is_checked),
		cmocka_unit_test(elements_follow_each_other),
		cmocka_unit_test(nothing_is_repeated_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
