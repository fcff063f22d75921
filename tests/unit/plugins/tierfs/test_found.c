// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: faults that readers of the code have found, a test each. The checker looks at the media
 * at each unmount (fixture.c).
 */
#include "fixture.h"

#include <stdio.h>

#define ONE_BUCKET	420U
#define SPLITS_NEXT	448U
#define RENAMES		4000U

static void rename_name(struct fixture *fx, struct fake_node dir, const char *from, const char *to)
{
	struct fake_node node = must_lookup(fx, dir, from);

	assert_int_equal(fake_rename(fx->t, dir, from, node, dir, to,
				     (struct fake_node){ .ii = 0 }, 0), 0);
	must_forget(fx, node);
	assert_int_not_equal(ino_of(fx, dir, to), 0);
	assert_int_equal(ino_of(fx, dir, from), 0);
}

static struct fake_node dir_of(struct fixture *fx, unsigned int names)
{
	struct fake_node dir = must_mkdir(fx, fx->root, "dir");
	char name[32];
	unsigned int i;

	for (i = 0; i < names; i++) {
		snprintf(name, sizeof(name), "some-name-%u", i);
		must_forget(fx, must_creat(fx, dir, name));
	}
	return dir;
}

static void remove_dir(struct fixture *fx, struct fake_node dir)
{
	must_forget(fx, dir);
	remount_same(fx);
	dir = must_lookup(fx, fx->root, "dir");
	must_remove_all(fx, dir);
	must_remove(fx, fx->root, dir, "dir");
}

/*
 * A rename within a directory takes one cell out of its index and puts another one in: the search
 * for the new one must not end at the place of the old one.
 */
static void renamed_names_are_found(void **state)
{
	struct fixture *fx = *state;
	struct fake_node dir = dir_of(fx, ONE_BUCKET);
	unsigned int now[ONE_BUCKET], i, next = ONE_BUCKET, seed = 1;
	char from[32], to[32];

	for (i = 0; i < ONE_BUCKET; i++)
		now[i] = i;
	for (; next < ONE_BUCKET + RENAMES; next++) {
		i = (unsigned int)rand_r(&seed) % ONE_BUCKET;
		snprintf(from, sizeof(from), "some-name-%u", now[i]);
		snprintf(to, sizeof(to), "some-name-%u", next);
		rename_name(fx, dir, from, to);
		now[i] = next;
	}
	remove_dir(fx, dir);
}

/* The same where the bucket of the index is as full as it gets. */
static void a_rename_does_not_split_what_it_has_changed(void **state)
{
	struct fixture *fx = *state;
	struct fake_node dir = dir_of(fx, SPLITS_NEXT);

	rename_name(fx, dir, "some-name-7", "other");
	must_forget(fx, must_creat(fx, dir, "some-name-7"));
	remove_dir(fx, dir);
}

/* An inode goes with its last reference, whatever message brings that back. */
static void a_late_reference_leaks_nothing(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), late;
	uint64_t before = tierfs_blocks_left(fixture_fs(fx));

	must_fill(fx, a, 'a', 100);
	assert_int_equal(fake_iget(fx->t, zus_zi_ino(a.zi), zus_zi_generation(a.zi), &late), 0);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "a"), 0);
	assert_int_equal(fake_free(fx->t, a), 0);
	assert_true(tierfs_blocks_left(fixture_fs(fx)) < before);
	assert_int_equal(fake_evict(fx->t, late, ZI_LOOKUP_RACE), 0);
	assert_int_equal(tierfs_blocks_left(fixture_fs(fx)), before);
}

/* Chunks of metadata that an earlier mount has made get empty, and their blocks somebody's data. */
static void old_chunks_become_data_once(void **state)
{
	struct fixture *fx = *state;
	static char value[700], block[BLOCK];
	struct fake_node node, file[2];
	uint64_t blocks = 0;
	char name[16];
	unsigned int i;

	for (i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "%u", i);
		node = must_creat(fx, fx->root, name);
		assert_int_equal(fake_setxattr(fx->t, node, ZUFS_XATTR_USER, "x", value,
					       300 + i % 400, 0), 0);
		must_forget(fx, node);
	}
	fixture_remount(fx);
	must_remove_all(fx, fx->root);
	file[0] = must_creat(fx, fx->root, "file0");
	file[1] = must_creat(fx, fx->root, "file1");
	for (;;) {
		memset(block, (int)(blocks & 127), sizeof(block));
		if (fake_write(fx->t, file[blocks % 2], block, BLOCK, blocks / 2 * BLOCK) !=
		    (ssize_t)BLOCK)
			break;
		blocks++;
	}
	assert_true(blocks > 3000);
	for (i = 0; i < blocks; i++)
		assert_int_equal(byte_at(fx, file[i % 2], (uint64_t)i / 2 * BLOCK), i & 127);
	must_remove(fx, fx->root, file[0], "file0");
	must_remove(fx, fx->root, file[1], "file1");
}

/* Who removes something finds space, also when the mount was read-only at first. */
static void a_remount_to_writable_has_a_reserve(void **state)
{
	struct fixture *fx = *state;

	fixture_umount(fx);
	assert_int_equal(fixture_try_mount(fx, ZUFS_M_RDONLY), 0);
	assert_int_equal(fixture_fs(fx)->space.pool_max, 0);
	assert_int_equal(fake_remount(fx->f, "", ZUFS_REM_WAS_RO), 0);
	assert_true(fixture_fs(fx)->space.pool_count > 0);
	must_forget(fx, must_creat(fx, fx->root, "a"));
	assert_int_equal(fake_remount(fx->f, "", ZUFS_REM_WILL_RO), 0);
	assert_int_equal(fake_remount(fx->f, "", ZUFS_REM_WAS_RO), 0);
	must_remove_name(fx, fx->root, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(renamed_names_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rename_does_not_split_what_it_has_changed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_late_reference_leaks_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(old_chunks_become_data_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_remount_to_writable_has_a_reserve, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
