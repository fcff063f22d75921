// SPDX-License-Identifier: BSD-2-Clause
/*
 * mkfs.c - a device table for a set: the first device is T1, the others are T2
 *
 * There is no udev where this runs: the links by which the kernel finds the members
 * are made here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <linux/fs.h>
#include "raw.h"

#define LINK_DIR	"/dev/disk/by-uuid"

static int device_blocks(const char *device, uint64_t *blocks)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC), err = 0;
	uint64_t bytes = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		err = -errno;
	close(fd);
	*blocks = (bytes & ~(uint64_t)ZUFS_ALLOC_MASK) / ZUFS_PAGE_SIZE;
	return err;
}

static int make_table(struct md_dev_table *mdt, char **devices, int nr)
{
	struct timespec now;
	int i, err;

	clock_gettime(CLOCK_REALTIME, &now);
	mdt->s_version = 1 * MD_MINORS_PER_MAJOR;
	mdt->s_magic = RAW_MAGIC;
	mdt->s_dev_list.t1_count = 1;
	mdt->s_dev_list.t2_count = (uint16_t)(nr - 1);
	mdt->s_mtime = mdt->s_wtime = (uint64_t)now.tv_sec * 1000000000ULL;
	if (getrandom(&mdt->s_uuid, sizeof(mdt->s_uuid), 0) < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		struct md_dev_id *id = &mdt->s_dev_list.dev_ids[i];
		uint64_t blocks = 0;

		err = device_blocks(devices[i], &blocks);
		if (err)
			return err;
		if (getrandom(&id->uuid, sizeof(id->uuid), 0) < 0)
			return -errno;
		id->blocks = blocks;
		if (i)
			mdt->s_t2_blocks += blocks;
		else
			mdt->s_t1_blocks = blocks;
	}
	return 0;
}

static int make_link(const struct md_uuid *uuid, const char *device)
{
	char path[128];
	int i, len;

	mkdir("/dev/disk", 0755);
	mkdir(LINK_DIR, 0755);
	len = snprintf(path, sizeof(path), LINK_DIR "/");
	for (i = 0; i < 16; i++)
		len += snprintf(path + len, sizeof(path) - (size_t)len, "%s%02x",
				i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid->b[i]);
	return symlink(device, path) ? -errno : 0;
}

static int write_table(const struct md_dev_table *mdt, const char *device)
{
	int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC), err = 0;
	char block[MDT_SIZE] = { 0 };

	if (fd < 0)
		return -errno;
	memcpy(block, mdt, sizeof(*mdt));
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block) || fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

int raw_mkfs(char **devices, int nr)
{
	static struct md_dev_table mdt;
	int i, err = nr < 1 || nr > MD_DEV_MAX ? -EINVAL : make_table(&mdt, devices, nr);

	for (i = 0; !err && i < nr; i++) {
		mdt.s_dev_list.id_index = (uint16_t)i;
		mdt.s_sum = md_table_sum(&mdt);
		err = write_table(&mdt, devices[i]);
		if (!err)
			err = make_link(&mdt.s_dev_list.dev_ids[i].uuid, devices[i]);
	}
	if (err)
		fprintf(stderr, "rawserver: mkfs: %s\n", strerror(-err));
	return err ? 1 : 0;
}
