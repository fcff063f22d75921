// SPDX-License-Identifier: BSD-2-Clause
/*
 * fsck.memofs: checks the device tables of a set, which is all that memofs keeps on media, and
 * repairs what is safe.
 *
 * Results on stdout, messages on stderr, exit codes of fsck(8).
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <zus/channel.h>

#include "fsck.h"
#include "msg.h"

enum { OPT_DUMP = 256, OPT_JSON, OPT_OFFLINE, OPT_ADOPT };

static const struct option long_options[] = {
	{ "no-change", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "root", required_argument, NULL, 'R' },
	{ "adopt", no_argument, NULL, OPT_ADOPT },
	{ "dump", no_argument, NULL, OPT_DUMP },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "offline", no_argument, NULL, OPT_OFFLINE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char usage_text[] =
	"usage: fsck.memofs [-nv] [-R ROOT] [--adopt] [--offline] [--dump] [--json] DEVICE...\n"
	"  -n, --no-change  check only, write nothing\n"
	"  -R, --root ROOT  of zuf, where the kernel is asked; default: " ZUS_ROOT_DEFAULT "\n"
	"      --adopt      make the device without a table the member that is missing\n"
	"      --offline    do not ask the kernel\n"
	"      --dump       print the table of the set\n"
	"      --json       as JSON, with the result of the check\n"
	"  -a, -f, -p, -y   for fsck(8); nothing is ever asked\n"
	"  -v, --verbose    tell what was not checked\n"
	"  -h, --help       print this\n"
	"  -V, --version    print the version\n";

/* One option; 0 or -1. */
static int take_option(struct fsck *f, int c)
{
	switch (c) {
	case 'n':
		f->no_change = true;
		return 0;
	case 'v':
		f->verbose = true;
		return 0;
	case 'R':
		f->root = optarg;
		return 0;
	case OPT_ADOPT:
		f->adopt = true;
		return 0;
	case OPT_OFFLINE:
		f->offline = true;
		return 0;
	case OPT_JSON:
		f->json = true;
		/* fall through */
	case OPT_DUMP:
		f->dump = true;
		return 0;
	case 'a': case 'f': case 'p': case 'y': case 'C':
		return 0;
	case 'h':
		fputs(usage_text, stdout);
		exit(FSCK_OK);
	case 'V':
		puts("fsck.memofs " ZUFS_VERSION);
		exit(FSCK_OK);
	}
	msg("try 'fsck.memofs --help'");
	return -1;
}

static int parse(struct fsck *f, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "nvR:afpyC::hV", long_options, NULL)) != -1) {
		if (take_option(f, c))
			return -1;
	}
	if (f->adopt && f->no_change) {
		msg("--adopt writes, -n does not: give one of them");
		return take_option(f, '?');
	}
	if (optind < argc)
		return 0;
	msg("give at least one device");
	return take_option(f, '?');
}

static void print_result(const struct fsck *f)
{
	char uuid[37] = "unknown";

	if (f->json)
		return;
	if (f->has_table)
		zus_uuid_format(f->mdt.s_uuid.b, uuid);
	printf("set %s: %u T1, %u T2: ", uuid, zus_md_t1_count(&f->mdt),
	       zus_md_t2_count(&f->mdt));
	if (f->errors)
		printf("%u problems are left\n", f->errors);
	else
		puts(f->fixed ? "repaired" : "clean");
}

static int run(struct fsck *f, char **paths, int n)
{
	int status = FSCK_OK;

	if (members_open(f, paths, n)) {
		members_close(f);
		return FSCK_FAILED;
	}
	check_set(f);
	repair_set(f);
	members_close(f);
	if (!f->errors && !f->offline)
		status |= kernel_check(f);
	if (f->dump && dump_set(f))
		status |= FSCK_FAILED;
	print_result(f);
	if (f->errors)
		status |= FSCK_ERRORS;
	if (f->fixed)
		status |= FSCK_FIXED;
	return fflush(stdout) ? status | FSCK_FAILED : status;
}

int main(int argc, char **argv)
{
	static struct fsck f = { .root = ZUS_ROOT_DEFAULT };

	msg_set_name("fsck.memofs");
	if (parse(&f, argc, argv))
		return FSCK_USAGE;
	return run(&f, argv + optind, argc - optind);
}
