// SPDX-License-Identifier: BSD-2-Clause
/*
 * zuf roots: state, types and server of one, mounting it. The kernel says who the server
 * is; for an older module it is found as the process that holds special files of the root:
 * they are character devices of the root's own device number.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "process.h"
#include "stats.h"
#include "zufs.h"

#define END_TIMEOUT_MS	30000	/* of a killed server with much memory */

/* Reads a file of the root; new lines and NULs at its end are cut. */
static int read_root_file(const char *root, const char *name, char *buf, size_t size)
{
	char path[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return msg_errno(errno, "%s", path);
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return msg_errno(errno, "%s", path);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == 0))
		n--;
	buf[n] = 0;
	return 0;
}

/* Does the process hold a special file of the root on this device? They have no names. */
static bool holds_special_file(pid_t pid, dev_t dev)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' &&
			fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			st.st_dev == dev && !st.st_nlink;
	closedir(dir);
	return found;
}

/*
 * The server of the root. A program with a private mount (fsck and the like) holds special
 * files too: a process of the server's name goes first.
 */
static void find_server(struct root *root, dev_t dev)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	char name[16];
	pid_t pid;

	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0 || !holds_special_file(pid, dev) ||
		    !process_name(pid, name, sizeof(name)))
			continue;
		root->server = pid;
		memcpy(root->server_name, name, sizeof(name));
		if (!strcmp(name, SERVER_NAME))
			break;
	}
	closedir(proc);
}

/* The process that the kernel names; false: this module does not say. */
static bool ask_server(struct root *root)
{
	int fd = stats_open(root->path, false);
	struct stats s;
	int err;

	if (fd < 0)
		return false;
	err = stats_read(fd, &s);
	close(fd);
	if (err)
		return false;
	/* one that died before it served anything may still stand there */
	if (s.server && process_name(s.server, root->server_name, sizeof(root->server_name)))
		root->server = s.server;
	stats_free(&s);
	return true;
}

static enum root_state parse_state(const char *text)
{
	if (!strcmp(text, "initializing"))
		return ROOT_INITIALIZING;
	if (!strcmp(text, "registering_fs"))
		return ROOT_REGISTERING;
	if (!strcmp(text, "mount_ready"))
		return ROOT_READY;
	return ROOT_UNKNOWN;
}

static bool is_root(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == ZUFS_SUPER_MAGIC_ROOT;
}

int root_read(const char *path, struct root *root)
{
	struct stat st;
	int err;

	*root = (struct root){ .path = path, .state_text = "absent" };
	if (!is_root(path))
		return 0;
	if (stat(path, &st))
		return msg_errno(errno, "%s", path);
	err = read_root_file(path, "state", root->state_text, sizeof(root->state_text));
	if (!err)
		err = read_root_file(path, "registered_fs", root->types, sizeof(root->types));
	if (err)
		return err;
	root->state = parse_state(root->state_text);
	if (!ask_server(root))
		find_server(root, st.st_dev);
	return 0;
}

int root_read_settled(const char *path, struct root *root)
{
	int left = END_TIMEOUT_MS, err;

	do {
		err = root_read(path, root);
	} while (!err && root->server && process_is_ending(root->server) && ask_again(&left));
	return err;
}

uint64_t root_generation(const char *path)
{
	int fd = stats_open(path, false);
	uint64_t generation = 0;
	struct stats s;

	if (fd < 0)
		return 0;
	if (!stats_read(fd, &s)) {
		generation = s.generation;
		stats_free(&s);
	}
	close(fd);
	return generation;
}

int root_mount(const char *path)
{
	if (mount(ROOT_TYPE, path, ROOT_TYPE, MS_NOSUID | MS_NOEXEC, NULL) == 0)
		return 0;
	return msg_errno(errno, "mounting the root on %s", path);
}

/* Of a mount that its last process has left, or a killed umount(8), the kernel has the rest. */
int root_unmount(const char *path)
{
	int left = BUSY_TIMEOUT_MS, err;

	while (umount2(path, UMOUNT_NOFOLLOW)) {
		err = -errno;
		if (err != -EBUSY || !ask_again(&left))
			return err;
	}
	return 0;
}

bool root_serves(const struct root *root, const char *type)
{
	size_t len = strlen(type);
	const char *p = root->types;

	while ((p = strstr(p, type))) {
		if ((p == root->types || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
		p += len;
	}
	return false;
}
