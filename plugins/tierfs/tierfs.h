/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tierfs: what its files share. README.md says what to read first; tierfs_disk.h is the format.
 *
 *	plugin.c options.c	the table of the plugin, mount and its options
 *	name.c rename.c		names			data: io.c write.c fault.c space.c extent.c
 *	dir.c entry.c room.c	their container; hash.c hashgrow.c: its index
 *	symlink.c		targets of symbolic links
 *	map.c mapset.c mapcut.c maptree.c fill.c	which block a file has where: data.h
 *	node.c orphan.c		inodes and their handles	xattr.c xobject.c
 *	chunk.c alloc.c		metadata objects, blocks
 *	tx.c log.c recover.c	transactions, the logs, what a mount does after a crash
 *	pm.c crc.c		all stores to durable T1, checksums
 *
 * A file calls its own line and those below it.
 *
 * Locks, in this order: locks of inodes, by their numbers; the lock of the chunk tree; late locks
 * (tx.c), by their index; an allocator's lock; the lock of a log; the lock of the horizon. None of
 * them spins. The kernel's locks (zus/fs.h) come before all of them.
 */
#ifndef TIERFS_H
#define TIERFS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <zus/fs.h>
#include <zus/mutex.h>
#include "tierfs_disk.h"

struct tierfs;
struct tierfs_node;
struct tierfs_tx;
struct tierfs_chunk_ram;
struct tierfs_room;

#define TIERFS_LATE_LOCKS	256
#define TIERFS_NODE_SHARDS	64
#define TIERFS_MAX_DEVS		64
#define TIERFS_MAX_LOGS		256

static inline uint64_t tierfs_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t tierfs_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t tierfs_up(uint64_t bytes)
{
	return (bytes >> TIERFS_BLOCK_SHIFT) + !!(bytes & (TIERFS_BLOCK - 1));
}

/* ---- options (options.c) ---- */

struct tierfs_opts {
	uint32_t is_volatile;		/* mounts although nothing can be made durable */
	uint32_t norecovery;		/* read-only without a look at the logs */
	uint32_t errors;		/* enum tierfs_errors; UINT32_MAX = as the super says */
	uint32_t test_horizon;		/* the horizon moves after each transaction: for tests */
};

/* What is not named stays as it is. */
#define TIERFS_OPTS_DEFAULT	((struct tierfs_opts){ .errors = UINT32_MAX })

/* The options of a mount, on top of what *o holds. -EINVAL, with a line in the log. */
int tierfs_options_parse(const struct zus_sb *sb, const char *text, struct tierfs_opts *o);
/* ",name=value..." without a NUL: its length, or -E2BIG. */
ssize_t tierfs_options_show(const struct tierfs_opts *o, char *buf, size_t size);

/* ---- logs (log.c, recover.c) ---- */

struct tierfs_log {
	struct zus_mutex lock;		/* from before the LSN until the record is in place */
	uint32_t index;
	const struct tierfs_log_entry *entry;
	const uint8_t *area;
	uint32_t bytes;			/* of the area */
	uint32_t max_record;		/* bytes */
	/* under lock */
	uint32_t head;			/* offset of the next record */
	uint64_t sequence;		/* of the next record */
	uint64_t *image;		/* max_record bytes: a record before it is written */
	/*
	 * Atomic: the LSN that is being stored in place, UINT64_MAX = about to have one, 0 = none.
	 * Written under lock; who moves the horizon waits for its end on `done`.
	 */
	uint64_t inflight;
	uint64_t end_sequence;		/* of the record after the last one in place; atomic */
	uint64_t used;			/* bytes from tail to head; atomic */
	uint32_t waiters;		/* atomic */
	struct zus_mutex done_lock;
	pthread_cond_t done;
	/* under the horizon's lock */
	uint32_t tail;			/* offset of the first record that may be needed */
	uint64_t tail_sequence;
	uint64_t generation;		/* of the newest head line */
	uint32_t next_head;		/* index of the one that is written next */
};

/* ---- what a thread has ---- */

#define TIERFS_TX_SPANS		64
#define TIERFS_TX_ARENA		(24 * 1024)
#define TIERFS_TX_LATE		96
#define TIERFS_TX_DEPTH		3

struct tierfs_thread {
	struct tierfs_tx *tx[TIERFS_TX_DEPTH];	/* made when first used; tx.c */
	uint32_t depth;			/* of those that are open */
	bool is_trimming;		/* in tierfs_chunks_trim */
	uint32_t group;			/* where its last small blocks came from */
	uint64_t pad[4];
};

