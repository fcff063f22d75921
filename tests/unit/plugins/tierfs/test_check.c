// SPDX-License-Identifier: BSD-2-Clause
/*
 * The checker: finds nothing in an image that is as it should be, something wherever a bit of
 * metadata is not, and ends in memory that is its own whatever the image is.
 */
#include "testimage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "tierfs.h"

#define FLIPS		10000
#define WORDS		10000
#define BLOCKS		3000

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % n;
}

static void assert_good(const struct image *im, struct tierfs_check_result *r)
{
	assert_int_equal(image_check(im, r), 0);
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->leaks, 0);
}

static bool is_found(const struct image *im)
{
	struct tierfs_check_result r;

	return image_check_quiet(im, &r) || r.errors || r.leaks || r.notes;
}

/* ---- what is good ---- */

static void fresh_image_is_clean(void **state)
{
	static const uint64_t mib[] = { 4, 6, 64, 130 };
	struct tierfs_check_result r;
	struct image im;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(mib) / sizeof(*mib); i++) {
		image_format(&im, mib[i] << 20);
		assert_good(&im, &r);
		assert_int_equal(r.notes, 0);
		assert_int_equal(r.inodes, 1);
		assert_int_equal(r.dirs, 1);
		assert_true(r.clean);
		image_free(&im);
	}
}

static void unmounted_image_is_clean(void **state)
{
	struct tierfs_check_result r;
	struct image im;

	(void)state;
	image_make(&im, IMAGE_CLEAN);
	assert_good(&im, &r);
	assert_int_equal(r.notes, 0);
	assert_true(r.clean);
	assert_int_equal(r.dirs, 3);
	image_free(&im);
}

static void image_after_a_cut_is_good_after_the_replay(void **state)
{
	struct tierfs_check_result r;
	struct image im;

	(void)state;
	image_make(&im, IMAGE_CUT);
	assert_good(&im, &r);
	assert_false(r.clean);
	assert_true(r.records);
	assert_int_equal(r.orphans, 1);
	image_free(&im);
}

static void nothing_is_written(void **state)
{
	struct tierfs_check_result r;
	struct image im;
	uint8_t *before;

	(void)state;
	image_make(&im, IMAGE_CUT);
	before = malloc(im.bytes);
	memcpy(before, im.base, im.bytes);
	assert_good(&im, &r);
	assert_memory_equal(before, im.base, im.bytes);
	free(before);
	image_free(&im);
}

/* ---- arguments ---- */

static void arguments_that_make_no_sense_are_refused(void **state)
{
	struct tierfs_check_dev dev = { .base = NULL, .bytes = 4 << 20 };
	struct tierfs_check_devs devs = { .nr = 0, .devs = &dev };
	struct tierfs_check_result r;
	struct image im;

	(void)state;
	assert_int_equal(tierfs_check(&devs, NULL, NULL, NULL, &r), -EINVAL);
	devs.nr = 1;
	assert_int_equal(tierfs_check(&devs, NULL, NULL, NULL, &r), -EINVAL);
	image_format(&im, 4 << 20);
	dev.base = im.base + 8;
	assert_int_equal(tierfs_check(&devs, NULL, NULL, NULL, &r), -EINVAL);
	memset(im.base, 0, im.bytes);
	assert_int_equal(image_check_quiet(&im, &r), -EUCLEAN);
	assert_true(r.errors);
	image_free(&im);
}

/* ---- damage ---- */

/* A bit of some bytes of the image; it must be found. */
static void spoil(struct image *im, uint64_t at, uint64_t bytes, const char *what)
{
	uint64_t byte = at + random_below(bytes);
	uint8_t bit = (uint8_t)(1U << random_below(8));

	im->base[byte] ^= bit;
	if (!is_found(im))
		fail_msg("%s: bit %#x of byte %#llx: nothing is found", what, bit,
			 (unsigned long long)byte);
	im->base[byte] ^= bit;
}

static const struct tierfs_chunk *head_at(const struct image *im, uint64_t chunk)
{
	return (const struct tierfs_chunk *)(im->base + chunk);
}

static bool has_bit(const struct tierfs_chunk *h, unsigned int i)
{
	return h->bits[i / 64] >> i % 64 & 1;
}

