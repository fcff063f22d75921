// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs recover, after the unmounting: for each mount that is gone, in the order in which they were
 * made, finds its line of fstab (fstab.c), checks the device by fsck.TYPE -n, lets the server load
 * the type if it has to, and mounts. A server may end here as well: the next one is waited for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mountfs.h"
#include "process.h"
#include "recover.h"

/* Of fsck(8); with any other bit than the first it is not known that all is well. */
#define FSCK_FIXED	1
#define FSCK_LEFT	4

/* ---- what is back ---- */

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

/* Is the same file system mounted again, elsewhere? */
static bool is_other_back(const struct recover *r, const struct mount_entry *m)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->dead[i].m != m && r->dead[i].m->dev == m->dev && r->dead[i].is_back)
			return true;
	return false;
}

/* Was it in a mount that is not back, so that its folder is another one now? */
static bool is_outside(const struct recover *r, const struct mount_entry *m)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->dead[i].m->id == m->parent)
			return !r->dead[i].is_back && strcmp(r->dead[i].m->dir, m->dir);
	return false;
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
	/* a shell of no login may have none of them in its PATH */
	static const char *const folders[] = { "", "/usr/local/sbin/", "/usr/sbin/", "/sbin/" };
	char program[96];
	const char *argv[] = { program, "-n", source, NULL };
	int status = -ENOENT;
	size_t i;

	for (i = 0; status == -ENOENT && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(program, sizeof(program), "%sfsck.%s", folders[i], type);
		status = process_run_to(argv, out);
	}
	return status;
}

static bool tell_unsound(struct recover *r, const struct mount_entry *m, const char *source,
			 int status, int out)
{
	char why[256];

	if (status < 0) {
		snprintf(why, sizeof(why), "cannot run fsck.%s: %s", m->type, strerror(-status));
	} else {
		show(out);
		snprintf(why, sizeof(why), "fsck.%s -n of %s ended with status %d%s", m->type,
			 source, status, status & FSCK_LEFT ? ": it is damaged" : "");
	}
	not_mounted(r, m, why);
	return false;
}

/*
 * True: it may be mounted. A type without a checker is taken as it is; what is mounted by now
 * cannot be checked.
 */
static bool is_sound(struct recover *r, const struct dead_mount *d, const char *source)
{
	const struct mount_entry *m = d->m;
	int status, out = memfd_create("fsck", MFD_CLOEXEC);
	bool sound = true;

	if (out < 0) {
		not_mounted(r, m, strerror(errno));
		return false;
	}
	status = run_fsck(m->type, source, out);
	if (status == 0 || status == FSCK_FIXED)
		printf("%s: %s is sound, says fsck.%s\n", m->dir, source, m->type);
	else if (status == -ENOENT)
		printf("%s: %s is not checked, there is no fsck.%s\n", m->dir, source, m->type);
	else
		sound = !is_back_already(r, d) && tell_unsound(r, m, source, status, out);
	close(out);
	return sound;
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
	int err = recover_wait_ready(r, &now);

	if (err) {
		not_mounted(r, m, err == -EAGAIN ? "the server has ended meanwhile" :
						   "the root cannot be read");
		return false;
	}
	if (root_serves(&now, m->type) || !server_load(&now, m->type))
		return true;
	not_mounted(r, m, "its type is not served");
	return false;
}

/* ---- mounting ---- */

/* By what libmount says it has done: of nofail it makes a success. */
static int take_result(struct libmnt_context *cxt, int rc, const struct mount_entry *m, char *why,
		       size_t size)
{
	int status = mnt_context_get_excode(cxt, rc, why, size);
	bool mounted = mnt_context_helper_executed(cxt) ?
		       mnt_context_get_helper_status(cxt) == 0 :
		       mnt_context_get_status(cxt) == 1;

	if (mounted && status)
		msg("%s: %s", m->dir, why);
	if (mounted)
		return 0;
	if (!*why)
		snprintf(why, size, "its device is not there");
	return -EIO;
}

static int mount_line(const struct mount_entry *m, struct libmnt_fs *line, char *why, size_t size)
{
	struct libmnt_context *cxt = mnt_new_context();
	struct libmnt_fs *fs = mnt_copy_fs(NULL, line);
	int err = -ENOMEM;

	snprintf(why, size, "no memory");
	/* the line has everything: fstab is not asked again */
	if (cxt && fs && !mnt_context_set_fs(cxt, fs) &&
	    !mnt_context_set_optsmode(cxt, MNT_OMODE_NOTAB)) {
		*why = 0;
		err = take_result(cxt, mnt_context_mount(cxt), m, why, size);
	}
	mnt_unref_fs(fs);
	mnt_free_context(cxt);
	return err;
}

