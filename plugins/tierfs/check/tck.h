/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the checker share; check.h is its interface. One run is one struct tck:
 *
 *	super.c replay.c	super-blocks, state, logs, root; the overlay of what is in the logs
 *	space.c claim.c		groups, chunks; who owns what, and what nobody owns
 *	inode.c			the tree of inode chunks, records
 *	map.c			maps of files and directories
 *	dir.c bucket.c		names and their index
 *	xattr.c			attributes
 *	links.c			links, parents, orphans
 *
 * A stage believes what earlier ones have checked, and of media nothing else: all that a pointer
 * leads to is claimed, and what has an owner already is told and not entered, so nothing is walked
 * through twice and every walk ends.
 */
#ifndef TIERFS_TCK_H
#define TIERFS_TCK_H

#include "image.h"
#include "tierfs.h"

enum tck_inode_flag {
	TCK_USED	= 1U << 0,	/* its bit is set */
	TCK_VALID	= 1U << 1,	/* its record makes sense */
	TCK_DIR		= 1U << 2,
	TCK_CELL	= 1U << 3,	/* a cell of orphans has its number */
	TCK_WALKING	= 1U << 4,	/* is on the way from a directory up to the root */
	TCK_ROOTED	= 1U << 5,	/* the way up from it ends at the root */
};

struct tck_inode {
	uint32_t links;			/* names that were found */
	uint32_t subdirs;		/* names in it that are directories */
	uint32_t flags;			/* enum tck_inode_flag */
};

/* A chunk of metadata that is in use. */
struct tck_chunk {
	const struct tierfs_chunk *head;
	tierfs_place_t place;
	uint32_t kind;
	uint32_t count;			/* objects that it has room for; 0: its head is broken */
	bool claimed;			/* inodes: the tree has it */
	uint64_t index;			/* inodes: in the tree */
	struct tck_inode *inodes;
	uint64_t owned[16];		/* bit per object */
};

struct tck_group {
	uint32_t first;			/* of its chunks of metadata in `chunks` */
	uint32_t live;			/* which of its chunks are in use for metadata */
};

struct tck {
	struct tierfs_image img;
	const struct tierfs_check_opts *opts;
	tierfs_check_report_fn *report;
	void *ctx;
	struct tierfs_check_result *result;
	struct tierfs_check_memory *memory;
	int err;			/* -ENOMEM: the check ends soon */
	uint64_t max_lsn;		/* of all records; set by the replay */
	uint64_t nr_groups;
	struct tck_group *groups;
	uint32_t nr_chunks;
	struct tck_chunk *chunks;
	uint64_t nr_inode_chunks;	/* of the tree, that are there */
	struct tck_chunk **inode_chunks;	/* by index; NULL = broken */
	struct tck_inode *inodes;	/* of all chunks of inodes */
	uint64_t *owned;		/* bit per block of the set */
	/* names of the directory that is looked at: hash << 32 | unit + 1 */
	uint64_t *names;
	uint64_t max_names;		/* a power of 2 */
};

/* What a finding is about. */
struct tck_object {
	enum tierfs_check_kind kind;
	uint64_t number;
	tierfs_place_t place;
};

