// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_data.c: the counted operations that move data: pread, pwrite, append, fsync, mmap.
 *
 * Offsets are random, aligned to the transfer size, inside one file of FILE_BYTES. Faults are
 * counted through a mapping whose address is deliberately 4 KiB off a 2 MiB boundary, so that
 * every touch is a 4 KiB fault on every file system. All functions return 0 or -errno.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t next_random(struct bench *b)
{
	uint64_t x = b->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return b->random = x;
}

static off_t random_offset(struct bench *b, size_t size)
{
	return (off_t)(next_random(b) % (FILE_BYTES / size) * size);
}

/* A transfer that ends early is a failure: the count would not be that of the size it claims. */
static int check_len(ssize_t done, size_t size)
{
	if (done < 0)
		return -errno;
	return (size_t)done == size ? 0 : -EIO;
}

static int do_pread(struct bench *b, unsigned int count, size_t size)
{
	for (unsigned int i = 0; i < count; i++) {
		ssize_t done = pread(b->data_fd, b->buf, size, random_offset(b, size));
		int err = check_len(done, size);

		if (err)
			return err;
	}
	return 0;
}

static int do_pwrite(struct bench *b, unsigned int count, size_t size)
{
	for (unsigned int i = 0; i < count; i++) {
		ssize_t done = pwrite(b->data_fd, b->buf, size, random_offset(b, size));
		int err = check_len(done, size);

		if (err)
			return err;
	}
	return 0;
}

/* So that a page cache, where there is one, has everything. */
int read_all(struct bench *b, unsigned int count)
{
	int err = 0;

	(void)count;
	for (off_t at = 0; at < FILE_BYTES && !err; at += 1u << 20)
		err = check_len(pread(b->data_fd, b->buf, 1u << 20, at), 1u << 20);
	return err;
}

int op_pread_4k(struct bench *b, unsigned int count)
{
	return do_pread(b, count, 4u << 10);
}

int op_pread_64k(struct bench *b, unsigned int count)
{
	return do_pread(b, count, 64u << 10);
}

int op_pread_1m(struct bench *b, unsigned int count)
{
	return do_pread(b, count, 1u << 20);
}

int op_pwrite_4k(struct bench *b, unsigned int count)
{
	return do_pwrite(b, count, 4u << 10);
}

int op_pwrite_64k(struct bench *b, unsigned int count)
{
	return do_pwrite(b, count, 64u << 10);
}

int op_pwrite_1m(struct bench *b, unsigned int count)
{
	return do_pwrite(b, count, 1u << 20);
}

int op_write_fsync(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int err = do_pwrite(b, 1, PAGE_BYTES);

		if (err)
			return err;
		if (fsync(b->data_fd) != 0)
			return -errno;
	}
	return 0;
}

int open_scratch(struct bench *b, unsigned int count)
{
	(void)count;
	b->scratch_fd = open(b->scratch, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	return b->scratch_fd < 0 ? -errno : 0;
}

int op_append(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int err = check_len(write(b->scratch_fd, b->buf, PAGE_BYTES), PAGE_BYTES);

		if (err)
			return err;
	}
	return 0;
}

int close_scratch(struct bench *b, unsigned int count)
{
	(void)count;
	close(b->scratch_fd);
	b->scratch_fd = -1;
	return unlink(b->scratch) != 0 ? -errno : 0;
}

int map_data(struct bench *b, unsigned int count)
{
	uintptr_t aligned;
	void *map;

	(void)count;
	b->map_area = mmap(NULL, FILE_BYTES + 2 * HUGE_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->map_area == MAP_FAILED)
		return -errno;
	aligned = ((uintptr_t)b->map_area + HUGE_BYTES - 1) & ~((uintptr_t)HUGE_BYTES - 1);
	map = mmap((char *)aligned + PAGE_BYTES, FILE_BYTES, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, b->data_fd, 0);
	if (map == MAP_FAILED) {
		int err = -errno;

		munmap(b->map_area, FILE_BYTES + 2 * HUGE_BYTES);
		return err;
	}
	b->map = map;
	return 0;
}

int unmap_data(struct bench *b, unsigned int count)
{
	(void)count;
	b->map = NULL;
	return munmap(b->map_area, FILE_BYTES + 2 * HUGE_BYTES) != 0 ? -errno : 0;
}

int op_map_read(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		(void)*(volatile char *)(b->map + (size_t)i * PAGE_BYTES);
	return 0;
}

int op_map_write(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		*(volatile char *)(b->map + (size_t)i * PAGE_BYTES) = (char)i;
	return 0;
}

/* One page stored to and synchronised: includes the write fault that each msync makes necessary. */
int op_msync(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		char *page = b->map + (size_t)i * PAGE_BYTES;

		*(volatile char *)page = (char)i;
		if (msync(page, PAGE_BYTES, MS_SYNC) != 0)
			return -errno;
	}
	return 0;
}

int create_data_file(struct bench *b)
{
	b->data_fd = open(b->data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (b->data_fd < 0)
		return -errno;
	memset(b->buf, 0x5a, 1u << 20);
	for (off_t at = 0; at < FILE_BYTES; at += 1u << 20) {
		int err = check_len(pwrite(b->data_fd, b->buf, 1u << 20, at), 1u << 20);

		if (err)
			return err;
	}
	return fsync(b->data_fd) != 0 ? -errno : 0;
}
