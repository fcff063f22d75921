// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs recover: after a server has ended and another one has started, unmounts what the first one
 * has left dead, checks it and mounts it again (remount.c).
 *
 * What is dead the kernel says, by device number, for the mounts of a root; a dead mount never
 * lives again. Which mounts are looked at is what this mount name space has. A dead file system
 * is asked nothing: only names that lead to its root are resolved. Nothing is unmounted before a
 * server is ready: afterwards nobody would know what to mount again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "recover.h"

#define WAIT_PAUSE_MS	100

/* ---- finding ---- */

/* In this order: a number that is dead in the later one was that of the same mount in the first. */
static int read_both(struct recover *r, struct stats *stats)
{
	int fd, err = mounts_read(&r->mounts);

	if (err)
		return err;
	fd = stats_open(r->root_path, false);
	err = fd < 0 ? fd : stats_read(fd, stats);
	if (fd >= 0)
		close(fd);
	return err ? msg_errno(err, "what is dead: %s/stats", r->root_path) : 0;
}

static int find_dead(struct recover *r)
{
	struct stats stats = { 0 };
	const struct stat_mount *sm;
	size_t i;
	int err = read_both(r, &stats);

	if (err)
		return err;
	r->dead = calloc(r->mounts.count + 1, sizeof(*r->dead));
	if (!r->dead)
		err = msg_errno(ENOMEM, "what is dead");
	for (i = 0; !err && i < r->mounts.count; i++) {
		sm = stats_mount(&stats, r->mounts.entries[i].dev);
		if (sm && !sm->is_live)
			r->dead[r->count++].m = &r->mounts.entries[i];
	}
	stats_free(&stats);
	return err;
}

/* ---- unmounting ---- */

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

