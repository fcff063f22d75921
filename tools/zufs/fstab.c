// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs recover: which line of fstab a mount has been made by; see recover.h.
 */
#define _GNU_SOURCE
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>

#include "recover.h"

bool fstab_has_option(struct libmnt_fs *fs, const char *name)
{
	const char *options = mnt_fs_get_options(fs);

	return options && mnt_optstr_get_option(options, name, NULL, NULL) == 0;
}

bool fstab_is_bind(struct libmnt_fs *fs)
{
	return fstab_has_option(fs, "bind") || fstab_has_option(fs, "rbind");
}

static bool is_of_type(struct libmnt_fs *fs, const char *type)
{
	const char *types = mnt_fs_get_fstype(fs);

	return types && (!strcmp(types, "auto") || mnt_match_fstype(type, types));
}

static bool is_same_path(const char *a, const char *b)
{
	char *real_a = realpath(a, NULL), *real_b = realpath(b, NULL);
	bool same = real_a && real_b && !strcmp(real_a, real_b);

	free(real_a);
	free(real_b);
	return same;
}

/* Links are followed in lines of the type only: others may lead to what hangs. */
static bool is_at(struct libmnt_fs *fs, const struct mount_entry *m)
{
	const char *target = mnt_fs_get_target(fs);

	if (!target)
		return false;
	return mnt_fs_streq_target(fs, m->dir) ||
	       (is_of_type(fs, m->type) && is_same_path(target, m->dir));
}

char *fstab_source(struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_source(fs);
	char *found = source ? mnt_resolve_spec(source, NULL) : NULL;

	return found ? found : source ? strdup(source) : NULL;
}

static bool has_source(struct libmnt_fs *fs, const struct mount_entry *m)
{
	char *source = fstab_source(fs);
	bool same = source && (!strcmp(source, m->source) || is_same_path(source, m->source));

	free(source);
	return same;
}

bool recover_is_copy(const struct recover *r, const struct mount_entry *m)
{
	size_t i;

	for (i = 0; r->dead[i].m != m; i++)
		if (r->dead[i].m->dev == m->dev)
			return true;
	return m->is_part;
}

/* Of several mounts on one folder each has its own line; one with the same source goes first. */
struct libmnt_fs *fstab_take(struct recover *r, const struct mount_entry *m)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs, *found = NULL;
	bool may_be_bind = recover_is_copy(r, m), is_sure = false;

	while (iter && !is_sure && mnt_table_next_fs(r->fstab, iter, &fs) == 0) {
		if (!is_at(fs, m) || !(fstab_is_bind(fs) ? may_be_bind : is_of_type(fs, m->type)))
			continue;
		is_sure = !fstab_is_bind(fs) && has_source(fs, m);
		if (is_sure || !found)
			found = fs;
	}
	mnt_free_iter(iter);
	if (found) {
		mnt_ref_fs(found);
		mnt_table_remove_fs(r->fstab, found);
	}
	return found;
}
