// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading plugins and checking their tables: what is refused, what an older table means.
 * PROBE_DIR and PROBE_PATH (set by the build) name a plugin that is a real shared object.
 */
#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <zus/server.h>
#include "../probefs.h"
#include "fake.h"

static int create(const struct zus_plugin *p)
{
	struct zus_type *t = NULL;
	int err = zus_type_create(p, zus_env_default(), &t);

	if (!err)
		zus_type_destroy(t);
	return err;
}

static void good_table_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(create(&probe_plugin), 0);
}

static void foreign_tables_are_refused(void **state)
{
	struct zus_fs_ops ops = probe_ops;
	struct zus_plugin p = probe_plugin;

	(void)state;
	p.abi_version = ZUS_PLUGIN_ABI + 1;
	assert_int_equal(create(&p), -EPROTO);
	p = probe_plugin;
	p.size = 16;
	assert_int_equal(create(&p), -EPROTO);
	p = probe_plugin;
	p.ops_size += 8;
	assert_int_equal(create(&p), -EPROTO);
	p = probe_plugin;
	p.size += 8;
	assert_int_equal(create(&p), -EPROTO);
	p = probe_plugin;
	p.sb_size = sizeof(struct zus_sb) - 1;
	assert_int_equal(create(&p), -EINVAL);
	p = probe_plugin;
	p.info.fsname[0] = 0;
	assert_int_equal(create(&p), -EINVAL);
	memset(p.info.fsname, 'x', sizeof(p.info.fsname));
	assert_int_equal(create(&p), -EINVAL);
	p = probe_plugin;
	p.ops = &ops;
	ops.lookup = NULL;
	assert_int_equal(create(&p), -EINVAL);
}

static void shorter_table_lacks_its_last_operations(void **state)
{
	struct zus_plugin p = probe_plugin;
	struct fake_node root;
	struct fake_thread *t;
	struct fake *f;
	char arg[16];

	(void)state;
	p.ops_size = offsetof(struct zus_fs_ops, ioctl);
	assert_int_equal(fake_create(&f, &p, NULL), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	t = fake_thread_create(f, 0);
	root = fake_root(f);
	assert_int_equal(fake_ioctl(t, root, 0, arg, 16), -ENOTTY);
	assert_int_equal(fake_setxattr(t, root, ZUFS_XATTR_USER, "a", "b", 1, 0), 0);
	fake_thread_destroy(t);
	assert_int_equal(fake_umount(f), 0);
	fake_destroy(f);
}

static void shared_object_is_loaded_by_name_or_path(void **state)
{
	const struct zus_plugin *p;
	char why[256];
	void *h;

	(void)state;
	assert_int_equal(zus_plugin_load(PROBE_DIR, "probe", &p, &h, why, sizeof(why)), 0);
	assert_string_equal(p->name, "probe");
	assert_int_equal(create(p), 0);
	zus_plugin_unload(h);
	assert_int_equal(zus_plugin_load("/", PROBE_PATH, &p, &h, why, sizeof(why)), 0);
	zus_plugin_unload(h);
}

static void other_files_are_refused_with_a_reason(void **state)
{
	const struct zus_plugin *p;
	char why[256], name[5000];
	void *h;

	(void)state;
	assert_int_equal(zus_plugin_load("/nowhere", "abc", &p, &h, why, sizeof(why)),
			 -ELIBACC);
	assert_non_null(strstr(why, "abc"));
	assert_int_equal(zus_plugin_load("/", LIBZUS_PATH, &p, &h, why, sizeof(why)),
			 -ELIBBAD);
	assert_non_null(strstr(why, "zus_plugin"));
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_int_equal(zus_plugin_load("/", name, &p, &h, why, sizeof(why)), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_table_is_accepted),
		cmocka_unit_test(foreign_tables_are_refused),
		cmocka_unit_test(shorter_table_lacks_its_last_operations),
		cmocka_unit_test(shared_object_is_loaded_by_name_or_path),
		cmocka_unit_test(other_files_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
