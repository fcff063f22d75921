/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hash.c and hashgrow.c share: places in the tables, and cells in a bucket. dir.h has what
 * others call.
 */
#ifndef TIERFS_HASH_H
#define TIERFS_HASH_H

#include "dir.h"

/* So full buckets are split: searches that find nothing are short. */
#define TIERFS_BUCKET_SPLIT	448U

/* The word for a hash, and its bucket, which is checked. */
struct tierfs_hash_spot {
	const uint64_t *top;		/* the first table */
	unsigned int top_index;
	const uint64_t *table;		/* that has the word: top, or one of the second level */
	unsigned int index;
	const struct tierfs_bucket *bucket;
};

/* The page that a word points to, or NULL. */
static inline const void *tierfs_hash_page(const struct tierfs *fs, uint64_t word)
{
	if (tierfs_word_form(word) != TIERFS_FORM_PAGE)
		return NULL;
	return tierfs_page_at(fs, tierfs_word_place(word));
}

static inline uint64_t tierfs_cell(uint32_t hash, uint64_t unit)
{
	return (uint64_t)hash << 32 | (uint32_t)(unit + 1);
}

static inline bool tierfs_cell_is_free(uint64_t cell)
{
	return !(uint32_t)cell;
}

static inline unsigned int tierfs_cell_after(unsigned int at)
{
	return at + 1 == TIERFS_BUCKET_CELLS ? 0 : at + 1;
}

/* Where in a bucket a cell goes, or TIERFS_BUCKET_CELLS. */
static inline unsigned int tierfs_cell_fit(const struct tierfs_bucket *b, uint64_t cell)
{
	unsigned int at = (uint32_t)(cell >> 32) % TIERFS_BUCKET_CELLS, left;

	for (left = TIERFS_BUCKET_CELLS; left; left--) {
		if (tierfs_cell_is_free(b->cells[at]))
			return at;
		at = tierfs_cell_after(at);
	}
	return TIERFS_BUCKET_CELLS;
}

/* -EIO. */
int tierfs_hash_locate(struct tierfs *fs, uint64_t ino, tierfs_place_t place, uint32_t hash,
		       struct tierfs_hash_spot *spot);
/* Makes two buckets of the one at a place, and enters a cell. -ENOSPC, -ENOMEM, -EIO. */
int tierfs_hash_split(struct tierfs_tx *tx, struct tierfs_inode *rec,
		      const struct tierfs_hash_spot *spot, uint64_t cell);

#endif /* TIERFS_HASH_H */
