/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rw.h - read and write of regular files
 */
#ifndef ZUF_RW_H
#define ZUF_RW_H

#include <linux/fs.h>
#include <linux/types.h>
#include "op.h"
#include "range.h"
#include "sb.h"

struct file;
struct inode;
struct iov_iter;
struct kiocb;
struct zufs_ioc_IO;

/* One read or write call while it is under way. */
struct rw_call {
	struct kiocb *iocb;
	struct iov_iter *iter;
	struct inode *inode;
	u32 op_flags;		/* ZUF_OPF_* of each operation */
	bool write;
	bool exclusive;		/* how the inode lock is held */
	struct zuf_range range;	/* taken if the inode lock is shared */
	bool guarded;		/* the invalidate lock is held, exclusively */
	size_t limit;		/* bytes of the next chunk */
	loff_t mapped_end;	/* up to this position the server wants WRITE, not GET_MULTY */
	bool copy_only;		/* pages cannot be pinned although they are present */
	unsigned int in_vain;	/* fault-ins in a row that made no progress */
	struct page **late;	/* pages of a read that somebody has locked, nr_late of them */
	unsigned int nr_late;
	ssize_t done;
};

ssize_t zuf_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t zuf_write_iter(struct kiocb *iocb, struct iov_iter *from);

/**
 * zuf_rw_kernel() - read or write with memory of the kernel
 * @iocb: names the file and the position, which moves
 * @iter: kvec or bvec; its direction selects read or write
 * @op_flags: ZUF_OPF_*; with UNKILLABLE nothing is allocated that the call could not do without
 * Context: the caller's locks keep the range as it is; i_size does not move.
 * Return: bytes, fewer than asked only at the end of the file, or -errno.
 */
ssize_t zuf_rw_kernel(struct kiocb *iocb, struct iov_iter *iter, u32 op_flags);

/* Return the ZUFS_RW_* flags of the call. */
u64 zuf_rw_flags(const struct rw_call *rw);
/* May the server answer GET_MULTY of this call with ZUFS_RET_BY_WRITE? */
static inline bool zuf_rw_may_refuse(const struct rw_call *rw)
{
	/* swap space has its blocks, and the window's way is not for it */
	return rw->write && !(rw->op_flags & ZUF_OPF_UNKILLABLE) &&
	       (ZUF_SB(rw->inode->i_sb)->fs_caps & ZUFS_FSC_BY_WRITE);
}

/* Data up to @pos is written: move i_size. Return: 0; -EIO: the shared inode is poisoned. */
int zuf_rw_wrote(struct rw_call *rw, loff_t pos);
/* The server has refused what zuf_rw_wrote() was told of: i_size is @size again. */
void zuf_rw_unwrote(struct rw_call *rw, loff_t size);
/**
 * zuf_rw_unmap() - take out of the mappings what a write has replaced
 * @len: bytes that the server may have written
 * @words: blocks of the pages, if the server has told them; or NULL
 */
void zuf_rw_unmap(struct rw_call *rw, const struct zufs_ioc_IO *io, size_t len,
		  const u64 *words);

#endif
