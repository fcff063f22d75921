/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats.h - counters of operations and events, latency histograms
 *
 * Counters are per CPU and per mount: an operation adds to those of its super-block; what belongs
 * to no mount (or to one that is gone) adds to those of the root. A task that counts writes only to
 * its own CPU's; the file `stats` of the root (statsfile.c) adds them up. When a mount ends its
 * counts are moved to the root's `retired`.
 *
 * Operations and events are always counted. Times are taken while somebody wants them: by the
 * module parameter `latency`, or by keeping the stats file open for writing.
 */
#ifndef ZUF_STATS_H
#define ZUF_STATS_H

#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include "zuf/zus_api.h"

/* Lines of the table: operations of the 1.0 interface, our own, the mounter's; 0 = others. */
#define ZUF_STAT_OLD	40
#define ZUF_STAT_EXT	24
#define ZUF_STAT_MNT	8
#define ZUF_STAT_OPS	(ZUF_STAT_OLD + ZUF_STAT_EXT + ZUF_STAT_MNT)

/* The first bucket is below 2^ZUF_HIST_SHIFT ns; each other one is twice as wide as the last. */
#define ZUF_HIST_SHIFT	8
#define ZUF_HIST_SIZE	31

#define ZUF_EVENTS(X)							\
	X(PUT_QUEUED, "put_queued")	/* a put waits for a message of its CPU */	\
	X(PUT_RODE, "put_rode")		/* a put went along with a message */	\
	X(PUT_ALONE, "put_alone")	/* a put was a message of its own */	\
	X(PUT_DEADLINE, "put_deadline")	/* a NOOP for puts that waited too long */ \
	X(PUT_DROPPED, "put_dropped")	/* a put whose server had gone */	\
	X(GOOSE, "goose")		/* the puts of an inode were flushed */ \
	X(RETRY, "retry")		/* a list in the middle of an operation */ \
	X(FAULT, "fault")		/* page faults of mappings */	\
	X(FAULT_NO_2M, "fault_no_2m")	/* 2 MiB would do, but this kernel has no such entry */ \
	X(NO_CHANNEL, "no_channel")	/* an operation waited for a channel */ \
	X(SLEPT, "slept")		/* an application slept for its answer */ \
	X(ORPHAN, "orphan")		/* a message whose application was killed */ \
	X(FORGET, "forget")		/* a message that a worker delivers */ \
	X(IOMAP, "iomap")		/* lists of commands, retries included */ \
	X(BAD_ANSWER, "bad_answer")	/* a wrong answer of the server */	\
	X(ABORT, "abort")		/* an abort was written to `control` */	\
	X(ZT_LOST, "zt_lost")		/* a thread of the server ended alone */

enum zuf_event {
#define X(id, name) ZUF_EV_##id,
	ZUF_EVENTS(X)
#undef X
	ZUF_NR_EVENTS
};

struct zuf_hist {
	u64 ns;				/* sum of all times */
	u64 bucket[ZUF_HIST_SIZE];
};

/* The counters of one CPU. */
struct zuf_stats {
	struct {
		u64 count;		/* answered, or given up */
		u64 errors;		/* those of @count that ended with anything but 0 */
		struct zuf_hist *hist;	/* NULL until the first operation is timed */
	} op[ZUF_STAT_OPS];
	u64 event[ZUF_NR_EVENTS];
};

/* The sums over all CPUs; large. */
struct zuf_stats_sum {
	struct {
		u64 count, errors;
		struct zuf_hist hist;
	} op[ZUF_STAT_OPS];
	u64 event[ZUF_NR_EVENTS];
};

struct zuf_stats __percpu *zuf_stats_create(void);
/* @stats may be NULL. */
void zuf_stats_destroy(struct zuf_stats __percpu *stats);
/* Add the counters of all CPUs to @sum; the CPUs may go on counting. */
void zuf_stats_add(struct zuf_stats_sum *sum, const struct zuf_stats __percpu *stats);

/* Name of a line of the table, stored in @buf if it has none; and its number in the interface. */
const char *zuf_stat_name(unsigned int slot, char buf[16]);
unsigned int zuf_stat_number(unsigned int slot);
const char *zuf_event_name(enum zuf_event ev);

DECLARE_STATIC_KEY_FALSE(zuf_latency_key);
/* Somebody begins, ends to want times. */
void zuf_latency_get(void);
void zuf_latency_put(void);

static inline bool zuf_latency_is_on(void)
{
	return static_branch_unlikely(&zuf_latency_key);
}

static inline void zuf_stats_event(struct zuf_stats __percpu *stats, enum zuf_event ev, u64 nr)
{
	this_cpu_add(stats->event[ev], nr);
}

/* The time when an operation starts; 0: nobody wants to know. */
static inline u64 zuf_stats_start(void)
{
	return zuf_latency_is_on() ? sched_clock() : 0;
}

void zuf_stats_time(struct zuf_stats __percpu *stats, unsigned int slot, u64 start);

static inline unsigned int zuf_stat_slot(u16 operation)
{
	if (likely(operation < ZUF_STAT_OLD))
		return operation;
	operation -= ZUFS_OP_EXT_FIRST;
	return operation < ZUF_STAT_EXT ? ZUF_STAT_OLD + operation : 0;
}

static inline unsigned int zuf_stat_mnt_slot(u16 operation)
{
	return operation < ZUF_STAT_MNT ? ZUF_STAT_OLD + ZUF_STAT_EXT + operation : 0;
}

/* An operation has ended. */
static inline void zuf_stats_op(struct zuf_stats __percpu *stats, unsigned int slot, u64 start,
				int err)
{
	this_cpu_inc(stats->op[slot].count);
	if (unlikely(err))
		this_cpu_inc(stats->op[slot].errors);
	if (zuf_latency_is_on() && start)
		zuf_stats_time(stats, slot, start);
}

#endif
