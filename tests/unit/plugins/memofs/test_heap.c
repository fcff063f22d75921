// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server's memory: whatever a user does without taking blocks of T1 has an end, which is
 * -ENOSPC, and what goes gives its memory back.
 */
#include "fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>

#define LEAF		((uint64_t)BLOCK << MEMOFS_MAP_BITS)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static uint64_t nodes(struct fixture *fx)
{
	return fixture_sb(fx)->nodes.bytes;
}

static void assert_has_an_end(const struct memofs_heap *heap, uint64_t max)
{
	assert_int_equal(heap->max, max);
	assert_true(heap->bytes <= max);
	assert_true(heap->bytes > max / 2);
}

static void accounts_have_an_exact_end(void **state)
{
	struct fixture *fx = *state;
	struct memofs_sb *msb = fixture_sb(fx);
	struct memofs_heap heap = { .max = 100 };
	void *mem, *more;
	int err;

	assert_int_equal(memofs_heap_left(&heap), 100);
	mem = memofs_heap_alloc(msb, &heap, 60, &err);
	assert_non_null(mem);
	assert_int_equal(err, 0);
	assert_int_equal(memofs_heap_left(&heap), 40);
	assert_null(memofs_heap_alloc(msb, &heap, 41, &err));
	assert_int_equal(err, -ENOSPC);
	fake_fail(fx->f, FAKE_ALLOC, 1);
	assert_null(memofs_heap_alloc(msb, &heap, 40, &err));
	assert_int_equal(err, -ENOMEM);
	more = memofs_heap_alloc(msb, &heap, 40, &err);
	assert_non_null(more);
	assert_int_equal(memofs_heap_left(&heap), 0);
	memofs_heap_free(msb, &heap, mem, 60);
	memofs_heap_free(msb, &heap, NULL, 60);
	assert_int_equal(heap.bytes, 40);
	memofs_heap_free(msb, &heap, more, 40);
	assert_int_equal(heap.bytes, 0);
}

/* One byte in each 2 MiB, and gone again: nothing of it stays. */
static void index_goes_with_its_blocks(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	unsigned int i;

	for (i = 1; i <= 2000; i++) {
		must_write(fx, a, "x", 1, i * LEAF);
		assert_true(nodes(fx) > 0);
		assert_int_equal(fake_fallocate(fx->t, a, PUNCH, i * LEAF, BLOCK), 0);
		assert_int_equal(nodes(fx), 0);
	}
	/* a block at each end of a leaf: the leaf goes with the last one */
	must_write(fx, a, "x", 1, LEAF);
	must_write(fx, a, "x", 1, 2 * LEAF - 1);
	assert_int_equal(fake_fallocate(fx->t, a, PUNCH, LEAF, BLOCK), 0);
	assert_true(nodes(fx) > 0);
	assert_true(block_of(inode_of(a), LEAF / BLOCK * 2 - 1) > 0);
	assert_int_equal(fake_fallocate(fx->t, a, PUNCH, 2 * LEAF - BLOCK, BLOCK), 0);
	assert_int_equal(nodes(fx), 0);
	/* a truncate inside of one, and blocks that a collapse takes */
	must_write(fx, a, "x", 1, 5 * LEAF + 7 * BLOCK);
	assert_int_equal(fake_truncate(fx->t, a, 5 * LEAF + 6 * BLOCK), 0);
	assert_int_equal(nodes(fx), 0);
	must_write(fx, a, "x", 1, 9 * LEAF);
	assert_int_equal(fake_truncate(fx->t, a, 10 * LEAF), 0);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_COLLAPSE_RANGE, 9 * LEAF, BLOCK), 0);
	assert_int_equal(nodes(fx), 0);
	must_remove(fx, fx->root, a, "a");
}