/* Does its name lead to this mount, and not to one that covers it or a folder above? */
static bool is_reached(const struct mount_entry *m)
{
	int fd = open(m->dir, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int id = fd < 0 ? fd : mounts_id_of(fd);

	if (fd >= 0)
		close(fd);
	return id == m->id;
}

/* An unmount takes the copies of a mount along that other mounts of its parent have. */
static bool is_there(const struct mount_entry *m)
{
	struct mount_list now;
	bool found = true;

	if (!mounts_read(&now)) {
		found = mounts_by_id(&now, m->id);
		mounts_free(&now);
	}
	return found;
}

static void not_unmounted(struct recover *r, struct dead_mount *d, const char *why)
{
	msg("%s: dead, but not unmounted: %s", d->m->dir, why);
	d->is_failed = true;
	r->failed = true;
}

static void tell_busy(struct recover *r, struct dead_mount *d)
{
	char why[256];

	if (d->holders[0])
		snprintf(why, sizeof(why), "in use by %s", d->holders);
	else
		snprintf(why, sizeof(why),
			 "in use by no process (a loop device, swap space or an export?)");
	not_unmounted(r, d, why);
}

static void unmount_busy(struct recover *r, struct dead_mount *d)
{
	holders_find(d->m, d->holders, sizeof(d->holders));
	if (!r->lazy) {
		tell_busy(r, d);
	} else if (umount2(d->m->dir, MNT_DETACH | UMOUNT_NOFOLLOW)) {
		not_unmounted(r, d, strerror(errno));
	} else {
		d->is_gone = true;
		printf("%s: was dead, detached; in use by %s\n", d->m->dir,
		       d->holders[0] ? d->holders : "no process");
	}
}

/* Nothing is mounted in it or on it. */
static void unmount(struct recover *r, struct dead_mount *d)
{
	if (!is_reached(d->m)) {
		if (is_there(d->m))
			not_unmounted(r, d, "its name leads to another mount or to none");
		else
			d->is_gone = true;
	} else if (!umount2(d->m->dir, UMOUNT_NOFOLLOW)) {
		d->is_gone = true;
		printf("%s: was dead, unmounted\n", d->m->dir);
	} else if (errno == EBUSY) {
		unmount_busy(r, d);
	} else {
		not_unmounted(r, d, strerror(errno));
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
static void unmount_all(struct recover *r)
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

/* ---- the command ---- */

static int read_fstab(struct recover *r)
{
	const char *path = mnt_get_fstab_path();
	int err;

	r->fstab = mnt_new_table();
	if (!r->fstab)
		return msg_errno(ENOMEM, "%s", path);
	if (access(path, F_OK))
		return 0;	/* it names nothing */
	err = mnt_table_parse_fstab(r->fstab, NULL);
	return err ? msg_errno(err, "%s", path) : 0;
}

static bool is_ready(const struct recover *r)
{
	return r->root.state == ROOT_READY && r->root.server;
}

static int recover(struct recover *r)
{
	int err = root_read(r->root_path, &r->root);

	/* every mount holds its root */
	if (err || r->root.state == ROOT_ABSENT)
		return err;
	err = find_dead(r);
	if (err || !r->count)
		return err;
	if (!is_ready(r)) {
		msg("%s: %zu dead, but no server is ready to mount anything; start one first",
		    r->dead[0].m->dir, r->count);
		return -EAGAIN;
	}
	err = read_fstab(r);
	if (err)
		return err;
	unmount_all(r);
	remount_all(r);
	return r->failed ? -EIO : 0;
}

static void forget_dead(struct recover *r)
{
	free(r->dead);
	r->dead = NULL;
	r->count = 0;
	mounts_free(&r->mounts);
}

/* 1: something is dead and no server is ready, 0: not so, or -errno with a message. */
static int is_too_early(struct recover *r)
{
	int err = root_read(r->root_path, &r->root);

	if (err || r->root.state == ROOT_ABSENT || is_ready(r))
		return err;
	err = find_dead(r);
	if (!err)
		err = r->count > 0;
	forget_dead(r);
	return err;
}

/*
 * Until a server is ready, unless nothing is dead. Without the lock, for zufs up may be the one to
 * start it; the kernel has no event for it, so it is looked at again and again. 0 or -errno.
 */
static int wait_for_server(struct recover *r)
{
	const struct timespec pause = { .tv_nsec = WAIT_PAUSE_MS * 1000000L };
	int left_ms = r->wait_s * 1000, err;

	while ((err = is_too_early(r)) == 1 && left_ms > 0) {
		nanosleep(&pause, NULL);
		left_ms -= WAIT_PAUSE_MS;
	}
	return err < 0 ? err : 0;
}

static int run(struct recover *r)
{
	int err = r->wait_s ? wait_for_server(r) : 0;

	if (!err)
		err = take_lock();
	if (!err)
		err = recover(r);
	mnt_unref_table(r->fstab);
	forget_dead(r);
	if (fflush(stdout) && !err)
		err = msg_errno(errno, "writing");
	return err ? EXIT_FAILED : EXIT_OK;
}

static int parse_seconds(const char *text, int *seconds)
{
	char *end;
	long s = strtol(text, &end, 10);

	if (*end || end == text || s < 0 || s > 86400)
		return -EINVAL;
	*seconds = (int)s;
	return 0;
}

int cmd_recover(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "all", no_argument, NULL, 'a' },
		{ "lazy", no_argument, NULL, 'l' },
		{ "wait", required_argument, NULL, 'w' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	struct recover r = { .root_path = ROOT_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "halw:", options, NULL)) != -1) {
		switch (c) {
		case 'a':	r.all = true; break;
		case 'l':	r.lazy = true; break;
		case 'r':	r.root_path = optarg; break;
		case 'w':
			if (!parse_seconds(optarg, &r.wait_s))
				break;
			msg("--wait: '%s' is no number of seconds", optarg);
			return EXIT_USAGE;
		default:	return usage_of("recover", c == 'h');
		}
	}
	if (argc != optind)
		return usage_of("recover", false);
	setvbuf(stdout, NULL, _IOLBF, 0);	/* in order with the messages */
	return run(&r);
}
