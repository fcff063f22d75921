/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memofs: what the files about data share. From below: owners.c counts who has a block, map.c
 * says which block a file has where, clone.c shares blocks and takes copies of shared ones,
 * and io.c, space.c and extent.c are the operations of the plugin's table.
 *
 * Locks and contracts are explained in owners.c.
 */
#ifndef MEMOFS_DATA_H
#define MEMOFS_DATA_H

#include "memofs.h"

static inline uint64_t memofs_blocks_up(uint64_t bytes)
{
	return (bytes + ZUS_BLOCK_SIZE - 1) >> ZUS_BLOCK_SHIFT;
}

static inline uint64_t memofs_blocks_down(uint64_t bytes)
{
	return bytes >> ZUS_BLOCK_SHIFT;
}

static inline bool memofs_is_aligned(uint64_t bytes)
{
	return !(bytes & (ZUS_BLOCK_SIZE - 1));
}

static inline int memofs_check_range(uint64_t pos, uint64_t len)
{
	return pos > MEMOFS_MAX_BYTES || len > MEMOFS_MAX_BYTES - pos ? -EFBIG : 0;
}

/* ---- owners.c: blocks with several owners, and who still looks at them ---- */

void memofs_owners_fini(struct memofs_sb *msb);
/* Makes sure that n blocks may each get up to n more owners. -ENOMEM, -ENOSPC. */
int memofs_owners_reserve(struct memofs_sb *msb, uint64_t bn, uint64_t n);
/* One more owner; the caller's file has the block, and is locked. */
void memofs_owner_add(struct memofs_sb *msb, uint64_t bn);
/* One owner less for each of n blocks; what had only this one is free. */
void memofs_owners_drop(struct memofs_sb *msb, uint64_t bn, uint64_t n);
/* How many of n blocks from bn on are all shared, or all not shared. */
uint64_t memofs_owners_run(struct memofs_sb *msb, uint64_t bn, uint64_t n, bool *shared);

/* Blocks that a file has no more, but somebody may still look at. */
struct memofs_old {
	struct memofs_old_run {
		uint64_t bn;
		uint64_t n;
	} *runs;
	uint32_t count;
	uint32_t max;			/* room in runs */
};

struct memofs_share {
	pthread_mutex_t lock;		/* of everything here; a copy is made under it too */
	uint32_t epoch;			/* 0 or 1 */
	uint32_t open[2];		/* contracts that began in an epoch */
	struct memofs_left {
		uint32_t n[2];		/* open ones of writes that are over, by epoch */
		uint64_t first;		/* pages [first, end) that these have replaced */
		uint64_t end;
	} left;
	struct memofs_old old[2];	/* replaced in an epoch */
};

/* From now on the file may have shared blocks. -ENOMEM. Exclusive, as the next two. */
int memofs_share_make(struct memofs_inode *mi);
void memofs_share_fini(struct memofs_inode *mi);
/* Every contract is over: what was replaced goes. */
void memofs_share_settle(struct memofs_inode *mi);
/* Room for one more run of replaced blocks; under the lock. */
int memofs_share_reserve(struct memofs_inode *mi);
/* The file has others instead of these; their owner is the list now. Reserved, under the lock. */
void memofs_share_replaced(struct memofs_inode *mi, uint64_t bn, uint64_t n);
/* What is found in the map between these two stays what it is. 0 = nothing to keep in mind. */
uint64_t memofs_contract_begin(struct memofs_inode *mi);
void memofs_contract_end(struct memofs_inode *mi, uint64_t contract);
/*
 * The contract of a write that has replaced some of the pages [first, end), which may be mapped:
 * takes them out of the mappings and ends it, and others that were left. -errno: somebody
 * holds one of them, the contract is left and the kernel must be told.
 */
int memofs_contract_leave(struct memofs_inode *mi, uint64_t contract, uint64_t first,
			  uint64_t end);
/* What writes have replaced is not mapped any more; the kernel has said who holds it. */
void memofs_contract_left_over(struct memofs_inode *mi);
int memofs_sync(struct zus_ii *ii, struct zus_sync *s);

/* ---- map.c: the block index of a file ---- */

/* Blocks of a file that lie in a row in T1 too, or a hole. */
struct memofs_run {
	uint64_t index;			/* the first one in the file */
	uint64_t bn;			/* its T1 block; 0 = hole */
	uint64_t n;
};

/* A walk over the blocks [index, end) of a file, run by run; the tree is entered once per leaf. */
struct memofs_walk {
	const struct memofs_inode *mi;
	uint64_t index;
	uint64_t end;
	const uint64_t *slots;		/* of the next `left` blocks; NULL = holes */
	uint64_t left;
};

void memofs_walk_init(struct memofs_walk *w, const struct memofs_inode *mi, uint64_t index,
		      uint64_t end);
/* The next run; one that goes on in the next leaf comes in two. False = the end. */
bool memofs_walk_next(struct memofs_walk *w, struct memofs_run *r);
/*
 * Unwritten blocks: a file was given them, by fallocate, but nobody has stored anything there.
 * They are zeroed as any new block, so whoever reads need not know; they are told to be holes.
 */
