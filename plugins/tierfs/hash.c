// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hash index of a directory of more than one block, on media: tables of pointers and buckets of
 * cells, as tierfs_disk.h says. hashgrow.c makes it, splits its buckets, and takes it apart.
 *
 * Called by dir.c (search) and entry.c (changes; with the node's lock). A change is one cell and
 * the head of its bucket. Pages are not trusted: depth and use of a bucket are checked when it is
 * found, a search ends after one round, and what a cell points to is the caller's to check.
 */
#include "hash.h"

int tierfs_hash_locate(struct tierfs *fs, uint64_t ino, tierfs_place_t place, uint32_t hash,
		       struct tierfs_hash_spot *spot)
{
	uint64_t word;
	unsigned int least = 0, most = TIERFS_HASH_LEVEL_BITS;

	spot->top = tierfs_page_at(fs, place);
	if (!spot->top)
		return tierfs_broken(fs, ino, "hash table");
	spot->top_index = hash >> (32 - TIERFS_HASH_LEVEL_BITS);
	spot->table = spot->top;
	spot->index = spot->top_index;
	word = spot->top[spot->top_index];
	if (word & TIERFS_HASH_TABLE) {
		spot->table = tierfs_hash_page(fs, word);
		if (!spot->table)
			return tierfs_broken(fs, ino, "hash table");
		spot->index = hash >> (32 - TIERFS_HASH_MAX_BITS) & (TIERFS_PAGE_WORDS - 1);
		word = spot->table[spot->index];
		least = TIERFS_HASH_LEVEL_BITS + 1;
		most = TIERFS_HASH_MAX_BITS;
	}
	spot->bucket = word & TIERFS_HASH_TABLE ? NULL : tierfs_hash_page(fs, word);
	if (!spot->bucket || spot->bucket->depth < least || spot->bucket->depth > most ||
	    spot->bucket->used > TIERFS_BUCKET_CELLS)
		return tierfs_broken(fs, ino, "hash bucket");
	return 0;
}

int tierfs_hash_begin(const struct tierfs_node *dir, uint32_t hash, struct tierfs_cells_of *cells)
{
	struct tierfs_hash_spot spot;
	int err = tierfs_hash_locate(tierfs_fs_of(dir), dir->ino, dir->rec->hash, hash, &spot);

	if (err)
		return err;
	*cells = (struct tierfs_cells_of) {
		.bucket = spot.bucket,
		.hash = hash,
		.at = hash % TIERFS_BUCKET_CELLS,
		.left = TIERFS_BUCKET_CELLS,
	};
	return 0;
}

bool tierfs_hash_next(struct tierfs_cells_of *cells, uint64_t *unit)
{
	while (cells->left) {
		uint64_t cell = cells->bucket->cells[cells->at];

		if (!cell)
			return false;
		cells->left--;
		cells->at = tierfs_cell_after(cells->at);
		if (!tierfs_cell_is_free(cell) && cell >> 32 == cells->hash) {
			*unit = (uint32_t)cell - 1;
			return true;
		}
	}
	return false;
}

/* The head of a bucket, as the transaction leaves it. */
static struct tierfs_bucket *change_head(struct tierfs_tx *tx, const struct tierfs_bucket *b)
{
	return tierfs_tx_get(tx, b, offsetof(struct tierfs_bucket, cells), TIERFS_CRC_PAGE);
}

static void set_cell(struct tierfs_tx *tx, const struct tierfs_bucket *b, unsigned int at,
		     uint64_t cell)
{
	uint64_t *copy = tierfs_tx_get(tx, &b->cells[at], sizeof(*copy), TIERFS_CRC_PAGE);

	*copy = cell;
}

static int add_to_bucket(struct tierfs_tx *tx, const struct tierfs_bucket *b, uint64_t cell)
{
	unsigned int at = tierfs_cell_fit(b, cell);

	if (at == TIERFS_BUCKET_CELLS)
		return -ENOSPC;
	set_cell(tx, b, at, cell);
	change_head(tx, b)->used++;
	return 0;
}

int tierfs_hash_add(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		    uint32_t hash, uint64_t unit, const struct tierfs_bucket *changed)
{
	struct tierfs_hash_spot spot;
	uint64_t cell = tierfs_cell(hash, unit);
	int err = tierfs_hash_locate(tierfs_fs_of(dir), dir->ino, rec->hash, hash, &spot);

	if (err)
		return err;
	/* a bucket that has just lost a cell has room for this one */
	if (spot.bucket != changed && spot.bucket->used >= TIERFS_BUCKET_SPLIT &&
	    spot.bucket->depth < TIERFS_HASH_MAX_BITS)
		return tierfs_hash_split(tx, rec, &spot, cell);
	return add_to_bucket(tx, spot.bucket, cell);
}

int tierfs_hash_remove(struct tierfs_tx *tx, struct tierfs_node *dir,
		       const struct tierfs_inode *rec, uint32_t hash, uint64_t unit,
		       const struct tierfs_bucket **changed)
{
	struct tierfs_hash_spot spot;
	uint64_t cell = tierfs_cell(hash, unit);
	unsigned int at = hash % TIERFS_BUCKET_CELLS, left = TIERFS_BUCKET_CELLS;
	int err = tierfs_hash_locate(tierfs_fs_of(dir), dir->ino, rec->hash, hash, &spot);

	if (err)
		return err;
	while (left && spot.bucket->cells[at] && spot.bucket->cells[at] != cell) {
		at = tierfs_cell_after(at);
		left--;
	}
	if (!left || !spot.bucket->cells[at] || !spot.bucket->used)
		return tierfs_broken(tierfs_fs_of(dir), dir->ino, "name without a cell");
	/*
	 * Searches need not go on where the next cell is at their end; but this very transaction
	 * may put a cell there.
	 */
	set_cell(tx, spot.bucket, at,
		 changed || spot.bucket->cells[tierfs_cell_after(at)] ? TIERFS_CELL_GONE : 0);
	if (changed)
		*changed = spot.bucket;
	change_head(tx, spot.bucket)->used--;
	return 0;
}
