// SPDX-License-Identifier: GPL-2.0-only
/* 6.19: i_state is read by functions. */
#include <linux/fs.h>

bool probe(struct inode *inode);
bool probe(struct inode *inode)
{
	return inode_state_read_once(inode) & I_NEW;
}
