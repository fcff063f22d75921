/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.h: what the files of the ops program share.
 *
 * One struct bench per run; main.c owns it, the operations use it one after the other,
 * single-threaded; jobs of ops_jobs.c each have a copy.
 */
#ifndef BENCH_OPS_H
#define BENCH_OPS_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES	4096u
#define HUGE_BYTES	(2u << 20)
#define FILE_BYTES	(32u << 20)
#define NAME_COUNT	512u
#define PATH_BYTES	256u

struct bench {
	char *buf;			/* 1 MiB, page aligned, for data in both directions */
	int data_fd;			/* file of FILE_BYTES, open read-write */
	int scratch_fd;			/* file for appends, or -1 */
	int huge_fd;			/* file for pages of 2 MiB, or -1 */
	char *map;			/* mapping of the data file, or NULL */
	void *map_area;			/* reservation around it */
	void *dir;			/* open DIR of the many-entries directory, or NULL */
	uint64_t random;		/* state of the offset generator */
	unsigned int crowd;		/* other names in the directory */
	/* Absolute paths, as applications use them, made beforehand. */
	char top[PATH_BYTES];		/* the directory that is measured */
	char data[PATH_BYTES];		/* the data file */
	char renamed[PATH_BYTES];	/* its other name */
	char scratch[PATH_BYTES];
	char made[PATH_BYTES];		/* a directory that comes and goes */
	char many[PATH_BYTES];		/* the directory of many entries */
	char files[NAME_COUNT][PATH_BYTES];
};

/*
 * An operation. run() performs `count` iterations and is all that is counted; prepare() and clean()
 * surround every run. Each returns 0 or -errno.
 */
struct op {
	const char *name;
	unsigned int count;
	int (*prepare)(struct bench *b, unsigned int count);
	int (*run)(struct bench *b, unsigned int count);
	int (*clean)(struct bench *b, unsigned int count);
};


/* Operations on data: ops_data.c */
int read_all(struct bench *b, unsigned int count);
int op_pread_4k(struct bench *b, unsigned int count);
int op_pread_64k(struct bench *b, unsigned int count);
int op_pread_1m(struct bench *b, unsigned int count);
int op_pwrite_4k(struct bench *b, unsigned int count);
int op_pwrite_64k(struct bench *b, unsigned int count);
int op_pwrite_1m(struct bench *b, unsigned int count);
int op_write_fsync(struct bench *b, unsigned int count);
int op_append(struct bench *b, unsigned int count);
int open_scratch(struct bench *b, unsigned int count);
int close_scratch(struct bench *b, unsigned int count);
int map_data(struct bench *b, unsigned int count);
int unmap_data(struct bench *b, unsigned int count);
int op_map_read(struct bench *b, unsigned int count);
int op_map_write(struct bench *b, unsigned int count);
int op_msync(struct bench *b, unsigned int count);
int create_data_file(struct bench *b);

/* Mappings of 2 MiB pages: ops_huge.c */
int map_huge(struct bench *b, unsigned int count);
int unmap_huge(struct bench *b, unsigned int count);
int op_huge_read(struct bench *b, unsigned int count);
int op_huge_write(struct bench *b, unsigned int count);

/* Operations on names: ops_names.c */
int op_create_close(struct bench *b, unsigned int count);
int op_unlink(struct bench *b, unsigned int count);
int unlink_all(struct bench *b, unsigned int count);
int op_open_close(struct bench *b, unsigned int count);
int op_fstatfs(struct bench *b, unsigned int count);
int op_stat(struct bench *b, unsigned int count);
int op_rename(struct bench *b, unsigned int count);
int op_mkdir_rmdir(struct bench *b, unsigned int count);
int fill_dir(struct bench *b, unsigned int count);
int op_readdir(struct bench *b, unsigned int count);
int empty_dir(struct bench *b, unsigned int count);
int op_getppid(struct bench *b, unsigned int count);
int op_spin(struct bench *b, unsigned int count);

/* A directory full of names: ops_crowd.c */
int make_crowd(struct bench *b, unsigned int names);
int open_crowd(struct bench *b);
int close_crowd(struct bench *b);
int forget_names(struct bench *b, unsigned int count);
int make_cold(struct bench *b, unsigned int count);
int op_lookup(struct bench *b, unsigned int count);

/* Counters of switches, migrations and time: ops_stats.c */
struct stats {
	uint64_t own_switches;		/* of this process, voluntary or not */
	uint64_t all_switches;		/* of the whole system */
	uint64_t migrations;		/* of this process */
	uint64_t time_ns;
};

/* Read them now. A counter that the kernel does not offer reads as 0. */
void stats_read(struct stats *s);

/* Jobs on CPUs 0, 1 ...; 0 or -errno: ops_jobs.c, main.c */
int jobs_run(struct bench *b, const struct op *op, unsigned int jobs, struct stats *before,
	     struct stats *after);
int pin(unsigned int cpu);

/* Tell a tcgcount plugin, if there is one: ops_marker.c */
void marker_tag(uint32_t tag);
void marker_start(void);
void marker_stop(void);

#endif
