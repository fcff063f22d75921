// SPDX-License-Identifier: BSD-2-Clause
/*
 * file.c - special files, registration, T1 and the device table
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <linux/fs.h>
#include "raw.h"

#define RAW_MAGIC	0x46574152u	/* "RAWF" */
#define HUGE_SIZE	(2UL << 20)

int raw_open(void)
{
	return open(raw_config.root, O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0666);
}

static int register_type(int fd, unsigned int nr)
{
	struct zufs_ioc_register_fs reg = {
		.hdr.in_len = sizeof(reg),
		.hdr.out_len = sizeof(reg.hdr),
		.zus_zfi = 0x1000 + nr,
		.rfi = {
			.FS_magic = RAW_MAGIC,
			.FS_ver_major = 1,
			.dt_offset = nr ? ~0ULL : 0,
			.s_maxbytes = 1ULL << 44,
			.s_time_gran = 1,
			.def_mode = 0755,
		},
	};

	snprintf(reg.rfi.fsname, sizeof(reg.rfi.fsname), "%s", raw_config.type[nr]);
	if (ioctl(fd, ZU_IOC_REGISTER_FS, &reg) < 0)
		return -errno;
	return reg.hdr.err;
}

int raw_register_types(void)
{
	int fd = raw_open(), err;

	if (fd < 0)
		return -errno;
	err = register_type(fd, 0);
	if (!err)
		err = register_type(fd, 1);
	close(fd);
	return err;
}

/* ---- T1 ---- */

/* Old servers choose the address themselves: 2 MiB aligned, in a hole of their own. */
static char *map_t1(int fd, uint64_t bytes)
{
	char *hole, *at;

	hole = mmap(NULL, bytes + HUGE_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hole == MAP_FAILED)
		return NULL;
	at = (char *)(((uintptr_t)hole + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	at = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (at == MAP_FAILED) {
		munmap(hole, bytes + HUGE_SIZE);
		return NULL;
	}
	if (at > hole)
		munmap(hole, (size_t)(at - hole));
	if (at + bytes < hole + bytes + HUGE_SIZE)
		munmap(at + bytes, (size_t)(hole + HUGE_SIZE - at));
	return at;
}

int raw_grab(uint64_t sb_id, int *fd, char **t1, uint64_t *t1_bytes)
{
	struct zufs_ioc_pmem grab = {
		.hdr.in_len = sizeof(grab),
		.hdr.out_len = sizeof(grab),
		.sb_id = sb_id,
	};

	*fd = raw_open();
	if (*fd < 0)
		return -errno;
	if (ioctl(*fd, ZU_IOC_GRAB_PMEM, &grab) < 0)
		grab.hdr.err = -errno;
	*t1_bytes = grab.mdt.s_t1_blocks * ZUFS_PAGE_SIZE;
	if (!grab.hdr.err) {
		*t1 = map_t1(*fd, *t1_bytes);
		if (!*t1)
			grab.hdr.err = -errno;
	}
	if (grab.hdr.err)
		close(*fd);
	return grab.hdr.err;
}

/* ---- mkfs: a table for one device ---- */

static int write_table(int fd, uint64_t bytes)
{
	static struct md_dev_table mdt;
	struct timespec now;
	char block[MDT_SIZE] = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	mdt.s_version = 1 * MD_MINORS_PER_MAJOR;
	mdt.s_magic = RAW_MAGIC;
	mdt.s_t1_blocks = bytes / ZUFS_PAGE_SIZE;
	mdt.s_dev_list.t1_count = 1;
	mdt.s_dev_list.dev_ids[0].blocks = mdt.s_t1_blocks;
	mdt.s_mtime = mdt.s_wtime = (uint64_t)now.tv_sec * 1000000000ULL;
	if (getrandom(&mdt.s_uuid, sizeof(mdt.s_uuid), 0) < 0 ||
	    getrandom(&mdt.s_dev_list.dev_ids[0].uuid, sizeof(mdt.s_uuid), 0) < 0)
		return -errno;
	mdt.s_sum = md_table_sum(&mdt);
	memcpy(block, &mdt, sizeof(mdt));
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block) || fsync(fd))
		return -errno;
	return 0;
}

int raw_mkfs(const char *device)
{
	int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC), err = 0;
	uint64_t bytes;

	if (fd < 0) {
		fprintf(stderr, "rawserver: %s: %s\n", device, strerror(errno));
		return 1;
	}
	if (ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		err = -errno;
	else
		err = write_table(fd, bytes & ~(uint64_t)ZUFS_ALLOC_MASK);
	close(fd);
	if (err)
		fprintf(stderr, "rawserver: %s: no table written: %s\n", device,
			strerror(-err));
	return err ? 1 : 0;
}
