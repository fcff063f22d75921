// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - rawserver: a server on the bare ABI, for tests of the kernel module
 *
 * The main thread serves the remote control; a mounter thread and the ZTs serve
 * the kernel. The process ends by "stop", by a rule or by a signal.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "raw.h"

struct raw_config raw_config = {
	.root = "/sys/fs/zuf",
	.socket = "/run/rawserver",
	.type = { "rawf", "rawn" },
	.max_command = 32 * 1024,
};

static int usage(void)
{
	fputs("usage: rawserver [--root DIR] [--socket PATH] [--command BYTES] [--caps N]\n"
	      "                 [--nio-min BYTES] [--flags N] [--2019]\n"
	      "                 [--types WITH-TABLE,WITHOUT]\n"
	      "       rawserver --mkfs T1-DEVICE [T2-DEVICE...]\n"
	      "       rawserver [--socket PATH] --ctl WORD...\n", stderr);
	return 2;
}

static int serve(void)
{
	int err;

	signal(SIGPIPE, SIG_IGN);
	err = raw_trap_init();
	if (!err)
		err = raw_register_types();
	if (err) {
		fprintf(stderr, "rawserver: %s: types not registered: %s\n", raw_config.root,
			strerror(-err));
		return 1;
	}
	err = raw_mounter_start();
	if (!err)
		err = raw_ctl_serve();
	fprintf(stderr, "rawserver: %s\n", strerror(-err));
	return 1;
}

static void set_types(char *text)
{
	char *comma = strchr(text, ',');

	if (!comma)
		exit(usage());
	*comma = 0;
	raw_config.type[0] = text;
	raw_config.type[1] = comma + 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "socket", required_argument, NULL, 's' },
		{ "command", required_argument, NULL, 'c' },
		{ "caps", required_argument, NULL, 'p' },
		{ "nio-min", required_argument, NULL, 'n' },
		{ "types", required_argument, NULL, 't' },
		{ "flags", required_argument, NULL, 'f' },
		{ "2019", no_argument, NULL, '9' },
		{ "mkfs", no_argument, NULL, 'm' },
		{ "ctl", no_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (opt) {
		case 'r': raw_config.root = optarg; break;
		case 's': raw_config.socket = optarg; break;
		case 'c': raw_config.max_command = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'p': raw_config.fs_caps = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'f': raw_config.flags = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'n':
			raw_config.nio_write_min = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case '9': raw_config.of_2019 = true; break;
		case 't': set_types(optarg); break;
		case 'm': return raw_mkfs(argv + optind, argc - optind);
		case 'x': return raw_ctl_call(raw_config.socket, argc - optind, argv + optind);
		default: return usage();
		}
	}
	return optind == argc ? serve() : usage();
}