void tck_tell(struct tck *c, enum tierfs_check_severity severity, struct tck_object object,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define tck_error(c, object, ...)	tck_tell(c, TIERFS_CHECK_ERROR, object, __VA_ARGS__)

static inline struct tck_object tck_of(enum tierfs_check_kind kind, uint64_t number,
				       tierfs_place_t place)
{
	return (struct tck_object){ kind, number, place };
}

static inline bool tck_is_zero(const void *mem, uint64_t bytes)
{
	const uint64_t *p = mem;
	uint64_t i, all = 0;

	for (i = 0; i < bytes / 8; i++)
		all |= p[i];
	return !all;
}

static inline bool tck_bit(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* ---- check.c ---- */

/*
 * Everything that is looked at before the first inode; then these can be found by their numbers.
 * False: so little makes sense that nothing more can be said, or c->err.
 */
bool tck_begin(struct tck *c);

/* ---- super.c: false = the rest cannot be looked at ---- */

bool tck_supers(struct tck *c);
bool tck_state(struct tck *c);
bool tck_root(struct tck *c);

/* ---- replay.c ---- */

/* Reads the logs, and changes the overlay if the set is not clean. */
void tck_replay(struct tck *c);

/* ---- space.c ---- */

/* Groups and the heads of chunks; claims what the super-blocks speak of. */
void tck_space_begin(struct tck *c);
/* What is used and has no owner. */
void tck_space_end(struct tck *c);

/* ---- claim.c ---- */

/* What the super-blocks speak of. */
void tck_claim_tables(struct tck *c);
/* The chunk of metadata in use that a place is in, or NULL. */
struct tck_chunk *tck_chunk_at(const struct tck *c, tierfs_place_t place);
/*
 * These claim what a pointer of inode `ino` (or 0) leads to. NULL or false: it leads nowhere or to
 * what has an owner; that was told.
 */
const void *tck_claim_page(struct tck *c, tierfs_place_t place, uint64_t ino, const char *what);
/* The same of a page of cells of orphans, which has no CRC. */
const struct tierfs_cells *tck_claim_cells(struct tck *c, tierfs_place_t place);
const void *tck_claim_object(struct tck *c, tierfs_place_t place, uint32_t bytes, uint64_t ino,
			     const char *what);
bool tck_claim_blocks(struct tck *c, tierfs_place_t place, uint32_t n, uint64_t ino,
		      const char *what);
/* The page at a place that was claimed before, or NULL. */
const void *tck_page_at(const struct tck *c, tierfs_place_t place);

/* ---- inode.c ---- */

void tck_inode_tree(struct tck *c);
/* Everything that hangs on an inode; sets what is known of it. */
void tck_inodes(struct tck *c);
/* Of a number that some inode in use has; else NULL. */
struct tck_inode *tck_inode_of(const struct tck *c, uint64_t ino);
const struct tierfs_inode *tck_record_of(const struct tck *c, uint64_t ino);

/* ---- map.c ---- */

struct tck_run {
	uint64_t index;			/* of the file's blocks */
	tierfs_place_t place;
	uint32_t n;
	bool unwritten;
};

struct tck_map {
	uint64_t ino;
	const struct tierfs_inode *rec;
	uint64_t blocks;		/* out: data and pages of the map */
	/* for each run, in the order of the file */
	void (*run)(struct tck *c, struct tck_map *map, const struct tck_run *run);
};

void tck_map_walk(struct tck *c, struct tck_map *map);
/* The page of a directory's block `index`; NULL = a hole, or broken. */
const void *tck_dir_block(const struct tck *c, const struct tierfs_inode *rec, uint64_t index);

/* ---- dir.c, bucket.c ---- */

/* Names of a directory; adds what its map takes to *blocks. */
void tck_dir(struct tck *c, uint64_t ino, const struct tierfs_inode *rec, uint64_t *blocks);
/* How many units a name of `len` bytes takes. */
uint32_t tck_name_units(uint32_t len);
const struct tierfs_dirent *tck_entry_at(const struct tck *c, const struct tierfs_inode *rec,
					 uint64_t unit);
/* The slot of c->names with hash << 32 | unit + 1, or the free one where it belongs. */
uint64_t *tck_name_slot(const struct tck *c, uint64_t cell);
void tck_dir_index(struct tck *c, uint64_t ino, const struct tierfs_inode *rec, uint64_t entries);

/* ---- xattr.c ---- */

void tck_xattrs(struct tck *c, uint64_t ino, const struct tierfs_inode *rec, uint64_t *blocks);

/* ---- links.c ---- */

void tck_orphans(struct tck *c);
void tck_links(struct tck *c);

#endif /* TIERFS_TCK_H */
