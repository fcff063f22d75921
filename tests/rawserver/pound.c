// SPDX-License-Identifier: BSD-2-Clause
/*
 * pound.c - rawapp: many kinds of operations, one after the other, as fast as can be
 *
 *	pound DIR MS	on DIR/file and names beside it; what becomes of them does not matter
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include "app.h"

static char buf[64 * 1024];

static void pound_names(const char *dir)
{
	char name[300];
	struct stat st;
	DIR *d;
	int fd;

	snprintf(name, sizeof(name), "%s/none", dir);
	stat(name, &st);
	snprintf(name, sizeof(name), "%s/new", dir);
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	if (fd >= 0)
		close(fd);
	unlink(name);
	d = opendir(dir);
	while (d && readdir(d))
		;
	if (d)
		closedir(d);
}

static void pound_file(int fd)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + 8 * sizeof(struct fiemap_extent)];
	} f = { .map.fm_length = FIEMAP_MAX_OFFSET, .map.fm_extent_count = 8 };
	int i;

	for (i = 0; i < 60; i++)
		if (pread(fd, buf, 4096, i % 8 * 4096) < 0)
			break;
	ioctl(fd, FS_IOC_FIEMAP, &f);
	for (i = 0; i < 4; i++)
		if (pwrite(fd, buf, 9000, 100) < 0)
			break;
	i = (int)pread(fd, buf, 60000, 0);
	flistxattr(fd, buf, sizeof(buf));
	lseek(fd, 0, SEEK_DATA);
	fchmod(fd, (mode_t)(i & 0700));
}

int app_pound(char **arg)
{
	long end = app_now_ms() + strtol(arg[1], NULL, 0);
	unsigned long rounds = 0;
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "%s/file", arg[0]);
	do {
		fd = open(name, O_RDWR);
		if (fd >= 0) {
			pound_file(fd);
			close(fd);
		}
		pound_names(arg[0]);
		rounds++;
	} while (app_now_ms() < end);
	printf("%lu rounds ", rounds);
	return 0;
}
