// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: extended attributes, that they are durable, and the limits of an inode. The fixture fails a
 * test that leaves a block or an object behind.
 */
#include "attrs.h"

#include <stdio.h>
#include <sys/xattr.h>

static void flags_and_removal_are_obeyed(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");

	assert_int_equal(zus_zi_xattr(n.zi), 0);
	assert_int_equal(get(fx, n, "a", NULL, 0), -ENODATA);
	assert_int_equal(set(fx, n, "a", "1", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(set(fx, n, "a", NULL, 0, 0), -ENODATA);
	assert_int_equal(set(fx, n, "a", "1", 1, XATTR_CREATE), 0);
	assert_true(zus_zi_xattr(n.zi) != 0);
	assert_int_equal(set(fx, n, "a", "2", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(set(fx, n, "ab", "2", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(set(fx, n, "a", "23", 2, XATTR_REPLACE), 0);
	assert_int_equal(get(fx, n, "a", NULL, 0), 2);
	assert_int_equal(set(fx, n, "a", "", 0, 0), 0);
	assert_int_equal(get(fx, n, "a", NULL, 0), 0);
	assert_true(zus_zi_xattr(n.zi) != 0);
	assert_int_equal(set(fx, n, "a", NULL, 0, XATTR_REPLACE), 0);
	assert_int_equal(zus_zi_xattr(n.zi), 0);
	assert_int_equal(fake_listxattr(fx->t, n, NULL, 0, true), 0);
	must_remove(fx, fx->root, n, "f");
}

static void namespaces_are_apart(void **state)
{
	static const uint32_t types[] = {
		ZUFS_XATTR_SECURITY, ZUFS_XATTR_SYSTEM, ZUFS_XATTR_TRUSTED_NS, ZUFS_XATTR_USER,
	};
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	char buf[100];
	size_t i;

	for (i = 0; i < 4; i++)
		assert_int_equal(fake_setxattr(fx->t, n, types[i], "n", &i, sizeof(i), 0), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(fake_getxattr(fx->t, n, types[i], "n", buf, 100), sizeof(i));
		assert_memory_equal(buf, &i, sizeof(i));
	}
	assert_int_equal(fake_listxattr(fx->t, n, buf, 100, false), 11 + 2 + 7);
	assert_memory_equal(buf, "security.n\0n\0user.n", 20);
	assert_int_equal(fake_listxattr(fx->t, n, NULL, 0, true), 11 + 2 + 10 + 7);
	assert_int_equal(fake_listxattr(fx->t, n, buf, 30, true), 30);
	assert_int_equal(fake_listxattr(fx->t, n, buf, 29, true), -ERANGE);
	must_remove(fx, fx->root, n, "f");
}

static void values_of_all_sizes_go_both_ways(void **state)
{
	static const size_t sizes[] = {
		1, 7, 8, 255, 470, 520, 1023, 1024, 1025, 4095, 4096, 4097, 65535, MAX, 3, 9000,
	};
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	uint8_t small;
	size_t i;

	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t blocks = sizes[i] > TIERFS_XATTR_INLINE ? tierfs_up(sizes[i]) : 0;

		must_set(fx, n, "big", sizes[i], (unsigned int)i);
		must_have(fx, n, "big", sizes[i], (unsigned int)i);
		assert_int_equal(zus_zi_blocks(n.zi), blocks);
		if (sizes[i] > 1)
			assert_int_equal(get(fx, n, "big", &small, 1), -ERANGE);
		must_forget(fx, n);
		fixture_remount(fx);
		n = must_lookup(fx, fx->root, "f");
		must_have(fx, n, "big", sizes[i], (unsigned int)i);
		assert_int_equal(zus_zi_blocks(n.zi), blocks);
		assert_true(zus_zi_xattr(n.zi) != 0);
	}
	must_remove(fx, fx->root, n, "f");
}

/* An entry of a name of 3 bytes and a value of 100 takes 120: 34 fit behind the head. */
static void all_fit_an_object(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	char name[8];
	unsigned int i;

	for (i = 0; i < 34; i++) {
		snprintf(name, sizeof(name), "v%02u", i);
		must_set(fx, n, name, 100, i);
	}
	assert_int_equal(try_set(fx, n, "v34", 1, 0), -ENOSPC);
	assert_int_equal(get(fx, n, "v34", NULL, 0), -ENODATA);
	assert_int_equal(try_set(fx, n, "v00", 113, 0), -ENOSPC);
	must_set(fx, n, "v00", 112, 1000);
	assert_int_equal(set(fx, n, "v07", NULL, 0, 0), 0);
	must_set(fx, n, "v34", 97, 34);
	for (i = 1; i < 34; i++) {
		snprintf(name, sizeof(name), "v%02u", i);
		if (i != 7)
			must_have(fx, n, name, 100, i);
	}
	must_have(fx, n, "v00", 112, 1000);
	must_have(fx, n, "v34", 97, 34);
	must_remove(fx, fx->root, n, "f");
}

/* One of a name of 3 bytes takes 152. */
static void long_ones_fit_an_object_too(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	unsigned int i, count = (4096 - 8) / 152;
	char name[8];

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "v%02u", i);
		must_set(fx, n, name, 1025, i);
	}
	assert_int_equal(zus_zi_blocks(n.zi), count);
	assert_int_equal(try_set(fx, n, "v99", 1025, 0), -ENOSPC);
	assert_int_equal(zus_zi_blocks(n.zi), count);
	must_set(fx, n, "v05", 4097, 1005);
	assert_int_equal(zus_zi_blocks(n.zi), count + 1);
	must_have(fx, n, "v05", 4097, 1005);
	must_set(fx, n, "v05", 4, 2005);
	must_set(fx, n, "new", MAX, 6);
	assert_int_equal(zus_zi_blocks(n.zi), count + 15);
	for (i = 6; i < count; i++) {
		snprintf(name, sizeof(name), "v%02u", i);
		must_have(fx, n, name, 1025, i);
	}
	must_remove(fx, fx->root, n, "f");
}

static void sizes_out_of_range_are_refused(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	struct tierfs_node *node = node_of(n);
	static char value[MAX + 1], name[257];

	memset(name, 'n', 256);
	assert_int_equal(tierfs_setxattr(&node->ii, USER, "n", value, MAX + 1, 0), -E2BIG);
	assert_int_equal(tierfs_setxattr(&node->ii, USER, name, value, 1, 0), -EINVAL);
	assert_int_equal(tierfs_setxattr(&node->ii, USER, "", value, 1, 0), -EINVAL);
	assert_int_equal(tierfs_setxattr(&node->ii, 9, "n", value, 1, 0), -EINVAL);
	name[255] = 0;
	assert_int_equal(tierfs_setxattr(&node->ii, USER, name, value, 1, 0), 0);
	assert_int_equal(fake_listxattr(fx->t, n, NULL, 0, false), 5 + 256);
	assert_int_equal(tierfs_setxattr(&node->ii, USER, name, NULL, 0, 0), 0);
	must_remove(fx, fx->root, n, "f");
}

/* A power cut: T1 is what was durable; nodes that the test has are gone. */
static void cut_power(struct fixture *fx)
{
	uint64_t bytes = fake_md(fx->f)->t1_blocks * BLOCK;
	uint8_t *t1 = fake_md(fx->f)->t1, *copy = test_malloc(bytes);

	memcpy(copy, fake_after_crash(fx->f, t1), bytes);
	fake_thread_destroy(fx->t);
	assert_int_equal(fake_umount_dirty(fx->f), 0);
	memcpy(t1, copy, bytes);
	test_free(copy);
	fixture_mount(fx);
}

static void they_are_durable_when_they_are_set(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");

	must_set(fx, n, "goes", 3000, 1);
	assert_int_equal(fake_persist_watch(fx->f), 0);
	must_set(fx, n, "short", 30, 2);
	must_set(fx, n, "aside", 700, 3);
	must_set(fx, n, "long", 40000, 4);
	assert_int_equal(set(fx, n, "goes", NULL, 0, 0), 0);
	cut_power(fx);
	n = must_lookup(fx, fx->root, "f");
	must_have(fx, n, "short", 30, 2);
	must_have(fx, n, "aside", 700, 3);
	must_have(fx, n, "long", 40000, 4);
	assert_int_equal(get(fx, n, "goes", NULL, 0), -ENODATA);
	assert_int_equal(zus_zi_blocks(n.zi), 10);
	must_remove(fx, fx->root, n, "f");
}

static void an_acl_brings_its_mode(void **state)
{
	static const char name[] = "system.posix_acl_access";
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");

	zus_zi_set_mode(n.zi, S_IFREG | 0640);
	zus_zi_set_ctime(n.zi, 123456789);
	assert_int_equal(fake_setxattr(fx->t, n, ZUFS_XATTR_SYSTEM, name, "acl", 3, 0), 0);
	must_forget(fx, n);
	fixture_remount(fx);
	n = must_lookup(fx, fx->root, "f");
	assert_int_equal(zus_zi_mode(n.zi), S_IFREG | 0640);
	assert_int_equal(zus_zi_ctime(n.zi), 123456789);
	must_remove(fx, fx->root, n, "f");
}

static void new_inodes_come_with_them_or_not_at_all(void **state)
{
	static uint8_t label[3000];
	const struct zus_new_xattr xattrs[] = {
		{ ZUFS_XATTR_SYSTEM, 5, "system.posix_acl_access", "value" },
		{ USER, 0, "empty", "" },
		{ ZUFS_XATTR_SECURITY, sizeof(label), "label", label },
		{ USER, 0, "empty", "" },
	};
	struct fixture *fx = *state;
	struct fake_node n, other;
	uint8_t buf[3000];

	fill(label, sizeof(label), 1);
	assert_int_equal(fake_creat_with(fx->t, fx->root, "f", xattrs, 3, &n), 0);
	assert_int_equal(get(fx, n, "empty", NULL, 0), 0);
	assert_true(zus_zi_xattr(n.zi) != 0);
	assert_int_equal(zus_zi_blocks(n.zi), 1);
	/* the name exists already: what came with the other inode is gone again */
	assert_int_equal(fake_creat_with(fx->t, fx->root, "f", xattrs, 3, &other), -EEXIST);
	assert_int_equal(fake_creat_with(fx->t, fx->root, "g", xattrs, 4, &other), -EINVAL);
	must_forget(fx, n);
	fixture_remount(fx);
	n = must_lookup(fx, fx->root, "f");
	assert_int_equal(fake_getxattr(fx->t, n, ZUFS_XATTR_SYSTEM, xattrs[0].name, buf, 8), 5);
	assert_memory_equal(buf, "value", 5);
	assert_int_equal(fake_getxattr(fx->t, n, ZUFS_XATTR_SECURITY, "label", buf, 3000), 3000);
	assert_memory_equal(buf, label, 3000);
	must_remove(fx, fx->root, n, "f");
}

static void nothing_changes_without_the_right_to(void **state)
{
	struct fixture *fx = fixture_new(NULL, NULL);
	struct fake_node n = must_creat(fx, fx->root, "f");

	(void)state;
	must_set(fx, n, "a", 2000, 1);
	must_forget(fx, n);
	fixture_umount(fx);
	assert_int_equal(fixture_try_mount(fx, ZUFS_M_RDONLY), 0);
	n = must_lookup(fx, fx->root, "f");
	assert_int_equal(set(fx, n, "a", "1", 1, 0), -EROFS);
	assert_int_equal(set(fx, n, "a", NULL, 0, 0), -EROFS);
	must_have(fx, n, "a", 2000, 1);
	must_forget(fx, n);
	fixture_end(fx);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(flags_and_removal_are_obeyed),
		T(namespaces_are_apart),
		T(values_of_all_sizes_go_both_ways),
		T(all_fit_an_object),
		T(long_ones_fit_an_object_too),
		T(sizes_out_of_range_are_refused),
		T(they_are_durable_when_they_are_set),
		T(an_acl_brings_its_mode),
		T(new_inodes_come_with_them_or_not_at_all),
		cmocka_unit_test(nothing_changes_without_the_right_to),
	};

	return cmocka_run_group_tests_name("tierfs xattr", tests, NULL, NULL);
}
