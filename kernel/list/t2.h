/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * t2.h - T2 as one linear array of blocks: bios for a list of commands
 */
#ifndef ZUF_T2_H
#define ZUF_T2_H

#include <linux/bio.h>

struct page;
struct zuf_devset;

/*
 * struct zuf_t2_batch - bios that one task is building
 * Neighbouring blocks with neighbouring memory end up in one bio.
 * @devs: the devices, whose T2 is used
 * @write_opf: flags for every write: 0 or REQ_FUA
 * @end_io: of every bio; bi_private is @private
 * @get: called before each bio is submitted
 * @written: a bit per T2 device that a write or discard went to
 */
struct zuf_t2_batch {
	struct zuf_devset *devs;
	blk_opf_t write_opf;
	bio_end_io_t *end_io;
	void (*get)(void *private);
	void *private;
	u64 written;
	struct bio *bio;		/* open, or NULL */
};

/**
 * zuf_t2_add() - move physically contiguous memory to or from T2
 * @op: REQ_OP_READ or REQ_OP_WRITE
 * @block: first T2 block; the caller has checked the whole range
 * @page: first page
 * @bytes: a multiple of the block size
 * Return: 0 or -EIO.
 */
int zuf_t2_add(struct zuf_t2_batch *b, enum req_op op, u64 block, struct page *page,
	       size_t bytes);
/* Discard the content of T2 blocks. */
void zuf_t2_discard(struct zuf_t2_batch *b, u64 block, u64 blocks);
/* Flush the caches of the devices in @mask. */
void zuf_t2_flush(struct zuf_t2_batch *b, u64 mask);
/* Submit the bio that is being built. */
void zuf_t2_submit(struct zuf_t2_batch *b);

#endif
