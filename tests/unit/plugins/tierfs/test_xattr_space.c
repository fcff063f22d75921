// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: attributes on the smallest image, where records are short, and on one that is full or has
 * its free space in pieces.
 */
#include "attrs.h"
#include "xobject.h"

#include <stdio.h>

static struct fixture *new_of_size(uint64_t mib)
{
	struct fake_opts opts = { .t1_bytes = mib << 20 };

	return fixture_new(&opts, NULL);
}

static void runs_and_groups_are_counted(void **state)
{
	struct tierfs_xattr_space space = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < TIERFS_XATTR_RUNS_ALL; i++)
		assert_true(tierfs_xattr_space_add(&space, 512 + i, 1));
	assert_false(tierfs_xattr_space_add(&space, 600, 1));
	memset(&space, 0, sizeof(space));
	for (i = 0; i < TIERFS_XATTR_GROUPS - 1; i++)
		assert_true(tierfs_xattr_space_add(&space, 512 * i + 511, 1));
	assert_true(tierfs_xattr_space_add(&space, 512, 16));
	/* one that ends in the next group */
	assert_true(tierfs_xattr_space_add(&space, 512 * (TIERFS_XATTR_GROUPS - 2) + 511, 2));
	assert_int_equal(space.nr_groups, TIERFS_XATTR_GROUPS);
	assert_false(tierfs_xattr_space_add(&space, 512 * TIERFS_XATTR_GROUPS, 1));
	assert_false(tierfs_xattr_space_add(&space, 512 * TIERFS_XATTR_GROUPS - 1, 2));
}

#define NAMES	5

struct model {
	bool there;
	size_t size;
	unsigned int seed;
};

/* Bytes of the object, as tierfs_disk.h says; all names have one byte. */
static size_t model_bytes(const struct model *model)
{
	size_t bytes = 8;
	unsigned int k;

	for (k = 0; k < NAMES; k++) {
		if (model[k].there)
			bytes += 16 + (model[k].size > 1024 ? 136 : (model[k].size + 7) / 8 * 8);
	}
	return bytes;
}

static void must_agree(struct fixture *fx, struct fake_node n, const struct model *model)
{
	char name[2] = "a";
	unsigned int k;

	for (k = 0; k < NAMES; k++) {
		name[0] = (char)('a' + k);
		if (model[k].there)
			must_have(fx, n, name, model[k].size, model[k].seed);
		else
			assert_int_equal(get(fx, n, name, NULL, 0), -ENODATA);
	}
}

static void change_at_random(struct fixture *fx, struct fake_node n, struct model *model,
			     unsigned int seed)
{
	static const size_t sizes[] = { 0, 1, 60, 300, 500, 900, 1024, 1025, 8192, 20000 };
	unsigned int k = (unsigned int)rand() % NAMES, r = (unsigned int)rand() % 13;
	const struct model before = model[k];
	const char name[2] = { (char)('a' + k) };

	if (r >= ARRAY_LEN(sizes)) {
		assert_int_equal(set(fx, n, name, NULL, 0, 0), model[k].there ? 0 : -ENODATA);
		model[k].there = false;
		return;
	}
	model[k] = (struct model){ .there = true, .size = sizes[r], .seed = seed };
	if (model_bytes(model) <= TIERFS_SLAB_MAX) {
		must_set(fx, n, name, sizes[r], seed);
		return;
	}
	assert_int_equal(try_set(fx, n, name, sizes[r], seed), -ENOSPC);
	model[k] = before;
}

/* Any sizes in any order; what the model says is there, now and after mounts. */
static void random_changes_agree_with_a_model(void **state)
{
	struct fixture *fx = new_of_size(4);
	struct fake_node n = must_creat(fx, fx->root, "f");
	struct model model[NAMES] = { 0 };
	unsigned int i;

	(void)state;
	srand(1);
	for (i = 1; i < 1500; i++) {
		change_at_random(fx, n, model, i);
		if (i % 10 == 0)
			must_agree(fx, n, model);
		if (i % 50)
			continue;
		must_forget(fx, n);
		fixture_remount(fx);
		n = must_lookup(fx, fx->root, "f");
		must_agree(fx, n, model);
	}
	must_remove(fx, fx->root, n, "f");
	fixture_end_empty(fx);
}

