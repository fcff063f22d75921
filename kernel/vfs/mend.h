/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mend.h - complete what a killed application has left half done on an inode
 */
#ifndef ZUF_MEND_H
#define ZUF_MEND_H

#include "settle.h"

int zuf_settle_change_slow(struct inode *inode, u32 op_flags);

/**
 * zuf_settle_change() - as zuf_settle(), for a caller that changes the file
 * @op_flags: as zuf_settle()
 * Context: the caller holds the inode lock exclusively and has write access to the mount; it
 * must not hold the invalidate lock.
 * Return: as zuf_settle().
 */
static inline int zuf_settle_change(struct inode *inode, u32 op_flags)
{
	if (likely(!smp_load_acquire(&ZUF_I(inode)->stale)))
		return 0;
	return zuf_settle_change_slow(inode, op_flags);
}

/*
 * The inode is being evicted. Its link count decides how it ends: here, or, if a message is left
 * that may change the link count, when that message is done (zuf_end.zi). Blocks behind the end
 * of the file are given back unless that would wait for a message that is left. What a killed
 * chmod wanted to set goes to the inode's item (ends.h).
 */
void zuf_settle_evict(struct inode *inode);

#endif
