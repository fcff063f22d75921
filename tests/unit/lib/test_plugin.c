// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading plugins and checking their tables: what is refused, what an older table means.
 * PROBE_DIR and PROBE_PATH (set by the build) name a plugin that is a real shared object, OLD_PATH
 * one with the first layouts of everything (old_so.c).
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zus/server.h>
#include "../probefs.h"
#include "fake.h"

static int create(const struct zus_plugin *p)
{
	struct zus_type *t = NULL;
	int err = zus_type_create(p, zus_env_default(), &t);

	if (!err)
		err = zus_type_destroy(t);
	return err;
}

static void good_table_is_accepted(void **state)
{
	struct zus_plugin p = probe_plugin;

	(void)state;
	assert_int_equal(create(&probe_plugin), 0);
	/* the core's part of a super-block alone is enough */
	p.sb_size = sizeof(struct zus_sb);
	assert_int_equal(create(&p), 0);
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
	p.flags = 1U << 31;
	assert_int_equal(create(&p), -EPROTO);
	p = probe_plugin;
	p.inode_flags = ZUFS_S_IMMUTABLE;
	assert_int_equal(create(&p), -EINVAL);
	/* what lies behind a shorter table is not the plugin's */
	p.flags = 1U << 31;
	p.size = offsetof(struct zus_plugin, flags);
	assert_int_equal(create(&p), 0);
	p = probe_plugin;
	p.name = NULL;
	assert_int_equal(create(&p), -EINVAL);
	p = probe_plugin;
	p.ops = NULL;
	assert_int_equal(create(&p), -EINVAL);
	p.ops = &ops;
	assert_int_equal(create(&p), 0);
	ops.lookup = NULL;
	assert_int_equal(create(&p), -EINVAL);
	ops = probe_ops;
	ops.mount = NULL;
	assert_int_equal(create(&p), -EINVAL);
	ops = probe_ops;
	ops.new_inode = NULL;
	assert_int_equal(create(&p), -EINVAL);
}

