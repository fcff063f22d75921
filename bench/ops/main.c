// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c: ops, a program that performs N operations of each kind in a directory, between markers.
 *
 *	ops [-f NAME] [-o OP]... [-p CPU | -j JOBS] [-r REPEATS] [-t TAG] DIR
 *
 * Every operation is warmed up once and then run REPEATS times; each run is an interval of the
 * tcgcount plugin with a tag of its own, counting up from TAG, and prints one JSON object per
 * line. An operation that the file system does not support (mmap without DAX: ENODEV) prints
 * "na" and is no failure. With -j the operation, which must be one on the data file, runs in JOBS
 * processes, on CPUs 0, 1 ... Exit status: 0, 1 when an operation failed, 2 for wrong usage. No
 * threads, one directory.
 */
#define _GNU_SOURCE
#include "ops.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CHOSEN	32

static const struct op ops_table[] = {
	{ "spin",		200,	NULL,		op_spin,	NULL },
	{ "getppid",		4000,	NULL,		op_getppid,	NULL },
	{ "fstatfs",		1000,	NULL,		op_fstatfs,	NULL },
	{ "pread 4k",		1000,	read_all,		op_pread_4k,	NULL },
	{ "pread 64k",		400,	read_all,		op_pread_64k,	NULL },
	{ "pread 1M",		120,	read_all,		op_pread_1m,	NULL },
	{ "pwrite 4k",		1000,	NULL,		op_pwrite_4k,	NULL },
	{ "pwrite 64k",		400,	NULL,		op_pwrite_64k,	NULL },
	{ "pwrite 1M",		120,	NULL,		op_pwrite_1m,	NULL },
	{ "append 4k",		500,	open_scratch,	op_append,	close_scratch },
	{ "pwrite 4k+fsync",	200,	NULL,		op_write_fsync,	NULL },
	{ "create+close",	400,	NULL,		op_create_close, unlink_all },
	{ "create new+close",	400,	forget_names,	op_create_close, unlink_all },
	{ "unlink",		400,	op_create_close, op_unlink,	unlink_all },
	{ "open+close",		1000,	NULL,		op_open_close,	NULL },
	{ "stat",		2000,	NULL,		op_stat,	NULL },
	{ "lookup",		400,	make_cold,	op_lookup,	unlink_all },
	{ "rename",		400,	NULL,		op_rename,	NULL },
	{ "mkdir+rmdir",	300,	NULL,		op_mkdir_rmdir,	NULL },
	{ "readdir entry",	4000,	fill_dir,	op_readdir,	empty_dir },
	{ "mmap read touch",	2000,	map_data,	op_map_read,	unmap_data },
	{ "mmap write touch",	2000,	map_data,	op_map_write,	unmap_data },
	{ "mmap read 2M",	128,	map_huge,	op_huge_read,	unmap_huge },
	{ "mmap write 2M",	128,	map_huge,	op_huge_write,	unmap_huge },
	{ "mmap write+msync",	300,	map_data,	op_msync,	unmap_data },
};
static const size_t ops_table_len =
	sizeof(ops_table) / sizeof(ops_table[0]);

struct options {
	const char *fs_name;
	const char *chosen[MAX_CHOSEN];
	unsigned int n_chosen;
	int cpu;			/* -1: not pinned */
	unsigned int jobs;		/* 0: this process alone */
	unsigned int names;		/* of a crowd in the directory */
	unsigned int repeats;
	uint32_t tag;
	const char *dir;
};

static bool is_chosen(const struct options *opt, const char *name)
{
	if (opt->n_chosen == 0)
		return strcmp(name, "spin") != 0;
	for (unsigned int i = 0; i < opt->n_chosen; i++)
		if (strcmp(opt->chosen[i], name) == 0)
			return true;
	return false;
}

static bool is_unsupported(int err)
{
	return err == -ENODEV || err == -EOPNOTSUPP || err == -ENOSYS;
}

