// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_names.c: the counted operations on names and directories, and the two calibration loops.
 *
 * All paths are relative: main.c has changed to the directory under test. Names are made beforehand so
 * that formatting is not counted. All functions return 0 or -errno.
 */
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Entries of the directory that readdir walks. */
#define DIR_ENTRIES	NAME_COUNT

int op_create_close(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int fd = open(b->names[i], O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

int op_unlink(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (unlink(b->names[i]) != 0)
			return -errno;
	return 0;
}

/* Also cleans up after a run that failed half-way, so missing names are no error. */
int unlink_all(struct bench *b, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (unlink(b->names[i]) != 0 && errno != ENOENT)
			return -errno;
	return 0;
}

int op_open_close(struct bench *b, unsigned int count)
{
	(void)b;
	for (unsigned int i = 0; i < count; i++) {
		int fd = open("data", O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

int op_stat(struct bench *b, unsigned int count)
{
	struct stat st;

	(void)b;
	for (unsigned int i = 0; i < count; i++)
		if (stat("data", &st) != 0)
			return -errno;
	return 0;
}

/* An even count, so that the file ends under the name it started with. */
int op_rename(struct bench *b, unsigned int count)
{
	(void)b;
	for (unsigned int i = 0; i < count; i += 2)
		if (rename("data", "renamed") != 0 || rename("renamed", "data") != 0)
			return -errno;
	return 0;
}

int op_mkdir_rmdir(struct bench *b, unsigned int count)
{
	(void)b;
	for (unsigned int i = 0; i < count; i++)
		if (mkdir("made", 0700) != 0 || rmdir("made") != 0)
			return -errno;
	return 0;
}

static int in_dir(struct bench *b, int (*what)(struct bench *, unsigned int))
{
	int err;

	if (chdir("many") != 0)
		return -errno;
	err = what(b, DIR_ENTRIES);
	if (chdir("..") != 0)
		return -errno;
	return err;
}

int fill_dir(struct bench *b, unsigned int count)
{
	int err;

	(void)count;
	if (mkdir("many", 0700) != 0)
		return -errno;
	err = in_dir(b, op_create_close);
	if (err)
		return err;
	b->dir = opendir("many");
	return b->dir ? 0 : -errno;
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
	int err;

	(void)count;
	if (b->dir)
		closedir(b->dir);
	b->dir = NULL;
	err = in_dir(b, unlink_all);
	if (err)
		return err;
	return rmdir("many") != 0 ? -errno : 0;
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
