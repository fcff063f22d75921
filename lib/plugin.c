// SPDX-License-Identifier: BSD-2-Clause
/*
 * Plugins: loading the shared object, checking its table, making the type.
 *
 * Called by one thread, at start-up and when a type is added later. A type keeps full-size copies
 * of the table and of the operations: what an older plugin's shorter ones do not have reads as 0
 * and NULL, so nobody else needs size checks. The plugin's object stays loaded for as long as its
 * type lives, and the type for as long as it has mounts: a list under the type's lock, kept by the
 * mount messages.
 */
#define _GNU_SOURCE
#include <zus/server.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

int zus_plugin_load(const char *dir, const char *name, const struct zus_plugin **plugin,
		    void **handle, char *why, size_t why_size)
{
	char path[4096];
	void *h;
	int n;

	if (strchr(name, '/'))
		n = snprintf(path, sizeof(path), "%s", name);
	else
		n = snprintf(path, sizeof(path), "%s/lib%s.so", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		snprintf(why, why_size, "the path of plugin '%s' is too long", name);
		return -ENAMETOOLONG;
	}
	h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!h) {
		snprintf(why, why_size, "cannot load plugin '%s': %s", name, dlerror());
		return -ELIBACC;
	}
	*plugin = dlsym(h, "zus_plugin");
	if (!*plugin) {
		snprintf(why, why_size, "%s is not a plugin: it has no symbol zus_plugin",
			 path);
		dlclose(h);
		return -ELIBBAD;
	}
	*handle = h;
	return 0;
}

void zus_plugin_unload(void *handle)
{
	if (handle)
		dlclose(handle);
}

static int refuse(const struct zus_plugin *p, char *why, size_t why_size, int err,
		  const char *reason)
{
	const char *name = "?";

	if (p->size >= offsetof(struct zus_plugin, name) + sizeof(p->name) && p->name)
		name = p->name;
	snprintf(why, why_size, "plugin '%s': %s", name, reason);
	return err;
}

/* What zus_plugin.flags may have. */
#define PLUGIN_FLAGS	((uint32_t)(ZUS_PLUGIN_NODEV_OK | ZUS_PLUGIN_READ_ONLY))
/* The smallest table: everything up to the pointer to the operations. */
#define PLUGIN_SIZE_MIN	(offsetof(struct zus_plugin, ops) + sizeof(void *))

/* The table in full size: what an older one does not have is 0. */
static void copy_table(const struct zus_plugin *p, struct zus_plugin *table)
{
	memset(table, 0, sizeof(*table));
	memcpy(table, p, p->size);
}

/* NULL, or what is wrong with the flags of a table that is not too long. */
static const char *check_flags(const struct zus_plugin *p, int *err)
{
	struct zus_plugin table;

	copy_table(p, &table);
	*err = -EPROTO;
	if (table.flags & ~PLUGIN_FLAGS)
		return "it has flags of a newer libzus";
	*err = -EINVAL;
	if (table.inode_flags & ~(uint32_t)ZUFS_S_DECLARED)
		return "inode_flags has others than those of ZUFS_S_DECLARED";
	return NULL;
}

/* NULL, or which operations are wanted and not all there. */
static const char *check_ops(const struct zus_plugin *p)
{
	struct zus_fs_ops ops = { 0 };
	struct zus_plugin table;

	copy_table(p, &table);
	memcpy(&ops, p->ops, p->ops_size);
	if (!ops.mount || !ops.lookup)
		return "mount or lookup is missing";
	if (!ops.new_inode && !(table.flags & ZUS_PLUGIN_READ_ONLY))
		return "new_inode is missing";
	return NULL;
}

