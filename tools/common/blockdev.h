/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device (or an image file) that a tool has for itself: who it is, opened so that nobody
 * else can mount it, its size. Functions that fail have printed why.
 */
#ifndef TOOLS_BLOCKDEV_H
#define TOOLS_BLOCKDEV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct blockdev {
	const char *path;		/* the caller's */
	int fd;				/* -1 = not open */
	bool is_block;			/* else an ordinary file */
	dev_t dev;			/* who it is: of the device, or ... */
	ino_t ino;			/* ... of the file with its file system */
	uint64_t bytes;
};

/* Says who it is without opening it: one that is given twice would be busy by our own hand. */
int blockdev_identify(struct blockdev *bd, const char *path);
bool blockdev_is_same(const struct blockdev *a, const struct blockdev *b);
/* For us alone: refused when it is mounted or part of something. 0 or -errno. */
int blockdev_open(struct blockdev *bd, bool write);
void blockdev_close(struct blockdev *bd);

#endif
