/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drillfs: memofs with a layer that misbehaves, or behaves unusually, on command. Every
 * data operation asks the rules first (rule.c) and does what they say (ops.c); contracts
 * between get and put are checked (contract.c); lists of commands are written as text
 * (list.c). README.md says what the remote control understands.
 *
 * Locks: drill_sb.lock protects rules, contracts and counters. It is not held while a rule
 * hangs, nor while memofs or the kernel works. drill_sb.moving is explained in move.c.
 */
#ifndef DRILL_H
#define DRILL_H

#include <pthread.h>
#include <sys/queue.h>
#include <zus/iomap.h>
#include <zus/thread.h>
#include "../common/ctl.h"
#include "data.h"

#define DRILL_MAX_RULES		32
#define DRILL_LIST_WORDS	1024
#define DRILL_SCRATCH		64	/* blocks of T1 for lists, in a row */
#define DRILL_MEM_PAGES		64	/* of server memory for lists */
#define DRILL_RESULTS		1024
#define DRILL_PARKED		64	/* blocks that files had */

enum drill_op {
	DRILL_READ, DRILL_WRITE, DRILL_GET, DRILL_LARGE, DRILL_PUT, DRILL_PRE_READ, DRILL_TRUNCATE,
	DRILL_FALLOCATE, DRILL_SYNC, DRILL_IOCTL, DRILL_CLONE, DRILL_SETATTR, DRILL_LINK,
	DRILL_UNLINK, DRILL_OPS
};

/* What a rule wants; a field is valid if its bit is set. */
enum drill_does {
	DRILL_HANG	= 1 << 0,
	DRILL_RET	= 1 << 1,	/* return this without doing anything */
	DRILL_LIST	= 1 << 2,	/* ask for this list and a restart */
	DRILL_SHORT	= 1 << 3,
	DRILL_HOLE	= 1 << 4,
	DRILL_WORD	= 1 << 5,	/* for all words of an answer */
	DRILL_LASTWORD	= 1 << 6,
	DRILL_UNMAP	= 1 << 7,
	DRILL_FLIP	= 1 << 8,	/* change the list while it runs */
	DRILL_MOVE	= 1 << 9,	/* another page gets another block */
	DRILL_WORDS	= 1 << 10,	/* say 2 MiB by 512 words */
	DRILL_LINGER	= 1 << 11,	/* hang with the work done */
};

struct drill_rule {
	enum drill_op op;
	uint64_t ino;			/* 0 = any */
	uint64_t nth, count, every, seen;	/* count 0 = for ever */
	uint32_t does;			/* DRILL_* */
	uint32_t ret_flags;		/* ZUFS_RET_* to add */
	int64_t ret;
	uint64_t max;			/* SHORT: blocks, or bytes of READ and WRITE */
	uint64_t word;
	uint32_t unmap_offset, unmap_len;
	uint32_t flip_index;
	uint64_t flip_word;
	uint64_t page;			/* MOVE */
	uint32_t n;			/* LIST */
	uint64_t list[DRILL_LIST_WORDS];
};

struct drill_contract {
	LIST_ENTRY(drill_contract) link;
	uint64_t ino, pos, first, last;	/* words */
	uint32_t n;			/* of them */
	uint32_t pages;
	uint64_t inner;			/* memofs's contract */
	bool is_locked;
	pthread_t thread;
};

struct drill_stats {
	uint64_t gets, puts;
	uint64_t bad_puts;		/* that no get explains */
	uint64_t open, open_max;	/* contracts */
	uint64_t retries, restarts;
	uint64_t hangs;			/* since the last release */
	uint64_t flips;
	uint64_t async;			/* lists that were started and have not ended */
};

struct drill_sb {
	struct memofs_sb msb;		/* first */
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* a release, a hang, the end of a list or contract */
	pthread_rwlock_t moving;	/* exclusive: a page gets another block */
	uint64_t parked[DRILL_PARKED];
	uint32_t nr_parked;
	uint64_t releases;
	struct drill_rule *rules;	/* DRILL_MAX_RULES of them */
	uint32_t nr_rules;
	LIST_HEAD(, drill_contract) contracts;
	struct drill_stats stats;
	int results[DRILL_RESULTS];	/* of lists, the first ones since "clear" */
	uint32_t nr_results;
	uint64_t scratch;		/* first of the T1 blocks */
	uint8_t *mem;
	struct zus_thread *flipper;
	uint64_t *flip_at;		/* word that the flipper changes */
	uint64_t flip_good, flip_evil;
	bool flip_stop;			/* atomic */
	struct ctl *ctl;
};

static inline struct drill_sb *drill_sb_of(struct zus_sb *sb)
{
	return (struct drill_sb *)sb;
}

/* ---- list.c ---- */

/* A list from its text: words, or a text why not. */
const char *drill_list_parse(struct drill_sb *d, char *text, uint64_t *words, uint32_t *n);
/* A number as lists know it: "s3" a scratch block, "m4096" memory, "t1-8" ... */
bool drill_number(struct drill_sb *d, const char *text, uint64_t *value);

/* ---- rule.c ---- */

/* NULL, or why it is not understood; lock held. */
const char *drill_rule_add(struct drill_sb *d, char *text);
/* A copy in *rule if there is one for this operation; else one that wants nothing. */
void drill_rule_match(struct drill_sb *d, enum drill_op op, const struct zus_ii *ii,
		      struct drill_rule *rule);

/* ---- contract.c ---- */

/* b->cookie is memofs's contract, which ends with this one. */
uint64_t drill_contract_open(struct drill_sb *d, const struct zus_ii *ii,
			     const struct zus_blocks *b);
void drill_contract_close(struct drill_sb *d, const struct zus_ii *ii,
			  const struct zus_blocks *b);
/* What was never put; how many. */
uint64_t drill_contracts_drop(struct drill_sb *d);

/* ---- flip.c ---- */

void drill_flip_start(struct drill_sb *d, uint64_t *at, uint64_t evil);
void drill_flip_stop(struct drill_sb *d);

/* ---- move.c ---- */

int drill_moves_init(struct drill_sb *d);
void drill_moves_fini(struct drill_sb *d);
/* Within an operation that has drill_sb.moving: the first byte of the page goes up by 1. */
void drill_move_here(struct drill_sb *d, struct zus_ii *ii, uint64_t page);
/* Out of all mappings, moved, count times; 0 or -errno. */
int drill_move(struct drill_sb *d, uint64_t ino, uint64_t page, uint64_t count);

/* ---- ops.c ---- */

ssize_t drill_read(struct zus_ii *ii, struct zus_io *io);
ssize_t drill_write(struct zus_ii *ii, struct zus_io *io);
int drill_get_blocks(struct zus_ii *ii, struct zus_blocks *b);
void drill_put_blocks(struct zus_ii *ii, const struct zus_blocks *b);
int drill_pre_read(struct zus_ii *ii, struct zus_io *io);
int drill_truncate(struct zus_ii *ii, struct zus_io *io);
int drill_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode);
int drill_clone(const struct zus_clone *c);
int drill_setattr(struct zus_ii *ii, uint32_t bits);
int drill_add_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name);
int drill_remove_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name);
int drill_sync(struct zus_ii *ii, struct zus_sync *s);
int drill_ioctl(struct zus_ii *ii, struct zus_ioctl *args);
int drill_ioctls(struct zus_sb *sb, const struct zufs_ioctl_info **list);
void drill_result(struct drill_sb *d, int err);

/* ---- command.c: the remote control ---- */

void drill_command(void *sb, char *line, FILE *out);

#endif
