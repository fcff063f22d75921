/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioclist.h - the ioctl numbers that a file system knows, and what they do
 */
#ifndef ZUF_IOCLIST_H
#define ZUF_IOCLIST_H

#include <linux/types.h>

struct zuf_ioclist;
struct zuf_sb;

/*
 * Ask the server; at the mount. NULL: it keeps no list, or has none that makes sense (which
 * is said in the log): then every number is one that it does not list.
 */
struct zuf_ioclist *zuf_ioclist_load(struct zuf_sb *zsb);
void zuf_ioclist_free(struct zuf_ioclist *list);

/* Is the number in the list, which may be NULL? Then its ZUFS_IOCTL_* are in *@flags. */
bool zuf_ioclist_find(const struct zuf_ioclist *list, unsigned int cmd, u32 *flags);

#endif
