// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transfers between memory and T2 (kernel/list/t2.c), compiled in user space: all bytes of a
 * transfer go out, however large it is, whatever devices they lie on; what goes out together,
 * and what is noted of it.
 */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

/* ---- what the kernel has ---- */

typedef uint64_t u64, sector_t;
typedef unsigned int blk_opf_t;
enum req_op { REQ_OP_READ, REQ_OP_WRITE, REQ_OP_DISCARD = 3 };
struct block_device { char none; };
struct page { char none; };
struct bio;
typedef void bio_end_io_t(struct bio *bio);
struct bio {
	struct block_device *bi_bdev;
	struct { sector_t bi_sector; unsigned int bi_size; } bi_iter;
	blk_opf_t opf;
	bio_end_io_t *bi_end_io;
	void *bi_private;
	struct page *first;
};

#define GFP_NOIO		0
#define PAGE_SHIFT		12
#define SECTOR_SHIFT		9
#define SZ_1G			(1 << 30)
#define ZUFS_PAGE_SHIFT		12
#define ZUFS_PAGE_SIZE		4096
#define REQ_PREFLUSH		(1U << 20)
#define min(a, b)		((a) < (b) ? (a) : (b))
#define min3(a, b, c)		min(min(a, b), c)
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define op_is_write(op)		((op) & 1)
#define bio_op(bio)		((bio)->opf & 255)
#define bio_end_sector(bio)	((bio)->bi_iter.bi_sector + ((bio)->bi_iter.bi_size >> 9))
#define bio_put(bio)		free(bio)

static struct bio *bio_alloc(struct block_device *bdev, unsigned short vecs, blk_opf_t opf,
			     int gfp)
{
	struct bio *bio = calloc(1, sizeof(*bio));

	(void)vecs;
	(void)gfp;
	assert_non_null(bio);
	bio->bi_bdev = bdev;
	bio->opf = opf;
	return bio;
}

static bool nothing_fits;

/* As the kernel: 32 bits, and what does not fit into the bio is refused. */
static unsigned int bio_add_page(struct bio *bio, struct page *page, unsigned int len,
				 unsigned int offset)
{
	(void)offset;
	if (nothing_fits || bio->bi_iter.bi_size > UINT_MAX - len)
		return 0;
	if (!bio->bi_iter.bi_size)
		bio->first = page;
	else if (page != bio->first + (bio->bi_iter.bi_size >> PAGE_SHIFT))
		return 0;
	bio->bi_iter.bi_size += len;
	return len;
}

#define ZUF_DEVSET_H
struct zuf_dev { struct block_device *bdev; u64 first, blocks; };
struct zuf_devset { struct zuf_dev *t2; unsigned int nr_t2; };
#define zuf_blkdev(bdev)	(bdev)

static unsigned int zuf_dev_find(const struct zuf_dev *devs, unsigned int nr, u64 block)
{
	while (--nr && devs[nr].first > block)
		;
	return nr;
}

/* ---- what goes out must follow what went before ---- */

static struct block_device disks[2];
static struct zuf_dev devs[2] = {
	{ &disks[0], 0, 3 << 18 }, { &disks[1], 3 << 18, 8 << 18 },	/* 3 and 8 GiB */
};
static struct zuf_devset set = { devs, 2 };
static struct page memory[6 << 18];
static u64 next_block, bytes_out;
static bool is_discard, is_logged;

/* What went out, of the tests that look at each one. */
static struct sent {
	unsigned int dev;
	blk_opf_t opf;
	u64 block, blocks;
	const struct page *page;
} sent[16];
static unsigned int nr_sent, nr_got;

static void end_io(struct bio *bio)
{
	(void)bio;
}

static void submit_bio(struct bio *bio)
{
	const struct zuf_dev *dev = &devs[bio->bi_bdev == &disks[1]];

	if (is_logged) {
		sent[nr_sent++] = (struct sent){
			.dev = bio->bi_bdev == &disks[1], .opf = bio->opf,
			.block = bio->bi_iter.bi_sector >> 3,
			.blocks = bio->bi_iter.bi_size >> PAGE_SHIFT, .page = bio->first,
		};
		assert_true(bio->bi_end_io == end_io);
		assert_ptr_equal(bio->bi_private, &nr_got);
		/* it may end at once */
		assert_int_equal(nr_got, nr_sent);
		free(bio);
		return;
	}
	assert_int_equal(dev->first + (bio->bi_iter.bi_sector >> 3), next_block);
	if (!is_discard)
		assert_ptr_equal(bio->first, memory + (bytes_out >> PAGE_SHIFT));
	assert_int_not_equal(bio->bi_iter.bi_size, 0);
	bytes_out += bio->bi_iter.bi_size;
	next_block += bio->bi_iter.bi_size >> PAGE_SHIFT;
	assert_true(next_block <= dev->first + dev->blocks);
	free(bio);
}

#include "../../../kernel/list/t2.c"

static void count(void *arg)
{
	(void)arg;
}

static void transfer(u64 block, u64 bytes)
{
	struct zuf_t2_batch b = { .devs = &set, .get = count };

	is_discard = false;
	next_block = block;
	bytes_out = 0;
	assert_int_equal(zuf_t2_add(&b, REQ_OP_READ, block, memory, bytes), 0);
	zuf_t2_submit(&b);
	assert_int_equal(bytes_out, bytes);
}