/* line NULL: with the source and the options that it had. 0, or an error with words. */
static int mount_once(const struct mount_entry *m, struct libmnt_fs *line, char *why, size_t size)
{
	int err;

	if (line)
		return mount_line(m, line, why, size);
	if (mnt_optstr_get_option(m->options, "idmapped", NULL, NULL) == 0) {
		snprintf(why, size, "it was id-mapped, by whom is not known");
		return -EINVAL;
	}
	err = mountfs(m->source, m->dir, m->type, m->options);
	if (err)
		snprintf(why, size, "%s", strerror(-err));
	return err;
}

/* Has another server come, or will it, since then? */
static bool is_other_server(const struct recover *r, uint64_t generation)
{
	struct root now;

	return !recover_wait_ready(r, &now) && root_generation(r->root_path) != generation;
}

/* If the server ends over it, once more with the next one. True: it is mounted. */
static bool mount_checked(struct recover *r, struct dead_mount *d, struct libmnt_fs *line)
{
	const struct mount_entry *m = d->m;
	uint64_t generation = root_generation(r->root_path);
	char why[512] = "";
	int err = mount_once(m, line, why, sizeof(why));

	if (err && is_other_server(r, generation)) {
		printf("%s: the server has ended meanwhile, once more\n", m->dir);
		if (!is_served(r, m))
			return false;
		err = mount_once(m, line, why, sizeof(why));
	}
	if (!err) {
		printf("%s: mounted again\n", m->dir);
	} else if (!is_back_already(r, d)) {
		not_mounted(r, m, why);
		msg("more in the kernel's log (dmesg) and the server's");
		return false;
	}
	return true;
}

/* A line's device by name, which nothing leads to. */
static bool is_missing(const char *source)
{
	return *source != '/' && strchr(source, '=');
}

/* True: it is mounted. */
static bool mount_device(struct recover *r, struct dead_mount *d, struct libmnt_fs *line,
			 const char *source)
{
	const struct mount_entry *m = d->m;
	bool is_device = *source == '/';
	char why[512];

	if (is_device && is_held(r, m)) {
		tell_held(r, m);
		return false;
	}
	if (is_missing(source)) {
		snprintf(why, sizeof(why), "%s is not there", source);
		not_mounted(r, m, why);
		return false;
	}
	if (!is_served(r, m))
		return false;
	/* what is mounted is not checked; that takes a while, others may be quicker */
	if (is_device && !is_other_back(r, m) &&
	    (!is_sound(r, d, source) || is_back_already(r, d)))
		return is_back_already(r, d);
	return mount_checked(r, d, line);
}

static bool mount_bind(struct recover *r, struct dead_mount *d, struct libmnt_fs *line)
{
	if (is_copy_of_dead(r, d->m)) {
		tell_held(r, d->m);
		return false;
	}
	if (!is_other_back(r, d->m)) {
		not_mounted(r, d->m, "the file system that it showed is not back");
		return false;
	}
	return mount_checked(r, d, line);
}

static bool mount_again(struct recover *r, struct dead_mount *d, struct libmnt_fs *line)
{
	char *source = line ? fstab_source(line) : strdup(d->m->source);
	bool done = false;

	if (!source)
		not_mounted(r, d->m, "no source is named, or no memory");
	else if (is_outside(r, d->m))
		not_mounted(r, d->m, "what it was mounted in is not back");
	else if (line && fstab_is_bind(line))
		done = mount_bind(r, d, line);
	else
		done = mount_device(r, d, line, source);
	free(source);
	return done;
}

/* Of memory another mount would be another file system, and what a folder shows cannot be seen. */
static bool cannot_be_copied(const struct recover *r, const struct mount_entry *m)
{
	return m->is_part || (recover_is_copy(r, m) && *m->source != '/');
}

static void remount(struct recover *r, struct dead_mount *d)
{
	const struct mount_entry *m = d->m;
	bool copy = cannot_be_copied(r, m);
	const char *why = NULL;
	struct libmnt_fs *line;

	if (is_back_already(r, d)) {
		d->is_back = true;
		return;
	}
	line = fstab_take(r, m);
	if (!line)
		why = copy ? "a bind mount that fstab does not name" : "fstab does not name it";
	else if (fstab_has_option(line, "noauto"))
		why = "noauto in fstab";
	if (why && (!r->all || (!line && copy)))
		printf("%s: left unmounted: %s\n", m->dir, why);
	else
		d->is_back = mount_again(r, d, line);
	mnt_unref_fs(line);
}

void remount_all(struct recover *r)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->dead[i].is_gone)
			remount(r, &r->dead[i]);
}
