// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes that keep a mount busy: those with an open file, a folder or a program of it, by the
 * mount's id, or with a mapping of one of its files, by its device number. The file system itself
 * is dead and is asked nothing. In other mount name spaces (a service with PrivateTmp=) the mount
 * has copies, with ids of their own: an unmount that takes them along fails if they are in use.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "process.h"
#include "recover.h"

#define SHOWN_MAX	3
#define IDS_MAX		16	/* mounts of one file system in one name space */

/* The mounts of the file system in a mount name space. */
struct ids {
	ino_t ns;			/* of the name space; 0: none is known */
	bool is_ours;
	int count;
	int id[IDS_MAX];
};

static bool is_among(const struct ids *ids, int id)
{
	for (int i = 0; i < ids->count; i++)
		if (ids->id[i] == id)
			return true;
	return false;
}

/* The working directory, root and program: links that lead there. */
static bool has_link(const char *pid, const struct ids *ids)
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
		found = is_among(ids, mounts_id_of(fd));
		close(fd);
	}
	return found;
}

static bool has_file(const char *pid, const struct ids *ids)
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
		found = is_among(ids, mounts_id_in(path));
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

static ino_t name_space_of(const char *pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/ns/mnt", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* Of another name space: all mounts of the file system, for which is ours cannot be seen. */
static void read_ids(const char *pid, dev_t dev, struct ids *ids)
{
	unsigned int major_no, minor_no;
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;
	int id;

	ids->count = 0;
	snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (ids->count < IDS_MAX && getline(&line, &room, f) > 0)
		if (sscanf(line, "%d %*d %u:%u", &id, &major_no, &minor_no) == 3 &&
		    makedev(major_no, minor_no) == dev)
			ids->id[ids->count++] = id;
	free(line);
	fclose(f);
}

/* The ids to look for in this process; most processes are of the same name space. */
static void find_ids(const struct mount_entry *m, const char *pid, struct ids *ids)
{
	ino_t ns = name_space_of(pid);

	if (ns && ns == ids->ns)
		return;
	ids->ns = ns;
	ids->is_ours = !ns || ns == name_space_of("self");
	if (ids->is_ours) {
		ids->id[0] = m->id;
		ids->count = 1;
	} else {
		read_ids(pid, m->dev, ids);
	}
}

static void append(char *text, size_t size, const char *pid, bool is_ours)
{
	size_t len = strlen(text);
	char name[16] = "?";

	process_name((pid_t)strtol(pid, NULL, 10), name, sizeof(name));
	for (char *p = name; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	snprintf(text + len, size - len, "%s%.16s (%s%s)", len ? ", " : "", pid, name,
		 is_ours ? "" : ", in another mount name space");
}

void holders_find(const struct mount_entry *m, char *text, size_t size)
{
	unsigned int n = 0;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	struct ids ids = { 0 };
	size_t len;

	*text = 0;
	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		const char *pid = entry->d_name;

		if (!isdigit((unsigned char)*pid))
			continue;
		find_ids(m, pid, &ids);
		if (!(has_link(pid, &ids) || has_file(pid, &ids) || has_mapping(pid, m->dev)))
			continue;
		if (++n <= SHOWN_MAX)
			append(text, size, pid, ids.is_ours);
	}
	closedir(proc);
	len = strlen(text);
	if (n > SHOWN_MAX)
		snprintf(text + len, size - len, " and %u more", n - SHOWN_MAX);
}
