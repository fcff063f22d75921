/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioclist.h - the list of ioctl numbers that a server knows, and what each does
 */
#ifndef ZUF_IOCLIST_H
#define ZUF_IOCLIST_H

#include <linux/types.h>

struct zuf_ioclist;
struct zuf_sb;

/*
 * Ask the server for its list, at the mount. NULL: the server has no list, or its list makes no
 * sense (which is logged); then no number counts as listed.
 */
struct zuf_ioclist *zuf_ioclist_load(struct zuf_sb *zsb);
void zuf_ioclist_free(struct zuf_ioclist *list);

/* Is @cmd in @list, which may be NULL? If so, *@flags gets its ZUFS_IOCTL_*. */
bool zuf_ioclist_find(const struct zuf_ioclist *list, unsigned int cmd, u32 *flags);

#endif
