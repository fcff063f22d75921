// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_huge.c: the counted first touches of what is mapped by pages of 2 MiB.
 *
 * A file of its own is mapped several times over, so that address and file line up; whether its
 * blocks do is the file system's affair. After the run all other pages are touched: if that
 * faults, something was not mapped by 2 MiB and the operation is not supported here. All functions
 * return 0 or -errno.
 */
#define _GNU_SOURCE
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whole mappings of the file that `count` touches need. */
static size_t map_bytes(unsigned int count)
{
	size_t bytes = (size_t)count * HUGE_BYTES;

	return (bytes + FILE_BYTES - 1) / FILE_BYTES * FILE_BYTES;
}

/*
 * Once for all runs, and gone when its descriptor is. In one piece if the file system can; written,
 * so that nothing is a hole.
 */
static int make_huge_file(struct bench *b)
{
	if (b->huge_fd >= 0)
		return 0;
	b->huge_fd = open(b->scratch, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->huge_fd < 0 || unlink(b->scratch) != 0)
		return -errno;
	if (fallocate(b->huge_fd, 0, 0, FILE_BYTES) != 0 && errno != EOPNOTSUPP)
		return -errno;
	for (off_t at = 0; at < FILE_BYTES; at += 1u << 20) {
		ssize_t done = pwrite(b->huge_fd, b->buf, 1u << 20, at);

		if (done != 1u << 20)
			return done < 0 ? -errno : -EIO;
	}
	return 0;
}

static int map_whole(struct bench *b, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += FILE_BYTES)
		if (mmap(b->map + at, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 b->huge_fd, 0) == MAP_FAILED)
			return -errno;
	return 0;
}

int map_huge(struct bench *b, unsigned int count)
{
	size_t bytes = map_bytes(count);
	int err = make_huge_file(b);

	if (err)
		return err;
	b->map_area = mmap(NULL, bytes + HUGE_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->map_area == MAP_FAILED)
		return -errno;
	b->map = (char *)(((uintptr_t)b->map_area + HUGE_BYTES - 1) & ~((uintptr_t)HUGE_BYTES - 1));
	return map_whole(b, bytes);
}

int op_huge_read(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		(void)*(volatile char *)(b->map + (size_t)i * HUGE_BYTES);
	return 0;
}

int op_huge_write(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		*(volatile char *)(b->map + (size_t)i * HUGE_BYTES) = (char)i;
	return 0;
}

static long count_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* One area in small pages has 511 more faults to come: more than the areas are. */
static int check_huge(struct bench *b, unsigned int count)
{
	long before = count_faults();

	for (size_t at = 0; at < (size_t)count * HUGE_BYTES; at += PAGE_BYTES)
		(void)*(volatile char *)(b->map + at);
	return count_faults() - before < (long)count ? 0 : -EOPNOTSUPP;
}

int unmap_huge(struct bench *b, unsigned int count)
{
	int err = check_huge(b, count);

	b->map = NULL;
	if (munmap(b->map_area, map_bytes(count) + HUGE_BYTES) != 0 && !err)
		err = -errno;
	return err;
}
