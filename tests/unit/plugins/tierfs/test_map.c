// SPDX-License-Identifier: BSD-2-Clause
/*
 * tierfs: forms of slots, index pages, what a transaction may hold, and maps on media that are
 * not what they should be.
 */
#include "fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <unistd.h>
#include "data.h"

#define MIB	(1024U * 1024)
#define SLOT	(2 * MIB)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static const struct tierfs_inode *rec_of(struct fake_node a)
{
	return node_of(a)->rec;
}

static unsigned int form_of(struct fake_node a, unsigned int slot)
{
	return tierfs_word_form(rec_of(a)->slots[slot]);
}

static void write_blocks(struct fixture *fx, struct fake_node a, char c, uint64_t index, uint64_t n)
{
	char *buf = test_malloc(n * BLOCK);

	memset(buf, c, n * BLOCK);
	must_write(fx, a, buf, n * BLOCK, index * BLOCK);
	test_free(buf);
}

static void assert_blocks(struct fixture *fx, struct fake_node a, char c, uint64_t index,
			  uint64_t n)
{
	char *buf = test_malloc(n * BLOCK);
	uint64_t i;

	assert_int_equal(fake_read(fx->t, a, buf, n * BLOCK, index * BLOCK), n * BLOCK);
	for (i = 0; i < n * BLOCK && buf[i] == c; i++)
		;
	assert_int_equal(i, n * BLOCK);
	test_free(buf);
}

static void must_punch(struct fixture *fx, struct fake_node a, uint64_t index, uint64_t n)
{
	assert_int_equal(fake_fallocate(fx->t, a, PUNCH, index * BLOCK, n * BLOCK), 0);
}

static uint64_t blocks_of(struct fake_node a)
{
	assert_int_equal(zus_zi_blocks(a.zi), rec_of(a)->blocks);
	return rec_of(a)->blocks;
}

/* ---- forms ---- */

static void a_file_that_grows_is_a_run(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	unsigned int i;

	for (i = 0; i < 100; i++)
		write_blocks(fx, a, 'x', i, 1);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_RUN);
	assert_int_equal(blocks_of(a), 100);
	must_punch(fx, a, 90, 10);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_RUN);
	assert_int_equal(blocks_of(a), 90);
	must_punch(fx, a, 0, 90);
	assert_int_equal(rec_of(a)->slots[0], 0);
	assert_int_equal(blocks_of(a), 0);
	must_remove(fx, fx->root, a, "a");
}

static void a_whole_slot_is_one_aligned_run(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");

	write_blocks(fx, a, 'x', 0, 1024);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_RUN);
	assert_int_equal(form_of(a, 1), TIERFS_FORM_RUN);
	assert_int_equal(block_of(a, 0) % 512, 0);
	assert_int_equal(block_of(a, 512) % 512, 0);
	assert_int_equal(blocks_of(a), 1024);
	must_remove(fx, fx->root, a, "a");
}

static void a_page_that_is_whole_becomes_a_run(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t bn;

	write_blocks(fx, a, 'x', 0, 512);
	bn = block_of(a, 100);
	must_punch(fx, a, 100, 1);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_PAGE);
	assert_int_equal(blocks_of(a), 512);
	write_blocks(fx, a, 'y', 100, 1);
	assert_int_equal(block_of(a, 100), bn);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_RUN);
	assert_int_equal(blocks_of(a), 512);
	/* what remains of a page may be a run too */
	must_punch(fx, a, 100, 1);
	must_punch(fx, a, 50, 462);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_RUN);
	assert_int_equal(blocks_of(a), 50);
	assert_blocks(fx, a, 'x', 0, 50);
	must_remove(fx, fx->root, a, "a");
}

static void many_words_are_a_page_aside(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t word;

	write_blocks(fx, a, 'x', 1, 1);
	assert_int_equal(form_of(a, 0), TIERFS_FORM_PAGE);
	word = rec_of(a)->slots[0];
	write_blocks(fx, a, 'x', 100, 32);
	assert_int_equal(rec_of(a)->slots[0], word);
	write_blocks(fx, a, 'x', 200, 33);
	assert_int_not_equal(rec_of(a)->slots[0], word);
	assert_int_equal(blocks_of(a), 67);
	word = rec_of(a)->slots[0];
	must_punch(fx, a, 200, 32);
	assert_int_equal(rec_of(a)->slots[0], word);
	assert_int_equal(blocks_of(a), 35);
	must_punch(fx, a, 0, 512);
	assert_int_equal(rec_of(a)->slots[0], 0);
	assert_int_equal(blocks_of(a), 0);
	must_remove(fx, fx->root, a, "a");
}

