// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: extended attributes, that they are durable, their limits and their space. The fixture
 * fails a test that leaves a block or an object behind.
 */
#include "../../unit.h"
#include "fixture.h"
#include "xobject.h"

#include <stdio.h>
#include <sys/xattr.h>

#define USER	ZUFS_XATTR_USER
#define MAX	65536U

static ssize_t get(struct fixture *fx, struct fake_node n, const char *name, void *buf,
		   size_t size)
{
	return fake_getxattr(fx->t, n, USER, name, buf, size);
}

static int set(struct fixture *fx, struct fake_node n, const char *name, const void *value,
	       size_t size, uint32_t flags)
{
	return fake_setxattr(fx->t, n, USER, name, value, size, flags);
}

/* Bytes that depend on their place and on the seed. */
static void fill(uint8_t *buf, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		buf[i] = (uint8_t)(i * 7 + i / 251 + seed * 31);
}

static int try_set(struct fixture *fx, struct fake_node n, const char *name, size_t size,
		   unsigned int seed)
{
	static uint8_t buf[MAX];

	fill(buf, size, seed);
	return set(fx, n, name, buf, size, 0);
}

static void must_set(struct fixture *fx, struct fake_node n, const char *name, size_t size,
		     unsigned int seed)
{
	assert_int_equal(try_set(fx, n, name, size, seed), 0);
}

static void must_have(struct fixture *fx, struct fake_node n, const char *name, size_t size,
		      unsigned int seed)
{
	static uint8_t want[MAX], buf[MAX];

	fill(want, size, seed);
	assert_int_equal(get(fx, n, name, buf, MAX), size);
	assert_memory_equal(buf, want, size);
}

static struct fixture *new_of_size(uint64_t mib)
{
	struct fake_opts opts = { .t1_bytes = mib << 20 };

	return fixture_new(&opts, NULL);
}

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

/* ---- the smallest image ---- */

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

/* ---- broken media ---- */

struct spoiled {
	struct fixture *fx;
	struct fake_node n;
	struct tierfs_xattrs *o;
	uint8_t saved[TIERFS_SLAB_MAX];
};

/* A file with a short and a long attribute, and where their object is. */
static void spoiled_init(struct spoiled *s)
{
	const struct tierfs_node *node;

	s->fx = fixture_new(NULL, NULL);
	s->n = must_creat(s->fx, s->fx->root, "f");
	must_set(s->fx, s->n, "short", 40, 1);
	must_set(s->fx, s->n, "long", 5000, 2);
	node = node_of(s->n);
	s->o = spoil(tierfs_ptr(fixture_fs(s->fx), node->rec->xattrs, 8));
	assert_non_null(s->o);
	memcpy(s->saved, s->o, s->o->bytes);
}

static void sum_up(struct tierfs_xattrs *o)
{
	o->crc = tierfs_crc_head(o, o->bytes);
}

static void must_be_broken(const struct spoiled *s)
{
	char buf[64];

	assert_int_equal(get(s->fx, s->n, "short", buf, 64), -EIO);
	assert_int_equal(fake_listxattr(s->fx->t, s->n, NULL, 0, true), -EIO);
	assert_int_equal(set(s->fx, s->n, "new", "1", 1, 0), -EIO);
	assert_int_equal(set(s->fx, s->n, "short", NULL, 0, 0), -EIO);
}

static void restore(const struct spoiled *s)
{
	memcpy(s->o, s->saved, ((const struct tierfs_xattrs *)s->saved)->bytes);
	must_have(s->fx, s->n, "short", 40, 1);
	must_have(s->fx, s->n, "long", 5000, 2);
}

static void spoiled_fini(struct spoiled *s)
{
	restore(s);
	must_remove(s->fx, s->fx->root, s->n, "f");
	assert_true(fixture_fs(s->fx)->errors > 0);
	fixture_end(s->fx);
}

/* The entries in the order in which they were set. */
static struct tierfs_xattr *entry(const struct spoiled *s, unsigned int i)
{
	uint8_t *at = (uint8_t *)(s->o + 1);

	while (i--)
		at += ((struct tierfs_xattr *)at)->bytes;
	return (struct tierfs_xattr *)at;
}

