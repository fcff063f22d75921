// SPDX-License-Identifier: BSD-2-Clause
/*
 * Devices and image files; see blockdev.h. Called by mkfs and fsck, single-threaded.
 */
#define _GNU_SOURCE
#include "blockdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg.h"

int blockdev_identify(struct blockdev *bd, const char *path)
{
	struct stat st;

	*bd = (struct blockdev){ .path = path, .fd = -1 };
	if (stat(path, &st))
		return msg_errno(errno, "%s", path);
	bd->is_block = S_ISBLK(st.st_mode);
	if (!bd->is_block && !S_ISREG(st.st_mode)) {
		msg("%s is neither a block device nor an ordinary file", path);
		return -ENOTBLK;
	}
	bd->dev = bd->is_block ? st.st_rdev : st.st_dev;
	bd->ino = bd->is_block ? 0 : st.st_ino;
	bd->bytes = (uint64_t)st.st_size;
	return 0;
}

bool blockdev_is_same(const struct blockdev *a, const struct blockdev *b)
{
	return a->is_block == b->is_block && a->dev == b->dev && a->ino == b->ino;
}

/* O_EXCL: a block device that is mounted, or a member of something, is busy. */
int blockdev_open(struct blockdev *bd, bool write)
{
	int flags = (write ? O_RDWR : O_RDONLY) | (bd->is_block ? O_EXCL : 0);
	int err;

	bd->fd = open(bd->path, flags | O_CLOEXEC);
	if (bd->fd < 0 && errno == EBUSY) {
		msg("%s is in use (mounted, or part of something that is)", bd->path);
		return -EBUSY;
	}
	if (bd->fd < 0)
		return msg_errno(errno, "%s", bd->path);
	if (!bd->is_block || !ioctl(bd->fd, BLKGETSIZE64, &bd->bytes))
		return 0;
	err = msg_errno(errno, "%s: size of the device", bd->path);
	blockdev_close(bd);
	return err;
}

void blockdev_close(struct blockdev *bd)
{
	if (bd->fd >= 0)
		close(bd->fd);
	bd->fd = -1;
}
