// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs up: a list of steps from nothing to a mounted file system. Each step looks whether
 * its work is done already, does it otherwise, and notes what it started; when a later step
 * fails the undo functions run backwards. A file system made by mkfs is not undone, nor is a type
 * that a running server has learnt.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mountfs.h"
#include "stats.h"
#include "up.h"

static int step_inspect(struct up *up)
{
	struct stat st;
	size_t i;

	if (stat(up->dir, &st))
		return msg_errno(errno, "%s", up->dir);
	if (!S_ISDIR(st.st_mode)) {
		msg("%s: is no folder", up->dir);
		return -ENOTDIR;
	}
	up->fs = fstypes_by_name(&up->types, up->type);
	if (!up->fs) {
		msg("no file system type '%s'; installed in %s:%s", up->type, fstypes_dir(),
		    up->types.count ? "" : " none");
		for (i = 0; i < up->types.count; i++)
			msg("  %s", up->types.types[i].name);
		return -ENODEV;
	}
	return up_inspect_devices(up);
}

static int step_module(struct up *up)
{
	int err;

	if (module_is_loaded())
		return 0;
	err = module_load(up->module_file);
	up->loaded_module = !err;
	return err;
}

static void undo_module(struct up *up)
{
	int err = up->loaded_module ? module_unload() : 0;

	if (err)
		msg_errno(err, "undoing: unloading the module");
}

static int step_root(struct up *up)
{
	struct root root;
	int err = root_read(up->root, &root);

	if (err || root.state != ROOT_ABSENT)
		return err;
	err = root_mount(up->root);
	up->mounted_root = !err;
	return err;
}

static void undo_root(struct up *up)
{
	int err = up->mounted_root ? root_unmount(up->root) : 0;

	if (err)
		msg_errno(err, "undoing: unmounting the root %s", up->root);
}

static int step_server(struct up *up)
{
	const struct server_spec spec = {
		.program = up->server, .root = up->root, .type = up->fs->name,
	};
	struct root root;
	int err = root_read_settled(up->root, &root);

	if (!err && !root.server)
		err = server_wait_restart(&root);
	if (err)
		return err;
	if (!root.server)
		err = server_start(&spec, &up->started_server);
	up->generation = root_generation(up->root);
	if (err || !root.server)
		return err;
	if (root.state != ROOT_READY) {
		msg("the server (%s, pid %d) is not ready yet; try again", root.server_name,
		    (int)root.server);
		return -EAGAIN;
	}
	return root_serves(&root, up->fs->name) ? 0 : server_load(&root, up->fs->name);
}

/* What others have mounted meanwhile without our lock, by mount(8) for one, would be dead. */
static bool has_mounts(const struct up *up)
{
	int fd = stats_open(up->root, false);
	bool has = false;
	struct stats s;

	if (fd < 0)
		return false;
	if (!stats_read(fd, &s)) {
		has = s.nr_mounts > 0;
		stats_free(&s);
	}
	close(fd);
	return has;
}

static void undo_server(struct up *up)
{
	if (!up->started_server)
		return;
	if (has_mounts(up)) {
		msg("undoing: the server stays, others have mounted file systems meanwhile");
		up->mounted_root = up->loaded_module = false;
		return;
	}
	server_stop(up->started_server, NULL, 10000);
}

static void mount_failed(const struct up *up, const char *source, int err)
{
	msg_errno(err, "mounting %s on %s as %s", source, up->dir, up->fs->name);
	msg("more in the kernel's log (dmesg) and the server's (" SERVER_LOG ")");
}

