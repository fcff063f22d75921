// SPDX-License-Identifier: BSD-2-Clause
/*
 * The file systems that zusd serves: loads the listed plugins, makes their types, registers
 * them with the kernel. The first error stops the start. Called by main only; the array is
 * constant while threads run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "zusd.h"

static int start_one(struct zusd *z, const char *name)
{
	struct zusd_plugin *p = &z->plugins[z->nr_plugins];
	const struct zus_plugin *table;
	char why[512];
	int err;

	if (z->nr_plugins == ZUSD_MAX_PLUGINS) {
		zus_err(&z->env, "more than %d plugins", ZUSD_MAX_PLUGINS);
		return -E2BIG;
	}
	err = zus_plugin_load(z->opt.plugin_dir, name, &table, &p->handle, why, sizeof(why));
	if (err) {
		zus_err(&z->env, "%s", why);
		return err;
	}
	err = zus_type_create(table, &z->env, &p->type);
	if (err)
		goto err_unload;
	err = zus_register_type(z->root_fd, p->type);
	if (err) {
		zus_err(&z->env, "cannot register type '%s': %s", table->info.fsname,
			strerror(-err));
		goto err_destroy;
	}
	z->nr_plugins++;
	zus_info(&z->env, "serving '%s' by plugin '%s'", table->info.fsname, table->name);
	return 0;

err_destroy:
	zus_type_destroy(p->type);
err_unload:
	zus_plugin_unload(p->handle);
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
