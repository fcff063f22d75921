/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unmap.h - IOM_UNMAP: a server wants to move or free blocks that mappings may show
 */
#ifndef ZUF_UNMAP_H
#define ZUF_UNMAP_H

#include <linux/types.h>

struct zuf_list_args;

/* The function zuf_sb_ops.unmap, see there. */
int zuf_unmap(const struct zuf_list_args *args, u64 ino, pgoff_t first, pgoff_t nr);

#endif