/* Parts of a slot between blocks that are there go into one record. */
static void gaps_of_a_slot_are_filled_together(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	unsigned int i;
	uint64_t lsn;

	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, 40 * BLOCK), 0);
	for (i = 0; i < 40; i += 4)
		must_punch(fx, a, i, 1);
	lsn = fixture_fs(fx)->lsn;
	write_blocks(fx, a, 'x', 0, 40);
	assert_int_equal(fixture_fs(fx)->lsn, lsn + 1);
	assert_blocks(fx, a, 'x', 0, 40);
	must_remove(fx, fx->root, a, "a");
}

/* ---- index pages ---- */

static void index_pages_come_and_go(void **state)
{
	static const struct {
		uint64_t slot;
		unsigned int height;
	} far[] = {
		{ 11, 0 }, { 12, 1 }, { 511, 1 }, { 512, 2 }, { 512 * 512, 3 },
		{ 1ULL << 27, 4 }, { 1ULL << 36, 5 }, { (1ULL << 42) - 1, 5 },
	};
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	unsigned int i;

	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		/* all alone: no page on top of the others but those of its way */
		write_blocks(fx, a, 'x', far[i].slot * 512, 1);
		assert_int_equal(rec_of(a)->height, far[i].height);
		assert_int_equal(blocks_of(a), 1 + far[i].height);
		must_punch(fx, a, far[i].slot * 512, 1);
		assert_int_equal(rec_of(a)->height, 0);
		assert_int_equal(blocks_of(a), 0);
	}
	write_blocks(fx, a, 'y', 0, 1);
	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		write_blocks(fx, a, 'x', far[i].slot * 512, 1);
	must_forget(fx, a);
	fixture_remount(fx);
	a = must_lookup(fx, fx->root, "a");
	assert_blocks(fx, a, 'y', 0, 1);
	for (i = sizeof(far) / sizeof(far[0]); i--; ) {
		assert_blocks(fx, a, 'x', far[i].slot * 512, 1);
		assert_int_equal(fake_truncate(fx->t, a, far[i].slot * 512 * BLOCK), 0);
		assert_int_equal(rec_of(a)->height, i ? far[i - 1].height : 0);
	}
	assert_int_equal(blocks_of(a), 1);
	must_remove(fx, fx->root, a, "a");
}

/* What directories do: words of a slot one by one, and holes without blocks that are freed. */
static void words_are_set_and_taken(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct tierfs_node *node = node_of(a);
	struct tierfs *fs = fixture_fs(fx);
	struct tierfs_tx *tx = tierfs_tx_begin(fs);
	struct tierfs_inode *rec = tierfs_node_change(tx, node);
	struct tierfs_run run;
	uint64_t bn;

	assert_int_equal(tierfs_blocks_alloc(tx, 0, 0, 4, &bn), 4);
	assert_int_equal(tierfs_map_set(tx, node, rec, 7, bn, 1, false), 0);
	assert_int_equal(tierfs_map_set(tx, node, rec, 3, bn + 1, 1, false), 0);
	assert_int_equal(tierfs_map_set(tx, node, rec, 6000, bn + 2, 1, false), 0);
	assert_int_equal(tierfs_map_set(tx, node, rec, 6144, bn + 3, 1, true), 0);
	assert_int_equal(rec->blocks, 4 + 1 + 1 + 1);
	assert_int_equal(tierfs_tx_commit(tx), 0);
	assert_int_equal(block_of(a, 3), bn + 1);
	assert_int_equal(block_of(a, 6000), bn + 2);
	assert_int_equal(tierfs_map_find(node, 6144, 10, &run), 0);
	assert_int_equal(run.bn, bn + 3);
	assert_int_equal(run.n, 1);
	assert_true(run.unwritten);
	assert_int_equal(tierfs_map_next(node, 8), 6000);
	tx = tierfs_tx_begin(fs);
	rec = tierfs_node_change(tx, node);
	assert_int_equal(tierfs_map_set(tx, node, rec, 7, 0, 1, false), 0);
	assert_int_equal(tierfs_map_set(tx, node, rec, 6144, 0, 1, false), 0);
	assert_int_equal(tierfs_map_set(tx, node, rec, 6145, 0, 1, false), 0);
	tierfs_blocks_free(tx, bn, 1);
	tierfs_blocks_free(tx, bn + 3, 1);
	assert_int_equal(tierfs_tx_commit(tx), 0);
	assert_int_equal(block_of(a, 7), 0);
	assert_int_equal(block_of(a, 3), bn + 1);
	assert_int_equal(tierfs_map_next(node, 6001), UINT64_MAX);
	must_remove(fx, fx->root, a, "a");
}

