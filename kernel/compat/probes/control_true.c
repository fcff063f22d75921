// SPDX-License-Identifier: GPL-2.0-only
/* Must compile, else the probes prove nothing. */
#include <linux/fs.h>

void probe(struct inode *inode);
void probe(struct inode *inode)
{
	ihold(inode);
}
