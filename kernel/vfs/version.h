/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * version.h - the change attribute of NFS, which must never decrease
 */
#ifndef ZUF_VERSION_H
#define ZUF_VERSION_H

#include <linux/time64.h>

struct inode;

/* An inode enters the cache; its ctime is set. */
void zuf_version_init(struct inode *inode);

/**
 * zuf_version_change() - compute the ctime of an inode that changes
 * @old: its ctime up to now
 * @now: the time of the change
 * Context: whatever lock guards the timestamps; page faults hold no lock of the inode.
 * Return: the ctime that the inode gets.
 */
struct timespec64 zuf_version_change(struct inode *inode, struct timespec64 old,
				     struct timespec64 now);

/* An inode leaves the cache. */
void zuf_version_leave(struct inode *inode);

#endif