/* A word that is taken leaves an index page behind, which a truncate finds. */
static void empty_index_pages_are_found(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct tierfs_node *node = node_of(a);
	uint64_t far = 512ULL * 512 * 512 * 3, bn;
	struct tierfs_inode *rec;
	struct tierfs_tx *tx;

	write_blocks(fx, a, 'x', 5, 1);
	write_blocks(fx, a, 'x', far, 1);
	bn = block_of(a, far);
	tx = tierfs_tx_begin(fixture_fs(fx));
	rec = tierfs_node_change(tx, node);
	assert_int_equal(tierfs_map_set(tx, node, rec, far, 0, 1, false), 0);
	tierfs_blocks_free(tx, bn, 1);
	assert_int_equal(tierfs_tx_commit(tx), 0);
	assert_int_equal(node->rec->height, 3);
	assert_int_equal(tierfs_map_next(node, 6), UINT64_MAX);
	assert_int_equal(fake_truncate(fx->t, a, 6 * BLOCK), 0);
	assert_blocks(fx, a, 'x', 5, 1);
	must_remove(fx, fx->root, a, "a");
}

/* ---- many runs ---- */

static int setup_small(void **state)
{
	struct fake_opts opts = { .t1_bytes = 4 * MIB };

	*state = fixture_new(&opts, NULL);
	return 0;
}

/* Two files of which every block is a run of its own. */
static void make_scattered(struct fixture *fx, struct fake_node a, struct fake_node b, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		write_blocks(fx, a, 'a', 2 * i, 1);
		write_blocks(fx, b, 'b', i, 1);
	}
}

/* The smallest image has records of 2 KiB. */
static void scattered_files_are_cut_in_parts(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");

	make_scattered(fx, a, b, 200);
	assert_int_equal(fake_truncate(fx->t, a, 3 * BLOCK), 0);
	assert_int_equal(blocks_of(a), 3);
	assert_int_equal(rec_of(a)->cell, 0);
	assert_blocks(fx, b, 'b', 0, 200);
	must_punch(fx, b, 10, 180);
	assert_blocks(fx, b, 'b', 0, 10);
	assert_blocks(fx, b, 0, 10, 180);
	assert_blocks(fx, b, 'b', 190, 10);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
}

/* A write into single free blocks comes in several records. */
static void a_file_of_single_blocks_is_written(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	uint64_t size = 0, i;
	ssize_t n;
	char *buf = test_calloc(1, 4 * MIB);

	while ((n = fake_write(fx->t, a, buf, 4 * MIB, size)) > 0)
		size += (uint64_t)n;
	assert_int_equal(n, -ENOSPC);
	for (i = 0; i < size / BLOCK; i += 2)
		must_punch(fx, a, i, 1);
	memset(buf, 'b', 4 * MIB);
	n = fake_write(fx->t, b, buf, 4 * MIB, 0);
	assert_in_range(n, (size / BLOCK / 2 - 20) * BLOCK, size);
	assert_int_equal(zus_zi_size(b.zi), n);
	assert_blocks(fx, b, 'b', 0, (uint64_t)n / BLOCK);
	/* preallocation takes what it gets, and says that it is too little */
	must_remove(fx, fx->root, b, "b");
	b = must_creat(fx, fx->root, "b");
	assert_int_equal(fake_fallocate(fx->t, b, 0, 0, 4 * MIB), -ENOSPC);
	assert_int_equal(fake_fallocate(fx->t, b, 0, 0, (uint64_t)n - 20 * BLOCK), 0);
	assert_blocks(fx, b, 0, 0, (uint64_t)n / BLOCK - 20);
	must_remove(fx, fx->root, a, "a");
	must_remove(fx, fx->root, b, "b");
	test_free(buf);
}

