// SPDX-License-Identifier: BSD-2-Clause
/*
 * mkfs.memofs: writes the device tables of a set, which is all that memofs keeps on media.
 *
 * Data on stdout: the uuid of the set, then a line per member. Messages on stderr. Exit 0, 1 =
 * refused or failed, 2 = usage.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memofs_disk.h"
#include "mkset.h"
#include "msg.h"

enum { OPT_SHADOW = 256, OPT_T2, OPT_IN_ORDER = 1 };

static const struct option long_options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "label", required_argument, NULL, 'L' },
	{ "uuid", required_argument, NULL, 'U' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "shadow", no_argument, NULL, OPT_SHADOW },
	{ "t2", no_argument, NULL, OPT_T2 },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char usage_text[] =
	"usage: mkfs.memofs [-fnv] [-L LABEL] [-U UUID] [--shadow] DEVICE... [--t2 DEVICE...]\n"
	"  -f, --force      overwrite what is on the devices\n"
	"  -L, --label LABEL  a name for the file system, up to 255 bytes\n"
	"  -U, --uuid UUID  of the set; default: a new random one\n"
	"  -n, --dry-run    check everything, write nothing\n"
	"      --shadow     use half of each T1 device, the rest is its shadow\n"
	"      --t2         the devices after this are T2\n"
	"  -v, --verbose    tell about links too\n"
	"  -h, --help       print this\n"
	"  -V, --version    print the version\n";

static int usage_error(void)
{
	msg("try 'mkfs.memofs --help'");
	return -1;
}

/* One option; 0 or -1. */
static int take_option(struct mkset *m, int c, bool *is_t2)
{
	switch (c) {
	case OPT_IN_ORDER:
		return mkset_add(m, optarg, *is_t2);
	case 'f':
		m->force = true;
		return 0;
	case 'L':
		return mkset_set_label(m, optarg);
	case 'U':
		return mkset_set_uuid(m, optarg);
	case 'n':
		m->dry_run = true;
		return 0;
	case 'v':
		m->verbose = true;
		return 0;
	case OPT_SHADOW:
		m->shadow = true;
		return 0;
	case OPT_T2:
		*is_t2 = true;
		return 0;
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_OK);
	case 'V':
		puts("mkfs.memofs " ZUFS_VERSION);
		exit(EXIT_OK);
	default:
		return usage_error();
	}
}

/* The leading '-' gives the devices in their place among the options: --t2 is one. */
static int parse(struct mkset *m, int argc, char **argv)
{
	bool is_t2 = false;
	int c;

	while ((c = getopt_long(argc, argv, "-fL:U:nvhV", long_options, NULL)) != -1) {
		if (take_option(m, c, &is_t2))
			return -1;
	}
	for (; optind < argc; optind++) {	/* behind "--" */
		if (mkset_add(m, argv[optind], is_t2))
			return -1;
	}
	if (m->count && !m->members[0].is_t2)
		return 0;
	msg("give at least one T1 device");
	return usage_error();
}

static int make(struct mkset *m)
{
	if (mkset_open(m) || mkset_check(m) || mkset_wipe(m) || mkset_write(m))
		return EXIT_FAILED;
	mkset_print(m);
	if (!m->dry_run)
		mkset_links(m);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct mkset m = {
		.magic = MEMOFS_MAGIC,
		.version_major = MEMOFS_VER_MAJOR,
		.version_minor = MEMOFS_VER_MINOR,
		.label_max = MDT_LABEL_SIZE - 1,
	};
	int status;

	msg_set_name("mkfs.memofs");
	zus_uuid_generate(m.uuid);
	if (parse(&m, argc, argv))
		return EXIT_USAGE;
	status = make(&m);
	mkset_close(&m);
	return status;
}