/* Far holes of a source take the index of the destination away, not what it shares. */
static void clone_keeps_the_index_that_it_needs(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t one;
	char c;

	must_write(fx, a, "a", 1, 3 * LEAF);
	must_write(fx, a, "z", 1, 6 * LEAF - 1);
	must_write(fx, b, "b", 1, 4 * LEAF);
	must_write(fx, b, "b", 1, 9 * LEAF);
	one = nodes(fx);
	assert_int_equal(fake_clone(fx->t, a, b, 0, 0, 0, 0), 0);
	/* b had leaves 4 and 9, and has 3 and 5; there are counts of owners now */
	assert_int_equal(fake_read(fx->t, b, &c, 1, 3 * LEAF), 1);
	assert_int_equal(c, 'a');
	assert_int_equal(fake_read(fx->t, b, &c, 1, 6 * LEAF - 1), 1);
	assert_int_equal(c, 'z');
	assert_int_equal(block_of(inode_of(b), 4 * LEAF / BLOCK), 0);
	assert_true(nodes(fx) - one < 2 * sizeof(struct memofs_map_node));
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

static void sparse_files_have_an_end(void **state)
{
	struct fixture *fx = *state;
	struct memofs_sb *msb = fixture_sb(fx);
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t i = 0, end, before = memofs_blocks_left(msb), free_then;
	ssize_t n;

	do {
		n = fake_write(fx->t, a, "x", 1, i++ * LEAF);
	} while (n == 1);
	end = i - 1;
	assert_int_equal(n, -ENOSPC);
	assert_true(memofs_blocks_left(msb) > 100);
	assert_has_an_end(&msb->nodes, msb->blocks * BLOCK / 2);
	/* nothing is kept of what failed; what needs no index goes on */
	free_then = memofs_blocks_left(msb);
	assert_int_equal(fake_write(fx->t, a, "x", 1, end * LEAF), -ENOSPC);
	assert_int_equal(fake_fallocate(fx->t, a, FALLOC_FL_KEEP_SIZE, end * LEAF, LEAF), -ENOSPC);
	assert_int_equal(memofs_blocks_left(msb), free_then);
	must_write(fx, a, "y", 1, (end - 1) * LEAF + 5 * BLOCK);
	assert_int_equal(fake_fallocate(fx->t, a, PUNCH, 2 * LEAF, LEAF), 0);
	must_write(fx, a, "x", 1, end * LEAF);
	assert_int_equal(fake_truncate(fx->t, a, 1), 0);
	assert_int_equal(nodes(fx), 0);
	must_remove(fx, fx->root, a, "a");
	assert_int_equal(memofs_blocks_left(msb), before);
}

static void clones_have_an_end(void **state)
{
	struct fixture *fx = *state;
	struct memofs_sb *msb = fixture_sb(fx);
	struct fake_node a = must_creat(fx, fx->root, "a"), b[64];
	unsigned int i, k, made;
	uint64_t then = 0;
	char name[16];
	int err = 0;

	for (i = 0; i < 100; i++)
		must_write(fx, a, "x", 1, i * LEAF);
	for (made = 0; made < 64; made++) {
		snprintf(name, sizeof(name), "b%u", made);
		b[made] = must_creat(fx, fx->root, name);
		then = nodes(fx);
		err = fake_clone(fx->t, a, b[made], 0, 0, 0, 0);
		if (err)
			break;
	}
	assert_int_equal(err, -ENOSPC);
	assert_has_an_end(&msb->nodes, msb->blocks * BLOCK / 2);
	/* the one that failed is as it was, and has no index */
	assert_int_equal(zus_zi_size(b[made].zi), 0);
	assert_int_equal(nodes(fx), then);
	must_remove(fx, fx->root, b[0], "b0");
	assert_int_equal(fake_clone(fx->t, a, b[made], 0, 0, 0, 0), 0);
	for (k = 1; k <= made; k++) {
		snprintf(name, sizeof(name), "b%u", k);
		must_remove(fx, fx->root, b[k], name);
	}
	must_remove(fx, fx->root, a, "a");
}

/* An empty file takes 128 bytes of T1 and a handle: what statfs says of inodes is true. */
static void handles_have_an_end(void **state)
{
	const struct fake_opts opts = { .t1_bytes = 4 << 20 };
	struct fixture *fx = fixture_mount(&opts, NULL);
	struct memofs_sb *msb = fixture_sb(fx);
	struct statfs64 st;
	struct fake_node node;
	unsigned int i, n;
	char name[16];
	int err = 0;

	(void)state;
	for (n = 0; !err; n++) {
		snprintf(name, sizeof(name), "%u", n);
		err = fake_creat(fx->t, fx->root, name, &node);
		if (!err)
			assert_int_equal(fake_evict(fx->t, node, 0), 0);
	}
	n--;
	assert_int_equal(err, -ENOSPC);
	assert_has_an_end(&msb->handles, msb->blocks * BLOCK);
	assert_int_equal(fake_statfs(fx->t, &st), 0);
	assert_int_equal(st.f_ffree, 0);
	assert_true(st.f_bfree > 0);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(fake_lookup(fx->t, fx->root, name, &node), 0);
		must_remove(fx, fx->root, node, name);
	}
	assert_int_equal(fake_statfs(fx->t, &st), 0);
	assert_true(st.f_ffree > n / 2);
	fixture_umount(fx);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(accounts_have_an_exact_end),
		T(index_goes_with_its_blocks),
		T(clone_keeps_the_index_that_it_needs),
		T(sparse_files_have_an_end),
		T(clones_have_an_end),
		cmocka_unit_test(handles_have_an_end),
	};

	return cmocka_run_group_tests_name("memofs heap", tests, NULL, NULL);
}
