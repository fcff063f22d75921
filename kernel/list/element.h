/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * element.h - decode and check the elements of a list of commands
 */
#ifndef ZUF_ELEMENT_H
#define ZUF_ELEMENT_H

#include <linux/types.h>
#include "zuf/zus_api.h"

struct zuf_devset;

/* One element, together with the REPEAT that follows it. */
struct zuf_iom_elem {
	u32 op;			/* IOM_*; the _LEN ones become those of one page */
	u64 block;		/* T2; UNMAP: first page of the file */
	u64 pages;		/* UNMAP: 0 = to the end */
	u64 t1;			/* byte offset into T1 */
	unsigned long mem;	/* server address */
	u64 ino;		/* UNMAP */
};

/**
 * zuf_iom_next() - decode and check the element at words[*i]
 * @ds: the devices, or NULL: blocks and addresses are not checked against them
 * @read_only: refuse writes to T2
 * Return: 1 (*i is behind the element), 0 (end of the list), -EIO (unknown, cut off, out of
 * bounds), -EROFS.
 */
int zuf_iom_next(const struct zuf_devset *ds, bool read_only, const u64 *words, u32 n,
		 u32 *i, struct zuf_iom_elem *e);

static inline bool zuf_iom_is_mem(const struct zuf_iom_elem *e)
{
	return e->op == IOM_T2_ZUSMEM_WRITE || e->op == IOM_T2_ZUSMEM_READ;
}

/* The T1 block that a word names; 0: a hole; ~0: GET_MULTY must not answer such a word. */
static inline u64 zuf_word_block(u64 word)
{
	if (zufs_iom_op(word) != IOM_T1_READ ||
	    (zufs_iom_val(word) & ZUFS_DPP_POOL_MASK) != ZUFS_POOL_T1)
		return ~0ULL;
	return zufs_dpp_block(zufs_iom_val(word));
}

#endif
