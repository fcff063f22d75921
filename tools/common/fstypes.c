// SPDX-License-Identifier: BSD-2-Clause
/*
 * Installed file-system types; see fstypes.h. A file that looks like a plugin and cannot be
 * loaded is named in a message and left out: one bad plugin must not hide the others.
 */
#define _GNU_SOURCE
#include "fstypes.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zus/fs.h>
#include <zus/server.h>

#include "msg.h"

/* NULL: the environment names none. */
static const char *given_dir(void)
{
	const char *dir = secure_getenv("ZUFS_PLUGIN_DIR");

	return dir && *dir ? dir : NULL;
}

const char *fstypes_dir(void)
{
	const char *dir = given_dir();

	return dir ? dir : ZUFS_PLUGIN_DIR;
}

bool fstypes_dir_is_given(void)
{
	return given_dir();
}

static int is_plugin(const struct dirent *entry)
{
	return !fnmatch("lib*.so", entry->d_name, 0);
}

static void describe(const struct zus_plugin *plugin, struct fstype *type)
{
	const struct register_fs_info *info = &plugin->info;

	memcpy(type->name, info->fsname, sizeof(type->name));
	type->name[sizeof(type->name) - 1] = 0;
	type->magic = info->FS_magic;
	type->version_major = info->FS_ver_major;
	type->version_minor = info->FS_ver_minor;
	type->dt_offset = info->dt_offset;
}

static int add_plugin(struct fstype_list *list, const char *file)
{
	const struct zus_plugin *plugin;
	struct fstype *bigger;
	char *path, why[512];
	void *handle;
	int err;

	if (asprintf(&path, "%s/%s", fstypes_dir(), file) < 0)
		return -ENOMEM;
	err = zus_plugin_load(fstypes_dir(), path, &plugin, &handle, why, sizeof(why));
	free(path);
	if (err) {
		msg("note: %s", why);
		return 0;
	}
	bigger = reallocarray(list->types, list->count + 1, sizeof(*bigger));
	if (bigger) {
		list->types = bigger;
		describe(plugin, &bigger[list->count++]);
	}
	zus_plugin_unload(handle);
	return bigger ? 0 : -ENOMEM;
}

int fstypes_load(struct fstype_list *list)
{
	struct dirent **files;
	int i, n, err = 0;

	*list = (struct fstype_list){ 0 };
	n = scandir(fstypes_dir(), &files, is_plugin, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : msg_errno(errno, "%s", fstypes_dir());
	for (i = 0; i < n; i++) {
		if (!err)
			err = add_plugin(list, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	if (err) {
		fstypes_free(list);
		msg_errno(err, "%s", fstypes_dir());
	}
	return err;
}

void fstypes_free(struct fstype_list *list)
{
	free(list->types);
	*list = (struct fstype_list){ 0 };
}

const struct fstype *fstypes_by_name(const struct fstype_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->types[i].name, name))
			return &list->types[i];
	return NULL;
}

const struct fstype *fstypes_by_magic(const struct fstype_list *list, uint32_t magic)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->types[i].magic == magic)
			return &list->types[i];
	return NULL;
}