static void test_transfers_are_whole(void **state)
{
	(void)state;
	transfer(1, 4096);
	transfer(3 << 18, (u64)1 << 32);
	transfer(3 << 18, ((u64)1 << 32) + 4096);
	transfer(100, (u64)6 << 30);
	transfer((3 << 18) - 1, (u64)5 << 30);
}

static void test_discards_are_whole(void **state)
{
	struct zuf_t2_batch b = { .devs = &set, .get = count };

	(void)state;
	is_discard = true;
	next_block = 5;
	bytes_out = 0;
	zuf_t2_discard(&b, 5, 10 << 18);
	assert_int_equal(bytes_out, (u64)10 << 30);
}

/* ---- one by one ---- */

static void got(void *arg)
{
	assert_ptr_equal(arg, &nr_got);
	nr_got++;
}

static struct zuf_t2_batch new_batch(blk_opf_t write_opf)
{
	is_logged = true;
	nr_sent = nr_got = 0;
	return (struct zuf_t2_batch){
		.devs = &set, .write_opf = write_opf, .end_io = end_io, .get = got,
		.private = &nr_got,
	};
}

static int end_batch(void **state)
{
	(void)state;
	is_logged = nothing_fits = false;
	return 0;
}

static void assert_sent(unsigned int i, unsigned int dev, blk_opf_t opf, u64 block, u64 blocks)
{
	assert_int_equal(sent[i].dev, dev);
	assert_int_equal(sent[i].opf, opf);
	assert_int_equal(sent[i].block, block);
	assert_int_equal(sent[i].blocks, blocks);
}

static void add(struct zuf_t2_batch *b, enum req_op op, u64 block, const struct page *page)
{
	assert_int_equal(zuf_t2_add(b, op, block, (struct page *)page, 4096), 0);
}

/* Neighbouring blocks with neighbouring memory are one; all else is another one. */
static void test_neighbours_go_together(void **state)
{
	struct zuf_t2_batch b = new_batch(0);

	(void)state;
	add(&b, REQ_OP_READ, 10, memory);
	add(&b, REQ_OP_READ, 11, memory + 1);
	assert_int_equal(nr_sent, 0);
	add(&b, REQ_OP_READ, 13, memory + 2);
	add(&b, REQ_OP_READ, 14, memory + 7);
	add(&b, REQ_OP_WRITE, 15, memory + 8);
	add(&b, REQ_OP_WRITE, (3 << 18) + 16, memory + 9);
	assert_int_equal(nr_sent, 4);
	zuf_t2_submit(&b);
	/* and once only */
	zuf_t2_submit(&b);
	assert_int_equal(nr_sent, 5);
	assert_sent(0, 0, REQ_OP_READ, 10, 2);
	assert_sent(1, 0, REQ_OP_READ, 13, 1);
	assert_sent(2, 0, REQ_OP_READ, 14, 1);
	assert_sent(3, 0, REQ_OP_WRITE, 15, 1);
	assert_sent(4, 1, REQ_OP_WRITE, 16, 1);
	assert_ptr_equal(sent[0].page, memory);
	assert_ptr_equal(sent[2].page, memory + 7);
}

static void test_writes_are_noted_by_device(void **state)
{
	struct zuf_t2_batch b = new_batch(1U << 19);

	(void)state;
	add(&b, REQ_OP_READ, 1, memory);
	assert_int_equal(b.written, 0);
	add(&b, REQ_OP_WRITE, 3 << 18, memory);
	assert_int_equal(b.written, 2);
	zuf_t2_discard(&b, 7, 1);
	assert_int_equal(b.written, 3);
	/* what was added before it has gone out before it, and flags are for writes */
	assert_int_equal(nr_sent, 3);
	assert_sent(0, 0, REQ_OP_READ, 1, 1);
	assert_sent(1, 1, REQ_OP_WRITE | 1U << 19, 0, 1);
	assert_sent(2, 0, REQ_OP_DISCARD, 7, 1);
}

static void test_flush_goes_to_devices_of_the_mask(void **state)
{
	struct zuf_t2_batch b = new_batch(0);

	(void)state;
	zuf_t2_flush(&b, 0);
	assert_int_equal(nr_sent, 0);
	zuf_t2_flush(&b, 2);
	assert_int_equal(nr_sent, 1);
	assert_sent(0, 1, REQ_OP_WRITE | REQ_PREFLUSH, 0, 0);
	zuf_t2_flush(&b, 7);
	assert_int_equal(nr_sent, 3);
	assert_sent(1, 0, REQ_OP_WRITE | REQ_PREFLUSH, 0, 0);
	assert_sent(2, 1, REQ_OP_WRITE | REQ_PREFLUSH, 0, 0);
}

static void test_page_that_fits_nowhere_is_an_error(void **state)
{
	struct zuf_t2_batch b = new_batch(0);

	(void)state;
	add(&b, REQ_OP_READ, 1, memory);
	nothing_fits = true;
	assert_int_equal(zuf_t2_add(&b, REQ_OP_READ, 2, memory + 1, 4096), -EIO);
	nothing_fits = false;
	/* what came before it goes out */
	assert_int_equal(nr_sent, 1);
	zuf_t2_submit(&b);
	assert_int_equal(nr_sent, 1);
}

#define T(fn)	cmocka_unit_test_teardown(fn, end_batch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfers_are_whole),
		cmocka_unit_test(test_discards_are_whole),
		T(test_neighbours_go_together),
		T(test_writes_are_noted_by_device),
		T(test_flush_goes_to_devices_of_the_mask),
		T(test_page_that_fits_nowhere_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
