// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs up, the steps about devices: what is on them, may it be overwritten, mkfs, links.
 * Nothing is written before all devices were looked at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "process.h"
#include "up.h"

static bool has_table(const struct up *up)
{
	return up->fs->dt_offset != FSTYPE_NO_TABLE;
}

static bool is_member(const struct up *up, const struct device *dev)
{
	return dev->content == DEVICE_TABLE && !strcmp(dev->type.name, up->fs->name);
}

static int probe_all(struct up *up)
{
	unsigned int i;
	struct stat st;
	int err = 0;

	for (i = 0; !err && i < up->count; i++) {
		err = device_probe(up->paths[i], &up->types, &up->devs[i]);
		if (!err && (stat(up->paths[i], &st) || !S_ISBLK(st.st_mode))) {
			msg("%s: is no block device", up->paths[i]);
			err = -ENOTBLK;
		}
	}
	return err;
}

/* All are members: they have to be different ones of one set. */
static int check_set(const struct up *up)
{
	const struct device *dev, *first = &up->devs[0];
	char uuid[37], other[37];
	uint64_t seen = 0, bit;
	unsigned int i;

	for (i = 0; i < up->count; i++) {
		dev = &up->devs[i];
		if (memcmp(&dev->mdt.s_uuid, &first->mdt.s_uuid, sizeof(dev->mdt.s_uuid))) {
			device_set_uuid(first, uuid);
			device_set_uuid(dev, other);
			msg("%s belongs to the set %s, %s to the set %s", first->path, uuid,
			    dev->path, other);
			return -EINVAL;
		}
		bit = (uint64_t)1 << device_index(dev);
		if (seen & bit) {
			msg("%s is device %u of its set, which was given before", dev->path,
			    device_index(dev));
			return -EINVAL;
		}
		seen |= bit;
	}
	return 0;
}

/* Not all are members: only a device with nothing on it may be taken. */
static int check_blank(const struct up *up, bool some_are_members)
{
	char what[SIGNATURE_NAME] = "";
	const struct device *dev;
	bool blank = true;
	unsigned int i;
	int err;

	for (i = 0; i < up->count; i++) {
		dev = &up->devs[i];
		if (is_member(up, dev))
			continue;
		if (some_are_members) {
			msg("%s carries %s, but others are members of a set of %s", dev->path,
			    dev->text, up->fs->name);
			msg("--force makes a new file system on all of them");
			return -EINVAL;
		}
		err = dev->content == DEVICE_NO_TABLE ? device_is_blank(dev->path, &blank, what) :
						       0;
		if (err)
			return err;
		if (dev->content != DEVICE_NO_TABLE || !blank) {
			msg("%s is not blank, it carries %s; --force overwrites it", dev->path,
			    blank ? dev->text : what);
			return -EEXIST;
		}
	}
	return 0;
}

int up_inspect_devices(struct up *up)
{
	unsigned int i, members = 0;
	int err = probe_all(up);

	if (err || !up->count || !has_table(up))
		return err;
	if (up->force) {
		up->make_fs = true;
		return 0;
	}
	for (i = 0; i < up->count; i++)
		members += is_member(up, &up->devs[i]);
	if (members == up->count)
		return check_set(up);
	up->make_fs = true;
	return check_blank(up, members > 0);
}

/* Can it be addressed directly? A partition has the queue of its disk. */
static bool is_dax(const char *path)
{
	static const char *const places[] = { "queue", "../queue" };
	char name[96], digit = '0';
	struct stat st;
	unsigned int i;
	FILE *f = NULL;

	if (stat(path, &st))
		return false;
	for (i = 0; !f && i < 2; i++) {
		snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/%s/dax",
			 major(st.st_rdev), minor(st.st_rdev), places[i]);
		f = fopen(name, "re");
	}
	if (f) {
		digit = (char)fgetc(f);
		fclose(f);
	}
	return digit == '1';
}

/* Appends the devices that are, or are not, memory; returns how many. */
static unsigned int add_paths(const struct up *up, bool dax, const char **argv)
{
	unsigned int i, n = 0;

	for (i = 0; i < up->count; i++)
		if (is_dax(up->paths[i]) == dax)
			argv[n++] = up->paths[i];
	return n;
}

/* Memory becomes T1, everything else T2. */
static const char **mkfs_argv(const struct up *up, const char *program)
{
	const char **argv = calloc(up->count + 4, sizeof(*argv));
	unsigned int n = 0, t1;

	if (!argv)
		return NULL;
	argv[n++] = program;
	if (up->force)
		argv[n++] = "-f";
	t1 = add_paths(up, true, argv + n);
	n += t1;
	if (t1 < up->count)
		argv[n++] = "--t2";
	add_paths(up, false, argv + n);
	return argv;
}

static int run_mkfs(const struct up *up)
{
	char program[32];
	const char **argv;
	int status;

	snprintf(program, sizeof(program), "mkfs.%s", up->fs->name);
	argv = mkfs_argv(up, program);
	if (!argv)
		return msg_errno(ENOMEM, "making the file system");
	status = process_run(argv);
	free(argv);
	if (status < 0)
		return msg_errno(status, "making the file system: cannot run %s", program);
	if (status > 0) {
		msg("making the file system: %s ended with status %d", program, status);
		return -EIO;
	}
	return 0;
}

int up_make_fs(struct up *up)
{
	unsigned int i;
	int err;

	if (!up->make_fs)
		return 0;
	err = run_mkfs(up);
	if (!err)
		err = probe_all(up);
	for (i = 0; !err && i < up->count; i++) {
		if (is_member(up, &up->devs[i]))
			continue;
		msg("making the file system: %s carries %s afterwards", up->paths[i],
		    up->devs[i].text);
		err = -EIO;
	}
	return err ? err : check_set(up);
}

/* Which device of the set has no link? -1: none. */
static int find_missing(const struct device *dev)
{
	unsigned int i, n = zus_md_t1_count(&dev->mdt) + zus_md_t2_count(&dev->mdt);

	for (i = 0; i < n; i++)
		if (i != device_index(dev) && !link_exists(dev, i))
			return (int)i;
	return -1;
}

/* Links for the devices that were not given but belong to the set. */
static int complete_set(struct up *up)
{
	unsigned int found;
	char uuid[37];
	int err, missing = find_missing(&up->devs[0]);

	if (missing < 0)
		return 0;
	err = link_scan_all(&up->types, &found);
	if (err)
		return err;
	missing = find_missing(&up->devs[0]);
	if (missing < 0)
		return 0;
	device_uuid(&up->devs[0], (unsigned int)missing, uuid);
	msg("device %d of the set of %s is missing: none has the uuid %s", missing,
	    up->paths[0], uuid);
	return -ENODEV;
}

int up_make_links(struct up *up)
{
	unsigned int i;
	bool made;
	int err;

	if (!up->count || !has_table(up))
		return 0;
	for (i = 0; i < up->count; i++) {
		err = link_make(&up->devs[i], &made);
		if (err)
			return err;
		if (made)
			up->made_links |= (uint64_t)1 << i;
	}
	return complete_set(up);
}

void up_remove_links(struct up *up)
{
	unsigned int i;

	for (i = 0; i < up->count; i++)
		if (up->made_links & (uint64_t)1 << i)
			link_remove(&up->devs[i]);
}
