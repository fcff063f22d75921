// SPDX-License-Identifier: BSD-2-Clause
/*
 * fsck.tierfs: checks a set of devices with a tierfs, and with -p does what a mount does after a
 * crash. The checker is plugins/tierfs/check.
 *
 * Results on stdout, messages on stderr, exit codes of fsck(8).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "json.h"
#include "msg.h"
#include "t1set.h"

/* Exit codes of fsck(8). */
enum fsck_exit {
	FSCK_OK		= 0,
	FSCK_ERRORS	= 4,
	FSCK_FAILED	= 8,
	FSCK_USAGE	= 16,
};

struct fsck {
	bool no_change;			/* -n */
	bool recover;			/* -p */
	bool force;
	bool verbose;
	bool is_json;
	struct json json;
	struct t1set set;
	unsigned int problems;		/* of device tables and members */
	uint64_t recovered;		/* records that -p has replayed */
	struct tierfs_check_dev devs[MD_DEV_MAX];
	struct tierfs_check_result result;
};

enum { OPT_JSON = 256 };

static const struct option long_options[] = {
	{ "no-change", no_argument, NULL, 'n' },
	{ "preen", no_argument, NULL, 'p' },
	{ "force", no_argument, NULL, 'f' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char usage_text[] =
	"usage: fsck.tierfs [-n | -p] [-fv] [--json] DEVICE...\n"
	"  -n, --no-change  check only, write nothing (default)\n"
	"  -p, --preen      replay the logs, as a mount does, and mark the set clean; then check\n"
	"  -f, --force      with -p: check a set that is clean, too\n"
	"      --json       results as JSON\n"
	"  -a, -y           as -p, for fsck(8); nothing is ever asked\n"
	"  -v, --verbose    tell what is no error, too\n"
	"  -h, --help       print this\n"
	"  -V, --version    print the version\n";

/* ---- options ---- */

static int take_option(struct fsck *f, int c)
{
	switch (c) {
	case 'n':
		f->no_change = true;
		return 0;
	case 'a': case 'p': case 'y':
		f->recover = true;
		return 0;
	case 'f':
		f->force = true;
		return 0;
	case 'v':
		f->verbose = true;
		return 0;
	case OPT_JSON:
		f->is_json = true;
		return 0;
	case 'C':
		return 0;
	case 'h':
		fputs(usage_text, stdout);
		exit(FSCK_OK);
	case 'V':
		puts("fsck.tierfs " ZUFS_VERSION);
		exit(FSCK_OK);
	}
	msg("try 'fsck.tierfs --help'");
	return -1;
}

static int parse(struct fsck *f, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "npafvyC::hV", long_options, NULL)) != -1) {
		if (take_option(f, c))
			return -1;
	}
	if (f->no_change && f->recover) {
		msg("-p writes, -n does not: give one of them");
		return take_option(f, '?');
	}
	if (optind < argc)
		return 0;
	msg("give at least one device");
	return take_option(f, '?');
}

/* ---- findings ---- */

static void print_finding(struct fsck *f, const char *severity, const char *object,
			  const char *text)
{
	if (!f->is_json) {
		printf("%s: %s: %s\n", severity, object, text);
		return;
	}
	json_begin(&f->json, NULL, '{');
	json_str(&f->json, "severity", severity);
	json_str(&f->json, "object", object);
	json_str(&f->json, "text", text);
	json_end(&f->json, '}');
}

static void report(void *ctx, const struct tierfs_check_finding *finding)
{
	char object[TIERFS_CHECK_TEXT];
	struct fsck *f = ctx;

	if (finding->severity == TIERFS_CHECK_NOTE && !f->verbose)
		return;
	tierfs_check_object(finding, object);
	print_finding(f, tierfs_check_severity_name(finding->severity), object, finding->text);
}

static void report_problem(void *ctx, const char *text)
{
	struct fsck *f = ctx;

	f->problems++;
	print_finding(f, "error", "devices", text);
}

static void print_json_result(struct fsck *f)
{
	const struct tierfs_check_result *r = &f->result;
	char uuid[37] = "";

	if (f->set.has_table)
		zus_uuid_format(f->set.mdt.s_uuid.b, uuid);
	json_end(&f->json, ']');
	json_str(&f->json, "set_uuid", f->set.has_table ? uuid : NULL);
	json_num(&f->json, "errors", r->errors + f->problems);
	json_num(&f->json, "leaks", r->leaks);
	json_bool(&f->json, "clean", r->clean);
	json_num(&f->json, "mount", r->mount);
	json_num(&f->json, "recovered_records", f->recovered);
	json_num(&f->json, "records", r->records);
	json_num(&f->json, "inodes", r->inodes);
	json_num(&f->json, "directories", r->dirs);
	json_num(&f->json, "orphans", r->orphans);
	json_num(&f->json, "blocks", r->blocks);
	json_num(&f->json, "used_blocks", r->used_blocks);
	json_finish(&f->json);
}

