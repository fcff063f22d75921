// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs recover, after the unmounting: for each mount that is gone, in the order in which they were
 * made, finds its line of fstab, checks the device by fsck.TYPE -n, lets the server load the type
 * if it has to, and mounts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "mountfs.h"
#include "process.h"
#include "recover.h"

/* Of fsck(8); with any other bit than the first it is not known that all is well. */
#define FSCK_FIXED	1
#define FSCK_LEFT	4

/* ---- fstab ---- */

static bool has_option(struct libmnt_fs *fs, const char *name)
{
	const char *options = mnt_fs_get_options(fs);

	return options && mnt_optstr_get_option(options, name, NULL, NULL) == 0;
}

static bool is_bind(struct libmnt_fs *fs)
{
	return has_option(fs, "bind") || has_option(fs, "rbind");
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

/* The device of a line, with tags like UUID= resolved; malloc'ed, NULL: there is none. */
static char *source_of(struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_source(fs);
	char *found = source ? mnt_resolve_spec(source, NULL) : NULL;

	return found ? found : source ? strdup(source) : NULL;
}

static bool has_source(struct libmnt_fs *fs, const struct mount_entry *m)
{
	char *source = source_of(fs);
	bool same = source && (!strcmp(source, m->source) || is_same_path(source, m->source));

	free(source);
	return same;
}

/* Another mount of the file system came before it, or a folder is all that it shows. */
static bool is_copy(const struct recover *r, const struct mount_entry *m)
{
	size_t i;

	for (i = 0; r->dead[i].m != m; i++)
		if (r->dead[i].m->dev == m->dev)
			return true;
	return m->is_part;
}

/*
 * The line that names this mount, or NULL; it is taken out of the table, for of several mounts on
 * one folder each has its own. One with the same source goes first.
 */
static struct libmnt_fs *take_line(struct recover *r, const struct mount_entry *m)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs, *found = NULL;
	bool may_be_bind = is_copy(r, m), is_sure = false;

	while (iter && !is_sure && mnt_table_next_fs(r->fstab, iter, &fs) == 0) {
		if (!is_at(fs, m) || !(is_bind(fs) ? may_be_bind : is_of_type(fs, m->type)))
			continue;
		is_sure = !is_bind(fs) && has_source(fs, m);
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

/* ---- checks ---- */

static void not_mounted(struct recover *r, const struct mount_entry *m, const char *why)
{
	msg("%s: not mounted again: %s", m->dir, why);
	r->failed = true;
}

static void show(int fd)
{
	off_t at = 0;
	char text[4096];
	ssize_t n;

	while ((n = pread(fd, text, sizeof(text), at)) > 0) {
		fwrite(text, 1, (size_t)n, stderr);
		at += n;
	}
}

/* The status of fsck.TYPE -n, or -errno; what it says is in the file. */
static int run_fsck(const char *type, const char *source, int out)
{
	char program[64];
	const char *argv[] = { program, "-n", source, NULL };

	snprintf(program, sizeof(program), "fsck.%s", type);
	return process_run_to(argv, out);
}

/* True: it may be mounted. A type without a checker is taken as it is. */
static bool is_sound(struct recover *r, const struct mount_entry *m, const char *source)
{
	int status, out = memfd_create("fsck", MFD_CLOEXEC);
	char why[256];

	if (out < 0) {
		not_mounted(r, m, strerror(errno));
		return false;
	}
	status = run_fsck(m->type, source, out);
	if (status == 0 || status == FSCK_FIXED) {
		printf("%s: %s is sound, says fsck.%s\n", m->dir, source, m->type);
	} else if (status > 0) {
		show(out);
		snprintf(why, sizeof(why), "fsck.%s -n of %s ended with status %d%s", m->type,
			 source, status, status & FSCK_LEFT ? ": it is damaged" : "");
		not_mounted(r, m, why);
	} else if (status != -ENOENT) {
		snprintf(why, sizeof(why), "cannot run fsck.%s: %s", m->type, strerror(-status));
		not_mounted(r, m, why);
	}
	close(out);
	return status == 0 || status == FSCK_FIXED || status == -ENOENT;
}

/* Does the dead file system still have its devices, though it is mounted nowhere here? */
static bool is_held(const struct recover *r, const struct mount_entry *m)
{
	const struct stat_mount *sm;
	struct stats stats;
	bool held = false;
	int fd = stats_open(r->root_path, false);

	if (fd < 0)
		return false;
	if (!stats_read(fd, &stats)) {
		sm = stats_mount(&stats, m->dev);
		held = sm && !sm->is_live;
		stats_free(&stats);
	}
	close(fd);
	return held;
}

/* Who holds it, as was found when one of its mounts was unmounted. */
static void tell_held(struct recover *r, const struct mount_entry *m)
{
	char why[512];
	size_t i;

	snprintf(why, sizeof(why), "%s is held by another mount name space, or memory in use",
		 m->source);
	for (i = 0; i < r->count; i++) {
		const struct dead_mount *d = &r->dead[i];

		if (d->m->dev != m->dev)
			continue;
		if (!d->is_gone) {
			snprintf(why, sizeof(why), "%s is still mounted, dead, on %s", m->source,
				 d->m->dir);
			break;
		}
		if (d->holders[0])
			snprintf(why, sizeof(why), "%s is held by %s", m->source, d->holders);
	}
	not_mounted(r, m, why);
}

/* The server that is there now may not serve what the former one has learnt. */
static bool is_served(struct recover *r, const struct mount_entry *m)
{
	struct root now;

	if (root_read(r->root_path, &now))
		return false;
	if (root_serves(&now, m->type) || !server_load(&now, m->type))
		return true;
	not_mounted(r, m, "its type is not served");
	return false;
}

/* ---- mounting ---- */

static int mount_line(struct recover *r, const struct mount_entry *m, struct libmnt_fs *line)
{
	struct libmnt_context *cxt = mnt_new_context();
	struct libmnt_fs *fs = mnt_copy_fs(NULL, line);
	char why[512] = "no memory";
	int err = -ENOMEM;

	/* the line has everything: fstab is not asked again */
	if (cxt && fs && !mnt_context_set_fs(cxt, fs) &&
	    !mnt_context_set_optsmode(cxt, MNT_OMODE_NOTAB)) {
		err = mnt_context_mount(cxt);
		err = mnt_context_get_excode(cxt, err, why, sizeof(why));
	}
	if (err) {
		not_mounted(r, m, why);
		msg("more in the kernel's log (dmesg) and the server's");
	}
	mnt_unref_fs(fs);
	mnt_free_context(cxt);
	return err;
}

static int mount_as_before(struct recover *r, const struct mount_entry *m)
{
	int err = mountfs(m->source, m->dir, m->type, m->options);

	if (err)
		not_mounted(r, m, strerror(-err));
	return err;
}

/* Is the file system of which this was a bind mount still mounted, dead? */
static bool is_copy_of_dead(const struct recover *r, const struct mount_entry *m)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->dead[i].m->dev == m->dev && !r->dead[i].is_gone)
			return true;
	return false;
}

