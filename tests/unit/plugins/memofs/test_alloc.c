// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: the allocator of T1 blocks by itself. Which blocks there are to be had, that each has
 * one owner, where runs lie, and the reserve. The device is 16 MiB: eight groups of 512 blocks.
 */
#include "fixture.h"

#include <unistd.h>

#define LARGE	512U			/* blocks of 2 MiB */
#define BLOCKS	4096U

static unsigned char owned[BLOCKS];	/* by the test */

static void note(uint64_t bn, uint64_t n, bool taken)
{
	for (; n--; bn++) {
		assert_true(bn < BLOCKS);
		assert_int_equal(owned[bn], !taken);
		owned[bn] = taken;
	}
}

static uint64_t take(struct memofs_sb *msb, uint64_t index, uint64_t after, uint64_t max,
		     uint64_t *bn)
{
	uint64_t left = memofs_blocks_left(msb);
	uint64_t n = memofs_blocks_alloc(msb, index, after, max, bn);

	assert_true(n <= max);
	assert_int_equal(memofs_blocks_left(msb), left - n);
	note(*bn, n, true);
	return n;
}

static void give(struct memofs_sb *msb, uint64_t bn, uint64_t n)
{
	note(bn, n, false);
	memofs_blocks_free(msb, bn, n);
}

static void take_all(struct memofs_sb *msb)
{
	uint64_t bn;

	while (take(msb, 0, 0, 1, &bn))
		;
	assert_int_equal(memofs_blocks_left(msb), 0);
}

static void give_all(struct memofs_sb *msb)
{
	uint64_t bn;

	for (bn = 0; bn < BLOCKS; bn++)
		if (owned[bn])
			give(msb, bn, 1);
}

/* A lock that is waited for in vain is the end: each test takes some milliseconds. */
static int setup_empty(void **state)
{
	alarm(10);
	memset(owned, 0, sizeof(owned));
	return setup(state);
}

static int teardown_empty(void **state)
{
	give_all(fixture_sb(*state));
	alarm(0);
	return teardown(state);
}

static void each_block_has_one_owner(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t bn, all = memofs_blocks_left(msb);

	/* all but the table, the reserve and the root's block */
	assert_int_equal(all, BLOCKS - 1 - BLOCKS / 128 - 1);
	take_all(msb);
	assert_false(owned[0]);
	for (bn = 0; bn < msb->reserve.count; bn++)
		assert_false(owned[msb->reserve.bns[bn]]);
	assert_false(owned[zus_t1_bn(msb->sb.md, ((struct fixture *)*state)->root.zi)]);
	give_all(msb);
	assert_int_equal(memofs_blocks_left(msb), all);
}

/* The last word of the last group may not be full. */
static void device_may_end_anywhere(void **state)
{
	static const char *const sizes[] = { "size=8k", "size=12k", "size=2044k", "size=2052k",
					     "size=4156k" };
	const uint64_t blocks[] = { 2, 3, 511, 513, 1039 };
	struct fixture *fx;
	uint64_t bn, n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fx = fixture_mount(NULL, sizes[i]);
		assert_int_equal(fixture_sb(fx)->blocks, blocks[i]);
		memset(owned, 0, sizeof(owned));
		n = memofs_blocks_left(fixture_sb(fx));
		take_all(fixture_sb(fx));
		for (bn = 0; bn < BLOCKS; bn++) {
			n -= owned[bn];
			assert_false(owned[bn] && bn >= blocks[i]);
		}
		assert_int_equal(n, 0);
		give_all(fixture_sb(fx));
		fixture_umount(fx);
	}
}

static void what_is_freed_twice_is_free_once(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t bn, before;

	assert_int_equal(take(msb, 0, 0, 3, &bn), 3);
	give(msb, bn, 3);
	before = memofs_blocks_left(msb);
	memofs_blocks_free(msb, bn, 3);
	assert_int_equal(memofs_blocks_left(msb), before);
}

/* What follows each other lies in a row, over the ends of words, while there is room. */
static void runs_lie_in_a_row(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t bn, next;

	/* too short for a place of its own: 63 to the next word, and less than a word */
	assert_int_equal(take(msb, 1, 0, 126, &bn), 126);
	assert_int_equal(take(msb, 0, 0, 5, &next), 5);
	assert_int_equal(next, bn + 126);
	/* a hole is found again when the search comes round, and ends where it ends */
	give(msb, bn + 10, 3);
	take_all(msb);
	assert_true(owned[bn + 10] && owned[bn + 12]);
	give(msb, bn + 10, 3);
	give(msb, bn + 60, 8);
	assert_int_equal(take(msb, 0, 0, 20, &next), 3);
	assert_int_equal(next, bn + 10);
	assert_int_equal(take(msb, 0, 0, 20, &next), 8);
	assert_int_equal(next, bn + 60);
	assert_int_equal(take(msb, 0, 0, 20, &next), 0);
}

static void large_runs_are_as_far_from_a_border_as_in_the_file(void **state)
{
	static const uint64_t indices[] = { 0, 64, 448, 512, 1000 * 64 };
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t bn, n;
	size_t i;

	for (i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		n = take(msb, indices[i], 0, 64, &bn);
		assert_int_equal(n, 64);
		assert_int_equal((bn - indices[i]) % LARGE, 0);
		give(msb, bn, n);
		/* and up to the border at least, and no part of 2 MiB behind it */
		n = take(msb, indices[i], 0, 700, &bn);
		assert_int_equal((bn - indices[i]) % LARGE, 0);
		assert_int_equal((bn + n) % LARGE && n < 700, 0);
		give(msb, bn, n);
	}
	/* what begins within a word comes there first */
	n = take(msb, 10, 0, 1000, &bn);
	assert_int_equal(n, 54);
}

