// SPDX-License-Identifier: BSD-2-Clause
/*
 * The example of plugins/memofs/README.md does what the text says. It is cut out of there and
 * compiled as it stands (see meson.build).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake.h"

static void example_lists_and_reads_its_file(void **state)
{
	struct fake_node node, none;
	struct fake_dirent e[4];
	struct fake_thread *t;
	char buf[32] = { 0 };
	uint64_t pos = 0;
	struct fake *f;
	bool more;

	(void)state;
	assert_int_equal(fake_create(&f, &zus_plugin, NULL), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	t = fake_thread_create(f, 0);
	assert_non_null(t);
	assert_int_equal(fake_readdir(t, fake_root(f), &pos, 4096, e, 4, &more), 3);
	assert_string_equal(e[2].name, "hello");
	assert_int_equal(pos, zus_zi_size(fake_root(f).zi));
	assert_int_equal(fake_lookup(t, fake_root(f), "hello", &node), 0);
	assert_int_equal(fake_lookup(t, fake_root(f), "other", &none), -ENOENT);
	assert_int_equal(fake_creat(t, fake_root(f), "other", &none), -EROFS);
	assert_int_equal(fake_unlink(t, fake_root(f), node, "hello"), -EROFS);
	assert_int_equal(fake_setattr(t, node, STATX_MODE), -EROFS);
	assert_int_equal(fake_read(t, node, buf, zus_zi_size(node.zi), 0), 13);
	assert_string_equal(buf, "hello, world\n");
	assert_int_equal(fake_forget(t, node), 0);
	fake_thread_destroy(t);
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
	fake_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_lists_and_reads_its_file),
	};

	return cmocka_run_group_tests_name("memofs readme", tests, NULL, NULL);
}
