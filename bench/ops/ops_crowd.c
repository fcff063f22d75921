// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_crowd.c: a directory full of other names, and what may cost more in it.
 *
 * The crowd stays in the directory: a later run with more names adds what is missing. All functions
 * return 0 or -errno.
 */
#define _GNU_SOURCE
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int make_crowd(struct bench *b, unsigned int names)
{
	int dir = open(b->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	char name[32];

	if (dir < 0)
		return -errno;
	for (unsigned int i = 0; i < names && !err; i++) {
		snprintf(name, sizeof(name), "crowd-%07u", i);
		if (mknodat(dir, name, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
			err = -errno;
	}
	close(dir);
	b->crowd = names;
	return err;
}

int open_crowd(struct bench *b)
{
	b->dir = opendir(b->top);
	return b->dir ? 0 : -errno;
}

int close_crowd(struct bench *b)
{
	closedir(b->dir);
	b->dir = NULL;
	return 0;
}

/* The cache forgets all names that nobody uses, those that are missing too; that takes root. */
int forget_names(struct bench *b, unsigned int count)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC), err = 0;

	(void)b, (void)count;
	if (fd < 0)
		return -EOPNOTSUPP;
	if (write(fd, "2", 1) != 1)
		err = -EOPNOTSUPP;
	close(fd);
	return err;
}

/* Names, and nothing of them in a cache. */
int make_cold(struct bench *b, unsigned int count)
{
	int err = op_create_close(b, count);

	return err ? err : forget_names(b, count);
}

int op_lookup(struct bench *b, unsigned int count)
{
	struct stat st;

	for (unsigned int i = 0; i < count; i++)
		if (stat(b->files[i], &st) != 0)
			return -errno;
	return 0;
}