static void print_text_result(const struct fsck *f)
{
	const struct tierfs_check_result *r = &f->result;
	char uuid[37] = "unknown";

	if (f->set.has_table)
		zus_uuid_format(f->set.mdt.s_uuid.b, uuid);
	if (f->recovered)
		printf("%llu records of the logs were replayed\n",
		       (unsigned long long)f->recovered);
	printf("set %s: %llu inodes, %llu directories, %llu of %llu blocks used: ", uuid,
	       (unsigned long long)r->inodes, (unsigned long long)r->dirs,
	       (unsigned long long)r->used_blocks, (unsigned long long)r->blocks);
	if (r->errors + f->problems || r->leaks)
		printf("%llu errors, %llu leaks\n", (unsigned long long)r->errors + f->problems,
		       (unsigned long long)r->leaks);
	else
		puts(r->clean ? "clean" : "good, but not clean: the next mount replays its logs");
}

/* ---- the run ---- */

static int persist(void *ctx, const void *addr, uint64_t bytes)
{
	uintptr_t page = (uintptr_t)addr / ZUS_BLOCK_SIZE * ZUS_BLOCK_SIZE;

	(void)ctx;
	return msync((void *)page, (uintptr_t)addr + bytes - page, MS_SYNC) ? -errno : 0;
}

/* What is wrong with the logs tells the check that follows. */
static int recover(struct fsck *f, const struct tierfs_check_devs *devs)
{
	int err = tierfs_check_recover(devs, persist, NULL, f, &f->recovered);

	if (err == -EUCLEAN) {
		msg("the logs are damaged: nothing was replayed");
		return FSCK_ERRORS;
	}
	return err ? msg_errno(err, "replaying the logs"), FSCK_FAILED : FSCK_OK;
}

static int check(struct fsck *f, const struct tierfs_check_devs *devs)
{
	int err = tierfs_check(devs, NULL, report, f, &f->result);

	if (err && err != -EUCLEAN) {
		msg_errno(err, "checking");
		return FSCK_FAILED;
	}
	return err || f->result.errors || f->result.leaks ? FSCK_ERRORS : FSCK_OK;
}

/* Nothing to replay, and no error was met by a mount: -p goes by that. */
static bool is_trusted(struct fsck *f, const struct tierfs_check_devs *devs)
{
	return f->recover && !f->force && !f->problems && tierfs_check_is_clean(devs);
}

static int check_set(struct fsck *f)
{
	struct tierfs_check_devs devs = { .nr = f->set.count, .devs = f->devs };
	int status = FSCK_OK;
	unsigned int i;

	for (i = 0; i < f->set.count; i++)
		f->devs[i] = (struct tierfs_check_dev){ f->set.devs[i].base, f->set.devs[i].bytes };
	if (is_trusted(f, &devs)) {
		f->result.clean = true;
		if (!f->is_json)
			puts("clean: not checked, -f does that");
		return FSCK_OK;
	}
	if (f->recover)
		status = recover(f, &devs);
	if (status != FSCK_FAILED)
		status |= check(f, &devs);
	if (f->is_json)
		return status;
	print_text_result(f);
	return status;
}

static int run(struct fsck *f, char **paths, int n)
{
	int status;

	f->set.write = f->recover;
	if (f->is_json) {
		json_start(&f->json, stdout);
		json_begin(&f->json, "findings", '[');
	}
	status = t1set_open(&f->set, paths, n) ? FSCK_FAILED : check_set(f);
	if (f->problems)
		status |= FSCK_ERRORS;
	if (f->is_json)
		print_json_result(f);
	t1set_close(&f->set);
	return fflush(stdout) ? status | FSCK_FAILED : status;
}

int main(int argc, char **argv)
{
	static struct fsck f = {
		.set = {
			.magic = TIERFS_MAGIC,
			.version_major = TIERFS_MAJOR,
			.version_minor = TIERFS_MINOR,
			.problem = report_problem,
			.ctx = &f,
		},
	};

	msg_set_name("fsck.tierfs");
	if (parse(&f, argc, argv))
		return FSCK_USAGE;
	t1set_exit_on_sigbus(FSCK_FAILED);
	return run(&f, argv + optind, argc - optind);
}
