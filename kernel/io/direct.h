/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * direct.h - direct copy: the server names blocks and the kernel copies (GET_MULTY, PUT_MULTY)
 */
#ifndef ZUF_DIRECT_H
#define ZUF_DIRECT_H

#include "sb.h"

struct rw_call;

/* Does the kernel copy, because the server answers reads (writes) with block numbers? */
static inline bool zuf_copies_itself(const struct zuf_sb *zsb, bool write)
{
	return zsb->fs_caps & (write ? ZUFS_FSC_NIO_WRITES : ZUFS_FSC_NIO_READS);
}

/**
 * zuf_direct_chunk() - one contract: get blocks, copy, put the blocks
 * @len: bytes wanted, at most a window
 * Context: the caller holds the inode lock as rw.c does.
 * Return: bytes copied (the iterator and i_size are moved), -EFAULT (nothing could be copied
 * without a page fault), or -errno.
 */
ssize_t zuf_direct_chunk(struct rw_call *rw, size_t len);

#endif