static void broken_objects_are_seen(void **state)
{
	struct spoiled s;
	struct tierfs_xattr *x;
	uint64_t *run;

	(void)state;
	spoiled_init(&s);
	((uint8_t *)(s.o + 1))[9] ^= 1;
	must_be_broken(&s);
	restore(&s);
	/* with a right checksum */
	s.o->count++;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	s.o->bytes = (uint16_t)(s.o->bytes - 8);
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	s.o->bytes = 8;
	s.o->count = 0;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x = entry(&s, 0);
	x->bytes = 0;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x->type = 77;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x->name_len = 0;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	x = entry(&s, 1);
	x->value_len = MAX + 1;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	/* a run of another length, of what is no data, of nothing */
	run = (uint64_t *)(x + 1) + 2;
	*run += (uint64_t)1 << TIERFS_WORD_LEN_SHIFT;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	*run = (*run & ~TIERFS_WORD_BLOCK) | 1;
	sum_up(s.o);
	must_be_broken(&s);
	restore(&s);
	*run = 0;
	sum_up(s.o);
	must_be_broken(&s);
	spoiled_fini(&s);
}

static void broken_pointers_and_values_are_seen(void **state)
{
	struct spoiled s;
	struct tierfs_inode *rec;
	tierfs_place_t place;
	uint8_t *value, *buf = test_malloc(MAX);
	struct tierfs_run run;

	(void)state;
	spoiled_init(&s);
	rec = spoil(node_of(s.n)->rec);
	place = rec->xattrs;
	rec->xattrs = place + 8;
	must_be_broken(&s);
	rec->xattrs = UINT64_MAX & ~(uint64_t)7;
	must_be_broken(&s);
	rec->xattrs = BLOCK;
	must_be_broken(&s);
	rec->xattrs = place;
	rec->xattr_bytes = 8;
	must_be_broken(&s);
	rec->xattr_bytes = TIERFS_SLAB_MAX;
	run = tierfs_word_run(fixture_fs(s.fx), *((uint64_t *)(entry(&s, 1) + 1) + 2));
	assert_int_equal(run.n, 2);
	value = zus_t1_addr(fake_md(s.fx->f), run.bn);
	value[4999] ^= 1;
	assert_int_equal(get(s.fx, s.n, "long", buf, MAX), -EIO);
	/* the rest can be had, also what is long to be removed */
	must_have(s.fx, s.n, "short", 40, 1);
	assert_int_equal(fake_listxattr(s.fx->t, s.n, NULL, 0, true), 11 + 10);
	value[4999] ^= 1;
	value[5000] ^= 1;
	test_free(buf);
	spoiled_fini(&s);
}

/* Nothing is read that is outside, whatever the object says. */
static void random_bytes_do_no_harm(void **state)
{
	struct spoiled s;
	char *buf = test_malloc(MAX);
	unsigned int i, k;

	(void)state;
	spoiled_init(&s);
	srand(2);
	for (i = 0; i < 5000; i++) {
		for (k = 1 + (unsigned int)rand() % 3; k; k--)
			((uint8_t *)s.o)[4 + rand() % 100] = (uint8_t)rand();
		if (s.o->bytes >= 8 && s.o->bytes <= TIERFS_SLAB_MAX)
			sum_up(s.o);
		get(s.fx, s.n, "short", buf, MAX);
		get(s.fx, s.n, "long", buf, MAX);
		fake_listxattr(s.fx->t, s.n, buf, MAX, true);
		memcpy(s.o, s.saved, ((const struct tierfs_xattrs *)s.saved)->bytes);
	}
	test_free(buf);
	spoiled_fini(&s);
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
		cmocka_unit_test(runs_and_groups_are_counted),
		cmocka_unit_test(pieces_are_limited),
		T(sizes_out_of_range_are_refused),
		T(they_are_durable_when_they_are_set),
		T(an_acl_brings_its_mode),
		T(new_inodes_come_with_them_or_not_at_all),
		cmocka_unit_test(random_changes_agree_with_a_model),
		cmocka_unit_test(a_full_file_system_gives_them_back),
		cmocka_unit_test(nothing_changes_without_the_right_to),
		cmocka_unit_test(broken_objects_are_seen),
		cmocka_unit_test(broken_pointers_and_values_are_seen),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("tierfs xattr", tests, NULL, NULL);
}
