// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs recover: after a server has ended and another one has started, unmounts what the first one
 * has left dead (unmount.c), checks it and mounts it again (remount.c).
 *
 * What is dead the kernel says, by device number, for the mounts of a root; a dead mount never
 * lives again. Which mounts are looked at is what this mount name space has. A dead file system
 * is asked nothing: only names that lead to its root are resolved. Nothing is unmounted before a
 * server is ready: afterwards nobody would know what to mount again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recover.h"

#define ROUNDS_MAX	3	/* each after another death of the server */
#define BUSY_WAIT_MS	10000	/* with --wait: what programs that are hit need for their end */

/* ---- finding ---- */

/* In this order: a number that is dead in the later one was that of the same mount in the first. */
int recover_read(const struct recover *r, struct mount_list *mounts, struct stats *stats)
{
	int fd, err = mounts_read(mounts);

	if (err)
		return err;
	fd = stats_open(r->root_path, false);
	err = fd < 0 ? fd : stats_read(fd, stats);
	if (fd >= 0)
		close(fd);
	if (!err)
		return 0;
	mounts_free(mounts);
	return msg_errno(err, "what is dead: %s/stats", r->root_path);
}

static int find_dead(struct recover *r)
{
	struct stats stats = { 0 };
	const struct stat_mount *sm;
	size_t i;
	int err = recover_read(r, &r->mounts, &stats);

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

static void forget_dead(struct recover *r)
{
	free(r->dead);
	r->dead = NULL;
	r->count = 0;
	mounts_free(&r->mounts);
	mnt_unref_table(r->fstab);
	r->fstab = NULL;
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

static bool is_ready(const struct root *root)
{
	return root->state == ROOT_READY && root->server;
}

int recover_wait_ready(const struct recover *r, struct root *now)
{
	int left = r->wait_s ? r->wait_s * 1000 : BUSY_TIMEOUT_MS, err;

	do {
		err = root_read_settled(r->root_path, now);
	} while (!err && !is_ready(now) && ask_again(&left));
	return err ? err : is_ready(now) ? 0 : -EAGAIN;
}

static void tell_too_early(const struct recover *r)
{
	msg("%s: %zu dead, but no server is ready to mount anything; start one first",
	    r->dead[0].m->dir, r->count);
}

/* What was mounted before may be dead by now. */
static void tell_ended(struct recover *r, const char *what)
{
	msg("the server has ended meanwhile, %s", what);
	r->failed = true;
}

/* What is dead is mounted again: *again: the server has ended over it, look once more. */
static int recover_dead(struct recover *r, bool *again)
{
	uint64_t generation = root_generation(r->root_path);
	struct root now;
	int err = read_fstab(r);

	if (err)
		return err;
	unmount_all(r);
	remount_all(r);
	if (root_generation(r->root_path) == generation)
		return 0;
	*again = !recover_wait_ready(r, &now);
	if (!*again)
		tell_ended(r, "and no other one is ready");
	return 0;
}

/* *early: something is dead, no server is ready, and nothing has been done. 0 or -errno. */
static int recover(struct recover *r, bool *early)
{
	unsigned int round;
	bool again = true;
	int err = 0;

	*early = false;
	for (round = 0; again && !err && round < ROUNDS_MAX; round++) {
		again = false;
		forget_dead(r);
		err = root_read_settled(r->root_path, &r->root);
		/* every mount holds its root */
		if (err || r->root.state == ROOT_ABSENT)
			return err;
		err = find_dead(r);
		*early = !err && r->count && !is_ready(&r->root);
		if (err || !r->count || *early)
			break;
		err = recover_dead(r, &again);
	}
	if (again && !err)
		tell_ended(r, "again and again");
	return err ? err : r->failed ? -EIO : 0;
}

/* 1: something is dead and no server is ready, 0: not so, or -errno with a message. */
static int is_too_early(struct recover *r)
{
	int err = root_read_settled(r->root_path, &r->root);

	if (err || r->root.state == ROOT_ABSENT || is_ready(&r->root))
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
static int wait_for_server(struct recover *r, int *left_ms)
{
	int err;

	while ((err = is_too_early(r)) == 1 && ask_again(left_ms))
		;
	return err < 0 ? err : 0;
}

/* The server may have gone again until we have the lock. */
static int run_locked(struct recover *r)
{
	int left_ms = r->wait_s * 1000, err;
	bool early;

	for (;;) {
		err = r->wait_s ? wait_for_server(r, &left_ms) : 0;
		if (!err)
			err = take_lock();
		if (!err)
			err = recover(r, &early);
		if (err || !early)
			return err;
		if (left_ms <= 0) {
			tell_too_early(r);
			return -EAGAIN;
		}
		forget_dead(r);
		release_lock();
	}
}

static int run(struct recover *r)
{
	int err;

	r->busy_ms = r->wait_s ? BUSY_WAIT_MS : BUSY_TIMEOUT_MS;
	err = run_locked(r);
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
