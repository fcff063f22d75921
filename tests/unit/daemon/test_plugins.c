// SPDX-License-Identifier: BSD-2-Clause
/*
 * The types that zusd serves: those of the start, those that are added later, and that whatever
 * fails leaves nothing behind. daemon/plugins.c is built here; plugins are real shared objects
 * (PROBE_DIR, set by the build), the kernel's table of types is a function of the test.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zus/server.h>

static int create_type(const struct zus_plugin *plugin, const struct zus_env *env,
		       struct zus_type **type);
static int destroy_type(struct zus_type *type);
static unsigned int stop_type(struct zus_type *type);

static bool no_memory;

#define strdup(text)		(no_memory ? NULL : strdup(text))
#define zus_type_create		create_type
#define zus_type_destroy	destroy_type
#define zus_type_stop		stop_type
#include "../../../daemon/plugins.c"
#undef zus_type_create
#undef zus_type_destroy

#define PROBE	PROBE_DIR "/libprobe.so"
#define ALIEN	PROBE_DIR "/libalien.so"

static struct zusd z;
static unsigned int complaints;

static void count_complaint(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	(void)env;
	(void)fmt;
	(void)ap;
	complaints += level <= LOG_WARNING;
}

static char why[WHY_BYTES];
static char folder[] = "/tmp/zusd-plugins-XXXXXX";
static char twin[64];			/* another file with the same type */

static struct {
	int create_err, register_err, lock_err;
	bool is_mounted;
	unsigned int created, destroyed, registered, locked;
} k;

static int create_type(const struct zus_plugin *plugin, const struct zus_env *env,
		       struct zus_type **type)
{
	int err = k.create_err ? k.create_err : zus_type_create(plugin, env, type);

	k.created += !err;
	return err;
}

static int destroy_type(struct zus_type *type)
{
	if (k.is_mounted)
		return -EBUSY;
	k.destroyed++;
	return zus_type_destroy(type);
}

static unsigned int stop_type(struct zus_type *type)
{
	assert_non_null(type);
	return 2;
}

int zus_register_type(int root_fd, const struct zus_type *type)
{
	assert_int_equal(root_fd, z.root_fd);
	assert_non_null(type);
	k.registered += !k.register_err;
	return k.register_err;
}

int zusd_lock_loaded(const struct zusd *zusd)
{
	assert_ptr_equal(zusd, &z);
	k.locked++;
	return k.lock_err;
}

static bool is_loaded(const char *path)
{
	void *h = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

	if (h)
		dlclose(h);
	return h;
}

static int setup(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	why[0] = 0;
	complaints = 0;
	z = (struct zusd){
		.root_fd = 4711,
		.env = *zus_env_default(),
		.opt.plugin_dir = PROBE_DIR,
	};
	z.env.vlog = count_complaint;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	k.is_mounted = false;
	zusd_plugins_stop(&z);
	assert_int_equal(z.nr_plugins, 0);
	assert_int_equal(k.destroyed, k.created);
	assert_false(is_loaded(PROBE));
	assert_false(is_loaded(ALIEN));
	assert_false(is_loaded(twin));
	return 0;
}

static int start(const char *plugins)
{
	z.opt.plugins = plugins;
	return zusd_plugins_start(&z);
}

static int load(const char *what)
{
	return zusd_plugins_load(&z, what, why, sizeof(why));
}

static void listed_plugins_are_served(void **state)
{
	(void)state;
	assert_int_equal(start(", probe,,"), 0);
	assert_int_equal(z.nr_plugins, 1);
	assert_int_equal(k.registered, 1);
	assert_true(is_loaded(PROBE));
	assert_int_equal(complaints, 0);
	/* all memory is locked later */
	assert_int_equal(k.locked, 0);
}

static void a_start_without_plugins_fails(void **state)
{
	(void)state;
	assert_int_equal(start(""), -EINVAL);
	assert_int_equal(start(" ,"), -EINVAL);
	assert_int_equal(start("nowhere"), -ELIBACC);
	assert_int_equal(start("alien,probe"), -EPROTO);
	assert_int_equal(k.registered, 0);
	/* what was started before the one that fails is there until the stop */
	complaints = 0;
	assert_int_equal(start("probe nowhere"), -ELIBACC);
	assert_int_equal(z.nr_plugins, 1);
	assert_int_equal(complaints, 1);
	no_memory = true;
	assert_int_equal(start("probe"), -ENOMEM);
	no_memory = false;
}

static void type_is_added_by_name_or_path(void **state)
{
	(void)state;
	assert_int_equal(load("probe"), 0);
	assert_int_equal(z.nr_plugins, 1);
	assert_int_equal(k.locked, 1);
	zusd_plugins_stop(&z);
	assert_int_equal(load(PROBE), 0);
	assert_int_equal(z.nr_plugins, 1);
	/* it is there already, whatever it is called */
	assert_int_equal(load("probe"), 0);
	assert_int_equal(load(PROBE), 0);
	assert_int_equal(z.nr_plugins, 1);
	assert_int_equal(k.registered, 2);
	assert_int_equal(complaints, 0);
}