static void spoil_pages(struct image *im, uint64_t chunk)
{
	unsigned int i;

	for (i = 0; i < TIERFS_CHUNK_PAGES; i++) {
		if (!has_bit(head_at(im, chunk), i))
			continue;
		spoil(im, chunk + TIERFS_PAGE_CRCS + i * 8, 8, "CRC of a page");
		spoil(im, chunk + (i + 1) * TIERFS_BLOCK, TIERFS_BLOCK, "page");
	}
}

static void spoil_inodes(struct image *im, uint64_t chunk)
{
	uint64_t at = chunk + TIERFS_CHUNK_HEAD;
	unsigned int i;

	for (i = 0; i < TIERFS_CHUNK_INODES; i++, at += TIERFS_INODE_SLOT) {
		if (has_bit(head_at(im, chunk), i) && at > chunk + TIERFS_CHUNK_HEAD)
			spoil(im, at, sizeof(struct tierfs_inode), "inode");
	}
}

/* The text of a symlink has no CRC. */
static void spoil_objects(struct image *im, uint64_t chunk)
{
	const struct tierfs_chunk *h = head_at(im, chunk);
	uint64_t at = chunk + TIERFS_CHUNK_HEAD;
	unsigned int i;

	for (i = 0; at + h->object_bytes <= chunk + TIERFS_CHUNK; i++, at += h->object_bytes) {
		const struct tierfs_xattrs *x = (const struct tierfs_xattrs *)(im->base + at);

		if (has_bit(h, i) && im->base[at] != 't')
			spoil(im, at, x->bytes, "attributes");
	}
}

static void spoil_chunk(struct image *im, uint64_t chunk)
{
	switch (head_at(im, chunk)->kind) {
	case TIERFS_KIND_INODES:
		spoil_inodes(im, chunk);
		break;
	case TIERFS_KIND_PAGES:
		spoil_pages(im, chunk);
		break;
	case TIERFS_KIND_SLABS:
		spoil_objects(im, chunk);
		break;
	default:
		return;
	}
	spoil(im, chunk, TIERFS_CHUNK_HEAD, "head of a chunk");
}

static void spoil_tables(struct image *im, const struct tierfs_image *img)
{
	const struct tierfs_super *s = img->super;
	uint64_t i, groups = s->dev_blocks / TIERFS_GROUP_BLOCKS;

	spoil(im, TIERFS_BLOCK, TIERFS_BLOCK, "first super-block");
	spoil(im, im->bytes - TIERFS_BLOCK, TIERFS_BLOCK, "second super-block");
	spoil(im, s->state_block * TIERFS_BLOCK, 2 * TIERFS_LINE, "state");
	spoil(im, s->root_block * TIERFS_BLOCK, TIERFS_LINE, "root block");
	for (i = 0; i < groups; i++) {
		spoil(im, img->devs[0].group_table + i * TIERFS_LINE, TIERFS_LINE, "bitmap");
		spoil(im, img->devs[0].desc_table + i * sizeof(struct tierfs_group_desc),
		      sizeof(struct tierfs_group_desc), "group");
	}
	for (i = 0; i < s->log_count; i++)
		spoil(im, s->log_table * TIERFS_BLOCK + i * sizeof(struct tierfs_log_entry),
		      3 * TIERFS_LINE, "log");
}

/* Every object many times, each time in another place. */
static void every_damaged_object_is_found(void **state)
{
	struct tierfs_check_dev dev;
	struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };
	struct tierfs_image img;
	struct image im;
	unsigned int round;
	uint64_t chunk, place;

	(void)state;
	image_make(&im, IMAGE_CLEAN);
	dev = (struct tierfs_check_dev){ .base = im.base, .bytes = im.bytes };
	assert_int_equal(tierfs_image_open(&img, &devs, NULL), 0);
	for (round = 0; round < 30; round++) {
		spoil_tables(&im, &img);
		for (chunk = 1; chunk < im.bytes / TIERFS_CHUNK; chunk++) {
			place = chunk * TIERFS_CHUNK;
			if (tierfs_image_kind(&img, place) >= TIERFS_KIND_INODES &&
			    tierfs_image_bitmap(&img, &img.devs[0], chunk / 32)[chunk % 32 / 4] >>
			    chunk % 4 * 16 & 1)
				spoil_chunk(&im, place);
		}
	}
	image_free(&im);
}

