/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * settle.h - an inode after an application was killed in an operation on it
 *
 * The server goes on with the message. What it makes of the inode is found out by
 * whoever takes the inode's lock next, before he looks at the size:
 *
 *	zuf_settle_left    the application, with its locks: the inode is stale now
 *	zuf_settle         wait until the server has done, read the inode again
 *	zuf_settle_change  the same, for who holds the lock exclusively to change the file:
 *			   what was left half done is brought to an end as well (mend.h)
 *	zuf_settle_look    read it if the server has done; waits for nobody
 */
#ifndef ZUF_SETTLE_H
#define ZUF_SETTLE_H

#include "zinode.h"

struct zuf_op;

/* In zuf_inode.stale, which changes under i_lock. */
enum {
	ZUF_STALE_ALL	= 1 << 0, /* size, links, blocks, times; left with the inode lock */
	ZUF_STALE_LINKS	= 1 << 1, /* links, by a change of names that has no lock of it */
	ZUF_STALE_ATTR	= 1 << 2, /* zuf_inode.unsent goes once more */
	ZUF_STALE_TAIL	= 1 << 3, /* blocks may lie behind i_size, up to zuf_inode.tail_end */
};

#define ZUF_STALE_READ (ZUF_STALE_ALL | ZUF_STALE_LINKS)

/**
 * zuf_settle_left() - @op goes on without its application, which has it counted in @left
 * Context: called for each inode of it, with i_lock, before the locks are dropped.
 */
void zuf_settle_left(struct inode *inode, const struct zuf_op *op, enum zuf_left left);

/* Of what no message is left any more. -EIO: it cannot be read and is out of date as before. */
int zuf_settle_read(struct inode *inode);
int zuf_settle_slow(struct inode *inode, u32 op_flags);
void zuf_settle_look_slow(struct inode *inode);

/**
 * zuf_settle() - before somebody with the lock looks at size or links
 * @op_flags: ZUF_OPF_SHARED, NOWAIT, UNKILLABLE: how it is held and may be waited
 * Context: inode lock, or the invalidate lock (with SHARED).
 * Return: 0; -EINTR: killed; -EAGAIN: it would wait; -EIO: the shared inode is poisoned.
 */
static inline int zuf_settle(struct inode *inode, u32 op_flags)
{
	/* pairs with the release of zuf_settle_read(): what was read is there */
	if (likely(!(smp_load_acquire(&ZUF_I(inode)->stale) & ZUF_STALE_READ)))
		return 0;
	return zuf_settle_slow(inode, op_flags);
}

/**
 * zuf_settle_names() - before a message changes names of @inode, no directory
 * Servers count the names of one inode in one message at a time.
 * Return: 0; -EINTR: killed.
 */
int zuf_settle_names(struct inode *inode, u32 op_flags);

/* Is the server at work on a message of a killed application, with or without a lock? */
static inline bool zuf_has_left(const struct zuf_put_tag *tag)
{
	return zuf_tag_is_left(tag, false) || atomic_read(&tag->left[ZUF_LEFT_NAMES]);
}

/* Will the inode be read again? */
static inline bool zuf_is_stale(const struct inode *inode)
{
	return READ_ONCE(ZUF_I(inode)->stale) & ZUF_STALE_READ;
}

/* No lock: what is seen may be old. */
static inline void zuf_settle_look(struct inode *inode)
{
	if (unlikely(zuf_is_stale(inode)))
		zuf_settle_look_slow(inode);
}

/* A write has ended early: the server may have given blocks as far as @end. */
void zuf_settle_tail(struct inode *inode, u64 end);

#endif