/* ---- space (alloc.c, chunk.c) ---- */

/*
 * A group as the allocator sees it: `bits` has what is used on media, and what is reserved, rests
 * or is kept back. Loaded when first needed.
 */
struct tierfs_group {
	uint64_t *bits;
	uint16_t free;			/* of bits, or as the descriptor says while not loaded */
	uint8_t has_chunks;		/* chunks of metadata: is there a kind but data */
	uint8_t broken;			/* its descriptor or bitmap is: nothing comes from here */
};

/* Space that a committed transaction has freed, until no replay can store to it any more. */
struct tierfs_rest {
	STAILQ_ENTRY(tierfs_rest) link;
	uint64_t lsn;			/* usable when the horizon has reached it */
	uint64_t bn;			/* of blocks: first one and how many */
	uint32_t n;			/* 0: an object */
	uint32_t bit;			/* of the object in its chunk */
	struct tierfs_chunk_ram *chunk;
};

STAILQ_HEAD(tierfs_rests, tierfs_rest);

struct tierfs_space {
	struct zus_mutex lock;		/* all below, groups included */
	struct tierfs_group *groups;
	uint64_t nr_groups;
	uint64_t free;			/* blocks in the bits of all groups; atomic reads */
	uint64_t total;			/* blocks for f_blocks */
	uint64_t scan;			/* next group whose chunks chunk.c has not looked at */
	uint64_t hint;			/* group where the last chunk came from */
	uint64_t large_hint;		/* group where the last 2 MiB came from */
	uint64_t *pool;			/* first blocks of chunks that only metadata gets */
	uint64_t pool_count;
	uint64_t pool_max;
	struct tierfs_rests rests;
	uint64_t nr_rests;
	LIST_HEAD(, tierfs_chunk_ram) partial[2 + TIERFS_SLAB_CLASSES];
	LIST_HEAD(, tierfs_chunk_ram) doomed;	/* empty, to be given back */
	struct tierfs_chunk_ram **hash;	/* loaded chunks by number */
	uint64_t hash_size;
	uint64_t nr_loaded;
	uint64_t inodes;		/* in use; right once everything is scanned */
	bool inodes_known;
};

/* ---- the file system ---- */

struct tierfs_dev {
	uint64_t first_bn;		/* in the linear T1 */
	uint64_t blocks;
	const struct tierfs_super *super;
	const uint64_t *bitmaps;	/* 8 words a group */
	const struct tierfs_group_desc *descs;
};

struct tierfs {
	struct zus_sb sb;		/* first */
	struct tierfs_opts opts;
	bool rdonly;			/* the mount is read-only; atomic */
	bool gave_up;			/* errors=remount-ro has met broken metadata; atomic */
	uint32_t nr_devs;		/* entries of devs, in the order of the linear T1 */
	uint8_t dev_index[TIERFS_MAX_DEVS];	/* by id; 0xff = none */
	struct tierfs_dev devs[TIERFS_MAX_DEVS];
	const struct tierfs_super *super;	/* the valid copy of device 0 */
	const struct tierfs_state *states;
	const struct tierfs_root *root;
	uint64_t hash_seed[2];
	uint32_t mount;			/* its number */
	uint32_t nr_logs;
	struct tierfs_log *logs;
	uint64_t lsn;			/* the last one that was given out; atomic */
	uint64_t horizon;		/* atomic */
	struct zus_mutex horizon_lock;
	uint32_t nr_threads;
	struct tierfs_thread *threads;
	/* for threads that got no memory for theirs: one at a time */
	struct {
		struct zus_mutex lock;
		struct tierfs_tx *tx;
	} spare_tx[TIERFS_TX_DEPTH];
	struct tierfs_space space;
	struct zus_mutex tree_lock;	/* of the tree of inode chunks */
	struct {
		struct zus_mutex lock;	/* after tree_lock */
		const uint64_t **free;	/* cells of orphans */
		uint32_t n;
		uint32_t max;
		const struct tierfs_cells *last;	/* page of log 0's list */
	} cells;
	struct zus_mutex late[TIERFS_LATE_LOCKS];
	struct {
		struct zus_mutex lock;
		LIST_HEAD(, tierfs_node) *buckets;
		uint64_t size;		/* a power of 2 */
		uint64_t count;
	} shards[TIERFS_NODE_SHARDS];	/* handles by number (node.c) */
	uint32_t errors;		/* broken metadata met by this mount; atomic */
};

