/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * settle.h - read an inode again after an application was killed in an operation on it
 *
 * The server goes on with the message. The task that takes the inode's lock next finds out what
 * the server has made of the inode, before it looks at the size:
 *
 *	zuf_settle_left    the killed application, with its locks: the inode is stale now
 *	zuf_settle         wait until the server has done, read the inode again
 *	zuf_settle_change  zuf_settle() for a task that holds the lock exclusively to change the
 *			   file: what was left half done is completed as well (mend.h)
 *	zuf_settle_look    read the inode if the server has done; waits for nobody
 */
#ifndef ZUF_SETTLE_H
#define ZUF_SETTLE_H

#include "zinode.h"

struct zuf_op;

/* Bits of zuf_inode.stale, which changes under i_lock. */
enum {
	ZUF_STALE_ALL	= 1 << 0, /* size, links, blocks, times: left with the inode lock held */
	ZUF_STALE_LINKS	= 1 << 1, /* links: left by a change of names without the inode's lock */
	ZUF_STALE_ATTR	= 1 << 2, /* zuf_inode.unsent must be sent once more */
	ZUF_STALE_TAIL	= 1 << 3, /* blocks may lie behind i_size, up to zuf_inode.tail_end */
};

#define ZUF_STALE_READ (ZUF_STALE_ALL | ZUF_STALE_LINKS)

/**
 * zuf_settle_left() - mark @inode: @op goes on without its application
 * @left: the lock under which the application has counted the message in the inode's tag
 * Context: called for each inode of @op, with i_lock held, before the locks are dropped.
 */
void zuf_settle_left(struct inode *inode, const struct zuf_op *op, enum zuf_left left);

/*
 * Read the inode again, as far as no left message concerns it any more.
 * Return: 0, or -EIO: the inode cannot be read and stays stale.
 */
int zuf_settle_read(struct inode *inode);
int zuf_settle_slow(struct inode *inode, u32 op_flags);
void zuf_settle_look_slow(struct inode *inode);

/**
 * zuf_settle() - before a task that holds the lock looks at size or links
 * @op_flags: ZUF_OPF_SHARED, NOWAIT, UNKILLABLE: how the lock is held and how the task may wait
 * Context: inode lock, or the invalidate lock (with SHARED).
 * Return: 0; -EINTR: killed; -EAGAIN: it would wait; -EIO: the shared inode is poisoned.
 */
static inline int zuf_settle(struct inode *inode, u32 op_flags)
{
		/* pairs with the release in zuf_settle_read(): the values that it read are seen */
	if (likely(!(smp_load_acquire(&ZUF_I(inode)->stale) & ZUF_STALE_READ)))
		return 0;
	return zuf_settle_slow(inode, op_flags);
}

/**
 * zuf_settle_names() - before a message changes names of @inode, which is no directory
 * A server counts the names of one inode in one message at a time.
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

/* For a caller without the lock: what it sees may be old. */
static inline void zuf_settle_look(struct inode *inode)
{
	if (unlikely(zuf_is_stale(inode)))
		zuf_settle_look_slow(inode);
}

/*
 * The task was killed, and left a message that takes attributes with it: they are sent once more.
 * Context: inode lock exclusive.
 */
void zuf_settle_unsent(struct inode *inode, u32 statx_bits);

/* A write has ended early: the server may have allocated blocks up to byte @end. */
void zuf_settle_tail(struct inode *inode, u64 end);

#endif