/* The record with the size came, what lies behind is still there. */
static void a_mount_goes_on_with_a_cut(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");
	struct tierfs_inode *rec;
	struct tierfs_tx *tx;

	make_scattered(fx, a, b, 100);
	tx = tierfs_tx_begin(fixture_fs(fx));
	rec = tierfs_node_change(tx, node_of(a));
	rec->size = 100;
	assert_int_equal(tierfs_orphan_add(tx, node_of(a), rec), 0);
	assert_int_equal(tierfs_tx_commit(tx), 0);
	fixture_crash(fx);
	a = must_lookup(fx, fx->root, "a");
	assert_int_equal(zus_zi_size(a.zi), 100);
	assert_int_equal(blocks_of(a), 1);
	assert_int_equal(rec_of(a)->cell, 0);
	must_remove(fx, fx->root, a, "a");
	must_remove_name(fx, fx->root, "b");
}

/* A file that is open without a name is cut as any other. */
static void a_nameless_file_is_truncated(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a"), b = must_creat(fx, fx->root, "b");

	make_scattered(fx, a, b, 100);
	assert_int_equal(fake_unlink(fx->t, fx->root, a, "a"), 0);
	assert_int_equal(fake_truncate(fx->t, a, 10), 0);
	assert_int_equal(blocks_of(a), 1);
	assert_int_not_equal(rec_of(a)->cell, 0);
	must_forget(fx, a);
	must_remove(fx, fx->root, b, "b");
}

/* ---- several devices ---- */

static int setup_devices(void **state)
{
	struct fake_opts opts = { .t1_bytes = 4 * MIB, .t1_count = 3 };

	*state = fixture_new(&opts, NULL);
	return 0;
}

static void files_span_devices(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t n = 0, i;
	char c;

	while (fake_write(fx->t, a, &(char){ (char)n }, 1, n * BLOCK) == 1)
		n++;
	assert_true(n > 2 * 1024);
	must_forget(fx, a);
	fixture_remount(fx);
	a = must_lookup(fx, fx->root, "a");
	for (i = 0; i < n; i++) {
		assert_int_equal(fake_read(fx->t, a, &c, 1, i * BLOCK), 1);
		assert_int_equal(c, (char)i);
	}
	must_remove(fx, fx->root, a, "a");
}

/* ---- hostile media ---- */

static uint64_t run_word(uint64_t block, uint64_t n)
{
	return TIERFS_FORM_RUN << TIERFS_WORD_FORM_SHIFT | (n - 1) << TIERFS_WORD_LEN_SHIFT | block;
}

static uint64_t form_word(uint64_t form, uint64_t block)
{
	return form << TIERFS_WORD_FORM_SHIFT | block;
}

/* Everything that looks at the map says -EIO, and changes nothing. */
static void assert_broken(struct fixture *fx, struct fake_node a)
{
	struct fiemap_extent e[2];
	uint64_t bn, pos = 0;
	uint32_t n;
	char c;

	assert_int_equal(fake_read(fx->t, a, &c, 1, 0), -EIO);
	assert_int_equal(fake_write(fx->t, a, "x", 1, 0), -EIO);
	assert_int_equal(fake_get(fx->t, a, 0, BLOCK, ZUFS_RW_MMAP, &bn, 1), -EIO);
	assert_int_equal(fake_get(fx->t, a, 0, BLOCK, ZUFS_RW_MMAP | ZUFS_RW_WRITE, &bn, 1), -EIO);
	assert_int_equal(fake_get(fx->t, a, 0, SLOT, ZUFS_RW_MMAP, &bn, 1), -EIO);
	assert_int_equal(fake_truncate(fx->t, a, 0), -EIO);
	assert_int_equal(fake_fallocate(fx->t, a, 0, 0, BLOCK), -EIO);
	assert_int_equal(fake_fallocate(fx->t, a, PUNCH, 0, BLOCK), -EIO);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &pos), -EIO);
	assert_int_equal(fake_seek(fx->t, a, SEEK_HOLE, &pos), -EIO);
	assert_int_equal(fake_fiemap(fx->t, a, 0, UINT64_MAX, e, 2, &n), -EIO);
	assert_int_equal(zus_zi_size(a.zi), 3 * SLOT);
}

/* Errors that the test has made are none. */
static void forget_errors(struct fixture *fx)
{
	fixture_fs(fx)->errors = 0;
}

