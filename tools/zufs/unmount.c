// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs recover: unmounting what is dead, the innermost first; see recover.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "recover.h"

/* Is it one of ours that is gone? For mounts_child. */
static bool is_gone(const struct mount_entry *m, void *ctx)
{
	const struct recover *r = ctx;
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->dead[i].m == m)
			return r->dead[i].is_gone;
	return false;
}

/* Is it still there and dead? Numbers of mounts, and of devices, are given out again. */
static bool is_there(const struct recover *r, const struct mount_entry *m)
{
	const struct mount_entry *e;
	const struct stat_mount *sm;
	struct mount_list now;
	struct stats stats;
	bool found = true;

	if (recover_read(r, &now, &stats))
		return true;
	e = mounts_by_id(&now, m->id);
	sm = stats_mount(&stats, m->dev);
	found = e && e->dev == m->dev && sm && !sm->is_live;
	mounts_free(&now);
	stats_free(&stats);
	return found;
}

/*
 * umount2() of this mount, if its name leads to it: not to one that covers it or a folder above,
 * nor, when somebody swaps folders meanwhile, to any other. 0, -ESTALE: it does not; -errno.
 */
static int unmount_this(const struct mount_entry *m, int flags)
{
	const char *slash = strrchr(m->dir, '/');
	int err = 0, fd, parent;
	char *above;

	if (!slash || !slash[1])
		return -ESTALE;
	above = strndup(m->dir, (size_t)(slash - m->dir) + 1);
	if (!above)
		return -ENOMEM;
	parent = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(above);
	if (parent < 0)
		return -ESTALE;
	fd = openat(parent, slash + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || mounts_id_of(fd) != m->id)
		err = -ESTALE;
	if (fd >= 0)
		close(fd);
	/* a folder on which something is mounted cannot be renamed */
	if (!err && (fchdir(parent) || umount2(slash + 1, flags | UMOUNT_NOFOLLOW)))
		err = -errno;
	if (chdir("/") && !err)
		err = -errno;
	close(parent);
	return err;
}

/* Programs whose file system is gone are about to end. */
static int unmount_patiently(struct recover *r, const struct mount_entry *m)
{
	int err;

	do {
		err = unmount_this(m, 0);
	} while (err == -EBUSY && ask_again(&r->busy_ms));
	return err;
}

static void not_unmounted(struct recover *r, struct dead_mount *d, const char *why)
{
	msg("%s: dead, but not unmounted: %s", d->m->dir, why);
	d->is_failed = true;
	r->failed = true;
}

static void tell_busy(struct recover *r, struct dead_mount *d)
{
	char why[320];

	if (d->holders[0])
		snprintf(why, sizeof(why), "in use by %s", d->holders);
	else
		snprintf(why, sizeof(why),
			 "in use by no process (a loop device, swap space or an export?)");
	not_unmounted(r, d, why);
}

static void unmount_busy(struct recover *r, struct dead_mount *d)
{
	int err;

	holders_find(d->m, d->holders, sizeof(d->holders));
	if (!r->lazy) {
		tell_busy(r, d);
		return;
	}
	err = unmount_this(d->m, MNT_DETACH);
	if (err) {
		not_unmounted(r, d, strerror(-err));
		return;
	}
	d->is_gone = true;
	printf("%s: was dead, detached; in use by %s\n", d->m->dir,
	       d->holders[0] ? d->holders : "no process");
}

/* Nothing is mounted in it or on it. An unmount takes the copies along that other mounts have. */
static void unmount(struct recover *r, struct dead_mount *d)
{
	int err = 0;

	d->is_gone = !is_there(r, d->m);
	if (!d->is_gone) {
		err = unmount_patiently(r, d->m);
		d->is_gone = err && !is_there(r, d->m);
	}
	if (d->is_gone)
		return;
	if (!err) {
		d->is_gone = true;
		printf("%s: was dead, unmounted\n", d->m->dir);
	} else if (err == -EBUSY) {
		unmount_busy(r, d);
	} else {
		not_unmounted(r, d, err == -ESTALE ? "its name leads to another mount or to none" :
				    strerror(-err));
	}
}

/* What is mounted in a dead one, and is alive or somebody else's, is left alone. */
static void tell_blocked(struct recover *r, struct dead_mount *d)
{
	const struct mount_entry *child = mounts_child(&r->mounts, d->m, is_gone, r);
	char why[512];

	snprintf(why, sizeof(why), "%s (%s) is mounted %s it", child->dir, child->type,
		 strcmp(child->dir, d->m->dir) ? "in" : "on");
	not_unmounted(r, d, why);
}

/* From the last to the first, again and again: a mount may have been moved into a later one. */
void unmount_all(struct recover *r)
{
	bool progress;
	size_t i;

	do {
		progress = false;
		for (i = r->count; i-- > 0;) {
			struct dead_mount *d = &r->dead[i];

			if (d->is_gone || d->is_failed ||
			    mounts_child(&r->mounts, d->m, is_gone, r))
				continue;
			unmount(r, d);
			progress = true;
		}
	} while (progress);
	for (i = 0; i < r->count; i++)
		if (!r->dead[i].is_gone && !r->dead[i].is_failed)
			tell_blocked(r, &r->dead[i]);
}