int zus_plugin_check(const struct zus_plugin *p, char *why, size_t why_size)
{
	const char *reason;
	int err;

	if (p->abi_version != ZUS_PLUGIN_ABI)
		return refuse(p, why, why_size, -EPROTO,
			      "made for another version of the interface");
	if (p->size < PLUGIN_SIZE_MIN)
		return refuse(p, why, why_size, -EPROTO, "its table is too short");
	if (p->ops_size > sizeof(struct zus_fs_ops) || p->size > sizeof(*p))
		return refuse(p, why, why_size, -EPROTO, "made for a newer libzus");
	if (p->sb_size < sizeof(struct zus_sb))
		return refuse(p, why, why_size, -EINVAL,
			      "sb_size is smaller than struct zus_sb");
	if (!p->ops || !p->name || !p->info.fsname[0] ||
	    !memchr(p->info.fsname, 0, sizeof(p->info.fsname)))
		return refuse(p, why, why_size, -EINVAL, "no operations, name or type name");
	reason = check_flags(p, &err);
	if (reason)
		return refuse(p, why, why_size, err, reason);
	reason = check_ops(p);
	return reason ? refuse(p, why, why_size, -EINVAL, reason) : 0;
}

static void type_free(struct zus_type *t)
{
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int zus_type_create(const struct zus_plugin *plugin, const struct zus_env *env,
		    struct zus_type **type)
{
	struct zus_type *t;
	char why[256];
	int err = zus_plugin_check(plugin, why, sizeof(why));

	if (err) {
		zus_err(env, "%s", why);
		return err;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->plugin = plugin;
	t->env = env;
	copy_table(plugin, &t->table);
	memcpy(&t->ops, plugin->ops, plugin->ops_size);
	if (zus_type_is_read_only(t))
		zus_type_make_read_only(t);
	err = zus_ddbg_register(plugin->name, t->table.ddbg_start, t->table.ddbg_stop);
	if (err) {
		type_free(t);
		return err;
	}
	*type = t;
	return 0;
}

void zus_type_add_mount(struct zus_type *t, struct zus_sb *sb)
{
	pthread_mutex_lock(&t->lock);
	sb->next = t->mounted;
	t->mounted = sb;
	pthread_mutex_unlock(&t->lock);
}

void zus_type_remove_mount(struct zus_type *t, const struct zus_sb *sb)
{
	struct zus_sb **at;

	pthread_mutex_lock(&t->lock);
	for (at = &t->mounted; *at && *at != sb; at = &(*at)->next)
		;
	if (*at)
		*at = sb->next;
	pthread_mutex_unlock(&t->lock);
}

void zus_type_forget(struct zus_type *t)
{
	pthread_mutex_lock(&t->lock);
	t->mounted = NULL;
	pthread_mutex_unlock(&t->lock);
}

unsigned int zus_type_stop(struct zus_type *t)
{
	unsigned int n = 0;
	struct zus_sb *sb;

	/* without the lock: no mount message runs, and the plugin may take long */
	for (sb = t->mounted; sb; sb = sb->next, n++) {
		zus_dbg(sb->env, "sb %llu: the server ends",
			(unsigned long long)sb->kern_id);
		if (t->ops.server_stop)
			t->ops.server_stop(sb);
	}
	return n;
}

int zus_type_destroy(struct zus_type *t)
{
	bool is_busy;

	if (!t)
		return 0;
	pthread_mutex_lock(&t->lock);
	is_busy = t->mounted;
	pthread_mutex_unlock(&t->lock);
	if (is_busy)
		return -EBUSY;
	if (t->table.ddbg_start)
		zus_ddbg_unregister(t->table.ddbg_start);
	type_free(t);
	return 0;
}

const struct zus_plugin *zus_type_plugin(const struct zus_type *t)
{
	return t->plugin;
}

void zus_type_info(const struct zus_type *t, struct register_fs_info *info)
{
	*info = t->table.info;
	info->notused |= t->table.inode_flags;
	if (t->table.flags & ZUS_PLUGIN_NODEV_OK)
		info->notused |= ZUFS_REG_NODEV_OK;
	if (zus_type_is_read_only(t))
		info->notused |= ZUFS_REG_READ_ONLY;
}
