/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mend.h - bring to an end what a killed application has left half done of an inode
 */
#ifndef ZUF_MEND_H
#define ZUF_MEND_H

#include "settle.h"

int zuf_settle_change_slow(struct inode *inode, u32 op_flags);

/**
 * zuf_settle_change() - zuf_settle() for a caller who changes the file
 * @op_flags: as zuf_settle()
 * Context: inode lock exclusive, write access to the mount; not the invalidate lock.
 * Return: as zuf_settle().
 */
static inline int zuf_settle_change(struct inode *inode, u32 op_flags)
{
	if (likely(!smp_load_acquire(&ZUF_I(inode)->stale)))
		return 0;
	return zuf_settle_change_slow(inode, op_flags);
}

/*
 * The inode is being evicted: its links are what decides about its end, here or, if a message
 * is left that may change them, when that is done (zuf_end.zi); blocks behind it are given
 * back if that does not wait for what is left, and what a killed chmod wanted goes to its
 * item (ends.h).
 */
void zuf_settle_evict(struct inode *inode);

#endif
