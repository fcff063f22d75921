// SPDX-License-Identifier: BSD-2-Clause
/*
 * dump.tierfs: prints one object of a set of devices with a tierfs, as the next mount would find
 * it: what the logs hold is replayed in memory. Nothing is written.
 *
 * Data on stdout, messages on stderr. Exit 0, 1 = failed, 2 = usage.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "msg.h"
#include "t1set.h"

enum { OPT_JSON = 256, OPT_NORECOVERY };

enum arg_use { ARG_NONE, ARG_MAYBE, ARG_ONE };

static const struct object {
	const char *name;
	enum arg_use arg;
	int (*dump)(struct dump *d, const char *arg);
} objects[] = {
	{ "super", ARG_NONE, dump_super },
	{ "state", ARG_NONE, dump_state },
	{ "log", ARG_MAYBE, dump_log },
	{ "group", ARG_ONE, dump_group },
	{ "chunk", ARG_ONE, dump_chunk },
	{ "page", ARG_ONE, dump_page },
	{ "inode", ARG_ONE, dump_inode },
	{ "map", ARG_ONE, dump_map },
	{ "dir", ARG_ONE, dump_dir },
	{ "path", ARG_ONE, dump_path },
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "norecovery", no_argument, NULL, OPT_NORECOVERY },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char usage_text[] =
	"usage: dump.tierfs [--json] [--norecovery] OBJECT DEVICE...\n"
	"  super            super-blocks of the devices, both copies\n"
	"  state            the state of the set, and the root of the tree of inodes\n"
	"  log [N]          the table of logs, or log N with its records\n"
	"  group N          2 MiB: kinds and used blocks of its chunks\n"
	"  chunk PLACE      the head of the chunk with a place, and what is used in it\n"
	"  page PLACE       a block, in words that are not 0\n"
	"  inode N          the record of an inode\n"
	"  map N            the blocks of a file or a directory\n"
	"  dir N            the names in a directory\n"
	"  path /A/B        the record of the inode with this path\n"
	"  PLACE is ID:OFFSET, or OFFSET on device 0\n"
	"      --json       as JSON\n"
	"      --norecovery  what is in place, without what the logs hold\n"
	"  -h, --help       print this\n"
	"  -V, --version    print the version\n";

struct run {
	struct dump dump;
	struct t1set set;
	struct tierfs_check_dev devs[MD_DEV_MAX];
	struct tierfs_check_opts opts;
	struct tierfs_check_result result;
	struct tierfs_check_memory memory;
	bool is_json;
	const struct object *object;
	const char *arg;
};

static int usage_error(const char *text)
{
	if (text)
		msg("%s", text);
	msg("try 'dump.tierfs --help'");
	return -1;
}

static int take_option(struct run *r, int c)
{
	switch (c) {
	case OPT_JSON:
		r->is_json = true;
		return 0;
	case OPT_NORECOVERY:
		r->opts.norecovery = true;
		return 0;
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_OK);
	case 'V':
		puts("dump.tierfs " ZUFS_VERSION);
		exit(EXIT_OK);
	}
	return usage_error(NULL);
}

static int find_object(struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		if (!strcmp(objects[i].name, name))
			r->object = &objects[i];
	}
	return r->object ? 0 : usage_error("there is no such object");
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

static int parse(struct run *r, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		if (take_option(r, c))
			return -1;
	}
	if (optind == argc)
		return usage_error("say which object");
	if (find_object(r, argv[optind++]))
		return -1;
	if (optind < argc && (r->object->arg == ARG_ONE ||
			      (r->object->arg == ARG_MAYBE && is_number(argv[optind]))))
		r->arg = argv[optind++];
	return optind < argc ? 0 : usage_error("give at least one device");
}

static void tell_problem(void *ctx, const char *text)
{
	(void)ctx;
	msg("%s", text);
}

/* Inodes are looked up in what a check begins with. */
static int open_image(struct run *r)
{
	struct tierfs_check_devs devs = { .nr = r->set.count, .devs = r->devs };
	struct tck *c = &r->dump.c;
	unsigned int i;

	for (i = 0; i < r->set.count; i++)
		r->devs[i] = (struct tierfs_check_dev){ r->set.devs[i].base, r->set.devs[i].bytes };
	c->opts = &r->opts;
	c->result = &r->result;
	c->memory = &r->memory;
	if (tierfs_image_open(&c->img, &devs, c->memory)) {
		msg("the devices cannot be looked at");
		return -1;
	}
	r->dump.found = tck_begin(c);
	return c->err ? msg_errno(c->err, "reading the image") : 0;
}

static int run(struct run *r, char **paths, int n)
{
	int err = t1set_open(&r->set, paths, n);

	if (!err)
		err = open_image(r);
	if (!err) {
		out_begin(&r->dump.out, r->is_json);
		err = r->object->dump(&r->dump, r->arg);
		out_end(&r->dump.out);
	}
	tierfs_check_memory_fini(&r->memory);
	t1set_close(&r->set);
	return fflush(stdout) || err ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct run r = {
		.set = {
			.magic = TIERFS_MAGIC,
			.version_major = TIERFS_MAJOR,
			.version_minor = TIERFS_MINOR,
			.problem = tell_problem,
		},
	};

	msg_set_name("dump.tierfs");
	if (parse(&r, argc, argv))
		return EXIT_USAGE;
	t1set_exit_on_sigbus(EXIT_FAILED);
	return run(&r, argv + optind, argc - optind);
}
