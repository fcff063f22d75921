// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: edges of clones. Who comes late to a shared block, what a clone leaves of the file that
 * it replaces, and what holds nothing up. The rest of shared blocks is in test_clone.c.
 */
#include "fixture.h"

/* The second of two who found a shared block finds the copy of the first. */
static void late_writer_finds_the_copy(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct memofs_run first = { .index = 0, .n = 1 }, second;

	must_fill(fx, a, 'a', 1);
	must_clone(fx, a, b);
	first.bn = block_of(inode_of(b), 0);
	second = first;
	assert_int_equal(memofs_own(inode_of(b), &first, false), 1);
	assert_int_equal(memofs_own(inode_of(b), &second, false), 0);
	assert_int_equal(second.bn, first.bn);
	assert_int_equal(block_of(inode_of(b), 0), first.bn);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

/* The kernel sends no put for the fault of a page that is a hole, nor behind an error. */
static void fault_of_a_hole_holds_nothing_up(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t bn = 1, before;

	must_fill(fx, a, 'a', 2);
	assert_int_equal(fake_truncate(fx->t, a, 20 * BLOCK), 0);
	before = blocks_left(fx);
	must_clone(fx, a, b);
	assert_int_equal(fake_get(fx->t, a, 10 * BLOCK, BLOCK, ZUFS_RW_MMAP, &bn, 1), 1);
	assert_int_equal(bn, 0);
	must_write(fx, a, "n", 1, 0);
	must_remove(fx, fx->root, b, "b");
	assert_int_equal(blocks_left(fx), before);
	must_remove(fx, fx->root, a, "a");
}

/* A file that becomes another one has nothing of what it was before. */
static void clone_of_a_shorter_file_leaves_nothing_behind_it(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t before;

	must_fill(fx, a, 'a', 2);
	before = blocks_left(fx);
	must_fill(fx, b, 'b', 20);
	must_clone(fx, a, b);
	assert_int_equal(zus_zi_size(b.zi), 2 * BLOCK);
	assert_int_equal(le64toh(b.zi->i_blocks), 2);
	assert_int_equal(blocks_left(fx), before);
	assert_int_equal(fake_truncate(fx->t, b, 20 * BLOCK), 0);
	assert_int_equal(byte_at(fx, b, BLOCK), 'a');
	assert_int_equal(byte_at(fx, b, 2 * BLOCK), 0);
	assert_int_equal(byte_at(fx, b, 19 * BLOCK), 0);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

/* What somebody has stored behind the end does not come into sight by a clone behind it. */
static void clone_behind_the_end_shows_zeros(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	char buf[8];

	must_fill(fx, a, 'a', 1);
	must_write(fx, b, "data", 4, 0);
	memset(memofs_block_addr(inode_of(b), block_of(inode_of(b), 0)) + 4, 'x', BLOCK - 4);
	assert_int_equal(fake_clone(fx->t, a, b, 0, 3 * BLOCK, BLOCK, BLOCK), 0);
	assert_int_equal(zus_zi_size(b.zi), 4 * BLOCK);
	assert_int_equal(fake_read(fx->t, b, buf, 8, 0), 8);
	assert_memory_equal(buf, "data\0\0\0\0", 8);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(late_writer_finds_the_copy),
		T(fault_of_a_hole_holds_nothing_up),
		T(clone_of_a_shorter_file_leaves_nothing_behind_it),
		T(clone_behind_the_end_shows_zeros),
	};

	return cmocka_run_group_tests_name("memofs clone edges", tests, NULL, NULL);
}