/* line NULL: with the source and the options that it had. True: it is mounted. */
static bool mount_again(struct recover *r, const struct mount_entry *m, struct libmnt_fs *line)
{
	char *source = line ? source_of(line) : strdup(m->source);
	bool bind = line && is_bind(line), is_device = source && *source == '/' && !bind;
	bool done = false;

	if (!source)
		not_mounted(r, m, "no source is named, or no memory");
	else if (bind ? is_copy_of_dead(r, m) : is_device && is_held(r, m))
		tell_held(r, m);
	else if (is_served(r, m) && (!is_device || is_sound(r, m, source)))
		done = !(line ? mount_line(r, m, line) : mount_as_before(r, m));
	if (done)
		printf("%s: mounted again\n", m->dir);
	free(source);
	return done;
}

/* True: somebody else has been quicker, or an earlier mount of ours brought this one along. */
static bool is_back_already(const struct recover *r, const struct dead_mount *d)
{
	const struct mount_entry *top;
	struct mount_list now;
	bool back = false;
	size_t i;

	for (i = 0; &r->dead[i] != d; i++)
		if (r->dead[i].is_back && !strcmp(r->dead[i].m->dir, d->m->dir))
			return false;	/* mounts on one folder: that was the one below */
	if (mounts_read(&now))
		return false;
	top = mounts_at(&now, d->m->dir);
	back = top && !strcmp(top->type, d->m->type);
	for (i = 0; back && i < r->count; i++)
		back = r->dead[i].is_gone || r->dead[i].m->id != top->id;
	mounts_free(&now);
	return back;
}

static void remount(struct recover *r, struct dead_mount *d)
{
	const struct mount_entry *m = d->m;
	struct libmnt_fs *line;
	const char *why = NULL;

	if (is_back_already(r, d))
		return;
	line = take_line(r, m);
	if (!line)
		why = m->is_part ? "a bind mount that fstab does not name" :
				   "fstab does not name it";
	else if (has_option(line, "noauto"))
		why = "noauto in fstab";
	if (why && (!r->all || (!line && m->is_part)))
		printf("%s: left unmounted: %s\n", m->dir, why);
	else
		d->is_back = mount_again(r, m, line);
	mnt_unref_fs(line);
}

void remount_all(struct recover *r)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->dead[i].is_gone)
			remount(r, &r->dead[i]);
}