/* ---- places and pointers ---- */

static inline struct tierfs *tierfs_of(struct zus_sb *sb)
{
	return (struct tierfs *)sb;
}

/* The device that holds a block of the linear T1. */
static inline const struct tierfs_dev *tierfs_dev_of(const struct tierfs *fs, uint64_t bn)
{
	const struct tierfs_dev *d = fs->devs;

	while (bn >= d->first_bn + d->blocks)
		d++;
	return d;
}

/* Byte `addr` of T1 as a place. */
tierfs_place_t tierfs_place(const struct tierfs *fs, const void *addr);
/*
 * Where `bytes` from a place on lie; NULL if that is not in T1, not a multiple of 8, or runs over
 * the end of the device. Whether the place may be what it is taken for is the caller's to check.
 */
const void *tierfs_ptr(const struct tierfs *fs, tierfs_place_t place, uint64_t bytes);

/* Kind of the chunk that a byte of T1 lies in, as media say now. */
enum tierfs_kind tierfs_kind_at(const struct tierfs *fs, const void *addr);
/*
 * The page at a place, or NULL if no page of metadata can be there (another kind of chunk, not
 * aligned). Its CRC is not checked.
 */
const void *tierfs_page_at(const struct tierfs *fs, tierfs_place_t place);
/* The same of an object of a slab with at least `bytes`. */
const void *tierfs_slab_at(const struct tierfs *fs, tierfs_place_t place, uint32_t bytes);

/* A word of a map as a run of the linear T1; n = 0: no run, or one outside of T1. */
struct tierfs_run {
	uint64_t bn;
	uint32_t n;
	bool unwritten;
};

struct tierfs_run tierfs_word_run(const struct tierfs *fs, uint64_t word);
/* n 1 .. 512, all of it on one device. */
uint64_t tierfs_run_word(const struct tierfs *fs, uint64_t bn, uint32_t n, bool unwritten);

static inline unsigned int tierfs_word_form(uint64_t word)
{
	return (unsigned int)(word >> TIERFS_WORD_FORM_SHIFT);
}

/* Words that point to pages. */
static inline uint64_t tierfs_page_word(const struct tierfs *fs, const void *page)
{
	tierfs_place_t place = tierfs_place(fs, page);

	return TIERFS_FORM_PAGE << TIERFS_WORD_FORM_SHIFT |
		(place >> TIERFS_PLACE_DEV_SHIFT) << TIERFS_WORD_DEV_SHIFT |
		(place & TIERFS_PLACE_OFFSET) >> TIERFS_BLOCK_SHIFT;
}

static inline tierfs_place_t tierfs_word_place(uint64_t word)
{
	return (word >> TIERFS_WORD_DEV_SHIFT & 63) << TIERFS_PLACE_DEV_SHIFT |
		(word & TIERFS_WORD_BLOCK) << TIERFS_BLOCK_SHIFT;
}

/* ---- pm.c: every store to durable T1 ---- */

/* One aligned word, in place; durable with the horizon. */
void tierfs_pm_store8(const struct tierfs *fs, const void *dst, uint64_t value);
/* Past the caches; durable after the next fence of this thread. */
void tierfs_pm_copy(const struct tierfs *fs, const void *dst, const void *src, size_t bytes);
void tierfs_pm_zero(const struct tierfs *fs, const void *dst, size_t bytes);
void tierfs_pm_flush(const struct tierfs *fs, const void *addr, size_t bytes);
void tierfs_pm_fence(const struct tierfs *fs);

/* ---- crc.c ---- */

/* CRC32C of bytes, going on from `crc` (0 at first). */
uint32_t tierfs_crc(uint32_t crc, const void *data, size_t bytes);
/* Of a struct whose first four bytes are its CRC: these count as 0. */
uint32_t tierfs_crc_head(const void *object, size_t bytes);
/* Of one whose last four bytes are. */
uint32_t tierfs_crc_tail(const void *object, size_t bytes);
/* By what the CRC of a page changes (xor) when word `index` of its 512 does by `diff` (xor). */
uint32_t tierfs_crc_word(unsigned int index, uint64_t diff);

/* ---- tx.c: transactions ---- */

/*
 * An operation begins one, gets copies of what it wants to change, changes the copies, and commits:
 * one record makes all of it durable, then it is stored in place. A transaction is the thread's
 * own; a second one may be begun and ended within (TIERFS_TX_DEPTH). What is changed must be
 * locked until the commit has returned.
 */
