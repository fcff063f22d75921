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

#include "mkfs.h"
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

static int add_member(struct mkfs *m, const char *path, bool is_t2)
{
	struct member *mb = &m->members[m->count];

	if (m->count == MD_DEV_MAX) {
		msg("a set has at most %d devices", MD_DEV_MAX);
		return -1;
	}
	mb->bd = (struct blockdev){ .path = path, .fd = -1 };
	mb->is_t2 = is_t2;
	m->count++;
	return 0;
}

static int set_uuid(struct mkfs *m, const char *text)
{
	if (!zus_uuid_parse(text, m->uuid))
		return 0;
	msg("'%s' is not a UUID", text);
	return -1;
}

static int set_label(struct mkfs *m, const char *text)
{
	size_t len = strlen(text);

	if (len < sizeof(m->label)) {
		memcpy(m->label, text, len);
		return 0;
	}
	msg("a label has at most %zu bytes", sizeof(m->label) - 1);
	return -1;
}

/* One option; 0 or -1. */
static int take_option(struct mkfs *m, int c, bool *is_t2)
{
	switch (c) {
	case OPT_IN_ORDER:
		return add_member(m, optarg, *is_t2);
	case 'f':
		m->force = true;
		return 0;
	case 'L':
		return set_label(m, optarg);
	case 'U':
		return set_uuid(m, optarg);
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
static int parse(struct mkfs *m, int argc, char **argv)
{
	bool is_t2 = false;
	int c;

	while ((c = getopt_long(argc, argv, "-fL:U:nvhV", long_options, NULL)) != -1) {
		if (take_option(m, c, &is_t2))
			return -1;
	}
	for (; optind < argc; optind++) {	/* behind "--" */
		if (add_member(m, argv[optind], is_t2))
			return -1;
	}
	if (m->count && !m->members[0].is_t2)
		return 0;
	msg("give at least one T1 device");
	return usage_error();
}

static void print_set(const struct mkfs *m)
{
	unsigned int i;
	char uuid[37];

	zus_uuid_format(m->uuid, uuid);
	printf("set %s%s\n", uuid, m->dry_run ? " (dry run, nothing was written)" : "");
	for (i = 0; i < m->count; i++) {
		const struct member *mb = &m->members[i];

		zus_uuid_format(mb->uuid, uuid);
		printf("%s %s %s %llu MiB\n", mb->is_t2 ? "T2" : "T1", uuid, mb->bd.path,
		       (unsigned long long)mb->bytes >> 20);
	}
}

static int make(struct mkfs *m)
{
	if (members_open(m) || members_check(m) || members_write(m))
		return EXIT_FAILED;
	print_set(m);
	if (!m->dry_run)
		links_make(m);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct mkfs m = { 0 };
	int status;

	msg_set_name("mkfs.memofs");
	zus_uuid_generate(m.uuid);
	if (parse(&m, argc, argv))
		return EXIT_USAGE;
	status = make(&m);
	members_close(&m);
	return status;
}
