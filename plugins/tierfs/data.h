/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tierfs: what the files about data share. From below: map.c finds blocks, mapset.c enters them,
 * mapcut.c takes them out and maptree.c index pages, fill.c gives a range blocks in one
 * transaction; io.c, write.c, fault.c, space.c and extent.c are the operations.
 *
 * A slot is 512 blocks of a file, numbered from its beginning. Its word is one of tierfs_disk.h.
 */
#ifndef TIERFS_DATA_H
#define TIERFS_DATA_H

#include <zus/md.h>
#include "tierfs.h"

#define TIERFS_SLOT_SHIFT	9
#define TIERFS_LEVEL_SHIFT	9	/* an index page has 2^9 words */

/* A transaction of data goes on with the next part while it has so much left. */
#define TIERFS_PART_BYTES	768U

static inline uint64_t tierfs_slot_of(uint64_t index)
{
	return index >> TIERFS_SLOT_SHIFT;
}

/* First block of the slot behind that of `index`. */
static inline uint64_t tierfs_slot_end(uint64_t index)
{
	return (index | (TIERFS_SLOT_BLOCKS - 1)) + 1;
}

static inline uint64_t tierfs_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Which word of an index page of a level leads to a slot. */
static inline unsigned int tierfs_word_index(uint64_t slot, unsigned int level)
{
	return slot >> (level - 1) * TIERFS_LEVEL_SHIFT & (TIERFS_PAGE_WORDS - 1);
}

static inline uint8_t *tierfs_block_addr(const struct tierfs_node *node, uint64_t bn)
{
	return zus_t1_addr(node->ii.sb->md, bn);
}

static inline uint64_t tierfs_down(uint64_t bytes)
{
	return bytes >> TIERFS_BLOCK_SHIFT;
}

static inline uint32_t tierfs_in_block(uint64_t pos)
{
	return pos & (TIERFS_BLOCK - 1);
}

static inline int tierfs_check_range(uint64_t pos, uint64_t len)
{
	return pos > TIERFS_MAX_SIZE || len > TIERFS_MAX_SIZE - pos ? -EFBIG : 0;
}

/* May this be changed? 0, -EIO, -EROFS. */
static inline int tierfs_may_write(const struct tierfs_node *node)
{
	return node->broken ? -EIO : tierfs_may_change(tierfs_fs_of(node));
}

/* ---- map.c ---- */

/* Can a map of this height have the slot? */
bool tierfs_map_covers(unsigned int height, uint64_t slot);
/* The page that a word names; NULL: it names none. */
const uint64_t *tierfs_map_page(const struct tierfs *fs, uint64_t word);
/* As tierfs_map_find and tierfs_map_next, for who has the node's lock; these may take it. */
int tierfs_map_look(const struct tierfs_node *node, uint64_t index, uint64_t max,
		    struct tierfs_run *run);
uint64_t tierfs_map_look_next(const struct tierfs_node *node, uint64_t index);
/* Do all these blocks lie in chunks of data? */
bool tierfs_run_is_data(const struct tierfs *fs, uint64_t bn, uint32_t n);
/* A slot as a page of words, whatever form it has. With the node's lock. -EIO. */
int tierfs_map_words(const struct tierfs_node *node, uint64_t slot, uint64_t *words);
/* The same of a slot's word. -EIO: nothing was told yet. */
int tierfs_words_of(const struct tierfs *fs, uint64_t word, uint64_t *words);
/* How many words of 512 are not 0. */
uint32_t tierfs_words_count(const uint64_t *words);

/* ---- mapset.c ---- */

/* Replaces a slot by its words, once in a transaction. -ENOSPC, -EIO. */
int tierfs_map_put(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		   uint64_t slot, const uint64_t *words);
/* Commits what may have made the map grow: tierfs_map_find of others waits meanwhile. */
int tierfs_map_commit(struct tierfs_tx *tx, struct tierfs_node *node,
		      const struct tierfs_inode *rec);