enum tierfs_crc_kind {
	TIERFS_CRC_NONE,
	TIERFS_CRC_HEAD,		/* object with its CRC in the first four bytes */
	TIERFS_CRC_PAGE,		/* part of a page, whose CRC stands in its chunk's head */
};

int tierfs_txs_init(struct tierfs *fs);
void tierfs_txs_fini(struct tierfs *fs);
/* Never NULL. */
struct tierfs_tx *tierfs_tx_begin(struct tierfs *fs);
/*
 * The copy of `bytes` (multiple of 8) of T1, as the transaction will leave them: the same copy for
 * the same address. Never NULL: when the transaction is too large, what it returns leads nowhere
 * and the commit fails with -EFBIG. Parts that overlap must be got as one.
 */
void *tierfs_tx_get(struct tierfs_tx *tx, const void *addr, size_t bytes,
		    enum tierfs_crc_kind crc);
/*
 * A fresh object at an address that was allocated in this transaction: zeros, all of it is written,
 * whatever lies there.
 */
void *tierfs_tx_new(struct tierfs_tx *tx, const void *addr, size_t bytes,
		    enum tierfs_crc_kind crc);
/*
 * Fills a page that this transaction has allocated, aside: content (4096 bytes) is written at once
 * and is durable before the record. It may be got afterwards, but costs less if it needs not.
 */
void tierfs_tx_page(struct tierfs_tx *tx, const void *page, const void *content);
/* Where the CRC of the page stands that a byte of T1 lies in; bit 32 of it: it is kept right. */
const uint64_t *tierfs_page_crc_at(const struct tierfs *fs, const void *addr);
/* Something was written aside by pm.c: the commit fences before its record. */
void tierfs_tx_aside(struct tierfs_tx *tx);
/* About how many bytes of the record are left: an operation in steps ends one below 512. */
uint32_t tierfs_tx_left(const struct tierfs_tx *tx);
/*
 * 0: it is durable and in place. -EFBIG, -EIO (what it changes is broken), -EROFS: nothing has
 * changed, and what was allocated is free again. tx is gone in any case.
 */
int tierfs_tx_commit(struct tierfs_tx *tx);
void tierfs_tx_abort(struct tierfs_tx *tx);
/* It cannot be: the commit will abort and return err. */
void tierfs_tx_fail(struct tierfs_tx *tx, int err);
struct tierfs *tierfs_tx_fs(const struct tierfs_tx *tx);

/* Bits that are changed at commit, under late locks (tx.c): for alloc.c and chunk.c. */
enum tierfs_late_kind {
	TIERFS_LATE_BLOCKS_SET,		/* n blocks from bn on, kind = that of their chunks then */
	TIERFS_LATE_BLOCKS_CLEAR,
	TIERFS_LATE_OBJECT_SET,		/* bit of a chunk of metadata */
	TIERFS_LATE_OBJECT_CLEAR,
	TIERFS_LATE_CELL_SET,		/* a cell of orphans: nothing at commit, but afterwards */
	TIERFS_LATE_CELL_CLEAR,
};

struct tierfs_late {
	enum tierfs_late_kind what;
	enum tierfs_kind kind;
	uint64_t bn;
	uint32_t n;
	uint32_t bit;
	struct tierfs_chunk_ram *chunk;
	const uint64_t *cell;
};

/* False: there is no room for it; the commit will fail. */
bool tierfs_tx_late(struct tierfs_tx *tx, const struct tierfs_late *late);

/* ---- log.c ---- */

/* Memory and locks for fs->super->log_count logs, which recover.c has checked. */
int tierfs_logs_init(struct tierfs *fs);
void tierfs_logs_fini(struct tierfs *fs);
/* Empties all logs, with heads of this mount: everything up to `horizon` is durable in place. */
void tierfs_logs_begin(struct tierfs *fs, uint64_t horizon);
/*
 * Appends image[0 .. bytes), a record whose entries are complete, stores it in place and returns
 * its LSN. `aside`: what was written before must be durable first. Called with all locks of what it
 * changes; the log's lock is taken by tierfs_log_lock before the image is built.
 */
struct tierfs_log *tierfs_log_lock(struct tierfs *fs);
uint64_t tierfs_log_append(struct tierfs *fs, struct tierfs_log *log, uint32_t bytes, bool aside);
void tierfs_log_unlock(struct tierfs_log *log);
/*
 * Everything that was committed before the call is durable in place afterwards, and needs no log.
 */
