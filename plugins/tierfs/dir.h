/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: what dir.c (search, listing), entry.c (changes), hash.c (the index) and room.c (what
 * is known of free units) share. name.c and rename.c need tierfs.h only.
 *
 * Everything here is called with the kernel's lock of the directory, shared by readers; changes
 * have the node's lock too. Blocks and buckets are pages of T1 and not trusted: units, lengths and
 * depths that are read there are checked before they are used.
 */
#ifndef TIERFS_DIR_H
#define TIERFS_DIR_H

#include "tierfs.h"

/* i_size of a directory without names: the positions of "." and "..". */
#define TIERFS_DIR_EMPTY_SIZE	64U
/* unit + 1 of a cell has 32 bits */
#define TIERFS_DIR_MAX_BLOCKS	(((uint64_t)1 << 25) - 1)

static inline uint64_t tierfs_dir_blocks(const struct tierfs_inode *rec)
{
	return tierfs_min(rec->size >> TIERFS_BLOCK_SHIFT, TIERFS_DIR_MAX_BLOCKS);
}

/* How many units the entry of a name takes: 1 .. 9. */
static inline unsigned int tierfs_entry_units(unsigned int name_len)
{
	return (unsigned int)(offsetof(struct tierfs_dirent, name) + name_len + TIERFS_UNIT - 1) /
		TIERFS_UNIT;
}

static inline const char *tierfs_entry_name(const struct tierfs_dirent *entry)
{
	return (const char *)entry + offsetof(struct tierfs_dirent, name);
}

/* First unit >= from whose bit is as wanted, or TIERFS_DIR_UNITS. */
static inline unsigned int tierfs_next_unit(const uint64_t words[2], unsigned int from, bool set)
{
	while (from < TIERFS_DIR_UNITS) {
		uint64_t word = (set ? words[from / 64] : ~words[from / 64]) >> from % 64;

		if (word)
			return from + (unsigned int)__builtin_ctzll(word);
		from = (from / 64 + 1) * 64;
	}
	return TIERFS_DIR_UNITS;
}

uint32_t tierfs_name_hash(const struct tierfs *fs, const struct zus_name *name);
/* The block `index` of a directory; *head = NULL: a hole. -EIO. */
int tierfs_dir_block(const struct tierfs_node *dir, uint64_t index,
		     const struct tierfs_dir_head **head);
/* The entry at a unit of a block, if one begins there and ends in the block; else NULL. */
const struct tierfs_dirent *tierfs_dir_entry(const struct tierfs_dir_head *head,
					     unsigned int unit);

/* ---- hash.c ---- */

/* The cells that may hold a hash. */
struct tierfs_cells_of {
	const struct tierfs_bucket *bucket;
	uint32_t hash;
	unsigned int at;
	unsigned int left;
};

/* -EIO. */
int tierfs_hash_begin(const struct tierfs_node *dir, uint32_t hash, struct tierfs_cells_of *cells);
/* The next unit (position / 32) with this hash; false: there is no further one. */
bool tierfs_hash_next(struct tierfs_cells_of *cells, uint64_t *unit);

/*
 * In tx, once each in a directory and transaction, removal first. rec: the record's copy.
 * `changed`: of a transaction that does both, the bucket that the removal has changed: what T1
 * shows of it is not what it will be. Else NULL. -ENOSPC, -ENOMEM, -EIO.
 */
int tierfs_hash_add(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		    uint32_t hash, uint64_t unit, const struct tierfs_bucket *changed);
int tierfs_hash_remove(struct tierfs_tx *tx, struct tierfs_node *dir,
		       const struct tierfs_inode *rec, uint32_t hash, uint64_t unit,
		       const struct tierfs_bucket **changed);
/* An index with one bucket; cells: hash << 32 | unit + 1, less than half of a bucket of them. */
int tierfs_hash_build(struct tierfs_tx *tx, struct tierfs_inode *rec, const uint64_t *cells,
		      unsigned int n);
/* Frees the index of a directory without names, in transactions of its own. */
int tierfs_hash_drop(struct tierfs_node *dir);

/* ---- room.c ---- */

#define TIERFS_ROOM_ANY		126U	/* nobody has looked: all of a block may be free */
#define TIERFS_ROOM_HOLE	127U	/* there is no block */

/* Units of the largest gap in a block. */
unsigned int tierfs_room_gap(const uint64_t used[2]);
/* First unit of the first gap of `units`, or TIERFS_DIR_UNITS. */
unsigned int tierfs_room_fit(const uint64_t used[2], unsigned int units);
/* Memory for what is known of so many blocks. False: there is none, and nothing is known. */
bool tierfs_room_load(struct tierfs_node *dir, uint64_t blocks);
/* First one of so many blocks that may have a gap of `units` or is a hole; UINT64_MAX: none. */
uint64_t tierfs_room_find(struct tierfs_node *dir, uint64_t blocks, unsigned int units);
/* May have it: true if nothing is known. */
bool tierfs_room_may_fit(const struct tierfs_node *dir, uint64_t index, unsigned int units);
void tierfs_room_set(struct tierfs_node *dir, uint64_t index, unsigned int gap);
void tierfs_room_free(struct tierfs_node *dir);

#endif /* TIERFS_DIR_H */
