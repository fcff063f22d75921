/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments of the I/O operations of a plugin: struct zus_io for READ, WRITE, PRE_READ,
 * FALLOCATE and truncate, struct zus_blocks for GET_MULTY and PUT_MULTY.
 *
 * Both live on the stack of the dispatching thread and point into its message; they are
 * gone when the operation returns. Units are bytes unless named otherwise.
 */
#ifndef ZUS_IO_H
#define ZUS_IO_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <zuf/zus_api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_io {
	void *buf;			/* app data; READ fills it, WRITE only reads it */
	uint64_t pos;			/* in the file */
	uint64_t len;
	uint64_t rw;			/* ZUFS_RW_* */
	/* out; what is read and written happens through the message */
	uint32_t ret_flags;		/* ZUFS_RET_* */
	uint32_t unmap_offset;		/* WRITE: mappings of this range are stale ... */
	uint32_t unmap_len;		/* ... 0 = none */
	uint32_t iom_room;		/* words that an iomap list may take */
	struct zufs_ioc_IO *msg;	/* the message: ra, and the list of iomap.h */
};

struct zus_blocks {
	uint64_t pos;			/* first byte wanted, may lie inside of a page */
	uint64_t len;
	uint64_t rw;			/* ZUFS_RW_WRITE, ZUFS_RW_MMAP, ... */
	uint64_t cookie;		/* GET sets it, the matching PUT gets it */
	uint32_t ret_flags;		/* ZUFS_RET_*, GET */
	uint32_t n;			/* pages in words */
	uint32_t max;			/* room in words */
	uint32_t large;			/* words has the first of 512 in a row */
	uint64_t *words;		/* use the functions below */
	struct zus_io *io;		/* for an iomap list (GET returns -EZUFS_RETRY) */
};

/* Pages that a GET covers. */
static inline uint32_t zus_blocks_wanted(const struct zus_blocks *b)
{
	uint64_t first = b->pos >> 12, end = (b->pos + b->len + 4095) >> 12;

	return (uint32_t)(end - first);
}

/* GET: the T1 block of the next page; 0 = hole (reads only). -ENOSPC = stop here. */
static inline int zus_blocks_add(struct zus_blocks *b, uint64_t bn)
{
	if (b->n >= b->max)
		return -ENOSPC;
	b->words[b->n++] = zufs_iom_pack(IOM_T1_READ, zufs_dpp_from_block(bn, ZUFS_POOL_T1));
	return 0;
}

/*
 * GET: the same for n pages at once that lie in a row from block bn on; bn 0 = a hole of n
 * pages. How many of them there was room for.
 */
uint32_t zus_blocks_add_run(struct zus_blocks *b, uint64_t bn, uint32_t n);

/*
 * GET for a page fault of 2 MiB: all of them lie in a row from block bn on, a multiple of 512. One
 * word says so, there and in the put.
 */
static inline void zus_blocks_set_large(struct zus_blocks *b, uint64_t bn)
{
	b->words[0] = zufs_iom_pack(IOM_T1_READ, zufs_dpp_from_block(bn, ZUFS_POOL_T1));
	b->n = 1;
	b->large = 1;
}

/* PUT: the block of page i. */
static inline uint64_t zus_blocks_bn(const struct zus_blocks *b, uint32_t i)
{
	return zufs_dpp_block(zufs_iom_val(b->words[i]));
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_IO_H */