static void check_says_why(void **state)
{
	struct zus_plugin p = probe_plugin;
	char why[256] = "", few[8];

	(void)state;
	assert_int_equal(zus_plugin_check(&p, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	p.abi_version++;
	assert_int_equal(zus_plugin_check(&p, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "made for another version of the interface"));
	assert_non_null(strstr(why, p.name));
	assert_int_equal(zus_plugin_check(&p, few, sizeof(few)), -EPROTO);
	assert_string_equal(few, "plugin ");
	/* a table without room for a name */
	p.abi_version--;
	p.size = 16;
	assert_int_equal(zus_plugin_check(&p, why, sizeof(why)), -EPROTO);
	assert_string_equal(why, "plugin '?': its table is too short");
	/* and one that ends with it */
	p.size = offsetof(struct zus_plugin, name) + sizeof(p.name);
	assert_int_equal(zus_plugin_check(&p, why, sizeof(why)), -EPROTO);
	assert_string_equal(why, "plugin 'probe': its table is too short");
}

/* Debug records lie in the plugin: nobody may look at them when its type is gone. */
static void destroyed_type_has_no_debug_sites(void **state)
{
	static struct zus_ddbg_site sites[2] = {
		{ "own.c", "own_function", "one", 1, 0 }, { "own.c", "own_function", "two", 2, 0 },
	};
	struct zus_plugin p = probe_plugin, *old;
	struct zus_type *t;

	(void)state;
	p.ddbg_start = sites;
	p.ddbg_stop = sites + 2;
	assert_int_equal(zus_type_create(&p, zus_env_default(), &t), 0);
	assert_int_equal(zus_ddbg_write("func own_function +p"), 2);
	zus_type_destroy(t);
	assert_int_equal(zus_ddbg_write("func own_function +p"), 0);
	/* an older table does not say where they are, and ends before */
	p.size = offsetof(struct zus_plugin, ops) + sizeof(p.ops);
	old = malloc(p.size);
	assert_non_null(old);
	memcpy(old, &p, p.size);
	assert_int_equal(zus_type_create(old, zus_env_default(), &t), 0);
	assert_int_equal(zus_ddbg_write("func own_function +p"), 0);
	zus_type_destroy(t);
	free(old);
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

static void read_old_file(struct fake *f, const char *options, char first, char second,
			  unsigned int puts)
{
	struct fake_node node;
	struct fake_thread *t;
	uint32_t links;
	char buf[8192];

	assert_int_equal(fake_mount(f, options), 0);
	t = fake_thread_create(f, 0);
	assert_int_equal(fake_lookup(t, fake_root(f), "old", &node), 0);
	links = zus_zi_nlink(node.zi);
	assert_int_equal(fake_read(t, node, buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(buf[0], first);
	assert_int_equal(buf[4095], first);
	assert_int_equal(buf[4096], second);
	assert_int_equal(fake_goose(t, 0), 0);
	assert_int_equal(zus_zi_nlink(node.zi), links + puts);
	fake_thread_destroy(t);
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_outstanding(f), 0);
}

/* What was compiled long ago loads and works: nothing that it knows has moved. */
static void plugin_of_the_first_layouts_works(void **state)
{
	struct register_fs_info info;
	const struct zus_plugin *p;
	struct zus_type *type;
	char why[256];
	struct fake *f;
	void *h;

	(void)state;
	assert_int_equal(zus_plugin_load("/", OLD_PATH, &p, &h, why, sizeof(why)), 0);
	assert_int_equal(zus_plugin_check(p, why, sizeof(why)), 0);
	assert_true(p->size < sizeof(*p));
	assert_int_equal(zus_type_create(p, zus_env_default(), &type), 0);
	zus_type_info(type, &info);
	assert_memory_equal(&info, &p->info, sizeof(info));
	assert_int_equal(info.notused, ZUFS_REG_NODEV_OK | ZUFS_S_NODUMP);
	assert_int_equal(zus_type_destroy(type), 0);
	assert_int_equal(fake_create(&f, p, NULL), 0);
	read_old_file(f, "", 'o', 0, 1);
	read_old_file(f, "mapped", 'm', 'm', 0);
	fake_destroy(f);
	zus_plugin_unload(h);
}

static void type_with_a_mount_stays_and_hears_of_the_end(void **state)
{
	struct probe_sb *p;
	struct zus_type *t;
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, NULL), 0);
	assert_int_equal(fake_server_stop(f), 0);
	assert_int_equal(fake_mount(f, ""), 0);
	p = (struct probe_sb *)fake_sb(f);
	t = p->sb.type;
	assert_int_equal(zus_type_destroy(t), -EBUSY);
	assert_int_equal(p->log_len, 0);
	assert_int_equal(fake_server_stop(f), 1);
	assert_string_equal(p->log, "Q");
	assert_int_equal(zus_type_destroy(t), -EBUSY);
	assert_int_equal(fake_umount(f), 0);
	assert_int_equal(fake_server_stop(f), 0);
	fake_destroy(f);
}

static void mount_that_fails_holds_nothing(void **state)
{
	struct fake *f;

	(void)state;
	assert_int_equal(fake_create(&f, &probe_plugin, NULL), 0);
	assert_int_equal(fake_mount(f, "refuse"), -EACCES);
	assert_int_equal(fake_mount(f, "noroot"), -EIO);
	assert_int_equal(fake_server_stop(f), 0);
	fake_destroy(f);
}

static bool is_loaded(const char *path)
{
	void *h = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

	if (h)
		dlclose(h);
	return h;
}

/* What is refused, or given back, does not stay in the process. */
static void shared_objects_do_not_stay(void **state)
{
	const struct zus_plugin *p;
	struct link_map *map;
	char path[4096], why[256];
	void *h;

	(void)state;
	assert_int_equal(zus_plugin_load("/", PROBE_PATH, &p, &h, why, sizeof(why)), 0);
	assert_true(is_loaded(PROBE_PATH));
	zus_plugin_unload(h);
	assert_false(is_loaded(PROBE_PATH));
	zus_plugin_unload(NULL);
	/* a library of the system that nobody here uses */
	h = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
	assert_non_null(h);
	assert_int_equal(dlinfo(h, RTLD_DI_LINKMAP, &map), 0);
	snprintf(path, sizeof(path), "%s", map->l_name);
	dlclose(h);
	if (is_loaded(path))
		skip();
	assert_int_equal(zus_plugin_load("/", path, &p, &h, why, sizeof(why)), -ELIBBAD);
	assert_false(is_loaded(path));
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
	assert_ptr_equal(strstr(why, "the path of plugin 'nnn"), why);
	/* the longest path has room for its NUL */
	name[0] = '/';
	name[4096] = 0;
	assert_int_equal(zus_plugin_load("/", name, &p, &h, why, sizeof(why)), -ENAMETOOLONG);
	name[4095] = 0;
	assert_int_equal(zus_plugin_load("/", name, &p, &h, why, sizeof(why)), -ELIBACC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_table_is_accepted),
		cmocka_unit_test(foreign_tables_are_refused),
		cmocka_unit_test(check_says_why),
		cmocka_unit_test(destroyed_type_has_no_debug_sites),
		cmocka_unit_test(shorter_table_lacks_its_last_operations),
		cmocka_unit_test(plugin_of_the_first_layouts_works),
		cmocka_unit_test(type_with_a_mount_stays_and_hears_of_the_end),
		cmocka_unit_test(mount_that_fails_holds_nothing),
		cmocka_unit_test(shared_objects_do_not_stay),
		cmocka_unit_test(shared_object_is_loaded_by_name_or_path),
		cmocka_unit_test(other_files_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