/* Bits anywhere, several at once; what matters is that the checker ends (and ASan is content). */
static void random_bits_do_no_harm(void **state)
{
	struct tierfs_check_result r;
	struct image im;
	uint64_t at[8];
	unsigned int i, j, n;

	(void)state;
	image_make(&im, IMAGE_CUT);
	for (i = 0; i < FLIPS; i++) {
		n = 1 + (unsigned int)random_below(8);
		for (j = 0; j < n; j++) {
			at[j] = random_below(im.bytes * 8);
			im.base[at[j] / 8] ^= (uint8_t)(1U << at[j] % 8);
		}
		image_check_quiet(&im, &r);
		while (j--)
			im.base[at[j] / 8] ^= (uint8_t)(1U << at[j] % 8);
	}
	assert_good(&im, &r);
	image_free(&im);
}

/* Offset of a word that is not 0. */
static uint64_t random_word(const struct image *im)
{
	const uint64_t *words = (const uint64_t *)im->base;
	uint64_t i;

	do {
		i = random_below(im->bytes / 8);
	} while (!words[i]);
	return i;
}

/*
 * Words that are something elsewhere: pointers to what is somebody else's, circles, entries where
 * heads should be. Checksums are not looked at before what they protect is entered.
 */
static void words_from_elsewhere_do_no_harm(void **state)
{
	struct tierfs_check_result r;
	uint64_t at[4], old[4], *words;
	struct image im;
	unsigned int i, j, n;

	(void)state;
	image_make(&im, IMAGE_CUT);
	words = (uint64_t *)im.base;
	for (i = 0; i < WORDS; i++) {
		n = 1 + (unsigned int)random_below(4);
		for (j = 0; j < n; j++) {
			at[j] = random_word(&im);
			old[j] = words[at[j]];
			words[at[j]] = words[random_word(&im)];
		}
		image_check_quiet(&im, &r);
		while (j--)
			words[at[j]] = old[j];
	}
	assert_good(&im, &r);
	image_free(&im);
}

static void random_block(struct image *im, uint8_t *block)
{
	const uint8_t *from = im->base + random_below(im->bytes / TIERFS_BLOCK) * TIERFS_BLOCK;
	unsigned int i;

	if (random_below(2)) {
		memcpy(block, from, TIERFS_BLOCK);
		return;
	}
	for (i = 0; i < TIERFS_BLOCK; i++)
		block[i] = (uint8_t)random_below(256);
}

/* Half of them in the first ones, where the tables are; the super-blocks stay. */
static uint8_t *block_to_spoil(struct image *im)
{
	uint64_t blocks = random_below(2) ? 64 : im->bytes / TIERFS_BLOCK - 1;

	return im->base + (2 + random_below(blocks - 2)) * TIERFS_BLOCK;
}

static void blocks_from_elsewhere_do_no_harm(void **state)
{
	static uint8_t old[4][TIERFS_BLOCK], block[TIERFS_BLOCK];
	struct tierfs_check_result r;
	struct image im;
	uint8_t *at[4];
	unsigned int i, j, n;

	(void)state;
	image_make(&im, IMAGE_CUT);
	for (i = 0; i < BLOCKS; i++) {
		n = 1 + (unsigned int)random_below(4);
		for (j = 0; j < n; j++) {
			at[j] = block_to_spoil(&im);
			random_block(&im, block);
			memcpy(old[j], at[j], TIERFS_BLOCK);
			memcpy(at[j], block, TIERFS_BLOCK);
		}
		image_check_quiet(&im, &r);
		while (j--)
			memcpy(at[j], old[j], TIERFS_BLOCK);
	}
	assert_good(&im, &r);
	image_free(&im);
}

static void image_of_noise_does_no_harm(void **state)
{
	struct tierfs_check_result r;
	struct image im;
	unsigned int round;
	uint64_t i;

	(void)state;
	image_make(&im, IMAGE_CLEAN);
	for (round = 0; round < 10; round++) {
		/* all but the super-blocks */
		for (i = 2 * TIERFS_BLOCK; i < im.bytes - TIERFS_BLOCK; i++)
			im.base[i] = (uint8_t)random_below(256);
		image_check_quiet(&im, &r);
		assert_true(r.errors);
	}
	image_free(&im);
}

