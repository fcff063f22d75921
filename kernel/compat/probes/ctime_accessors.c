// SPDX-License-Identifier: GPL-2.0-only
/* 6.6: ctime is read and set by functions. */
#include <linux/fs.h>

struct timespec64 probe(struct inode *inode);
struct timespec64 probe(struct inode *inode)
{
	inode_set_ctime_to_ts(inode, inode_get_ctime(inode));
	return inode_get_ctime(inode);
}
