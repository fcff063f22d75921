/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments of the I/O operations of a plugin: struct zus_io for READ, WRITE, PRE_READ,
 * FALLOCATE and truncate, struct zus_blocks for GET_MULTY and PUT_MULTY.
 *
 * Both live on the stack of the dispatching thread and point into its message; they are
 * gone when the operation returns. Units are bytes unless named otherwise. What is under
 * `internal` belongs to libzus and to the functions here and in zus/iomap.h: a plugin must neither
 * read nor write it, it may change with any version.
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

/*
 * ---- Data of the application ----
 *
 * The bytes at io->buf may be the application's own pages, shown in place in the window (by a
 * module parameter; otherwise they are a copy). Another thread of the application, or who shares
 * its memory, can change them while the operation runs, those of a READ too. So:
 *	- A WRITE reads each byte once, into T1 or into memory of the plugin. Whatever is computed
 *	  of the data (a checksum, a comparison for dedupe, "is it all zeros") is computed of that
 *	  copy, before anything is made durable that speaks of it. A second look at io->buf may find
 *	  other bytes: a checksum of the one and data of the other is a file that cannot be read.
 *	- Nothing in the buffer is a length, an offset or a pointer that is looked at twice.
 *	- A READ writes io->buf and does not read it back: what stands there need not be what was
 *	  written. A checksum is that of the source, and is compared before the bytes are copied, or
 *	  of a copy of the plugin's own.
 *	- After -EZUFS_RETRY the operation begins anew, and the bytes may be others than before.
 * Names, values of attributes, targets of links and arguments of ioctls are copies of the kernel's,
 * which the application does not reach.
 */
struct zus_io {
	void *buf;			/* app data; READ fills it, WRITE only reads it */
	uint64_t pos;			/* in the file */
	uint64_t len;
	uint64_t rw;			/* ZUFS_RW_* */
	/* out; what is read and written happens through the message */
	uint32_t ret_flags;		/* ZUFS_RET_* */
	uint32_t unmap_offset;		/* WRITE: mappings of this range are stale ... */
	uint32_t unmap_len;		/* ... 0 = none */
	struct {
		struct zufs_ioc_IO *msg;	/* the message, with the list of zus/iomap.h */
		uint32_t iom_room;		/* words that a list may take there */
	} internal;			/* not the plugin's */
};

struct zus_blocks {
	uint64_t pos;			/* first byte wanted, may lie inside of a page */
	uint64_t len;
	uint64_t rw;			/* ZUFS_RW_WRITE, ZUFS_RW_MMAP, ... */
	uint64_t cookie;		/* GET sets it, the matching PUT gets it */
	uint32_t ret_flags;		/* ZUFS_RET_*, GET */
	uint32_t n;			/* pages: of GET those that were added, of PUT all */
	struct {
		uint32_t max;		/* room in words */
		uint32_t large;		/* words has the first of 512 in a row */
		uint64_t *words;
	} internal;			/* not the plugin's */
	struct zus_io *io;		/* for an iomap list (GET returns -EZUFS_RETRY) */
	uint64_t copied;		/* put_write: bytes from pos on that were copied */
};

/* Pages that a GET covers. */
static inline uint32_t zus_blocks_wanted(const struct zus_blocks *b)
{
	uint64_t first = b->pos >> 12, end = (b->pos + b->len + 4095) >> 12;

	return (uint32_t)(end - first);
}

/* GET: pages that may still be added; at first all that are wanted, or as many as fit. */
static inline uint32_t zus_blocks_room(const struct zus_blocks *b)
{
	return b->internal.max - b->n;
}

/* GET: the T1 block of the next page; 0 = hole (reads only). -ENOSPC = stop here. */
static inline int zus_blocks_add(struct zus_blocks *b, uint64_t bn)
{
	uint64_t dpp = zufs_dpp_from_block(bn, ZUFS_POOL_T1);

	if (b->n >= b->internal.max)
		return -ENOSPC;
	b->internal.words[b->n++] = zufs_iom_pack(IOM_T1_READ, dpp);
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
	b->internal.words[0] = zufs_iom_pack(IOM_T1_READ, zufs_dpp_from_block(bn, ZUFS_POOL_T1));
	b->n = 1;
	b->internal.large = 1;
}

/*
 * GET for writing, with ZUFS_FSC_BY_WRITE in fs_caps, of no page fault: the next page must come as
 * `write`. The pages that were added are the answer, if there are any; else the answer is that
 * all of this range must, and has no put: what the plugin has taken for it is given back before.
 * get_blocks returns the result, 0.
 */
static inline int zus_blocks_by_write(struct zus_blocks *b)
{
	if (!b->n)
		b->ret_flags |= ZUFS_RET_BY_WRITE;
	return 0;
}

/* The block of page i < n; 0 = a hole. */
static inline uint64_t zus_blocks_bn(const struct zus_blocks *b, uint32_t i)
{
	return zufs_dpp_block(zufs_iom_val(b->internal.words[i]));
}

#ifdef __cplusplus
}
#endif
#endif /* ZUS_IO_H */
