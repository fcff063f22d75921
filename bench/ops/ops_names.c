// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_names.c: the counted operations on names and directories, and the two calibration loops.
 *
 * All paths are absolute and made beforehand, so that formatting them is not counted. All functions
 * return 0 or -errno.
 */
#define _GNU_SOURCE
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Entries of the directory that readdir walks. */
#define DIR_ENTRIES	NAME_COUNT

int op_create_close(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int fd = open(b->files[i], O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

int op_unlink(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (unlink(b->files[i]) != 0)
			return -errno;
	return 0;
}

/* Also cleans up after a run that failed half-way, so missing names are no error. */
int unlink_all(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (unlink(b->files[i]) != 0 && errno != ENOENT)
			return -errno;
	return 0;
}

int op_open_close(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int fd = open(b->data, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

/* What a user-mode file system answers without any work: close to its bare round trip. */
int op_fstatfs(struct bench *b, unsigned int count)
{
	struct statfs st;

	for (unsigned int i = 0; i < count; i++)
		if (fstatfs(b->data_fd, &st) != 0)
			return -errno;
	return 0;
}

int op_stat(struct bench *b, unsigned int count)
{
	struct stat st;

	for (unsigned int i = 0; i < count; i++)
		if (stat(b->data, &st) != 0)
			return -errno;
	return 0;
}

/* An even count, so that the file ends under the name it started with. */
int op_rename(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i += 2)
		if (rename(b->data, b->renamed) != 0 || rename(b->renamed, b->data) != 0)
			return -errno;
	return 0;
}

int op_mkdir_rmdir(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (mkdir(b->made, 0700) != 0 || rmdir(b->made) != 0)
			return -errno;
	return 0;
}

/* The last component of a path of b->files. */
static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

int fill_dir(struct bench *b, unsigned int count)
{
	(void)count;
	if (b->crowd)
		return open_crowd(b);
	if (mkdir(b->many, 0700) != 0)
		return -errno;
	b->dir = opendir(b->many);
	if (!b->dir)
		return -errno;
	for (unsigned int i = 0; i < DIR_ENTRIES; i++)
		if (mknodat(dirfd(b->dir), base_name(b->files[i]), S_IFREG | 0600, 0) != 0)
			return -errno;
	rewinddir(b->dir);
	return 0;
}

/* Walks the directory until `count` entries were seen; it holds "." and ".." besides its names. */
int op_readdir(struct bench *b, unsigned int count)
{
	unsigned int seen_in_pass = 0;

	for (unsigned int i = 0; i < count; i++, seen_in_pass++) {
		errno = 0;
		if (readdir(b->dir))
			continue;
		if (errno)
			return -errno;
		if (seen_in_pass < DIR_ENTRIES)
			return -ENOENT;
		rewinddir(b->dir);
		seen_in_pass = 0;
	}
	return 0;
}

int empty_dir(struct bench *b, unsigned int count)
{
	int err = 0;

	(void)count;
	if (b->crowd)
		return close_crowd(b);
	for (unsigned int i = 0; i < DIR_ENTRIES && !err; i++)
		if (unlinkat(dirfd(b->dir), base_name(b->files[i]), 0) != 0)
			err = -errno;
	closedir(b->dir);
	b->dir = NULL;
	if (!err && rmdir(b->many) != 0)
		err = -errno;
	return err;
}

int op_getppid(struct bench *b, unsigned int count)
{
	(void)b;
	for (unsigned int i = 0; i < count; i++)
		syscall(SYS_getppid);
	return 0;
}

/* Nothing but user-space instructions: what the kernel executes meanwhile is the timer tick. */
int op_spin(struct bench *b, unsigned int count)
{
	(void)b;
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int k = 0; k < 1000000; k++)
			__asm__ volatile("" : : : "memory");
	return 0;
}
