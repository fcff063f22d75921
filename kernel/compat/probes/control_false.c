// SPDX-License-Identifier: GPL-2.0-only
/* Must not compile, else the probes prove nothing. */
#include <linux/fs.h>

void probe(struct inode *inode);
void probe(struct inode *inode)
{
	zuf_there_is_no_such_function(inode);
}
