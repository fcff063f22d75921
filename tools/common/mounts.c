// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mounts and mount options by libmount; see mounts.h.
 */
#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"

int mounts_parse_options(const char *options, unsigned long *flags, char **rest)
{
	const struct libmnt_optmap *map = mnt_get_builtin_optmap(MNT_LINUX_MAP);
	char *vfs = NULL;
	int err;

	*flags = 0;
	*rest = NULL;
	/* the third kind is for mount(8) and other programs: nofail, x-systemd... */
	err = mnt_split_optstr(options, NULL, &vfs, rest, 0, 0);
	if (!err && vfs)
		err = mnt_optstr_get_flags(vfs, flags, map);
	if (!err && !*rest) {
		*rest = strdup("");
		err = *rest ? 0 : -ENOMEM;
	}
	free(vfs);
	if (err) {
		free(*rest);
		*rest = NULL;
	}
	return err;
}

static bool has_word(const char *options, const char *word)
{
	return mnt_optstr_get_option(options, word, NULL, NULL) == 0;
}

/* "rw" and "ro" stand in both, first; strictatime is what the kernel has no word for. */
static char *join_options(const char *mount, const char *super)
{
	bool strict = *mount && !has_word(mount, "relatime") && !has_word(mount, "noatime");
	bool ro = !strncmp(super, "ro", 2);
	char *text;

	if (ro || !strncmp(super, "rw", 2))
		super += 2;
	if (ro && !strncmp(mount, "rw", 2))
		mount += 2;
	else
		ro = false;
	return asprintf(&text, "%s%s%s%s", ro ? "ro" : "", mount, strict ? ",strictatime" : "",
			super) < 0 ? NULL : text;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static int fill_entry(struct mount_entry *e, struct libmnt_fs *fs)
{
	e->type = strdup(or_empty(mnt_fs_get_fstype(fs)));
	e->source = strdup(or_empty(mnt_fs_get_source(fs)));
	e->dir = strdup(or_empty(mnt_fs_get_target(fs)));
	e->options = join_options(or_empty(mnt_fs_get_vfs_options(fs)),
				  or_empty(mnt_fs_get_fs_options(fs)));
	e->dev = mnt_fs_get_devno(fs);
	e->is_part = strcmp(or_empty(mnt_fs_get_root(fs)), "/");
	e->id = mnt_fs_get_id(fs);
	e->parent = mnt_fs_get_parent_id(fs);
	return e->type && e->source && e->dir && e->options ? 0 : -ENOMEM;
}

static int fill_list(struct mount_list *list, struct libmnt_table *tb)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int err = 0;

	list->entries = calloc((size_t)mnt_table_get_nents(tb) + 1, sizeof(*list->entries));
	if (!iter || !list->entries)
		err = -ENOMEM;
	while (!err && mnt_table_next_fs(tb, iter, &fs) == 0)
		err = fill_entry(&list->entries[list->count++], fs);
	mnt_free_iter(iter);
	return err;
}

int mounts_read(struct mount_list *list)
{
	static const char file[] = "/proc/self/mountinfo";
	struct libmnt_table *tb;
	int err;

	*list = (struct mount_list){ 0 };
	errno = 0;
	tb = mnt_new_table_from_file(file);
	if (!tb)
		return msg_errno(errno ? errno : ENOMEM, "%s", file);
	err = fill_list(list, tb);
	mnt_unref_table(tb);
	if (err) {
		mounts_free(list);
		msg_errno(err, "%s", file);
	}
	return err;
}

void mounts_free(struct mount_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->entries[i].type);
		free(list->entries[i].source);
		free(list->entries[i].dir);
		free(list->entries[i].options);
	}
	free(list->entries);
	*list = (struct mount_list){ 0 };
}

const struct mount_entry *mounts_at(const struct mount_list *list, const char *dir)
{
	size_t i = list->count;

	while (i-- > 0)
		if (!strcmp(list->entries[i].dir, dir))
			return &list->entries[i];
	return NULL;
}

const struct mount_entry *mounts_by_id(const struct mount_list *list, int id)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->entries[i].id == id)
			return &list->entries[i];
	return NULL;
}

const struct mount_entry *mounts_child(const struct mount_list *list, const struct mount_entry *m,
				       bool (*skip)(const struct mount_entry *child, void *ctx),
				       void *ctx)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct mount_entry *child = &list->entries[i];

		if (child->parent == m->id && child != m && !(skip && skip(child, ctx)))
			return child;
	}
	return NULL;
}

int mounts_id_in(const char *fdinfo)
{
	FILE *f = fopen(fdinfo, "re");
	char line[256];
	int id = -ENODATA;

	if (!f)
		return -errno;
	while (id < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "mnt_id: %d", &id) != 1)
			id = -ENODATA;
	fclose(f);
	return id;
}

int mounts_id_of(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return mounts_id_in(path);
}