static void type_of_another_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(load("probe"), 0);
	assert_int_equal(load(twin), -EEXIST);
	assert_string_equal(why, "type 'probe' is served already, by another file");
	assert_int_equal(z.nr_plugins, 1);
}

static void only_names_and_files_are_loaded(void **state)
{
	static const char *const whats[] = { "a/b", "./libprobe.so", "probe/" };
	char fifo[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(whats); i++) {
		assert_int_equal(load(whats[i]), -EINVAL);
		assert_non_null(strstr(why, "is neither a name nor an absolute path"));
	}
	assert_int_equal(load(folder), -EINVAL);
	assert_non_null(strstr(why, "is no regular file"));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(load(fifo), -EINVAL);
	unlink(fifo);
	assert_int_equal(load("/nowhere/libprobe.so"), -ELIBACC);
	assert_int_equal(load(ALIEN), -EPROTO);
	assert_non_null(strstr(why, "made for another version"));
	assert_int_equal(k.registered, 0);
}

static void kernel_that_refuses_is_told_of(void **state)
{
	static const struct { int err; const char *reason; } cases[] = {
		{ -EEXIST, "another server serves it" },
		{ -EBUSY, "another server has this root" },
		{ -ESHUTDOWN, "the root was taken away from this server" },
		{ -ENOSPC, "the kernel knows too many types" },
		{ -ENOMEM, "Cannot allocate memory" },
	};
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		k.register_err = cases[i].err;
		assert_int_equal(load("probe"), cases[i].err);
		snprintf(text, sizeof(text), "cannot register type 'probe': %s", cases[i].reason);
		assert_string_equal(why, text);
		assert_int_equal(z.nr_plugins, 0);
		assert_int_equal(k.destroyed, k.created);
		assert_false(is_loaded(PROBE));
	}
}

static void what_cannot_be_made_or_locked_is_unloaded(void **state)
{
	(void)state;
	k.create_err = -ENOMEM;
	assert_int_equal(load("probe"), -ENOMEM);
	assert_string_equal(why, "type 'probe': Cannot allocate memory");
	assert_false(is_loaded(PROBE));
	k.create_err = 0;
	k.lock_err = -EAGAIN;
	assert_int_equal(load("probe"), -EAGAIN);
	assert_non_null(strstr(why, "cannot lock its memory"));
	assert_int_equal(k.registered, 0);
	assert_int_equal(k.destroyed, k.created);
	assert_false(is_loaded(PROBE));
	/* at the start it is not locked yet */
	assert_int_equal(start("probe"), 0);
}

/* The one that is there stands for all of them. */
static void there_are_so_many_at_most(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(load("probe"), 0);
	for (i = 1; i < ZUSD_MAX_PLUGINS; i++)
		z.plugins[i] = z.plugins[0];
	z.nr_plugins = ZUSD_MAX_PLUGINS;
	assert_int_equal(zusd_plugins_server_stop(&z), 2 * ZUSD_MAX_PLUGINS);
	assert_int_equal(load(twin), -E2BIG);
	assert_string_equal(why, "more than 16 plugins");
	assert_int_equal(complaints, 1);
	z.nr_plugins = 1;
	assert_int_equal(zusd_plugins_server_stop(&z), 2);
}

/* Its code may still be executed. */
static void plugin_with_a_mount_stays_loaded(void **state)
{
	struct zusd_plugin p;

	(void)state;
	assert_int_equal(load("probe"), 0);
	p = z.plugins[0];
	k.is_mounted = true;
	zusd_plugins_stop(&z);
	assert_int_equal(z.nr_plugins, 0);
	assert_true(is_loaded(PROBE));
	z.plugins[z.nr_plugins++] = p;
}

static int copy_plugin(void **state)
{
	char command[256];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(twin, sizeof(twin), "%s/libtwin.so", folder);
	snprintf(command, sizeof(command), "cp " PROBE " %s", twin);
	return system(command);
}

static int remove_folder(void **state)
{
	(void)state;
	return unlink(twin) || rmdir(folder);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(listed_plugins_are_served),
		T(a_start_without_plugins_fails),
		T(type_is_added_by_name_or_path),
		T(type_of_another_file_is_refused),
		T(only_names_and_files_are_loaded),
		T(kernel_that_refuses_is_told_of),
		T(what_cannot_be_made_or_locked_is_unloaded),
		T(there_are_so_many_at_most),
		T(plugin_with_a_mount_stays_loaded),
	};

	return cmocka_run_group_tests(tests, copy_plugin, remove_folder);
}
