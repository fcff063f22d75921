// SPDX-License-Identifier: BSD-2-Clause
/*
 * Unit tests of hellofs, a skeleton for those of your own plugin: the plugin is compiled into this
 * program and mounted on memory by libzufake (zus/zufake.h), with cmocka around it. Needs
 * no kernel module, no server and no root. The Makefile builds it with sanitizers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <zus/zufake.h>

struct fixture {
	struct fake *f;
	struct fake_thread *t;
	struct fake_node root;
};

/* Each test has a file system of its own, mounted. */
static int setup(void **state)
{
	struct fixture *fx = test_calloc(1, sizeof(*fx));

	assert_int_equal(fake_create(&fx->f, &zus_plugin, NULL), 0);
	assert_int_equal(fake_mount(fx->f, ""), 0);
	fx->t = fake_thread_create(fx->f, 0);
	assert_non_null(fx->t);
	fx->root = fake_root(fx->f);
	*state = fx;
	return 0;
}

/* Whatever a test did: after the unmount nothing may be left of it. */
static int teardown(void **state)
{
	struct fixture *fx = *state;

	fake_thread_destroy(fx->t);
	assert_int_equal(fake_umount(fx->f), 0);
	assert_int_equal(fake_outstanding(fx->f), 0);
	fake_destroy(fx->f);
	test_free(fx);
	return 0;
}

static void file_is_listed_and_read(void **state)
{
	struct fixture *fx = *state;
	struct fake_node node, none;
	struct fake_dirent e[4];
	char buf[32] = { 0 };
	uint64_t pos = 0;
	bool more;

	assert_int_equal(fake_readdir(fx->t, fx->root, &pos, 4096, e, 4, &more), 3);
	assert_string_equal(e[0].name, ".");
	assert_string_equal(e[1].name, "..");
	assert_string_equal(e[2].name, "hello");
	assert_false(more);
	/* the kernel takes i_size for the end of a listing */
	assert_int_equal(pos, zus_zi_size(fx->root.zi));
	assert_int_equal(fake_lookup(fx->t, fx->root, "other", &none), -ENOENT);
	assert_int_equal(fake_lookup(fx->t, fx->root, "hello", &node), 0);
	assert_int_equal(zus_zi_ino(node.zi), e[2].ino);
	assert_int_equal(fake_read(fx->t, node, buf, sizeof(buf), 0), 13);
	assert_string_equal(buf, "hello, world\n");
	assert_int_equal(fake_read(fx->t, node, buf, 5, 7), 5);
	assert_memory_equal(buf, "world", 5);
	assert_int_equal(fake_forget(fx->t, node), 0);
}

static void nothing_can_be_changed(void **state)
{
	struct fixture *fx = *state;
	struct fake_node node, none;

	assert_int_equal(fake_lookup(fx->t, fx->root, "hello", &node), 0);
	assert_int_equal(fake_creat(fx->t, fx->root, "other", &none), -EROFS);
	assert_int_equal(fake_unlink(fx->t, fx->root, node, "hello"), -EROFS);
	assert_int_equal(fake_setattr(fx->t, node, STATX_MODE), -EROFS);
	assert_int_equal(fake_write(fx->t, node, "x", 1, 0), -EROFS);
	assert_int_equal(fake_truncate(fx->t, node, 0), -EROFS);
	assert_int_equal(fake_forget(fx->t, node), 0);
}

/* Every allocation of a mount fails once: it ends with an error, and leaves nothing. */
static void mount_survives_want_of_memory(void **state)
{
	struct fake *f;
	uint64_t n;
	int err;

	(void)state;
	assert_int_equal(fake_create(&f, &zus_plugin, NULL), 0);
	for (n = 1; ; n++) {
		fake_fail(f, FAKE_ALLOC, n);
		err = fake_mount(f, "");
		if (!fake_fault_hit(f, FAKE_ALLOC))
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(fake_outstanding(f), 0);
	}
	assert_int_equal(err, 0);
	fake_fail(f, FAKE_ALLOC, 0);
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file_is_listed_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_can_be_changed, setup, teardown),
		cmocka_unit_test(mount_survives_want_of_memory),
	};

	return cmocka_run_group_tests_name("hellofs", tests, NULL, NULL);
}
