// SPDX-License-Identifier: BSD-2-Clause
/*
 * memofs: extended attributes, their limits and their memory. The fixture fails a test that
 * leaves anything behind.
 */
#include "fixture.h"

#include <stdio.h>
#include <sys/xattr.h>

#define USER	ZUFS_XATTR_USER
#define MAX	65536

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

static void flags_and_removal_are_obeyed(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");

	assert_int_equal(n.zi->i_xattr, 0);
	assert_int_equal(get(fx, n, "a", NULL, 0), -ENODATA);
	assert_int_equal(set(fx, n, "a", "1", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(set(fx, n, "a", NULL, 0, 0), -ENODATA);
	assert_int_equal(set(fx, n, "a", "1", 1, XATTR_CREATE), 0);
	assert_true(n.zi->i_xattr != 0);
	assert_int_equal(set(fx, n, "a", "2", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(set(fx, n, "a", "23", 2, XATTR_REPLACE), 0);
	assert_int_equal(get(fx, n, "a", NULL, 0), 2);
	assert_int_equal(set(fx, n, "a", "", 0, 0), 0);
	assert_int_equal(get(fx, n, "a", NULL, 0), 0);
	assert_true(n.zi->i_xattr != 0);
	assert_int_equal(set(fx, n, "a", NULL, 0, XATTR_REPLACE), 0);
	assert_int_equal(n.zi->i_xattr, 0);
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

static void largest_values_go_both_ways(void **state)
{
	static const size_t sizes[] = { 1, 255, 256, 257, 4096, 65400, 65535, MAX };
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	unsigned char *in = malloc(MAX), *out = malloc(MAX);
	size_t i, b;

	for (b = 0; b < MAX; b++)
		in[b] = (unsigned char)(b * 7 + b / 251);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(set(fx, n, "big", in, sizes[i], 0), 0);
		assert_int_equal(get(fx, n, "big", out, MAX), sizes[i]);
		assert_memory_equal(in, out, sizes[i]);
		if (sizes[i] > 1)
			assert_int_equal(get(fx, n, "big", out, sizes[i] - 1), -ERANGE);
	}
	free(in);
	free(out);
	must_remove(fx, fx->root, n, "f");
}

/* As many as fit; what does not must leave all as it was. */
static void an_inode_has_its_limits(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	char *value = calloc(1, MAX), name[256], *list = malloc(MAX);
	unsigned int i;
	int err = 0;

	for (i = 0; !err; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		err = set(fx, n, name, value, MAX / 2, 0);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(i, 256 / 32);
	assert_int_equal(get(fx, n, name, NULL, 0), -ENODATA);
	assert_int_equal(set(fx, n, "v0", value, MAX, 0), -ENOSPC);
	assert_int_equal(get(fx, n, "v0", NULL, 0), MAX / 2);
	assert_int_equal(set(fx, n, "v0", value, 1, 0), 0);
	while (i-- > 0) {
		snprintf(name, sizeof(name), "v%u", i);
		set(fx, n, name, NULL, 0, 0);
	}
	/* the list must fit one call */
	for (i = 0, err = 0; !err; i++) {
		snprintf(name, sizeof(name), "%0250u", i);
		err = set(fx, n, name, "", 0, 0);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(i - 1, MAX / 256);
	assert_int_equal(fake_listxattr(fx->t, n, list, MAX, false), MAX);
	free(value);
	free(list);
	must_remove(fx, fx->root, n, "f");
}

/* i_xattr says how much it is. */
static void limit_of_an_inode_is_exact(void **state)
{
	struct fixture *fx = *state;
	struct fake_node n = must_creat(fx, fx->root, "f");
	char *value = calloc(1, MAX), name[8];
	uint64_t max = 256 << 10, one;
	unsigned int i;

	assert_int_equal(set(fx, n, "v0", value, 1, 0), 0);
	one = le64toh(n.zi->i_xattr) - 1;
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		assert_int_equal(set(fx, n, name, value, max / 4 - one, 0), 0);
	}
	assert_int_equal(le64toh(n.zi->i_xattr), max);
	assert_int_equal(set(fx, n, name, value, max / 4 - one + 1, 0), -ENOSPC);
	assert_int_equal(set(fx, n, "v4", "", 0, 0), -ENOSPC);
	/* what is replaced leaves the others where they are */
	assert_int_equal(set(fx, n, "v0", "a", 1, 0), 0);
	for (i = 1; i < 4; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		assert_int_equal(get(fx, n, name, NULL, 0), max / 4 - one);
	}
	free(value);
	must_remove(fx, fx->root, n, "f");
}

static void all_of_them_have_a_limit_too(void **state)
{
	struct fixture *fx = *state;
	uint64_t max = fixture_sb(fx)->blocks * BLOCK / 8;
	struct fake_node nodes[400];
	char *value = calloc(1, MAX), name[16];
	unsigned int i, made;
	int err = 0;

	for (made = 0; !err && made < 400; made++) {
		snprintf(name, sizeof(name), "f%u", made);
		nodes[made] = must_creat(fx, fx->root, name);
		err = set(fx, nodes[made], "a", value, MAX, 0);
	}
	assert_int_equal(err, -ENOSPC);
	assert_true((made - 1) * (uint64_t)MAX <= max && made * (uint64_t)(MAX + 100) > max);
	assert_int_equal(nodes[made - 1].zi->i_xattr, 0);
	for (i = 0; i < made; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		must_remove(fx, fx->root, nodes[i], name);
	}
	assert_int_equal(fixture_sb(fx)->xattrs.bytes, 0);
	free(value);
}

static void new_inodes_come_with_them_or_not_at_all(void **state)
{
	static const struct zus_new_xattr xattrs[] = {
		{ ZUFS_XATTR_SYSTEM, 5, "system.posix_acl_access", "value" },
		{ USER, 0, "empty", "" },
	};
	struct fixture *fx = *state;
	struct fake_node n, other;
	char buf[8];

	assert_int_equal(fake_creat_with(fx->t, fx->root, "f", xattrs, 2, &n), 0);
	assert_int_equal(get(fx, n, "empty", NULL, 0), 0);
	assert_int_equal(fake_getxattr(fx->t, n, ZUFS_XATTR_SYSTEM, xattrs[0].name, buf, 8), 5);
	assert_memory_equal(buf, "value", 5);
	assert_true(n.zi->i_xattr != 0);
	/* the name exists already: what came with the other inode is gone again */
	assert_int_equal(fake_creat_with(fx->t, fx->root, "f", xattrs, 2, &other), -EEXIST);
	must_remove(fx, fx->root, n, "f");
	assert_int_equal(fixture_sb(fx)->xattrs.bytes, 0);
}

static void chmod_of_a_file_with_an_acl_is_one_message(void **state)
{
	/* user::rw-, user:1000:r--, group::r--, mask::r--, other::--- */
	static const uint8_t acl[40] = {
		1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0,
		4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 4, 0, 255, 255, 255, 255,
		0x20, 0, 0, 0, 255, 255, 255, 255,
	};
	const struct zus_new_xattr x = { ZUFS_XATTR_SYSTEM, sizeof(acl),
					 "system.posix_acl_access", acl };
	struct fixture *fx = *state;
	struct fake_node n;
	uint8_t now[40];
	uint64_t sent;

	assert_int_equal(fake_creat_with(fx->t, fx->root, "f", &x, 1, &n), 0);
	sent = fake_messages(fx->f);
	assert_int_equal(fake_chmod(fx->t, n, 0751), 0);
	assert_int_equal(fake_messages(fx->f) - sent, 2);	/* the question for the ACL */
	assert_int_equal(zus_zi_mode(n.zi), S_IFREG | 0751);
	assert_int_equal(fake_getxattr(fx->t, n, x.type, x.name, now, sizeof(now)), 40);
	assert_int_equal(now[2] | now[10] << 3 | now[18] << 6 | now[26] << 9 | now[34] << 12,
			 7 | 4 << 3 | 4 << 6 | 5 << 9 | 1 << 12);
	must_remove(fx, fx->root, n, "f");
	n = must_creat(fx, fx->root, "g");
	sent = fake_messages(fx->f);
	assert_int_equal(fake_chmod(fx->t, n, 0600), 0);
	assert_int_equal(fake_messages(fx->f) - sent, 1);
	must_remove(fx, fx->root, n, "g");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(flags_and_removal_are_obeyed),
		T(namespaces_are_apart),
		T(largest_values_go_both_ways),
		T(an_inode_has_its_limits),
		T(limit_of_an_inode_is_exact),
		T(all_of_them_have_a_limit_too),
		T(new_inodes_come_with_them_or_not_at_all),
		T(chmod_of_a_file_with_an_acl_is_one_message),
	};

	return cmocka_run_group_tests_name("memofs xattr", tests, NULL, NULL);
}