/* One run with its preparation and cleaning; *before and *after are around the run alone. */
static int run_once(struct bench *b, const struct op *op, struct stats *before, struct stats *after)
{
	int err = op->prepare ? op->prepare(b, op->count) : 0;

	if (err)
		return err;
	stats_read(before);
	marker_start();
	err = op->run(b, op->count);
	marker_stop();
	stats_read(after);
	if (op->clean) {
		int clean_err = op->clean(b, op->count);

		if (!err)
			err = clean_err;
	}
	return err;
}

static void print_run(const struct options *opt, const struct op *op, uint32_t tag,
		      const struct stats *before, const struct stats *after)
{
	char variant[16] = "";

	if (opt->jobs)
		snprintf(variant, sizeof(variant), " x%u", opt->jobs);
	else if (opt->names)
		snprintf(variant, sizeof(variant), " @%u", opt->names);
	printf("{\"fs\": \"%s\", \"op\": \"%s%s\", \"tag\": %" PRIu32 ", \"count\": %u, "
	       "\"own_switches\": %" PRIu64 ", \"all_switches\": %" PRIu64 ", "
	       "\"migrations\": %" PRIu64 ", \"time_ns\": %" PRIu64 "}\n",
	       opt->fs_name, op->name, variant, tag, op->count * (opt->jobs ? opt->jobs : 1),
	       after->own_switches - before->own_switches,
	       after->all_switches - before->all_switches,
	       after->migrations - before->migrations, after->time_ns - before->time_ns);
	fflush(stdout);
}

static int report_failure(const struct options *opt, const struct op *op, int err)
{
	if (is_unsupported(err)) {
		printf("{\"fs\": \"%s\", \"op\": \"%s\", \"na\": \"%s\"}\n", opt->fs_name, op->name,
		       strerror(-err));
		return 0;
	}
	printf("{\"fs\": \"%s\", \"op\": \"%s\", \"error\": \"%s\"}\n", opt->fs_name, op->name,
	       strerror(-err));
	fprintf(stderr, "ops: %s: %s: %s\n", opt->fs_name, op->name, strerror(-err));
	return -1;
}

static int run_op(struct bench *b, const struct op *op, struct options *opt)
{
	struct stats before, after;

	for (unsigned int i = 0; i <= opt->repeats; i++) {
		uint32_t tag = opt->tag;
		int err;

		marker_tag(tag);
		err = opt->jobs ? jobs_run(b, op, opt->jobs, &before, &after)
				: run_once(b, op, &before, &after);
		if (err)
			return report_failure(opt, op, err);
		opt->tag++;
		if (i > 0)	/* the first run is the warm-up */
			print_run(opt, op, tag, &before, &after);
	}
	return 0;
}

/* A crowd is listed whole: its end may cost more than its beginning. */
static int run_sized(struct bench *b, const struct op *op, struct options *opt)
{
	struct op sized = *op;

	if (b->crowd && op->run == op_readdir)
		sized.count = b->crowd;
	return run_op(b, &sized, opt);
}

static void usage(void)
{
	fprintf(stderr, "usage: ops [-f NAME] [-o OP]... [-p CPU] [-j JOBS | -n NAMES] "
			"[-r REPEATS] [-t TAG] DIR\noperations:");
	for (size_t i = 0; i < ops_table_len; i++)
		fprintf(stderr, "%s \"%s\"", i ? "," : "", ops_table[i].name);
	fprintf(stderr, "\n");
}

static int parse_number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *value > max) {
		fprintf(stderr, "ops: \"%s\" is not a number up to %lu\n", text, max);
		return -1;
	}
	return 0;
}

static bool is_known_op(const char *name)
{
	for (size_t i = 0; i < ops_table_len; i++)
		if (strcmp(ops_table[i].name, name) == 0)
			return true;
	fprintf(stderr, "ops: no operation \"%s\"\n", name);
	return false;
}

