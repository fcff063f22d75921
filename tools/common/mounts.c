// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mounts from /proc/self/mountinfo; see mounts.h. A line is
 *	id parent major:minor root dir options [optional...] - type source super-options
 * with blanks, tabs, newlines and backslashes as three octal digits.
 */
#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "msg.h"

static const struct {
	const char *name;
	unsigned long set;
	unsigned long clear;
} flags[] = {
	{ "defaults", 0, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "silent", MS_SILENT, 0 },
};

unsigned long mounts_parse_flags(const char *options, char *rest)
{
	unsigned long result = 0;
	char *end = rest;
	size_t i, len;

	for (; *options; options += len + (options[len] == ',')) {
		len = strcspn(options, ",");
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (strlen(flags[i].name) == len &&
			    !memcmp(flags[i].name, options, len))
				break;
		if (i < sizeof(flags) / sizeof(flags[0])) {
			result = (result | flags[i].set) & ~flags[i].clear;
		} else if (len) {
			if (end != rest)
				*end++ = ',';
			end = mempcpy(end, options, len);
		}
	}
	*end = 0;
	return result;
}

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' &&
	       s[2] >= '0' && s[2] <= '7';
}

static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (*s == '\\' && is_octal(s + 1)) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = 0;
}

static char *join_options(const char *mount, const char *super)
{
	char *text;

	/* "rw" and "ro" stand in both; the mount's own word is what counts for users */
	if (!strncmp(super, "rw", 2) || !strncmp(super, "ro", 2))
		super += 2;
	return asprintf(&text, "%s%s", mount, super) < 0 ? NULL : text;
}

static int parse_line(char *line, struct mount_entry *e)
{
	char *tail = strstr(line, " - "), *super, *save = NULL;
	char *dev, *dir, *options;
	unsigned int ma, mi;

	if (!tail)
		return -EINVAL;
	*tail = 0;
	strtok_r(line, " ", &save);
	strtok_r(NULL, " ", &save);
	dev = strtok_r(NULL, " ", &save);
	strtok_r(NULL, " ", &save);
	dir = strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	e->type = strdup(strtok_r(tail + 3, " ", &save));
	e->source = strdup(strtok_r(NULL, " ", &save));
	super = strtok_r(NULL, " \n", &save);
	if (!options || sscanf(dev, "%u:%u", &ma, &mi) != 2)
		return -EINVAL;
	e->dev = makedev(ma, mi);
	e->dir = strdup(dir);
	e->options = join_options(options, super ? super : "");
	if (!e->type || !e->source || !e->dir || !e->options)
		return -ENOMEM;
	unescape(e->source);
	unescape(e->dir);
	return 0;
}

static int add_line(struct mount_list *list, char *line)
{
	struct mount_entry *bigger;

	bigger = reallocarray(list->entries, list->count + 1, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	list->entries = bigger;
	memset(&bigger[list->count], 0, sizeof(*bigger));
	return parse_line(line, &bigger[list->count++]);
}

int mounts_read(struct mount_list *list)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;
	FILE *f;

	*list = (struct mount_list){ 0 };
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return msg_errno(errno, "/proc/self/mountinfo");
	while (!err && getline(&line, &size, f) > 0)
		err = add_line(list, line);
	free(line);
	fclose(f);
	if (err) {
		mounts_free(list);
		msg_errno(err, "/proc/self/mountinfo");
	}
	return err;
}

void mounts_free(struct mount_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->entries[i].type);
		free(list->entries[i].source);
		free(list->entries[i].dir);
		free(list->entries[i].options);
	}
	free(list->entries);
	*list = (struct mount_list){ 0 };
}

const struct mount_entry *mounts_at(const struct mount_list *list, const char *dir)
{
	size_t i = list->count;

	while (i-- > 0)
		if (!strcmp(list->entries[i].dir, dir))
			return &list->entries[i];
	return NULL;
}