/* Is this very device there already? Memory is another file system each time. */
static bool is_mounted(const struct up *up, const char *source)
{
	char *dir = realpath(up->dir, NULL);
	const struct mount_entry *m;
	struct mount_list mounts;
	bool is = false;
	struct stats s;
	int fd;

	if (!up->count || !dir || mounts_read(&mounts)) {
		free(dir);
		return false;
	}
	fd = stats_open(up->root, false);
	if (fd >= 0 && !stats_read(fd, &s)) {
		m = mounts_at(&mounts, dir);
		is = m && !strcmp(m->source, source) && !strcmp(m->type, up->fs->name) &&
		     stats_mount(&s, m->dev) && stats_mount(&s, m->dev)->is_live;
		stats_free(&s);
	}
	if (fd >= 0)
		close(fd);
	mounts_free(&mounts);
	free(dir);
	return is;
}

/* The server that should have answered has ended: once more, with the next one. */
static int mount_by_next(struct up *up, const char *source, int err)
{
	struct root root;

	if (err != -EIO || root_read_settled(up->root, &root) ||
	    (root.server && root_generation(up->root) == up->generation))
		return err;
	msg("the server has ended meanwhile");
	if (step_server(up))
		return err;
	return mountfs(source, up->dir, up->fs->name, up->options);
}

static int step_mount(struct up *up)
{
	char *source = up->count ? realpath(up->paths[0], NULL) : strdup("none");
	int err;

	if (!source)
		return msg_errno(errno, "mounting on %s", up->dir);
	if (is_mounted(up, source)) {
		msg("%s is mounted on %s already", source, up->dir);
		free(source);
		return 0;
	}
	err = mountfs(source, up->dir, up->fs->name, up->options);
	if (err)
		err = mount_by_next(up, source, err);
	if (err)
		mount_failed(up, source, err);
	free(source);
	return err;
}

static const struct {
	int (*run)(struct up *up);
	void (*undo)(struct up *up);
} steps[] = {
	{ step_inspect, NULL },
	{ step_module, undo_module },
	{ step_root, undo_root },
	{ step_server, undo_server },
	{ up_make_fs, NULL },
	{ up_make_links, up_remove_links },
	{ step_mount, NULL },
};

static int run_steps(struct up *up)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
		err = steps[i].run(up);
	while (err && i-- > 0)
		if (steps[i].undo)
			steps[i].undo(up);
	return err;
}

static int run(struct up *up)
{
	int err;

	up->devs = calloc(up->count + 1, sizeof(*up->devs));
	if (!up->devs) {
		msg_errno(ENOMEM, "%s", up->type);
		return EXIT_FAILED;
	}
	err = take_lock();
	if (!err)
		err = fstypes_load(&up->types);
	if (!err) {
		err = run_steps(up);
		fstypes_free(&up->types);
	}
	free(up->devs);
	return err ? EXIT_FAILED : EXIT_OK;
}

/* TYPE DEVICE... DIR; 0 or an exit status. */
static int parse_operands(struct up *up, int argc, char **argv)
{
	if (argc < 3)
		return usage_of("up", false);
	up->type = argv[0];
	up->dir = argv[argc - 1];
	up->paths = argv + 1;
	up->count = (unsigned int)argc - 2;
	if (up->count > MD_DEV_MAX) {
		msg("%u devices are too many, a set has at most %d", up->count, MD_DEV_MAX);
		return EXIT_USAGE;
	}
	if (strcmp(up->paths[0], "none"))
		return 0;
	if (up->count > 1) {
		msg("'none' stands alone, no further device can be given");
		return EXIT_USAGE;
	}
	up->count = 0;
	return 0;
}

int cmd_up(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "options", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "module", required_argument, NULL, 'm' },
		{ "server", required_argument, NULL, 's' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	struct up up = { .options = "", .root = ROOT_DEFAULT, .server = SERVER_NAME };
	int c, status;

	while ((c = getopt_long(argc, argv, "ho:f", options, NULL)) != -1) {
		switch (c) {
		case 'o':	up.options = optarg; break;
		case 'f':	up.force = true; break;
		case 'm':	up.module_file = optarg; break;
		case 's':	up.server = optarg; break;
		case 'r':	up.root = optarg; break;
		default:	return usage_of("up", c == 'h');
		}
	}
	status = parse_operands(&up, argc - optind, argv + optind);
	return status ? status : run(&up);
}