/* When nothing is free, no attribute is lost, and those that there are can be removed. */
static void a_full_file_system_gives_them_back(void **state)
{
	struct fixture *fx = new_of_size(4);
	struct fake_node nodes[80];
	unsigned int n, i;
	char name[8];
	int err = 0;

	(void)state;
	for (n = 0; !err && n < 80; n++) {
		snprintf(name, sizeof(name), "f%u", n);
		nodes[n] = must_creat(fx, fx->root, name);
		must_set(fx, nodes[n], "kept", 20, n);
		err = try_set(fx, nodes[n], "long", MAX, n);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(get(fx, nodes[n - 1], "long", NULL, 0), -ENODATA);
	for (i = 0; i < n; i++) {
		must_have(fx, nodes[i], "kept", 20, i);
		if (i == n - 1)
			continue;
		must_have(fx, nodes[i], "long", MAX, i);
		assert_int_equal(set(fx, nodes[i], "long", NULL, 0, 0), 0);
		must_have(fx, nodes[i], "kept", 20, i);
	}
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		must_remove(fx, fx->root, nodes[i], name);
	}
	fixture_end_empty(fx);
}

#define PER_FILE	24

static int fill_file(struct fixture *fx, struct fake_node node)
{
	unsigned int i;
	char name[12];
	int err = 0;

	for (i = 0; !err && i < PER_FILE; i++) {
		snprintf(name, sizeof(name), "v%02u", i);
		err = try_set(fx, node, name, 1025, i);
	}
	return err;
}

/* All of T1 becomes values of a block; then every second one goes again. The number of files. */
static unsigned int break_space(struct fixture *fx)
{
	struct fake_node nodes[60];
	unsigned int n, i, k;
	char name[12];
	int err = 0;

	for (n = 0; !err && n < 60; n++) {
		snprintf(name, sizeof(name), "x%u", n);
		nodes[n] = must_creat(fx, fx->root, name);
		err = fill_file(fx, nodes[n]);
	}
	assert_int_equal(err, -ENOSPC);
	for (i = 0; i < n; i++) {
		for (k = 1; k < PER_FILE; k += 2) {
			snprintf(name, sizeof(name), "v%02u", k);
			set(fx, nodes[i], name, NULL, 0, 0);
		}
		must_forget(fx, nodes[i]);
	}
	return n;
}

static void pieces_are_limited(void **state)
{
	/* objects of all classes that it takes: there is no chunk for them later */
	static const size_t classes[] = { 10, 100, 200, 400, 900 };
	struct fixture *fx = new_of_size(4);
	struct fake_node n = must_creat(fx, fx->root, "f");
	struct fake_node others[ARRAY_LEN(classes)];
	unsigned int files, i;
	char name[12] = "a";
	int err = 0;

	(void)state;
	must_set(fx, n, "small", 10, 99);
	for (i = 0; i < ARRAY_LEN(classes); i++) {
		snprintf(name, sizeof(name), "o%u", i);
		others[i] = must_creat(fx, fx->root, name);
		must_set(fx, others[i], "keep", classes[i], i);
	}
	files = break_space(fx);
	memcpy(name, "a", 2);
	for (i = 0; !err; i++) {
		name[0] = (char)('a' + i);
		err = try_set(fx, n, name, MAX, i);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(i - 1, 3);
	while (i-- > 1) {
		name[0] = (char)('a' + i - 1);
		must_have(fx, n, name, MAX, i - 1);
	}
	must_have(fx, n, "small", 10, 99);
	/* all of one for all of another */
	must_set(fx, n, "a", MAX, 100);
	must_have(fx, n, "a", MAX, 100);
	must_remove(fx, fx->root, n, "f");
	for (i = 0; i < ARRAY_LEN(classes); i++) {
		snprintf(name, sizeof(name), "o%u", i);
		must_remove(fx, fx->root, others[i], name);
	}
	for (i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		must_remove_name(fx, fx->root, name);
	}
	fixture_end_empty(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_and_groups_are_counted),
		cmocka_unit_test(random_changes_agree_with_a_model),
		cmocka_unit_test(a_full_file_system_gives_them_back),
		cmocka_unit_test(pieces_are_limited),
	};

	return cmocka_run_group_tests_name("tierfs xattr space", tests, NULL, NULL);
}