static void broken_words_are_errors(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t blocks = fake_md(fx->f)->t1_blocks, good, data;
	struct tierfs_inode *rec = spoil(rec_of(a));
	unsigned int i;

	write_blocks(fx, a, 'x', 0, 16);
	assert_int_equal(fake_truncate(fx->t, a, 3 * SLOT), 0);
	good = rec->slots[0];
	data = good & TIERFS_WORD_BLOCK;
	const uint64_t bad[] = {
		1, run_word(0, 1), run_word(blocks, 1), run_word(blocks - 1, 2),
		run_word(data, 513), run_word(data, 1024), run_word(TIERFS_WORD_BLOCK, 1),
		run_word(data, 1) | 1ULL << TIERFS_WORD_DEV_SHIFT,
		run_word(data, 1) | TIERFS_WORD_TIER,
		form_word(TIERFS_FORM_SHARED, data), form_word(TIERFS_FORM_LIST, data),
		form_word(5, data), form_word(7, data),
		form_word(TIERFS_FORM_PAGE, 0), form_word(TIERFS_FORM_PAGE, data),
		form_word(TIERFS_FORM_PAGE, blocks), form_word(TIERFS_FORM_PAGE, 1),
		/* metadata */
		run_word(1, 1), run_word(15, 2),
	};

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rec->slots[0] = bad[i];
		assert_broken(fx, a);
	}
	rec->slots[0] = good;
	forget_errors(fx);
	assert_blocks(fx, a, 'x', 0, 16);
	must_remove(fx, fx->root, a, "a");
}

static void broken_pages_are_errors(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	uint64_t blocks = fake_md(fx->f)->t1_blocks, good, *page;
	unsigned int i;

	write_blocks(fx, a, 'x', 0, 2);
	must_punch(fx, a, 0, 1);
	write_blocks(fx, a, 'x', 2, 1);
	assert_int_equal(fake_truncate(fx->t, a, 3 * SLOT), 0);
	page = spoil(tierfs_map_page(fixture_fs(fx), rec_of(a)->slots[0]));
	good = page[1];
	const uint64_t bad[] = {
		1, run_word(0, 1), run_word(blocks, 1), run_word(good & TIERFS_WORD_BLOCK, 2),
		form_word(TIERFS_FORM_PAGE, 1), rec_of(a)->slots[0], form_word(0, 77),
	};

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		page[0] = bad[i];
		assert_broken(fx, a);
	}
	page[0] = 0;
	/* blocks that are free already */
	page[3] = tierfs_run_word(fixture_fs(fx), blocks - 2, 1, false);
	assert_int_equal(fake_truncate(fx->t, a, 0), -EIO);
	page[3] = 0;
	forget_errors(fx);
	assert_blocks(fx, a, 'x', 1, 2);
	must_remove(fx, fx->root, a, "a");
}

/* Index pages whose words all lead to the next one; the last leads nowhere, or to itself. */
static void endless_trees_end(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct tierfs *fs = fixture_fs(fx);
	struct tierfs_inode *rec = spoil(rec_of(a));
	uint64_t pages[5][512] = { 0 }, pos = 0, i, *last;
	const void *at[5];
	struct tierfs_tx *tx = tierfs_tx_begin(fs);
	char c;

	for (i = 0; i < 5; i++)
		assert_int_equal(tierfs_page_alloc(tx, 0, &at[i]), 0);
	for (i = 0; i < 4 * 512; i++)
		pages[i / 512][i % 512] = tierfs_page_word(fs, at[i / 512 + 1]);
	for (i = 0; i < 5; i++)
		tierfs_tx_page(tx, at[i], pages[i]);
	assert_int_equal(tierfs_tx_commit(tx), 0);
	assert_int_equal(fake_truncate(fx->t, a, TIERFS_MAX_SIZE), 0);
	rec->slots[0] = tierfs_page_word(fs, at[0]);
	rec->height = 5;
	assert_int_equal(tierfs_map_next(node_of(a), 0), UINT64_MAX);
	assert_int_equal(fake_seek(fx->t, a, SEEK_DATA, &pos), -ENXIO);
	assert_int_equal(fake_read(fx->t, a, &c, 1, 1ULL << 60), 1);
	assert_int_equal(c, 0);
	assert_int_equal(tierfs_map_truncate(node_of(a), 0), -EIO);
	last = spoil(at[4]);
	for (i = 0; i < 512; i++)
		last[i] = tierfs_page_word(fs, at[4]);
	assert_int_equal(tierfs_map_truncate(node_of(a), 0), -EIO);
	rec->height = 6;
	assert_int_equal(tierfs_map_truncate(node_of(a), 0), -EIO);
	assert_int_equal(fake_truncate(fx->t, a, BLOCK), -EIO);
	assert_int_equal(fake_read(fx->t, a, &c, 1, 0), -EIO);
	assert_int_equal(fake_write(fx->t, a, "x", 1, 0), -EIO);
	rec->slots[0] = 0;
	rec->height = 0;
	tx = tierfs_tx_begin(fs);
	for (i = 0; i < 5; i++)
		tierfs_page_free(tx, at[i]);
	assert_int_equal(tierfs_tx_commit(tx), 0);
	forget_errors(fx);
	must_remove(fx, fx->root, a, "a");
}

