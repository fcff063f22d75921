/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coldfs: memofs with another data layer. Names, inodes, T1 blocks, options are memofs's
 * own sources; what data.h declares of operations and of map.c is defined here, with a map
 * whose blocks lie in T1 (hot) or in T2 (cold).
 *
 *	hole --write--> HOT --down.c: a list writes it--> DOWN --list ended--> COLD
 *	                 ^------- a write, or a hold ------'                    |
 *	                 '---- its list ended <-- read, write: -EZUFS_RETRY ----'
 *
 * Nobody waits for another one's list that brings a block up, as its end may need the thread
 * that would: each has a list of his own, and the first to end installs what it has read.
 *
 * A block is held between get and put; a held block stays in T1, because nothing but the
 * end of a list takes a block away, and that looks at the holds.
 *
 * Locks, outer first: cold_sb.lock (list of files, T2 map, tiering), cold_file.lock
 * (slots); memofs's own are inside of both.
 */
#ifndef COLD_H
#define COLD_H

#include <pthread.h>
#include <sys/queue.h>
#include <zus/iomap.h>
#include <zus/thread.h>
#include "../common/ctl.h"
#include "data.h"

#define COLD_MAX_BLOCKS	((uint64_t)1 << 20)	/* of a file: 4 GiB */
#define COLD_GET_MAX	64		/* blocks that one get holds */
#define COLD_LIST_MAX	64		/* blocks of one list */

enum cold_state {
	COLD_HOLE,		/* no block */
	COLD_HOT,		/* t1 */
	COLD_DOWN,		/* t1; a list copies it to t2 */
	COLD_COLD,		/* t2 */
};

struct cold_slot {
	uint32_t t1;
	uint32_t t2;
	uint32_t version;		/* what was COLD is not any more, or dropped */
	uint16_t holds;			/* gets without their puts */
	uint8_t state;			/* enum cold_state */
	bool was_used;			/* since the tiering looked last */
};

struct cold_file {
	TAILQ_ENTRY(cold_file) link;	/* of cold_sb.files; its lock, as the next three */
	uint64_t hand;			/* where the tiering goes on */
	bool is_pinned;			/* by the tiering: stays on the list */
	bool is_going;			/* the inode is being destroyed */
	struct memofs_inode *mi;
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* a list ended */
	uint32_t lists;			/* on their way down */
	uint64_t nr;			/* slots */
	struct cold_slot *slots;	/* moves when it grows: lock */
};

struct cold_stats {			/* atomic */
	uint64_t down, up;		/* blocks that moved */
	uint64_t down_lists, up_lists;
	uint64_t down_errors, up_errors;	/* lists that failed */
	uint64_t kept;			/* went down in vain: written or held meanwhile */
	uint64_t held;			/* blocks between get and put, now */
	uint64_t held_max;
};

struct cold_sb {
	struct memofs_sb msb;		/* first */
	pthread_mutex_t lock;
	pthread_cond_t kick;		/* for the tiering thread */
	pthread_cond_t moved;		/* a list ended, or a round */
	TAILQ_HEAD(, cold_file) files;	/* the tiering's next victim first; lock */
	uint32_t nr_files;
	uint64_t *t2_bits;		/* 1 = in use; lock, as the next three */
	uint64_t t2_blocks, t2_free, t2_hint;
	struct zus_thread *thread;
	uint32_t wanted;		/* a round; atomic */
	bool stop, force, paused;	/* lock */
	uint64_t rounds;		/* that ended; lock, as the next two */
	uint64_t idle_rounds;		/* the last ones, which brought nothing */
	uint32_t lists;			/* under way */
	struct cold_stats stats;
	struct ctl *ctl;
};

static inline struct cold_sb *cold_sb_of(struct zus_sb *sb)
{
	return (struct cold_sb *)sb;
}

static inline void cold_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* ---- slots.c: files and their slots ---- */

/* The file of a regular inode, made at its first use; NULL = no memory. */
struct cold_file *cold_file_of(struct memofs_inode *mi);
/* The slot of a block, NULL behind the last one; lock held. */
struct cold_slot *cold_slot(const struct cold_file *f, uint64_t index);
/* Makes room for slots up to `end`; lock held. 0, -ENOMEM, -EFBIG. */
int cold_slots_reserve(struct cold_file *f, uint64_t end);
/* i_blocks. */
void cold_count_blocks(struct cold_file *f, int64_t n);
/* Frees what blocks [index, end) have; the caller excludes all operations on the file. */
void cold_drop(struct cold_file *f, uint64_t index, uint64_t end);
static inline struct cold_sb *cold_sb_of_file(const struct cold_file *f)
{
	return cold_sb_of(f->mi->ii.sb);
}

/* ---- t2.c ---- */

int cold_t2_init(struct cold_sb *csb);
void cold_t2_fini(struct cold_sb *csb);
/* csb->lock held; 0 = none is free. */
uint64_t cold_t2_alloc(struct cold_sb *csb);
void cold_t2_free(struct cold_sb *csb, uint64_t bn);

/* ---- data.c ---- */

void memofs_put_blocks(struct zus_ii *ii, const struct zus_blocks *b);
int cold_pre_read(struct zus_ii *ii, struct zus_io *io);

/* ---- get.c: blocks for the kernel or for us ---- */

struct cold_get {
	uint64_t index;			/* first block wanted */
	uint32_t max;
	uint32_t n;			/* out: got, at least one with result 0 */
	bool is_write;
	bool may_wait;			/* else -EAGAIN */
	uint64_t bn[COLD_GET_MAX];	/* out; 0 = hole; the others are held */
};

/*
 * 0, -ENOSPC, -EIO ..., or -EZUFS_RETRY with a list in io's message: then the operation must
 * return that at once. With -EAGAIN nothing was started.
 */
int cold_get(struct cold_file *f, struct zus_io *io, struct cold_get *g);
void cold_put(struct cold_file *f, uint64_t index, const uint64_t *bn, uint32_t n);

/* ---- up.c ---- */

/* Starts to bring up the cold block at `index` and its cold neighbours; lock held. */
int cold_up_start(struct cold_file *f, struct zus_io *io, uint64_t index, uint32_t max);
/* If the operation is called again after its list: its result, 0 or -errno. */
int cold_up_end(struct cold_file *f, struct zus_io *io);

/* ---- down.c: the tiering thread ---- */

int cold_down_start(struct cold_sb *csb);
void cold_down_stop(struct cold_sb *csb);
/* A T1 block, and the thread knows when they get scarce; 0 = none. */
uint64_t cold_t1_alloc(struct cold_sb *csb);
/* Waits until there may be one again: 0, -ENOSPC, -EIO (T2 fails). No lock held. */
int cold_t1_wait(struct cold_sb *csb);
/* Moves everything down that nobody holds; returns when it is there. */
void cold_down_all(struct cold_sb *csb);

#endif