static void large_run_goes_on_where_the_file_is(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t first, next, other;

	assert_int_equal(take(msb, 0, 0, 64, &first), 64);
	assert_int_equal(take(msb, 0, 0, 128, &other), 128);
	assert_true(other / LARGE != first / LARGE);
	assert_int_equal(take(msb, 64, first + 63, 448, &next), 448);
	assert_int_equal(next, first + 64);
	/* what follows is somebody's */
	give(msb, next, 448);
	assert_int_equal(take(msb, 128, other + 127, 64, &next), 64);
	assert_int_equal(next, other + 128);
	assert_int_equal(take(msb, 64, other + 63, 64, &next), 64);
	assert_int_equal(next % LARGE, 64);
	assert_true(next / LARGE != other / LARGE);
	/* what lies out of step is not followed */
	assert_int_equal(take(msb, 256, other + 191, 64, &next), 64);
	assert_int_equal(next % LARGE, 256);
	/* nor what lies behind the end */
	assert_int_equal(take(msb, 0, BLOCKS - 1, 64, &next), 64);
	assert_int_equal(next % LARGE, 0);
}

/* Where only one place is right it is found, whatever was found before. */
static void last_large_place_is_found(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t place, bn, n;

	take_all(msb);
	for (place = LARGE; place < BLOCKS; place += LARGE) {
		if (!owned[place])
			continue;
		for (n = 0; n < 64 && owned[place + n]; n++)
			give(msb, place + n, 1);
		if (n < 64)
			continue;
		assert_int_equal(take(msb, 0, 0, 64, &bn), 64);
		assert_int_equal(bn, place);
		give(msb, place, 64);
		/* for more there is none: it is a run as any other */
		assert_int_equal(take(msb, 0, 0, LARGE, &bn), 64);
		assert_int_equal(bn, place);
	}
}

static void reserve_is_filled_up_first(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t max = msb->reserve.max, bn, i, taken[4];

	assert_int_equal(max, BLOCKS / 128);
	assert_int_equal(msb->reserve.count, max);
	/* while there is anything else it stays */
	bn = memofs_block_alloc_reserve(msb);
	note(bn, 1, true);
	assert_int_equal(msb->reserve.count, max);
	take_all(msb);
	for (i = 0; i < 4; i++) {
		taken[i] = memofs_block_alloc_reserve(msb);
		assert_true(taken[i]);
		note(taken[i], 1, true);
	}
	assert_int_equal(msb->reserve.count, max - 4);
	/* what comes back goes there, wherever it lies, and the rest is free */
	assert_int_equal(memofs_blocks_left(msb), 0);
	give(msb, bn, 1);
	give(msb, taken[0], 1);
	assert_int_equal(msb->reserve.count, max - 2);
	assert_int_equal(memofs_blocks_left(msb), 0);
	for (bn = LARGE; !owned[bn] || !owned[bn + 3]; bn++)
		;
	give(msb, bn, 4);
	assert_int_equal(msb->reserve.count, max);
	assert_int_equal(memofs_blocks_left(msb), 2);
	for (i = 0; i < max; i++)
		assert_true(msb->reserve.bns[i] != bn + 2 && msb->reserve.bns[i] != bn + 3);
	/* empty, and no block is 0 */
	take_all(msb);
	for (i = 0; i < max; i++)
		note(memofs_block_alloc_reserve(msb), 1, true);
	assert_int_equal(memofs_block_alloc_reserve(msb), 0);
	assert_int_equal(memofs_block_alloc_reserve(msb), 0);
}

/* What the kernel calls busy is nobody's until it is idle. */
static void blocks_are_taken_one_by_one(void **state)
{
	struct memofs_sb *msb = fixture_sb(*state);
	uint64_t bn, before = memofs_blocks_left(msb), reserved = msb->reserve.bns[3];
	uint64_t last = msb->reserve.bns[msb->reserve.count - 1], i;

	assert_int_equal(take(msb, 0, 0, 1, &bn), 1);
	assert_false(memofs_block_take(&msb->sb, bn));
	give(msb, bn, 1);
	assert_true(memofs_block_take(&msb->sb, bn));
	assert_false(memofs_block_take(&msb->sb, bn));
	assert_int_equal(memofs_blocks_left(msb), before - 1);
	memofs_blocks_idle(&msb->sb, bn, 1);
	assert_int_equal(memofs_blocks_left(msb), before);
	/* one of the reserve leaves it, the others stay */
	assert_true(memofs_block_take(&msb->sb, reserved));
	assert_false(memofs_block_take(&msb->sb, reserved));
	assert_int_equal(msb->reserve.count, msb->reserve.max - 1);
	for (i = 0; i < msb->reserve.count; i++)
		assert_true(msb->reserve.bns[i] != reserved);
	assert_int_equal(msb->reserve.bns[3], last);
	memofs_blocks_idle(&msb->sb, reserved, 1);
	assert_int_equal(msb->reserve.count, msb->reserve.max);
	/* there is no such block */
	assert_false(memofs_block_take(&msb->sb, msb->blocks));
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup_empty, teardown_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_block_has_one_owner),
		cmocka_unit_test(device_may_end_anywhere),
		T(what_is_freed_twice_is_free_once),
		T(runs_lie_in_a_row),
		T(large_runs_are_as_far_from_a_border_as_in_the_file),
		T(large_run_goes_on_where_the_file_is),
		T(last_large_place_is_found),
		T(reserve_is_filled_up_first),
		T(blocks_are_taken_one_by_one),
	};

	return cmocka_run_group_tests_name("memofs alloc", tests, NULL, NULL);
}
