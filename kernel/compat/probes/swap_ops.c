// SPDX-License-Identifier: GPL-2.0-only
/* 7.x: swapping through a file goes by operations of its own, not .swap_rw. */
#include <linux/bio.h>
#include <linux/fs.h>
#include <linux/swap_ops.h>

int probe(struct swap_info_struct *sis, const struct swap_ops *ops);
int probe(struct swap_info_struct *sis, const struct swap_ops *ops)
{
	return swap_fs_activate(sis, ops);
}
