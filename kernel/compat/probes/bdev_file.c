// SPDX-License-Identifier: GPL-2.0-only
/* 6.9: an open block device is a file. */
#include <linux/blkdev.h>
#include <linux/err.h>

struct block_device *probe(void *holder);
struct block_device *probe(void *holder)
{
	struct file *file = bdev_file_open_by_path("/", BLK_OPEN_READ, holder, NULL);

	return IS_ERR(file) ? NULL : file_bdev(file);
}
