// SPDX-License-Identifier: BSD-2-Clause
/*
 * file.c - special files, registration, T1
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "raw.h"

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
			.notused = raw_config.flags,
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
		raw_lock();
		raw_note("pmem flags %#x", grab.flags);
		raw_unlock();
		*t1 = map_t1(*fd, *t1_bytes);
		if (!*t1)
			grab.hdr.err = -errno;
	}
	if (grab.hdr.err)
		close(*fd);
	return grab.hdr.err;
}
