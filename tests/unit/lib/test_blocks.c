// SPDX-License-Identifier: BSD-2-Clause
/*
 * The words of a GET_MULTY answer: one by one and in runs they come out the same.
 */
#include "../unit.h"

#include <string.h>
#include <zus/io.h>

#define ROOM	20

static void assert_run(uint64_t bn, uint32_t before, uint32_t n, uint32_t fits)
{
	uint64_t words[ROOM + 1], expected[ROOM + 1];
	struct zus_blocks a = { .internal = { .words = words, .max = ROOM } };
	struct zus_blocks b = { .internal = { .words = expected, .max = ROOM } };
	uint32_t i;

	memset(words, 0x55, sizeof(words));
	memset(expected, 0x55, sizeof(expected));
	for (i = 0; i < before; i++) {
		zus_blocks_add(&a, 7);
		zus_blocks_add(&b, 7);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(zus_blocks_add(&b, bn ? bn + i : 0), i < fits ? 0 : -ENOSPC);
	assert_int_equal(zus_blocks_add_run(&a, bn, n), fits);
	assert_int_equal(a.n, b.n);
	assert_int_equal(zus_blocks_room(&a), ROOM - before - fits);
	assert_memory_equal(words, expected, sizeof(words));
}

static void a_run_is_its_blocks(void **state)
{
	(void)state;
	assert_run(1, 0, 1, 1);
	assert_run(1000, 0, ROOM, ROOM);
	assert_run(((uint64_t)1 << 50) - 3, 3, 9, 9);
	assert_run(5, 2, 0, 0);
}

static void a_hole_has_one_word_for_each_page(void **state)
{
	(void)state;
	assert_run(0, 0, 17, 17);
	assert_run(0, 5, 1, 1);
}

static void a_run_ends_where_the_room_does(void **state)
{
	(void)state;
	assert_run(9, 12, 9, 8);
	assert_run(0, 20, 1, 0);
	assert_run(9, 1, UINT16_MAX, 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_its_blocks),
		cmocka_unit_test(a_hole_has_one_word_for_each_page),
		cmocka_unit_test(a_run_ends_where_the_room_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
