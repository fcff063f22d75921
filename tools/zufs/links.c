// SPDX-License-Identifier: BSD-2-Clause
/*
 * Links /dev/disk/by-uuid/UUID by which the kernel finds the devices of a set. udev makes
 * them where it runs (60-zufs.rules); this is for all the other places and for the moment
 * before udev gets there. A link is replaced by rename, so it is never missing in between.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zufs.h"

#define LINK_DIR	"/dev/disk/by-uuid"

static void link_path(const struct device *dev, unsigned int index, char path[64])
{
	char uuid[37];

	device_uuid(dev, index, uuid);
	snprintf(path, 64, LINK_DIR "/%s", uuid);
}

static bool is_same_device(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_rdev == y.st_rdev &&
	       S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode);
}

static int make_folders(void)
{
	if ((mkdir("/dev/disk", 0755) && errno != EEXIST) ||
	    (mkdir(LINK_DIR, 0755) && errno != EEXIST))
		return msg_errno(errno, "making " LINK_DIR);
	return 0;
}

static int replace_link(const char *target, const char *path)
{
	char new_path[128];

	snprintf(new_path, sizeof(new_path), "%s.%d", path, (int)getpid());
	if (symlink(target, new_path))
		return msg_errno(errno, "making the link %s", new_path);
	if (rename(new_path, path) == 0)
		return 0;
	msg_errno(errno, "making the link %s", path);
	unlink(new_path);
	return -EIO;
}

int link_make(const struct device *dev, bool *made)
{
	char path[64], *target;
	int err;

	if (made)
		*made = false;
	link_path(dev, device_index(dev), path);
	if (is_same_device(path, dev->path))
		return 0;
	target = realpath(dev->path, NULL);
	if (!target)
		return msg_errno(errno, "%s", dev->path);
	err = make_folders();
	if (!err)
		err = replace_link(target, path);
	free(target);
	if (!err && made)
		*made = true;
	return err;
}

void link_remove(const struct device *dev)
{
	char path[64];

	link_path(dev, device_index(dev), path);
	unlink(path);
}

bool link_exists(const struct device *dev, unsigned int index)
{
	char path[64];

	link_path(dev, index, path);
	return access(path, F_OK) == 0;
}

/* Devices without a medium or of size 0 (unused loop devices) are no news: silent. */
static bool has_size(const char *name)
{
	char path[320], digits[32] = "0";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/block/%s/size", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(digits, sizeof(digits), f))
		digits[0] = '0';
	fclose(f);
	return strtoull(digits, NULL, 10) != 0;
}

static int scan_one(const char *name, const struct fstype_list *types, unsigned int *count)
{
	char path[320];
	struct device dev;
	int err;

	snprintf(path, sizeof(path), "/dev/%s", name);
	for (char *p = path; *p; p++)
		if (*p == '!')
			*p = '/';	/* how sysfs writes a slash in a name */
	if (access(path, F_OK) || !has_size(name))
		return 0;
	err = device_probe(path, types, &dev);
	if (err || dev.content != DEVICE_TABLE)
		return 0;		/* an unreadable device is nobody's member */
	err = link_make(&dev, NULL);
	if (!err)
		++*count;
	return err;
}

int link_scan_all(const struct fstype_list *types, unsigned int *count)
{
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	*count = 0;
	dir = opendir("/sys/class/block");
	if (!dir)
		return msg_errno(errno, "/sys/class/block");
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = scan_one(entry->d_name, types, count);
	closedir(dir);
	return err;
}
