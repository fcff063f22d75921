// SPDX-License-Identifier: BSD-2-Clause
/*
 * mkfs.tierfs: makes an empty tierfs on T1 devices, or on files as images of them.
 *
 * Old signatures and tables go first and the device tables come last, each step durable before the
 * next one: a cut in between leaves devices that no mount takes. Data on stdout: the uuid of the
 * set, then a line per member. Messages on stderr. Exit 0, 1 = refused or failed, 2 = usage.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "msg.h"
#include "tierfs_disk.h"

enum { OPT_ERRORS = 256, OPT_T2 };

static const struct option long_options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "label", required_argument, NULL, 'L' },
	{ "uuid", required_argument, NULL, 'U' },
	{ "errors", required_argument, NULL, OPT_ERRORS },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "t2", no_argument, NULL, OPT_T2 },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char usage_text[] =
	"usage: mkfs.tierfs [-fnv] [-L LABEL] [-U UUID] [--errors POLICY] DEVICE...\n"
	"  -f, --force      overwrite what is on the devices\n"
	"  -L, --label LABEL  a name for the file system, up to 63 bytes\n"
	"  -U, --uuid UUID  of the set; default: a new random one\n"
	"      --errors POLICY  when metadata is broken: continue (default), remount-ro\n"
	"  -n, --dry-run    check everything, write nothing\n"
	"  -v, --verbose    tell about links too\n"
	"  -h, --help       print this\n"
	"  -V, --version    print the version\n";

static int usage_error(void)
{
	msg("try 'mkfs.tierfs --help'");
	return -1;
}

static int set_errors(uint32_t *errors, const char *text)
{
	if (!strcmp(text, "continue")) {
		*errors = TIERFS_ERRORS_CONTINUE;
	} else if (!strcmp(text, "remount-ro")) {
		*errors = TIERFS_ERRORS_REMOUNT_RO;
	} else {
		msg("--errors %s is neither continue nor remount-ro", text);
		return -1;
	}
	return 0;
}

/* One option; 0 or -1. */
static int take_option(struct mkset *m, int c, uint32_t *errors)
{
	switch (c) {
	case 'f':
		m->force = true;
		return 0;
	case 'L':
		return mkset_set_label(m, optarg);
	case 'U':
		return mkset_set_uuid(m, optarg);
	case OPT_ERRORS:
		return set_errors(errors, optarg);
	case 'n':
		m->dry_run = true;
		return 0;
	case 'v':
		m->verbose = true;
		return 0;
	case OPT_T2:
		msg("tierfs takes T1 devices only in this version: memory, such as /dev/pmem0");
		return -1;
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_OK);
	case 'V':
		puts("mkfs.tierfs " ZUFS_VERSION);
		exit(EXIT_OK);
	default:
		return usage_error();
	}
}

static int parse(struct mkset *m, int argc, char **argv, uint32_t *errors)
{
	int c;

	while ((c = getopt_long(argc, argv, "fL:U:nvhV", long_options, NULL)) != -1) {
		if (take_option(m, c, errors))
			return -1;
	}
	for (; optind < argc; optind++) {
		if (mkset_add(m, argv[optind], false))
			return -1;
	}
	if (m->count)
		return 0;
	msg("give at least one T1 device");
	return usage_error();
}

static int make(struct mkset *m, uint32_t errors)
{
	if (mkset_open(m) || mkset_check(m) || mkset_wipe(m) || image_make(m, errors) ||
	    mkset_write(m))
		return EXIT_FAILED;
	mkset_print(m);
	if (!m->dry_run)
		mkset_links(m);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct mkset m = {
		.magic = TIERFS_MAGIC,
		.version_major = TIERFS_MAJOR,
		.version_minor = TIERFS_MINOR,
		.label_max = TIERFS_LABEL_BYTES - 1,
	};
	uint32_t errors = TIERFS_ERRORS_CONTINUE;
	int status;

	msg_set_name("mkfs.tierfs");
	zus_uuid_generate(m.uuid);
	if (parse(&m, argc, argv, &errors))
		return EXIT_USAGE;
	status = make(&m, errors);
	mkset_close(&m);
	return status;
}