void tierfs_horizon_move(struct tierfs *fs);
/* Of a record with the LSN 0, which has no entries, the head alone is summed. */
uint32_t tierfs_record_crc(uint64_t secret, uint32_t log, const struct tierfs_record *record);
/* The first entry of a record, and the one after another; NULL = there is none, or it is broken. */
const uint64_t *tierfs_record_entry(const struct tierfs_record *record, const uint64_t *before);

static inline uint32_t tierfs_entry_words(const uint64_t *entry)
{
	return (uint32_t)(*entry >> TIERFS_ENTRY_WORDS_SHIFT);
}

/* In an entry the id of the device has 8 bits. */
static inline tierfs_place_t tierfs_entry_place(const uint64_t *entry)
{
	return *entry & (((uint64_t)1 << TIERFS_ENTRY_WORDS_SHIFT) - 1);
}

/* ---- recover.c ---- */

/* Before tierfs_logs_init: the table of logs. -EUCLEAN. */
int tierfs_logs_check(const struct tierfs *fs);
/*
 * Takes the number of this mount, replays, empties the logs. -EUCLEAN: damage, fsck.tierfs decides;
 * -EROFS: something is to be replayed and the mount may not write.
 */
int tierfs_recover(struct tierfs *fs, bool may_write);
/*
 * The last thing at umount, when nothing is committed any more: the next mount has nothing to do. A
 * file system that has met broken metadata is left for fsck -p.
 */
void tierfs_set_clean(struct tierfs *fs);

/* ---- alloc.c: blocks ---- */

int tierfs_space_init(struct tierfs *fs);
/* The chunks that only metadata gets, once: at a mount that may write. -ENOMEM. */
int tierfs_pool_init(struct tierfs *fs);
void tierfs_space_fini(struct tierfs *fs);

#define TIERFS_ALLOC_RESERVE	1U	/* may use the pool of chunks */

/*
 * Up to `max` blocks in a row on one device for a file's blocks from `index` on: the first in *bn,
 * how many as the result, 0 = no space. `goal`: the block that would follow, or 0. Not zeroed. They
 * are the file's when tx commits; after an abort they are free again.
 */
uint64_t tierfs_blocks_alloc(struct tierfs_tx *tx, uint64_t index, uint64_t goal, uint64_t max,
			     uint64_t *bn);
/* They are free when tx has committed, unless the kernel holds some (quarantine). */
void tierfs_blocks_free(struct tierfs_tx *tx, uint64_t bn, uint64_t n);
/* Free blocks that data may have. */
uint64_t tierfs_blocks_left(const struct tierfs *fs);
/* Table of the plugin: see zus/fs.h. */
void tierfs_blocks_idle(struct zus_sb *sb, uint64_t bn, uint64_t n);
bool tierfs_block_take(struct zus_sb *sb, uint64_t bn);

/*
 * For chunk.c: 16 blocks for a chunk of metadata, reserved in the bits; its first block. 0 = none.
 */
uint64_t tierfs_chunk_reserve(struct tierfs *fs, unsigned int flags);
/* For tx.c, after a commit or an abort: blocks get free in the bits. rest: not before lsn. */
void tierfs_blocks_release(struct tierfs *fs, uint64_t bn, uint64_t n);
void tierfs_blocks_rest(struct tierfs *fs, uint64_t bn, uint64_t n, uint64_t lsn);
void tierfs_rest_add(struct tierfs *fs, const struct tierfs_rest *what);
/* Gives out what rests no more; with `move` after a move of the horizon. Any found? */
bool tierfs_rests_drain(struct tierfs *fs, bool move);
/* With the space's lock: the group's bits are there; false: it is broken, or there is no memory. */
bool tierfs_group_load(struct tierfs *fs, uint64_t group);

/* ---- chunk.c: objects of metadata ---- */

struct tierfs_chunk_ram {
	LIST_ENTRY(tierfs_chunk_ram) link;	/* partial, if is_partial; doomed, if that */
	struct tierfs_chunk_ram *next;		/* same hash bucket */
	const struct tierfs_chunk *head;
	uint64_t bits[16];		/* used, reserved or at rest */
	uint16_t free;
	uint16_t count;			/* objects */
	uint32_t object_bytes;
	uint8_t list;			/* index of partial */
	bool is_partial;
	bool doomed;			/* is being given back: nothing comes from here */
};

