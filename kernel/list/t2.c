// SPDX-License-Identifier: GPL-2.0-only
/*
 * t2.c - block I/O of a list: turn blocks of the linear array into bios of its devices
 *
 * Called by list.c with checked ranges, in process context, under a plug. A bio stays open
 * until the next piece does not follow it on the device, then it is submitted; the block layer
 * splits it by the limits of the device.
 */
#include "t2.h"

#include <linux/blkdev.h>
#include "devset.h"

#define T2_SECTORS		(ZUFS_PAGE_SIZE >> SECTOR_SHIFT)	/* per block */
#define T2_BIO_VECS		64
/* bi_size, and the length that bio_add_page() takes, have 32 bits */
#define T2_BIO_MAX		((u64)SZ_1G)
#define T2_DISCARD_MAX_BLOCKS	(T2_BIO_MAX >> ZUFS_PAGE_SHIFT)

/* Find the device of *@block; *@block becomes relative to it, *@left is what it has from there. */
static struct zuf_dev *t2_locate(struct zuf_t2_batch *b, bool write, u64 *block, u64 *left)
{
	unsigned int nr = zuf_dev_find(b->devs->t2, b->devs->nr_t2, *block);
	struct zuf_dev *dev = &b->devs->t2[nr];

	if (write)
		b->written |= 1ULL << nr;
	*block -= dev->first;
	*left = dev->blocks - *block;
	return dev;
}

static struct bio *t2_bio(struct zuf_t2_batch *b, const struct zuf_dev *dev,
			  unsigned short vecs, blk_opf_t opf, sector_t sector)
{
	struct bio *bio = bio_alloc(zuf_blkdev(dev->bdev), vecs, opf, GFP_NOIO);

	bio->bi_iter.bi_sector = sector;
	bio->bi_end_io = b->end_io;
	bio->bi_private = b->private;
	return bio;
}

static void t2_send(struct zuf_t2_batch *b, struct bio *bio)
{
	b->get(b->private);
	submit_bio(bio);
}

void zuf_t2_submit(struct zuf_t2_batch *b)
{
	if (b->bio)
		t2_send(b, b->bio);
	b->bio = NULL;
}

static bool t2_follows(const struct bio *bio, struct block_device *bdev, enum req_op op,
		       sector_t sector)
{
	return bio && bio->bi_bdev == bdev && bio_op(bio) == op &&
	       bio_end_sector(bio) == sector;
}

/* Add a piece that lies on one device. */
static int t2_add_piece(struct zuf_t2_batch *b, enum req_op op, const struct zuf_dev *dev,
			sector_t sector, struct page *page, size_t bytes)
{
	blk_opf_t opf = op_is_write(op) ? op | b->write_opf : op;

	if (t2_follows(b->bio, zuf_blkdev(dev->bdev), op, sector) &&
	    bio_add_page(b->bio, page, bytes, 0) == bytes)
		return 0;
	zuf_t2_submit(b);
	b->bio = t2_bio(b, dev, T2_BIO_VECS, opf, sector);
	if (bio_add_page(b->bio, page, bytes, 0) == bytes)
		return 0;
	bio_put(b->bio);
	b->bio = NULL;
	return -EIO;
}

int zuf_t2_add(struct zuf_t2_batch *b, enum req_op op, u64 block, struct page *page,
	       size_t bytes)
{
	u64 on_dev, left;
	size_t len;
	int err = 0;

	for (; !err && bytes; bytes -= len) {
		struct zuf_dev *dev;

		on_dev = block;
		dev = t2_locate(b, op_is_write(op), &on_dev, &left);
		len = min3((u64)bytes, left << ZUFS_PAGE_SHIFT, T2_BIO_MAX);
		err = t2_add_piece(b, op, dev, on_dev * T2_SECTORS, page, len);
		block += len >> ZUFS_PAGE_SHIFT;
		page += len >> PAGE_SHIFT;
	}
	return err;
}

void zuf_t2_discard(struct zuf_t2_batch *b, u64 block, u64 blocks)
{
	struct zuf_dev *dev;
	struct bio *bio;
	u64 on_dev, left;

	zuf_t2_submit(b);
	for (; blocks; block += left, blocks -= left) {
		on_dev = block;
		dev = t2_locate(b, true, &on_dev, &left);
		left = min3(left, blocks, T2_DISCARD_MAX_BLOCKS);
		bio = t2_bio(b, dev, 0, REQ_OP_DISCARD, on_dev * T2_SECTORS);
		bio->bi_iter.bi_size = left << ZUFS_PAGE_SHIFT;
		t2_send(b, bio);
	}
}

void zuf_t2_flush(struct zuf_t2_batch *b, u64 mask)
{
	unsigned int i;

	for (i = 0; i < b->devs->nr_t2; i++) {
		if (mask & (1ULL << i))
			t2_send(b, t2_bio(b, &b->devs->t2[i], 0,
					  REQ_OP_WRITE | REQ_PREFLUSH, 0));
	}
}