/* What of a file's map a transaction changes: one slot. */
struct tierfs_change {
	struct tierfs *fs;
	struct tierfs_tx *tx;
	struct tierfs_node *node;
	struct tierfs_inode *rec;	/* copy */
	uint64_t slot;
	unsigned int flags;		/* of what is allocated */
	bool alone;			/* nothing else of the map changes in tx */
	const void *spare;		/* a page that was allocated for the slot, or NULL */
	unsigned int level;		/* of `word`: 0 = the slot's, else nothing is below */
	uint64_t *word;			/* copy of the last word on the way to the slot */
	struct {
		const uint64_t *page;
		uint64_t *word;		/* copy of the word that names it */
	} way[TIERFS_MAX_HEIGHT];	/* index pages, by level - 1 */
};

/* Finds the way to the slot. -EIO. */
int tierfs_change_begin(struct tierfs_change *c, struct tierfs_tx *tx, struct tierfs_node *node,
			struct tierfs_inode *rec, uint64_t slot);
/* The slot's word, as tx has it. */
static inline uint64_t tierfs_change_word(const struct tierfs_change *c)
{
	return c->level ? 0 : *c->word;
}

/* Makes it another one; index pages come, and go if the change is alone. */
int tierfs_change_set(struct tierfs_change *c, uint64_t word);
/* Makes the slot's content these words, of which `before` were not 0. */
int tierfs_change_store(struct tierfs_change *c, const uint64_t *words, uint32_t before);

/* ---- mapcut.c ---- */

/* Frees file blocks [index, end) of one slot, in transactions of its own, from the end. */
int tierfs_map_cut(struct tierfs_node *node, uint64_t index, uint64_t end);

/* ---- maptree.c ---- */

/* Are there index pages that are not needed? With the node's lock. */
bool tierfs_map_is_loose(const struct tierfs_node *node);
/* Frees these, in transactions of its own, and makes the map lower. */
int tierfs_map_shrink(struct tierfs_node *node);

/* ---- fill.c ---- */

/* Blocks for parts of a file, in ascending order, in one transaction. */
struct tierfs_fill {
	struct tierfs_tx *tx;
	struct tierfs_node *node;
	struct tierfs_inode *rec;
	bool unwritten;			/* what they are entered as */
	uint64_t index;			/* collected: file blocks [index, index + n) ... */
	uint64_t bn;			/* ... are blocks from bn on */
	uint32_t n;
	bool spilled;			/* no run: words has the slot of `index` */
	uint64_t words[TIERFS_PAGE_WORDS];
};

/* Locks the node and begins. -ENOMEM: neither. */
int tierfs_fill_begin(struct tierfs_fill *f, struct tierfs_node *node, bool unwritten);
/* Blocks for a hole: the first of them in *bn, up to max, or 0. */
uint32_t tierfs_fill_alloc(struct tierfs_fill *f, uint64_t index, uint64_t max, uint64_t *bn);
/* Enters blocks of one slot. What was collected of another one goes into the map: -ENOSPC, -EIO. */
int tierfs_fill_add(struct tierfs_fill *f, uint64_t index, uint64_t bn, uint32_t n);
/* Commits with the times of the shared inode, or aborts if err is not 0, and unlocks. */
int tierfs_fill_end(struct tierfs_fill *f, int err);

/* ---- io.c ---- */

/* Zeroes [pos, end) of a block that is there; durable with the next fence. Locked. -EIO. */
int tierfs_zero_part(struct tierfs_node *node, uint64_t pos, uint64_t end);
/* What comes into sight of the last block when the file ends at `end`, not at `size`. */
int tierfs_zero_tail(struct tierfs_node *node, uint64_t size, uint64_t end);
/* Makes the times of the shared inode durable if they are not, and what was stored aside. */
int tierfs_touch(struct tierfs_node *node);
/*
 * Ends a truncate that has failed half way: before a file grows, what lies behind its end goes. The
 * node is not locked, or (_locked) is.
 */
int tierfs_cut_end(struct tierfs_node *node);
int tierfs_cut_end_locked(struct tierfs_node *node);

#endif /* TIERFS_DATA_H */