/*
 * Objects for a transaction, as blocks. flags: TIERFS_ALLOC_RESERVE. -ENOSPC, -ENOMEM, -EIO. May
 * run a transaction of its own within, that makes a chunk.
 */
int tierfs_page_alloc(struct tierfs_tx *tx, unsigned int flags, const void **page);
void tierfs_page_free(struct tierfs_tx *tx, const void *page);
int tierfs_slab_alloc(struct tierfs_tx *tx, uint32_t bytes, unsigned int flags,
		      const void **object);
void tierfs_slab_free(struct tierfs_tx *tx, const void *object);
/* The slot of a new inode; its number. */
int tierfs_slot_alloc(struct tierfs_tx *tx, uint64_t *ino, const struct tierfs_inode **rec);
void tierfs_slot_free(struct tierfs_tx *tx, const struct tierfs_inode *rec);
/* By number: the record, if its slot is used. -ESTALE, -EIO (broken). */
int tierfs_slot_find(struct tierfs *fs, uint64_t ino, const struct tierfs_inode **rec);
/* For tx.c: after a commit or an abort. */
void tierfs_object_release(struct tierfs *fs, struct tierfs_chunk_ram *c, uint32_t bit);
void tierfs_object_rest(struct tierfs *fs, struct tierfs_chunk_ram *c, uint32_t bit, uint64_t lsn);
/* For alloc.c, with the space's lock: the object is free. */
void tierfs_object_clear(struct tierfs *fs, struct tierfs_chunk_ram *c, uint32_t bit);
/* Gives empty chunks back, by transactions of its own; without the space's lock. Any? */
bool tierfs_chunks_trim(struct tierfs *fs);
void tierfs_chunks_fini(struct tierfs *fs);
/* Inodes in use; looks at all chunks if nobody has counted them yet. */
uint64_t tierfs_inodes_used(struct tierfs *fs);

/* ---- node.c: handles ---- */

struct tierfs_node {
	struct zus_ii ii;		/* first */
	LIST_ENTRY(tierfs_node) link;	/* of its shard */
	uint64_t ino;
	const struct tierfs_inode *rec;
	struct zus_mutex lock;		/* the record, the map and what it points to */
	uint32_t type;			/* S_IFMT bits */
	bool broken;			/* -EIO for everything but what frees the handle */
	bool is_new;			/* nobody finds it yet; these two with the shard's lock */
	bool is_dying;			/* is being erased: nobody finds it any more */
	uint64_t hint;			/* directories: the block of the last new name */
	struct tierfs_room *room;	/* directories: see room.c; NULL = nothing is known */
	uint32_t growth;		/* map.c: odd while a higher map is stored; atomic */
};

static inline struct tierfs_node *tierfs_node_of(struct zus_ii *ii)
{
	return (struct tierfs_node *)ii;
}

static inline struct tierfs *tierfs_fs_of(const struct tierfs_node *node)
{
	return (struct tierfs *)node->ii.sb;
}

int tierfs_nodes_init(struct tierfs *fs);
void tierfs_nodes_fini(struct tierfs *fs);
/*
 * The handle of an inode, with a reference more (zus_ii_put gives it back by tierfs_node_put).
 * -ESTALE, -ENOMEM, -EIO. Fills the shared inode when the handle is made.
 */
int tierfs_node_get(struct tierfs *fs, uint64_t ino, struct tierfs_node **node);
void tierfs_node_put(struct tierfs_node *node);
/*
 * A handle for a slot that tx has allocated, and the copy of its record, which is filled from zi:
 * the shared inode is filled too. After the commit tierfs_node_born lets others find it;
 * tierfs_node_drop, before an abort of tx, frees the handle.
 */
int tierfs_node_new(struct tierfs_tx *tx, const struct zus_inode *zi, struct tierfs_node **node,
		    struct tierfs_inode **rec);
void tierfs_node_born(struct tierfs_node *node);
void tierfs_node_drop(struct tierfs_node *node);
/* The record of a locked node for a change; `changes` is raised. */
struct tierfs_inode *tierfs_node_change(struct tierfs_tx *tx, struct tierfs_node *node);
/* Into rec, what the kernel has in the shared inode: bits STATX_* of zus/fs.h's setattr. */
void tierfs_node_take(struct tierfs_node *node, struct tierfs_inode *rec, uint32_t bits);
/*
 * After the commit: i_size, i_blocks, i_nlink, i_xattr, parent of the shared inode are those of
 * rec.
 */