/* [index, index + n) of what is there became zeros: none of it is written. Exclusive. */
void memofs_map_unwritten(struct memofs_inode *mi, uint64_t index, uint64_t n);
/* Somebody may store there from now on. */
void memofs_map_written(struct memofs_inode *mi, uint64_t index, uint64_t n);
static inline bool memofs_has_unwritten(const struct memofs_inode *mi)
{
	return __atomic_load_n(&mi->map.unwritten, __ATOMIC_RELAXED);
}

/* How many of a run's blocks are all unwritten, or all written. */
uint64_t memofs_unwritten_run(const struct memofs_inode *mi, const struct memofs_run *r,
			      bool *unwritten);
/* The next run of a walk, as memofs_walk_next, but unwritten blocks are holes. */
bool memofs_walk_data(struct memofs_walk *w, struct memofs_run *r);
/* The run that begins with a block that is no hole, r->n of it at most. */
void memofs_map_run(const struct memofs_inode *mi, struct memofs_run *r);
/* Makes what n slots from `index` on need. -ENOMEM, -ENOSPC: memofs_map_trim takes it back. */
int memofs_map_make(struct memofs_inode *mi, uint64_t index, uint64_t n);
/*
 * Gives the T1 blocks from `bn` on to n slots; to how many, before memory ran out: *err. Where
 * somebody was faster his block stays, and the caller's is free again.
 */
uint64_t memofs_map_fill(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n,
			 int *err);
/* Others, with the same content, take the place of a run of memofs_map_run. */
void memofs_map_replace(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n);
/*
 * The same blocks as those from `bn` on, of which n slots that have been made become a further
 * owner each. Exclusive, as those below.
 */
void memofs_map_share(struct memofs_inode *mi, uint64_t index, uint64_t bn, uint64_t n);
/* Frees the index of [index, end) where it has no block. Exclusive. */
void memofs_map_trim(struct memofs_inode *mi, uint64_t index, uint64_t end);
/* Takes the blocks of [index, end) away, and keeps their index. */
void memofs_map_clear(struct memofs_inode *mi, uint64_t index, uint64_t end);
/* Both. */
void memofs_map_drop(struct memofs_inode *mi, uint64_t index, uint64_t end);
/*
 * Moves the blocks from `index` on by so many further, or back over the first -by of them,
 * which are taken away. -ENOMEM, -ENOSPC, -EFBIG: nothing has changed.
 */
int memofs_map_shift(struct memofs_inode *mi, uint64_t index, int64_t by);

/* ---- clone.c ---- */

/*
 * Makes the first blocks of a run the file's own, by a copy if they are shared: bn and n of the
 * run say which. 1 = they are others now, 0, or -errno. `frees`: the operation gives space back and
 * may use the reserve.
 */
int memofs_own(struct memofs_inode *mi, struct memofs_run *r, bool frees);
int memofs_clone(const struct zus_clone *c);

/* ---- io.c ---- */

/* What of the bytes [pos, end) of a file lies in a run of blocks. */
struct memofs_part {
	uint8_t *addr;			/* in T1; NULL = hole */
	uint64_t pos;
	uint64_t len;
};

struct memofs_part memofs_part_of(const struct memofs_inode *mi, const struct memofs_run *r,
				  uint64_t pos, uint64_t end);
void memofs_walk_bytes(struct memofs_walk *w, const struct memofs_inode *mi, uint64_t pos,
		       uint64_t end);

enum memofs_change {
	MEMOFS_MOVED = 1,		/* shared blocks were replaced by copies */
	MEMOFS_RESERVE = 2,		/* of the caller: what holes get is unwritten */
};

/* The next run of a walk that fills holes. 1, 0 at the end, or -errno; adds to *change. */
int memofs_walk_filled(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r,
		       uint32_t *change);
/* And that takes copies of shared blocks. */
int memofs_walk_owned(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r,
		      uint32_t *change);
/* And that is to be written: what of it was unwritten is not any more. */
int memofs_walk_written(struct memofs_walk *w, struct memofs_inode *mi, struct memofs_run *r,
			uint32_t *change);
/* Zeroes from the end of the file to the end of its last block or to `end`: it comes into sight. */
void memofs_zero_tail(struct memofs_inode *mi, uint64_t size, uint64_t end);

ssize_t memofs_read(struct zus_ii *ii, struct zus_io *io);
ssize_t memofs_write(struct zus_ii *ii, struct zus_io *io);
int memofs_get_blocks(struct zus_ii *ii, struct zus_blocks *b);
void memofs_put_blocks(struct zus_ii *ii, const struct zus_blocks *b);

/* ---- space.c ---- */
int memofs_truncate(struct zus_ii *ii, struct zus_io *io);
int memofs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode);

/* ---- extent.c ---- */
int memofs_seek(struct zus_ii *ii, int whence, uint64_t *offset);
int memofs_fiemap(struct zus_ii *ii, struct zus_fiemap *map);

#endif /* MEMOFS_DATA_H */
