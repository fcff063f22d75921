// SPDX-License-Identifier: GPL-2.0-only
/* The naming of a tmpfile can be had without its dirtying. */
#include <linux/fs.h>
#include <linux/dcache.h>

void probe(struct file *file, struct inode *inode);
void probe(struct file *file, struct inode *inode)
{
	d_mark_tmpfile(file, inode);
}
