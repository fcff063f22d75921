// SPDX-License-Identifier: GPL-2.0-only
/* 6.6: generic_fillattr() takes the request mask. */
#include <linux/fs.h>

void probe(struct inode *inode, struct kstat *stat);
void probe(struct inode *inode, struct kstat *stat)
{
	generic_fillattr(NULL, 0U, inode, stat);
}
