/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * element.h - elements of a list of commands, checked
 */
#ifndef ZUF_ELEMENT_H
#define ZUF_ELEMENT_H

#include <linux/types.h>
#include "zuf/zus_api.h"

struct zuf_devset;

/* One element, with the REPEAT that follows it. */
struct zuf_iom_elem {
	u32 op;			/* IOM_*, the _LEN ones as those of one page */
	u64 block;		/* T2; UNMAP: first page of the file */
	u64 pages;		/* UNMAP: 0 = to the end */
	u64 t1;			/* byte offset into T1 */
	unsigned long mem;	/* server address */
	u64 ino;		/* UNMAP */
};

/**
 * zuf_iom_next() - decode and check the element at words[*i]
 * @ds: the devices, or NULL: what it says of them is not checked
 * @read_only: writes to T2 are refused
 * Return: 1 (*i is behind it), 0 (end of the list), -EIO (unknown, cut off, out of
 * bounds), -EROFS.
 */
int zuf_iom_next(const struct zuf_devset *ds, bool read_only, const u64 *words, u32 n,
		 u32 *i, struct zuf_iom_elem *e);

static inline bool zuf_iom_is_mem(const struct zuf_iom_elem *e)
{
	return e->op == IOM_T2_ZUSMEM_WRITE || e->op == IOM_T2_ZUSMEM_READ;
}

/* The T1 block of a word, 0: a hole; ~0: it is no answer that GET_MULTY may give. */
static inline u64 zuf_word_block(u64 word)
{
	if (zufs_iom_op(word) != IOM_T1_READ ||
	    (zufs_iom_val(word) & ZUFS_DPP_POOL_MASK) != ZUFS_POOL_T1)
		return ~0ULL;
	return zufs_dpp_block(zufs_iom_val(word));
}

#endif
