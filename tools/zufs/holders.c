// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes that keep a mount busy: those with an open file, a folder or a program of it, by the
 * mount's id, or with a mapping of one of its files, by its device number. The file system itself
 * is dead and is asked nothing. Processes of other mount name spaces have other mounts.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "process.h"
#include "recover.h"

#define SHOWN_MAX	3

/* The working directory, root and program: links that lead there. */
static bool has_link(const char *pid, int id)
{
	static const char *const names[] = { "cwd", "root", "exe" };
	char path[64];
	bool found = false;
	size_t i;
	int fd;

	for (i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, names[i]);
		fd = open(path, O_PATH | O_CLOEXEC);
		if (fd < 0)
			continue;
		found = mounts_id_of(fd) == id;
		close(fd);
	}
	return found;
}

static bool has_file(const char *pid, int id)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, entry->d_name);
		found = mounts_id_in(path) == id;
	}
	closedir(dir);
	return found;
}

static bool has_mapping(const char *pid, dev_t dev)
{
	char path[64], *line = NULL;
	unsigned int major_no, minor_no;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	/* 7f00-7f01 rw-s 00000000 00:34 17   /mnt/file */
	while (!found && getline(&line, &room, f) > 0)
		found = sscanf(line, "%*s %*s %*s %x:%x", &major_no, &minor_no) == 2 &&
			makedev(major_no, minor_no) == dev;
	free(line);
	fclose(f);
	return found;
}

static void append(char *text, size_t size, const char *pid)
{
	size_t len = strlen(text);
	char name[16] = "?";

	process_name((pid_t)strtol(pid, NULL, 10), name, sizeof(name));
	for (char *p = name; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	snprintf(text + len, size - len, "%s%.16s (%s)", len ? ", " : "", pid, name);
}

void holders_find(const struct mount_entry *m, char *text, size_t size)
{
	unsigned int n = 0;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	size_t len;

	*text = 0;
	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		const char *pid = entry->d_name;

		if (!isdigit((unsigned char)*pid) ||
		    !(has_link(pid, m->id) || has_file(pid, m->id) || has_mapping(pid, m->dev)))
			continue;
		if (++n <= SHOWN_MAX)
			append(text, size, pid);
	}
	closedir(proc);
	len = strlen(text);
	if (n > SHOWN_MAX)
		snprintf(text + len, size - len, " and %u more", n - SHOWN_MAX);
}
