/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evict.h - telling the server that the kernel has done with an inode
 */
#ifndef ZUF_EVICT_H
#define ZUF_EVICT_H

#include <linux/types.h>

struct inode;
struct zuf_sb;

/**
 * zuf_evict_end() - the inode is being evicted: EVICT_INODE or FREE_INODE
 * Its puts, what it has for SYNC and what a killed chmod has left come before.
 * Context: may sleep. In reclaim, in exit and in kernel threads it waits for nothing and
 * allocates nothing. No answer matters: a server that is gone has forgotten the inode.
 */
void zuf_evict_end(struct inode *inode);
/* EVICT_INODE or FREE_INODE for a cookie that got no inode. */
void zuf_evict_send(struct zuf_sb *zsb, u64 zus_ii, u16 operation);
/**
 * zuf_evict_send_race() - EVICT_INODE for one cookie too many of a cached inode
 * @inode: its own end waits for this; or NULL
 */
void zuf_evict_send_race(struct zuf_sb *zsb, u64 zus_ii, struct inode *inode);

#endif
