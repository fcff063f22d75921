// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mounting by fsopen(2), which has a log for who mounts; see mountfs.h. Single-threaded.
 */
#define _GNU_SOURCE
#include "mountfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mounts.h"
#include "msg.h"

/* What is of the super-block; the rest of the flags is of the mount. */
static const struct {
	unsigned long flag;
	const char *name;
} super_flags[] = {
	{ MS_RDONLY, "ro" },
	{ MS_SYNCHRONOUS, "sync" },
	{ MS_DIRSYNC, "dirsync" },
	{ MS_LAZYTIME, "lazytime" },
};

static const struct {
	unsigned long flag;
	unsigned int attr;
} mount_attrs[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ MS_RELATIME, 0 },		/* what it is without a word */
};

/* The lines of the log: a letter for the level, a blank, the text. */
static void print_log(int fs)
{
	char line[1024];
	ssize_t n;

	while ((n = read(fs, line, sizeof(line) - 1)) > 0) {
		while (n > 0 && line[n - 1] == '\n')
			n--;
		line[n] = 0;
		msg("%s", n > 2 && line[1] == ' ' ? line + 2 : line);
	}
}

static int set_flags(int fs, unsigned long flags)
{
	size_t i;

	for (i = 0; i < sizeof(super_flags) / sizeof(super_flags[0]); i++)
		if (flags & super_flags[i].flag &&
		    fsconfig(fs, FSCONFIG_SET_FLAG, super_flags[i].name, NULL, 0))
			return -errno;
	return 0;
}

/* One word after the other, which is changed. */
static int set_options(int fs, char *text)
{
	char *word, *value;

	while ((word = strsep(&text, ","))) {
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		if (*word && fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word,
				      value, 0))
			return -errno;
	}
	return 0;
}

static int attach(int fs, const char *dir, unsigned long flags)
{
	unsigned int attrs = 0;
	int err = 0, mnt;
	size_t i;

	for (i = 0; i < sizeof(mount_attrs) / sizeof(mount_attrs[0]); i++)
		if (flags & mount_attrs[i].flag)
			attrs |= mount_attrs[i].attr;
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, attrs);
	if (mnt < 0)
		return -errno;
	if (move_mount(mnt, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH))
		err = -errno;
	close(mnt);
	return err;
}

/* What would be left out without a word: maybe somebody relies on it. */
static int check_flags(unsigned long flags)
{
	size_t i;

	for (i = 0; i < sizeof(super_flags) / sizeof(super_flags[0]); i++)
		flags &= ~super_flags[i].flag;
	for (i = 0; i < sizeof(mount_attrs) / sizeof(mount_attrs[0]); i++)
		flags &= ~mount_attrs[i].flag;
	if (!flags)
		return 0;
	msg("an option of the mount itself is not supported (flags 0x%lx)", flags);
	return -EINVAL;
}

static int mount_open(int fs, const char *source, const char *dir, unsigned long flags,
		      char *options)
{
	int err = 0;

	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0))
		err = -errno;
	if (!err)
		err = set_flags(fs, flags);
	if (!err)
		err = set_options(fs, options);
	if (!err && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	return err ? err : attach(fs, dir, flags);
}

/* With MS_SILENT nobody wants to hear of it; there is no other way to say that. */
static int mount_silent(const char *source, const char *dir, const char *type,
			unsigned long flags, const char *options)
{
	return mount(source, dir, type, flags, options) ? -errno : 0;
}

int mountfs(const char *source, const char *dir, const char *type, const char *options)
{
	unsigned long flags;
	char *rest;
	int err, fs;

	err = mounts_parse_options(options, &flags, &rest);
	if (err)
		return err;
	if (flags & MS_SILENT) {
		err = mount_silent(source, dir, type, flags, rest);
		goto out;
	}
	err = check_flags(flags);
	if (err)
		goto out;
	fs = fsopen(type, FSOPEN_CLOEXEC);
	err = fs < 0 ? -errno : mount_open(fs, source, dir, flags, rest);
	if (fs >= 0) {
		print_log(fs);
		close(fs);
	}
out:
	free(rest);
	return err;
}