/* ---- recovery ---- */

/* Fails at the call with this number. */
static int fail_at(void *ctx, const void *addr, uint64_t bytes)
{
	unsigned int *left = ctx;

	assert_non_null(addr);
	assert_true(bytes);
	return --*left ? 0 : -EIO;
}

static int recover(const struct image *im, unsigned int fail, uint64_t *records)
{
	struct tierfs_check_dev dev = { .base = im->base, .bytes = im->bytes };
	struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };

	return tierfs_check_recover(&devs, fail_at, NULL, &fail, records);
}

static void recovery_makes_the_set_clean(void **state)
{
	struct tierfs_check_result r;
	struct image im;
	uint64_t records;

	(void)state;
	image_make(&im, IMAGE_CUT);
	assert_int_equal(recover(&im, 0, &records), 0);
	assert_true(records);
	assert_good(&im, &r);
	assert_true(r.clean);
	assert_int_equal(r.orphans, 1);
	assert_int_equal(r.records, 0);
	assert_int_equal(recover(&im, 1, &records), 0);
	assert_int_equal(records, 0);
	image_mount(&im);
	assert_good(&im, &r);
	assert_int_equal(r.orphans, 0);
	image_free(&im);
}

static void recovery_that_was_cut_is_done_again(void **state)
{
	struct tierfs_check_result r;
	unsigned int fail = 1;
	struct image im;
	uint64_t records;
	uint8_t *before;
	int err;

	(void)state;
	image_make(&im, IMAGE_CUT);
	before = malloc(im.bytes);
	memcpy(before, im.base, im.bytes);
	do {
		memcpy(im.base, before, im.bytes);
		err = recover(&im, fail++, &records);
		assert_good(&im, &r);
		if (err)
			assert_int_equal(err, -EIO);
		assert_int_equal(recover(&im, 0, &records), 0);
		assert_good(&im, &r);
		assert_true(r.clean);
	} while (err);
	assert_true(fail > 8);
	free(before);
	image_free(&im);
}

/* Offset of the first record of a log with two of them at least. */
static uint64_t find_record(const struct image *im)
{
	struct tierfs_check_dev dev = { .base = im->base, .bytes = im->bytes };
	struct tierfs_check_devs devs = { .nr = 1, .devs = &dev };
	const struct tierfs_record *r;
	struct tierfs_image img;
	uint32_t i, offset;

	assert_int_equal(tierfs_image_open(&img, &devs, NULL), 0);
	for (i = 0; i < img.super->log_count; i++) {
		const struct tierfs_log_entry *e = tierfs_image_log(&img, i);

		offset = e->heads[tierfs_image_log_head(e)].offset;
		r = tierfs_image_record(&img, i, e, offset);
		if (r && offset + r->bytes < e->bytes &&
		    tierfs_image_record(&img, i, e, offset + r->bytes))
			return e->place + offset;
	}
	fail_msg("no log has two records");
	return 0;
}

static void recovery_of_a_damaged_log_changes_nothing(void **state)
{
	struct image im;
	uint8_t *before;
	uint64_t records;

	(void)state;
	image_make(&im, IMAGE_CUT);
	im.base[find_record(&im) + sizeof(struct tierfs_record)] ^= 1;
	before = malloc(im.bytes);
	memcpy(before, im.base, im.bytes);
	assert_int_equal(recover(&im, 0, &records), -EUCLEAN);
	assert_memory_equal(before, im.base, im.bytes);
	free(before);
	image_free(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_image_is_clean),
		cmocka_unit_test(unmounted_image_is_clean),
		cmocka_unit_test(image_after_a_cut_is_good_after_the_replay),
		cmocka_unit_test(nothing_is_written),
		cmocka_unit_test(arguments_that_make_no_sense_are_refused),
		cmocka_unit_test(every_damaged_object_is_found),
		cmocka_unit_test(random_bits_do_no_harm),
		cmocka_unit_test(words_from_elsewhere_do_no_harm),
		cmocka_unit_test(blocks_from_elsewhere_do_no_harm),
		cmocka_unit_test(image_of_noise_does_no_harm),
		cmocka_unit_test(recovery_makes_the_set_clean),
		cmocka_unit_test(recovery_that_was_cut_is_done_again),
		cmocka_unit_test(recovery_of_a_damaged_log_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