void tierfs_node_show(struct tierfs_node *node);
/* Locks nodes, NULLs and doubles allowed, by their numbers. */
void tierfs_nodes_lock(struct tierfs_node **nodes, unsigned int n);
void tierfs_nodes_unlock(struct tierfs_node **nodes, unsigned int n);
/* Tells once, with a line in the log, that metadata is broken; counts. -EIO. */
int tierfs_broken(struct tierfs *fs, uint64_t ino, const char *what);
/* Is a change allowed? 0 or -EROFS. */
int tierfs_may_change(const struct tierfs *fs);

void tierfs_evict(struct zus_ii *ii, uint64_t flags);
void tierfs_free_inode(struct zus_ii *ii);
int tierfs_iget(struct zus_sb *sb, uint64_t ino, struct zus_ii **ii);
int tierfs_setattr(struct zus_ii *ii, uint32_t bits);

/* ---- orphan.c: inodes without a name, and such of which something is still to be cut ---- */

/* What is free in the pages of cells; rest of the mount. -ENOMEM, -EIO. */
int tierfs_cells_init(struct tierfs *fs);
/*
 * Puts a locked node on the list of orphans in tx, or takes it off. A node that is there already
 * stays; one that is not is left alone. -ENOSPC, -ENOMEM.
 */
int tierfs_orphan_add(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec);
void tierfs_orphan_del(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec);
/* For tx.c: a cell is free again. */
void tierfs_cell_release(struct tierfs *fs, const uint64_t *cell);
/* Frees what had no name when the last mount ended, and cuts what is to be cut. 0 or -errno. */
int tierfs_orphans_free(struct tierfs *fs);
/* Frees all that an inode without links has, its slot last. The handle is nobody else's. */
int tierfs_node_erase(struct tierfs_node *node);

/* ---- dir.c, entry.c, hash.c: the container of names; with the directory's lock ---- */

struct tierfs_found {
	const struct tierfs_dirent *entry;	/* in T1 */
	uint64_t pos;			/* of the entry */
};

/* -ENOENT, -EIO. */
int tierfs_dir_find(struct tierfs_node *dir, const struct zus_name *name,
		    struct tierfs_found *found);
/*
 * These change the directory in tx; the caller has got its record by tierfs_node_change (rec) and
 * sets times and links. A new name must not be there. -ENOSPC, -EIO.
 */
int tierfs_dir_add(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		   const struct zus_name *name, uint64_t ino, uint8_t type);
int tierfs_dir_remove(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		      const struct tierfs_found *found);
/* The name stays and is another inode's. */
void tierfs_dir_set(struct tierfs_tx *tx, struct tierfs_node *dir,
		    const struct tierfs_found *found, uint64_t ino, uint8_t type);
/* Both in one: the entry gets another name, in its block if there is room. */
int tierfs_dir_rename(struct tierfs_tx *tx, struct tierfs_node *dir, struct tierfs_inode *rec,
		      const struct tierfs_found *found, const struct zus_name *name);
/*
 * Frees what a directory without names still has: index, blocks, map; in transactions of its own.
 * The node is locked or nobody else's. Nothing to do: nothing is written. 0 or -errno (then it may
 * be called again).
 */
int tierfs_dir_trim(struct tierfs_node *dir);
/* The handle goes: frees its memory. */
void tierfs_dir_forget(struct tierfs_node *dir);
int tierfs_readdir(struct zus_ii *dir, struct zus_dir_ctx *ctx);

/* ---- name.c ---- */

int tierfs_new_inode(struct zus_ii *dir, const struct zus_new_inode *args, struct zus_ii **ii);
int tierfs_lookup(struct zus_ii *dir, const struct zus_name *name, struct zus_ii **ii);
int tierfs_add_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name);
int tierfs_remove_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name);
int tierfs_rename(const struct zus_rename *r);

/* ---- symlink.c ---- */

/* Stores the target of a new symbolic link. -ENOSPC, -ENOMEM. */
int tierfs_link_store(struct tierfs_tx *tx, struct tierfs_inode *rec, const char *text,
		      uint32_t len);
/* The shared inode of a symbolic link gets its target; without one the node is broken. */
void tierfs_link_show(struct tierfs_node *node);
/* Frees the target of an inode that goes, in tx. */
int tierfs_link_free(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec);

/*
 * ---- map.c: blocks of files and directories; with the node's lock, or the kernel's exclusive one
 * ----
 */

