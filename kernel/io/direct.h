/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * direct.h - direct copy: the server names blocks and the kernel copies (GET_MULTY, PUT_MULTY)
 */
#ifndef ZUF_DIRECT_H
#define ZUF_DIRECT_H

#include "sb.h"

struct rw_call;

/* No errno: the server wants this part of the write as WRITE. */
#define ZUF_DIRECT_REFUSED	(-MAX_ERRNO)

/**
 * zuf_direct_chunk() - one contract: get blocks, copy, put the blocks
 * @len: bytes wanted, at most a window
 * Context: the caller holds the inode lock as rw.c does.
 * Return: bytes copied (the iterator and i_size are moved), -EFAULT (nothing could be copied
 * without a page fault), ZUF_DIRECT_REFUSED (nothing was done), or -errno.
 */
ssize_t zuf_direct_chunk(struct rw_call *rw, size_t len);

#endif