/* ---- in parallel ---- */

struct reader {
	struct fixture *fx;
	struct fake_node a;
	bool stop;			/* atomic */
	bool wrong;
};

/* The first blocks are what they were, whatever the map becomes. */
static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct fake_thread *t = fake_thread_create(r->fx->f, 1);
	unsigned int i = 0;
	char c;

	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		i = (i + 1) % 12;
		if (fake_read(t, r->a, &c, 1, (uint64_t)i * SLOT) != 1 || c != (char)i)
			r->wrong = true;
	}
	fake_thread_destroy(t);
	return NULL;
}

static void readers_see_the_map_grow(void **state)
{
	struct fixture *fx = *state;
	struct reader r = { .fx = fx, .a = must_creat(fx, fx->root, "a") };
	unsigned int i, round;
	pthread_t thread;

	for (i = 0; i < 12; i++)
		must_write(fx, r.a, &(char){ (char)i }, 1, (uint64_t)i * SLOT);
	assert_int_equal(fake_truncate(fx->t, r.a, 1ULL << 62), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
	for (round = 0; round < 20; round++) {
		for (i = 25; i < 62; i++)
			must_write(fx, r.a, "x", 1, 1ULL << i);
		assert_int_equal(fake_truncate(fx->t, r.a, 12 * SLOT), 0);
		assert_int_equal(rec_of(r.a)->height, 0);
		assert_int_equal(fake_truncate(fx->t, r.a, 1ULL << 62), 0);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(r.wrong);
	must_remove(fx, fx->root, r.a, "a");
}

struct writer {
	struct fixture *fx;
	struct fake_node a;
	unsigned int number;
	bool failed;
};

#define WRITERS	3

/* Every third block of two slots. */
static void *write_on(void *arg)
{
	struct writer *w = arg;
	struct fake_thread *t = fake_thread_create(w->fx->f, (int)w->number);
	uint64_t i, bn;

	for (i = w->number; i < 1024; i += WRITERS) {
		char block[BLOCK];

		memset(block, (char)i, sizeof(block));
		if (i % 7 == 0) {
			w->failed |= fake_get(t, w->a, i * BLOCK, BLOCK,
					      ZUFS_RW_MMAP | ZUFS_RW_WRITE, &bn, 1) != 1;
			w->failed |= fake_put(t) != 0;
		}
		w->failed |= fake_write(t, w->a, block, BLOCK, i * BLOCK) != BLOCK;
	}
	fake_thread_destroy(t);
	return NULL;
}

static void writers_fill_one_slot_in_parallel(void **state)
{
	struct fixture *fx = *state;
	struct fake_node a = must_creat(fx, fx->root, "a");
	struct writer w[WRITERS];
	pthread_t threads[WRITERS];
	unsigned int i;

	assert_int_equal(fake_truncate(fx->t, a, 2 * SLOT), 0);
	for (i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .fx = fx, .a = a, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, write_on, &w[i]), 0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(w[i].failed);
	}
	for (i = 0; i < 1024; i++)
		assert_blocks(fx, a, (char)i, i, 1);
	must_remove(fx, fx->root, a, "a");
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SMALL(name)	cmocka_unit_test_setup_teardown(name, setup_small, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_grows_is_a_run),
		TEST(a_whole_slot_is_one_aligned_run),
		TEST(a_page_that_is_whole_becomes_a_run),
		TEST(many_words_are_a_page_aside),
		TEST(gaps_of_a_slot_are_filled_together),
		TEST(index_pages_come_and_go),
		TEST(words_are_set_and_taken),
		TEST(empty_index_pages_are_found),
		SMALL(scattered_files_are_cut_in_parts),
		SMALL(a_file_of_single_blocks_is_written),
		SMALL(a_mount_goes_on_with_a_cut),
		SMALL(a_nameless_file_is_truncated),
		cmocka_unit_test_setup_teardown(files_span_devices, setup_devices, teardown),
		TEST(broken_words_are_errors),
		TEST(broken_pages_are_errors),
		TEST(endless_trees_end),
		TEST(readers_see_the_map_grow),
		TEST(writers_fill_one_slot_in_parallel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