/*
 * What file block `index` is: a run of blocks of T1, or a hole (bn 0), of n blocks at most `max`.
 * -EIO. Readers need no lock of the node: what they find was right at some time of the call. Of
 * files it may be taken here, so who has it calls tierfs_map_look (data.h); of directories it is
 * not.
 */
int tierfs_map_find(const struct tierfs_node *node, uint64_t index, uint64_t max,
		    struct tierfs_run *run);
/*
 * Enters blocks that tx has allocated for holes, or changes `unwritten` of those that are there:
 * file blocks [index, index + n), within one slot. rec: the changed record of the node; rec->blocks
 * counts index pages here, blocks of data too when bn is new. -ENOSPC, -EIO.
 */
int tierfs_map_set(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		   uint64_t index, uint64_t bn, uint32_t n, bool unwritten);
/*
 * Takes file blocks [index, index + *n) of one slot out of the map and frees them in tx, from the
 * end: as many as the record holds, at least one. *n becomes how many are left of the range. The
 * only change of the map in tx.
 */
int tierfs_map_clear(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		     uint64_t index, uint32_t *n);
/* First file block >= index that is no hole; UINT64_MAX = none. Skips empty index pages. */
uint64_t tierfs_map_next(const struct tierfs_node *node, uint64_t index);
/*
 * Frees all blocks from file block `index` on, in transactions of its own, from the end; the node
 * is locked or nobody else's. Index pages below go too. 0 or -errno (then it may be called again).
 */
int tierfs_map_truncate(struct tierfs_node *node, uint64_t index);

/* ---- io.c, write.c, fault.c, space.c, extent.c ---- */

ssize_t tierfs_read(struct zus_ii *ii, struct zus_io *io);
ssize_t tierfs_write(struct zus_ii *ii, struct zus_io *io);
int tierfs_get_blocks(struct zus_ii *ii, struct zus_blocks *b);
void tierfs_put_blocks(struct zus_ii *ii, const struct zus_blocks *b);
int tierfs_sync(struct zus_ii *ii, struct zus_sync *s);
int tierfs_truncate(struct zus_ii *ii, struct zus_io *io);
int tierfs_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode);
int tierfs_seek(struct zus_ii *ii, int whence, uint64_t *offset);
int tierfs_fiemap(struct zus_ii *ii, struct zus_fiemap *map);

/* ---- xattr.c; the kernel's lock of attributes keeps readers and setxattr apart ---- */

ssize_t tierfs_getxattr(struct zus_ii *ii, uint32_t type, const char *name, void *value,
			size_t size);
int tierfs_setxattr(struct zus_ii *ii, uint32_t type, const char *name, const void *value,
		    size_t size, uint32_t flags);
ssize_t tierfs_listxattr(struct zus_ii *ii, char *buf, size_t size, uint32_t flags);
/*
 * Attributes that a new inode comes with, in the transaction that makes it. -ENOSPC, -E2BIG,
 * -ENOMEM, -EINVAL (an unknown type, a name twice).
 */
int tierfs_xattrs_new(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec,
		      const struct zus_new_xattr *xattrs, uint32_t nr);
/* Frees all attributes of an inode that goes, in tx. -EIO: they are broken, nothing is freed. */
int tierfs_xattrs_free(struct tierfs_tx *tx, struct tierfs_node *node, struct tierfs_inode *rec);

/* ---- format.c: making an image; mkfs.tierfs and tests ---- */

struct tierfs_format_dev {
	uint8_t *base;			/* the whole device, mapped for writing */
	uint64_t bytes;			/* a multiple of 2 MiB, 4 MiB at least for the first one */
	uint8_t uuid[16];
};

struct tierfs_format {
	uint8_t set_uuid[16];
	char label[TIERFS_LABEL_BYTES];
	uint64_t log_secret;
	uint64_t hash_seed[2];
	int64_t now_ns;
	uint32_t uid, gid;		/* of the root directory */
	uint16_t mode;			/* permission bits */
	uint32_t errors;		/* enum tierfs_errors */
	uint32_t generation;		/* of the root directory */
	bool zeroed;			/* the devices hold zeros: tables are not written */
	uint32_t nr_devs;
	const struct tierfs_format_dev *devs;
	/* called at the end of each part, to make it durable; may be NULL */
	void (*persist)(const void *addr, uint64_t bytes);
};

/*
 * Writes everything but the device tables; super-blocks last. -EINVAL (sizes), -E2BIG (devices).
 */
int tierfs_format(const struct tierfs_format *format);

#endif /* TIERFS_H */
