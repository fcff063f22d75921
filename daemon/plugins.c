// SPDX-License-Identifier: BSD-2-Clause
/*
 * The file systems that zusd serves: loads the listed plugins, makes their types, registers
 * them with the kernel. The first error stops the start; later, when one is added to the running
 * server, an error changes nothing. Called by main only, like all that looks at the array: other
 * threads get at a type by the cookie that the kernel has of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "zusd.h"

#define WHY_BYTES	512

static const char *type_name(const struct zusd_plugin *p)
{
	return zus_type_plugin(p->type)->info.fsname;
}

static const struct zusd_plugin *find_type(const struct zusd *z, const char *fsname)
{
	unsigned int i;

	for (i = 0; i < z->nr_plugins; i++)
		if (!strcmp(type_name(&z->plugins[i]), fsname))
			return &z->plugins[i];
	return NULL;
}

/* The loader has one handle for one file. */
static int check_new(const struct zusd *z, const struct zus_plugin *table, const void *handle,
		     char *why, size_t size)
{
	const struct zusd_plugin *p = find_type(z, table->info.fsname);

	if (!p)
		return 0;
	snprintf(why, size, "type '%s' is served already%s", table->info.fsname,
		 p->handle == handle ? "" : ", by another file");
	return p->handle == handle ? -EALREADY : -EEXIST;
}

static void tell_refusal(const char *fsname, int err, char *why, size_t size)
{
	const char *reason = strerror(-err);

	if (err == -EEXIST)
		reason = "another server serves it";
	else if (err == -EBUSY)
		reason = "another server has this root";
	else if (err == -ESHUTDOWN)
		reason = "the root was taken away from this server";
	else if (err == -ENOSPC)
		reason = "the kernel knows too many types";
	snprintf(why, size, "cannot register type '%s': %s", fsname, reason);
}

static int make_type(struct zusd *z, struct zusd_plugin *p, const struct zus_plugin *table,
		     char *why, size_t size)
{
	int err = zus_plugin_check(table, why, size);

	if (!err)
		err = check_new(z, table, p->handle, why, size);
	if (err)
		return err;
	err = zus_type_create(table, &z->env, &p->type);
	if (err)
		snprintf(why, size, "type '%s': %s", table->info.fsname, strerror(-err));
	return err;
}

/*
 * Loads and registers one. 0, or -errno and words in why: -EALREADY, it is served by this very
 * plugin, -EEXIST: by another one or another server. is_late: memory is locked already.
 */
static int add(struct zusd *z, const char *name, bool is_late, char *why, size_t size)
{
	struct zusd_plugin p = { 0 };
	const struct zus_plugin *table;
	int err;

	if (z->nr_plugins == ZUSD_MAX_PLUGINS) {
		snprintf(why, size, "more than %d plugins", ZUSD_MAX_PLUGINS);
		return -E2BIG;
	}
	err = zus_plugin_load(z->opt.plugin_dir, name, &table, &p.handle, why, size);
	if (err)
		return err;
	err = make_type(z, &p, table, why, size);
	if (err)
		goto err_unload;
	err = is_late ? zusd_lock_loaded(z) : 0;
	if (err) {
		snprintf(why, size, "cannot lock its memory (see --mlock): %s", strerror(-err));
		goto err_destroy;
	}
	err = zus_register_type(z->root_fd, p.type);
	if (err) {
		tell_refusal(table->info.fsname, err, why, size);
		goto err_destroy;
	}
	z->plugins[z->nr_plugins++] = p;
	zus_info(&z->env, "serving '%s' by plugin '%s'", table->info.fsname, table->name);
	return 0;

err_destroy:
	zus_type_destroy(p.type);
err_unload:
	zus_plugin_unload(p.handle);
	return err;
}

static int start_one(struct zusd *z, const char *name)
{
	char why[WHY_BYTES];
	int err = add(z, name, false, why, sizeof(why));

	if (err)
		zus_err(&z->env, "%s", why);
	return err;
}

int zusd_plugins_start(struct zusd *z)
{
	char *list = strdup(z->opt.plugins), *next = list, *name;
	int err = list ? 0 : -ENOMEM;

	while (!err && (name = strsep(&next, ", "))) {
		if (*name)
			err = start_one(z, name);
	}
	free(list);
	if (!err && !z->nr_plugins)
		err = -EINVAL;
	return err;
}

/* Of a path the loader would wait for the writer of a FIFO; what is not there it says itself. */
static int check_what(const char *what, char *why, size_t size)
{
	struct stat st;

	if (*what == '/' && !stat(what, &st) && !S_ISREG(st.st_mode)) {
		snprintf(why, size, "'%s' is no regular file", what);
		return -EINVAL;
	}
	if (*what != '/' && strchr(what, '/')) {
		snprintf(why, size, "'%s' is neither a name nor an absolute path", what);
		return -EINVAL;
	}
	return 0;
}

int zusd_plugins_load(void *ctx, const char *what, char *why, size_t size)
{
	struct zusd *z = ctx;
	int err = check_what(what, why, size);

	if (err || find_type(z, what))
		return err;
	err = add(z, what, true, why, size);
	if (err == -EALREADY)
		return 0;
	if (err)
		zus_warn(&z->env, "not added: %s", why);
	return err;
}

unsigned int zusd_plugins_server_stop(struct zusd *z)
{
	unsigned int i, mounts = 0;

	for (i = 0; i < z->nr_plugins; i++)
		mounts += zus_type_stop(z->plugins[i].type);
	return mounts;
}

void zusd_plugins_stop(struct zusd *z)
{
	while (z->nr_plugins) {
		struct zusd_plugin *p = &z->plugins[--z->nr_plugins];

		if (!zus_type_destroy(p->type))
			zus_plugin_unload(p->handle);
	}
}