static int parse_option(struct options *opt, int c)
{
	unsigned long value = 0;

	switch (c) {
	case 'f':
		opt->fs_name = optarg;
		return 0;
	case 'o':
		if (!is_known_op(optarg) || opt->n_chosen == MAX_CHOSEN)
			return -1;
		opt->chosen[opt->n_chosen++] = optarg;
		return 0;
	case 'p':
		if (parse_number(optarg, CPU_SETSIZE - 1, &value))
			return -1;
		opt->cpu = (int)value;
		return 0;
	case 'j':
		if (parse_number(optarg, CPU_SETSIZE, &value) || value == 0)
			return -1;
		opt->jobs = (unsigned int)value;
		return 0;
	case 'n':
		if (parse_number(optarg, 9999999, &value))
			return -1;
		opt->names = (unsigned int)value;
		return 0;
	case 'r':
		if (parse_number(optarg, 1000, &value) || value == 0)
			return -1;
		opt->repeats = (unsigned int)value;
		return 0;
	case 't':
		if (parse_number(optarg, UINT32_MAX, &value))
			return -1;
		opt->tag = (uint32_t)value;
		return 0;
	default:
		return -1;
	}
}

static int parse_options(struct options *opt, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "f:j:n:o:p:r:t:")) != -1)
		if (parse_option(opt, c))
			return -1;
	if (optind != argc - 1)
		return -1;
	opt->dir = argv[optind];
	return 0;
}

int pin(unsigned int cpu)
{
	cpu_set_t set;
	int err;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		return 0;
	err = -errno;
	fprintf(stderr, "ops: cannot pin to CPU %u: %s\n", cpu, strerror(errno));
	return err;
}

static void make_path(char *path, const char *dir, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", dir, name);
}

static int make_paths(struct bench *b, const char *dir)
{
	char *absolute = realpath(dir, NULL), name[16];

	if (!absolute || strlen(absolute) > PATH_BYTES - sizeof(name) - 2) {
		fprintf(stderr, "ops: %s: %s\n", dir, strerror(absolute ? ENAMETOOLONG : errno));
		free(absolute);
		return -1;
	}
	snprintf(b->top, sizeof(b->top), "%s", absolute);
	make_path(b->data, absolute, "data");
	make_path(b->renamed, absolute, "renamed");
	make_path(b->scratch, absolute, "scratch");
	make_path(b->made, absolute, "made");
	make_path(b->many, absolute, "many");
	for (unsigned int i = 0; i < NAME_COUNT; i++) {
		snprintf(name, sizeof(name), "file-%05u", i);
		make_path(b->files[i], absolute, name);
	}
	free(absolute);
	return 0;
}

static int set_up(struct bench *b, const char *dir, unsigned int names)
{
	int err;

	b->buf = aligned_alloc(PAGE_BYTES, 1u << 20);
	if (!b->buf) {
		fprintf(stderr, "ops: out of memory\n");
		return -1;
	}
	if (make_paths(b, dir))
		return -1;
	err = create_data_file(b);
	if (err) {
		fprintf(stderr, "ops: %s: cannot make the data file: %s\n", dir, strerror(-err));
		return -1;
	}
	err = make_crowd(b, names);
	if (err) {
		fprintf(stderr, "ops: %s: cannot make %u names: %s\n", dir, names, strerror(-err));
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options opt = { .fs_name = "unnamed", .cpu = -1, .repeats = 5, .tag = 1 };
	struct bench b = { .data_fd = -1, .scratch_fd = -1, .huge_fd = -1,
			   .random = 88172645463325252ull };
	int status = EXIT_SUCCESS;

	if (parse_options(&opt, argc, argv)) {
		usage();
		return 2;
	}
	if ((opt.cpu >= 0 && pin((unsigned int)opt.cpu)) || set_up(&b, opt.dir, opt.names))
		return EXIT_FAILURE;
	for (size_t i = 0; i < ops_table_len; i++)
		if (is_chosen(&opt, ops_table[i].name) && run_sized(&b, &ops_table[i], &opt))
			status = EXIT_FAILURE;
	close(b.data_fd);
	if (unlink(b.data) != 0) {
		fprintf(stderr, "ops: cannot remove the data file: %s\n", strerror(errno));
		status = EXIT_FAILURE;
	}
	free(b.buf);
	return status;
}
