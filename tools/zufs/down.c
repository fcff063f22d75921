// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs down: unmount, and after the last file system of the root stop the server, unmount
 * the root and unload the module, in this order. Which one is the last is the kernel's to
 * say: mounts of other mount name spaces are not seen from here, and use the server as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "stats.h"
#include "zufs.h"

struct down {
	const char *root_path;
	const char *dir;		/* as it was given */
	bool keep;
	int timeout_ms;
};

/* Unmounts dir if that is a mount of one of our types. */
static int unmount(const char *dir, const struct root *root, const struct fstype_list *types)
{
	const struct mount_entry *m;
	struct mount_list mounts;
	int err;

	err = mounts_read(&mounts);
	if (err)
		return err;
	m = mounts_at(&mounts, dir);
	if (!m) {
		msg("%s: nothing is mounted there", dir);
		err = -EINVAL;
	} else if (!root_serves(root, m->type) && !fstypes_by_name(types, m->type)) {
		msg("%s: is of type %s, which is none of ours", dir, m->type);
		err = -EINVAL;
	} else if (umount2(dir, UMOUNT_NOFOLLOW)) {
		err = msg_errno(errno, "unmounting %s", dir);
	}
	mounts_free(&mounts);
	return err;
}

/* Counts the file systems that this process sees mounted; 0 or -errno. */
static int count_here(const struct root *root, const struct fstype_list *types, size_t *count)
{
	struct mount_list mounts;
	size_t i;
	int err;

	*count = 0;
	err = mounts_read(&mounts);
	if (err)
		return err;
	for (i = 0; i < mounts.count; i++)
		*count += root_serves(root, mounts.entries[i].type) ||
			  fstypes_by_name(types, mounts.entries[i].type);
	mounts_free(&mounts);
	return 0;
}

/* Counts those of the root, whoever sees them: an old module does not say. 0 or -errno. */
static int count_of_root(const struct root *root, size_t *count)
{
	int err, fd;
	struct stats s;

	*count = 0;
	if (root->state == ROOT_ABSENT)
		return 0;
	fd = stats_open(root->path, false);
	if (fd == -ENOENT)
		return 0;
	err = fd < 0 ? fd : stats_read(fd, &s);
	if (fd >= 0)
		close(fd);
	if (err)
		return msg_errno(err, "what is mounted of %s", root->path);
	*count = s.nr_mounts;
	stats_free(&s);
	return 0;
}

/* Is anything left that wants server, root or module? What nobody here can see is named. */
static int is_in_use(const struct root *root, const struct fstype_list *types, bool *in_use)
{
	size_t here, all;
	int err = count_here(root, types, &here);

	if (!err)
		err = count_of_root(root, &all);
	if (err)
		return err;
	*in_use = here || all;
	if (all && !here)
		msg("mounted elsewhere (another mount name space): %zu; the server goes on", all);
	return 0;
}

/* The server that zufs up has started, whatever it is called. */
static bool is_in_pidfile(pid_t pid)
{
	FILE *f = fopen(SERVER_PIDFILE, "re");
	long number = 0;

	if (!f)
		return false;
	if (fscanf(f, "%ld", &number) != 1)
		number = 0;
	fclose(f);
	return number == pid;
}

static int stop_server(const struct root *root, int timeout_ms)
{
	if (!root->server)
		return 0;
	if (strcmp(root->server_name, SERVER_NAME) && !is_in_pidfile(root->server)) {
		msg("stopping the server: %s is used by %s (pid %d), which is no " SERVER_NAME,
		    root->path, root->server_name, (int)root->server);
		return -EBUSY;
	}
	return server_stop(root->server, root->server_name, timeout_ms);
}

static int stop_everything(const struct root *root, int timeout_ms)
{
	int err = stop_server(root, timeout_ms);

	if (err)
		return err;
	if (root->state != ROOT_ABSENT) {
		err = root_unmount(root->path);
		if (err)
			return msg_errno(err, "unmounting the root %s", root->path);
	}
	if (!module_is_loaded())
		return 0;
	err = module_unload();
	if (err == -EWOULDBLOCK || err == -EBUSY) {
		msg("unloading the module: it is in use (another root, or a file that is open)");
		return err;
	}
	return err ? msg_errno(err, "unloading the module") : 0;
}

static int down(const struct down *d, const char *dir, const struct fstype_list *types)
{
	struct root root;
	bool in_use;
	int err;

	/* the types of the root have to be known before it goes */
	err = root_read(d->root_path, &root);
	if (!err)
		err = unmount(dir, &root, types);
	if (err || d->keep)
		return err;
	err = is_in_use(&root, types, &in_use);
	if (err || in_use)
		return err;
	return stop_everything(&root, d->timeout_ms);
}

static int run(const struct down *d)
{
	struct fstype_list types;
	char *dir;
	int err;

	/* of a dead file system only the name can be resolved, which needs no operation of it */
	dir = realpath(d->dir, NULL);
	if (!dir && errno == EIO)
		dir = strdup(d->dir);
	if (!dir) {
		msg_errno(errno, "%s", d->dir);
		return EXIT_FAILED;
	}
	err = take_lock();
	if (!err)
		err = fstypes_load(&types);
	if (!err) {
		err = down(d, dir, &types);
		fstypes_free(&types);
	}
	free(dir);
	return err ? EXIT_FAILED : EXIT_OK;
}

static int parse_timeout(const char *text, int *ms)
{
	char *end;
	long s = strtol(text, &end, 10);

	if (*end || end == text || s < 0 || s > 86400)
		return -EINVAL;
	*ms = (int)s * 1000;
	return 0;
}

int cmd_down(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "keep", no_argument, NULL, 'k' },
		{ "timeout", required_argument, NULL, 't' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	struct down d = { .root_path = ROOT_DEFAULT, .timeout_ms = 10000 };
	int c;

	while ((c = getopt_long(argc, argv, "hkt:", options, NULL)) != -1) {
		if (c == 'k')
			d.keep = true;
		else if (c == 'r')
			d.root_path = optarg;
		else if (c != 't')
			return usage_of("down", c == 'h');
		else if (parse_timeout(optarg, &d.timeout_ms)) {
			msg("--timeout: '%s' is no number of seconds", optarg);
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return usage_of("down", false);
	d.dir = argv[optind];
	return run(&d);
}
