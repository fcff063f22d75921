// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hash index of a directory: making it, splitting a bucket, freeing all.
 *
 * Called by hash.c and entry.c, with the node's lock. New pages are filled aside and nothing points
 * to them before the commit, so a split is a few words in the record of the name that needs it: up
 * to 32 pointers, or one to a table that was built anew. A full bucket at the end of the first
 * table's bits gets a table of the second level. There is no state to be undone: an aborted
 * transaction leaves only free pages.
 *
 * What is freed goes bucket by bucket from the end of the tables, some of them in a transaction
 * each; the first pointer that is gone becomes 0, which is where the next transaction, or the next
 * mount, goes on.
 */
#include "hash.h"

#include <string.h>
#include <zus/mem.h>

/* More words than that are not changed one by one. */
#define MAX_WORDS	32U
/* Pages that one transaction frees. */
#define MAX_FREED	16U

/* Pages that are filled in memory first. */
struct draft {
	struct tierfs_bucket half[2];
	uint64_t words[TIERFS_PAGE_WORDS];
};

#define DRAFT_ORDER	2U

static void put_cell(struct tierfs_bucket *b, uint64_t cell)
{
	unsigned int at = tierfs_cell_fit(b, cell);

	if (at == TIERFS_BUCKET_CELLS)
		return;
	b->cells[at] = cell;
	b->used++;
}

static void fill_words(uint64_t *words, unsigned int n, uint64_t word)
{
	while (n--)
		*words++ = word;
}

int tierfs_hash_build(struct tierfs_tx *tx, struct tierfs_inode *rec, const uint64_t *cells,
		      unsigned int n)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	const void *bucket, *table;
	struct draft *d;
	unsigned int i;
	int err = tierfs_page_alloc(tx, 0, &bucket);

	if (!err)
		err = tierfs_page_alloc(tx, 0, &table);
	if (err)
		return err;
	d = zus_page_alloc(fs->sb.env, DRAFT_ORDER);
	if (!d)
		return -ENOMEM;
	memset(&d->half[0], 0, sizeof(d->half[0]));
	for (i = 0; i < n; i++)
		put_cell(&d->half[0], cells[i]);
	fill_words(d->words, TIERFS_PAGE_WORDS, tierfs_page_word(fs, bucket));
	tierfs_tx_page(tx, bucket, &d->half[0]);
	tierfs_tx_page(tx, table, d->words);
	zus_page_free(fs->sb.env, d, DRAFT_ORDER);
	rec->hash = tierfs_place(fs, table);
	rec->hash_bits = TIERFS_HASH_LEVEL_BITS;
	return 0;
}

/* ---- splitting ---- */

static void divide(struct draft *d, const struct tierfs_bucket *b, uint64_t cell)
{
	unsigned int i, shift = 63 - b->depth;

	memset(d->half, 0, sizeof(d->half));
	d->half[0].depth = d->half[1].depth = (uint16_t)(b->depth + 1);
	for (i = 0; i < TIERFS_BUCKET_CELLS; i++) {
		if (!tierfs_cell_is_free(b->cells[i]))
			put_cell(&d->half[b->cells[i] >> shift & 1], b->cells[i]);
	}
	put_cell(&d->half[cell >> shift & 1], cell);
}

/* A table was filled anew: what pointed to the old one points to it. */
static void replace_table(struct tierfs_tx *tx, struct tierfs_inode *rec,
			  const struct tierfs_hash_spot *spot, const void *table)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	uint64_t *word;

	if (spot->table == spot->top) {
		rec->hash = tierfs_place(fs, table);
	} else {
		word = tierfs_tx_get(tx, &spot->top[spot->top_index], sizeof(*word),
				     TIERFS_CRC_PAGE);
		*word = tierfs_page_word(fs, table) | TIERFS_HASH_TABLE;
	}
	tierfs_page_free(tx, spot->table);
}

/* The n words of a table that led to the bucket lead to its halves. */
static int point_to_halves(struct tierfs_tx *tx, struct tierfs_inode *rec,
			   const struct tierfs_hash_spot *spot, unsigned int n,
			   const uint64_t halves[2], uint64_t *words)
{
	unsigned int first = spot->index & ~(n - 1);
	const void *table;
	uint64_t *copy;
	int err;

	if (n <= MAX_WORDS) {
		copy = tierfs_tx_get(tx, &spot->table[first], n * sizeof(*copy), TIERFS_CRC_PAGE);
		fill_words(copy, n / 2, halves[0]);
		fill_words(copy + n / 2, n / 2, halves[1]);
		return 0;
	}
	err = tierfs_page_alloc(tx, 0, &table);
	if (err)
		return err;
	memcpy(words, spot->table, TIERFS_BLOCK);
	fill_words(words + first, n / 2, halves[0]);
	fill_words(words + first + n / 2, n / 2, halves[1]);
	tierfs_tx_page(tx, table, words);
	replace_table(tx, rec, spot, table);
	return 0;
}

/* One word of the first table is a bucket's alone: it gets a table of the second level. */
static int add_level(struct tierfs_tx *tx, struct tierfs_inode *rec,
		     const struct tierfs_hash_spot *spot, const uint64_t halves[2],
		     uint64_t *words)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	const void *table;
	uint64_t *word;
	int err = tierfs_page_alloc(tx, 0, &table);

	if (err)
		return err;
	fill_words(words, TIERFS_PAGE_WORDS / 2, halves[0]);
	fill_words(words + TIERFS_PAGE_WORDS / 2, TIERFS_PAGE_WORDS / 2, halves[1]);
	tierfs_tx_page(tx, table, words);
	word = tierfs_tx_get(tx, &spot->top[spot->top_index], sizeof(*word), TIERFS_CRC_PAGE);
	*word = tierfs_page_word(fs, table) | TIERFS_HASH_TABLE;
	rec->hash_bits = TIERFS_HASH_MAX_BITS;
	return 0;
}

