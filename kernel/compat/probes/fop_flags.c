// SPDX-License-Identifier: GPL-2.0-only
/* 6.10: what a file type can do stands in its table, not in f_mode. */
#include <linux/fs.h>

void probe(struct file_operations *ops);
void probe(struct file_operations *ops)
{
	ops->fop_flags = FOP_BUFFER_WASYNC;
}
