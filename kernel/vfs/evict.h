/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evict.h - tell the server that the kernel no longer uses an inode
 */
#ifndef ZUF_EVICT_H
#define ZUF_EVICT_H

#include <linux/types.h>

struct inode;
struct zuf_sb;

/**
 * zuf_evict_end() - the inode is being evicted: send EVICT_INODE or FREE_INODE
 *
 * The inode's puts, its pending SYNC and a SETATTR that a killed chmod has left go first.
 * Context: may sleep. In reclaim, in exit and in kernel threads it waits for nothing and
 * allocates nothing. No answer matters: a server that is gone has forgotten the inode.
 */
void zuf_evict_end(struct inode *inode);
/* Send EVICT_INODE or FREE_INODE for a cookie that got no inode. */
void zuf_evict_send(struct zuf_sb *zsb, u64 zus_ii, u16 operation);
/**
 * zuf_evict_send_race() - send EVICT_INODE for a surplus cookie of a cached inode
 * @inode: the inode, whose own end waits for this message; or NULL
 */
void zuf_evict_send_race(struct zuf_sb *zsb, u64 zus_ii, struct inode *inode);

#endif