static int split(struct tierfs_tx *tx, struct tierfs_inode *rec,
		 const struct tierfs_hash_spot *spot, uint64_t cell, struct draft *d)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	unsigned int depth = spot->bucket->depth, i;
	const void *page;
	uint64_t halves[2];
	int err;

	divide(d, spot->bucket, cell);
	for (i = 0; i < 2; i++) {
		err = tierfs_page_alloc(tx, 0, &page);
		if (err)
			return err;
		tierfs_tx_page(tx, page, &d->half[i]);
		halves[i] = tierfs_page_word(fs, page);
	}
	if (spot->table != spot->top)
		err = point_to_halves(tx, rec, spot, 1U << (TIERFS_HASH_MAX_BITS - depth), halves,
				      d->words);
	else if (depth < TIERFS_HASH_LEVEL_BITS)
		err = point_to_halves(tx, rec, spot, 1U << (TIERFS_HASH_LEVEL_BITS - depth),
				      halves, d->words);
	else
		err = add_level(tx, rec, spot, halves, d->words);
	if (!err)
		tierfs_page_free(tx, spot->bucket);
	return err;
}

int tierfs_hash_split(struct tierfs_tx *tx, struct tierfs_inode *rec,
		      const struct tierfs_hash_spot *spot, uint64_t cell)
{
	const struct zus_env *env = tierfs_tx_fs(tx)->sb.env;
	struct draft *d;
	int err;

	/* more of them than can be: the halves would not hold what is there */
	if (spot->bucket->used == TIERFS_BUCKET_CELLS)
		return -ENOSPC;
	d = zus_page_alloc(env, DRAFT_ORDER);
	if (!d)
		return -ENOMEM;
	err = split(tx, rec, spot, cell, d);
	zus_page_free(env, d, DRAFT_ORDER);
	return err;
}

/* ---- freeing ---- */

/* Words before the first one of 0. */
static unsigned int table_end(const uint64_t *table)
{
	unsigned int end = 0;

	while (end < TIERFS_PAGE_WORDS && table[end])
		end++;
	return end;
}

static bool has_room(const struct tierfs_tx *tx, unsigned int freed)
{
	return freed < MAX_FREED && tierfs_tx_left(tx) >= 512;
}

/* Frees buckets from the end of a table on, up to the word of a table; *end words are left. */
static int drop_buckets(struct tierfs_tx *tx, const uint64_t *table, unsigned int *end,
			unsigned int *freed)
{
	struct tierfs *fs = tierfs_tx_fs(tx);

	while (*end && !(table[*end - 1] & TIERFS_HASH_TABLE) && has_room(tx, *freed)) {
		uint64_t word = table[*end - 1];
		const void *bucket = tierfs_hash_page(fs, word);

		if (!bucket || bucket == table)
			return -EIO;
		tierfs_page_free(tx, bucket);
		++*freed;
		while (*end && table[*end - 1] == word)
			--*end;
	}
	return 0;
}

/* The word where a table ends now; the table itself goes when it has none. */
static void end_table(struct tierfs_tx *tx, const uint64_t *table, unsigned int end)
{
	uint64_t *word;

	if (!end) {
		tierfs_page_free(tx, table);
		return;
	}
	word = tierfs_tx_get(tx, &table[end], sizeof(*word), TIERFS_CRC_PAGE);
	*word = 0;
}

/* The same with a table of the second level, whose word is the last one; *gone: it goes too. */
static int drop_table(struct tierfs_tx *tx, const uint64_t *table, unsigned int *freed, bool *gone)
{
	unsigned int old, end;
	int err;

	if (!table)
		return -EIO;
	old = end = table_end(table);
	/* there is no third level */
	err = drop_buckets(tx, table, &end, freed);
	if (err || (end && end == old))
		return -EIO;
	end_table(tx, table, end);
	*gone = !end;
	return 0;
}

static int drop_some(struct tierfs_tx *tx, struct tierfs_inode *rec)
{
	struct tierfs *fs = tierfs_tx_fs(tx);
	const uint64_t *top = tierfs_page_at(fs, rec->hash);
	unsigned int old, end, freed = 0;
	bool gone = false;
	int err;

	if (!top)
		return -EIO;
	old = end = table_end(top);
	err = drop_buckets(tx, top, &end, &freed);
	if (!err && end && !freed)
		err = drop_table(tx, tierfs_hash_page(fs, top[end - 1]), &freed, &gone);
	if (err)
		return err;
	end -= gone;
	if (end != old || !end)
		end_table(tx, top, end);
	if (!end)
		rec->hash = rec->hash_bits = 0;
	return 0;
}

int tierfs_hash_drop(struct tierfs_node *dir)
{
	struct tierfs *fs = tierfs_fs_of(dir);
	struct tierfs_tx *tx;
	int err = 0;

	while (!err && dir->rec->hash) {
		tx = tierfs_tx_begin(fs);
		err = drop_some(tx, tierfs_node_change(tx, dir));
		if (err)
			tierfs_tx_abort(tx);
		else
			err = tierfs_tx_commit(tx);
		if (err == -EIO)
			tierfs_broken(fs, dir->ino, "hash index");
	}
	return err;
}
