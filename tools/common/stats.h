/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counters of a zuf root: its file `stats`, version 1, read and parsed. What a line
 * means stands in kernel/server/statsfile.c and docs/observe.md. Unknown lines, and words at the
 * end of known ones, are of a newer module and skipped.
 */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STAT_BUCKETS	64
#define STAT_NAME	24

/* One kind of operation. */
struct stat_op {
	char name[STAT_NAME];		/* READ ..., M_MOUNT ... of the mounter */
	unsigned int number;		/* in the kernel-server interface */
	uint64_t count;
	uint64_t errors;		/* of them, ended with an error */
	uint64_t timed;			/* of them, timed: what follows is of these */
	uint64_t ns;			/* sum */
	uint64_t bucket[STAT_BUCKETS];	/* [i]: less than 2^i ns, not less than half of it */
};

struct stat_ops {
	struct stat_op *ops;
	size_t count;
};

struct stat_event {
	char name[STAT_NAME];
	uint64_t count;
};

struct stat_mount {
	uint64_t id;
	dev_t dev;
	char type[STAT_NAME];
	bool is_live;			/* its server answers */
	uint64_t t1_bytes, t2_bytes;	/* of its devices */
	struct stat_ops ops;
};

/* A channel that is at work. */
struct stat_channel {
	unsigned int cpu, number;
	char state[STAT_NAME];		/* running, or orphan: its application was killed */
	char op[STAT_NAME];
	pid_t thread;			/* of the server */
	pid_t app;			/* process that waits, 0 = none or not known here */
};

struct stats {
	uint64_t time_ns;
	bool latency;			/* operations are timed now */
	pid_t server;			/* 0 = none */
	uint64_t generation;
	uint64_t waiting;		/* operations that wait for a channel */
	struct stat_event *events;
	size_t nr_events;
	struct stat_ops ops;		/* of the whole root */
	struct stat_mount *mounts;
	size_t nr_mounts;
	struct stat_channel *channels;
	size_t nr_channels;
};

/*
 * Parses a text, which is changed. 0, -EPROTO: it is of no version that we know, cut off or
 * malformed, -ENOMEM. On success to be freed.
 */
int stats_parse(char *text, struct stats *s);
void stats_free(struct stats *s);

/* The file of a root; for_times: operations are timed while it is open. fd or -errno. */
int stats_open(const char *root, bool for_times);
/* What it says now. 0 or -errno. */
int stats_read(int fd, struct stats *s);

const struct stat_op *stats_op(const struct stat_ops *ops, const char *name);
const struct stat_mount *stats_mount(const struct stats *s, dev_t dev);
uint64_t stats_event(const struct stats *s, const char *name);	/* 0 if there is none */

/* What was added to an operation since then; before may be NULL. */
struct stat_op stats_since(const struct stat_op *now, const struct stat_op *before);
/* So many ns were not exceeded by this part (0 < part <= 1) of the timed ones; 0: none. */
uint64_t stats_percentile(const struct stat_op *op, double part);
uint64_t stats_mean(const struct stat_op *op);	/* 0: none was timed */

#endif
