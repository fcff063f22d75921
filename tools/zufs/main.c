// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs: mount and manage zero-copy user-mode file systems. This file has the table of
 * subcommands, their help, and the lock that keeps two invocations apart.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zufs.h"

static const struct command commands[] = {
	{ "up", cmd_up, "mount a file system, with everything that it needs",
"usage: zufs up [OPTION...] TYPE DEVICE... DIR\n"
"Loads the module, mounts the zuf root, starts the server, makes a file system on blank\n"
"devices and mounts the first DEVICE on DIR; skips what is done already. A new file system\n"
"uses memory devices as T1, others as T2. DEVICE 'none' stands for ordinary memory, half of\n"
"it or -o size=BYTES. When a step fails, what this call started is undone.\n"
"  -o OPTIONS       mount options, comma separated\n"
"  -f, --force      always make a new file system, even over something else\n"
"  --module FILE    load this module file instead of the installed one\n"
"  --server FILE    start this server program instead of zusd\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "down", cmd_down, "unmount; after the last one stop server and module",
"usage: zufs down [OPTION...] DIR\n"
"Unmounts DIR. If it was the last file system of the root: stops the server, unmounts the\n"
"root and unloads the module.\n"
"  -k, --keep       leave the server, the root and the module\n"
"  -t, --timeout S  kill the server when it has not ended after S seconds (10)\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "recover", cmd_recover, "unmount what a former server has left dead, mount it again",
"usage: zufs recover [OPTION...]\n"
"Once a new server runs: unmounts the dead file systems, checks them (fsck.TYPE -n) and mounts\n"
"again what fstab names, with a line each. Exit status 1: something could not be recovered.\n"
"  -l, --lazy       detach a file system that is in use\n"
"  -w, --wait S     when something is dead, wait so many seconds for a server (0)\n"
"  -a, --all        mount again as well what fstab does not name or has as noauto\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "status", cmd_status, "show module, root, server, types and mounts",
"usage: zufs status [OPTION...]\n"
"Exit status 0: the server is ready for mounts, 1: it is not.\n"
"  -j, --json       as JSON\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "stat", cmd_stat, "show the counters of operations",
"usage: zufs stat [OPTION...] [DIR]\n"
"Counts since the root was mounted, or of the file system that is mounted on DIR.\n"
"  -j, --json       as JSON\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "top", cmd_top, "show rates and latencies of operations, live",
"usage: zufs top [OPTION...] [DIR]\n"
"Of all file systems of the root, or of the one that is mounted on DIR.\n"
"  -i, --interval S seconds between two looks (2)\n"
"  -n, --count N    end after N of them\n"
"  -b, --batch      print one after the other; so also when stdout is no terminal\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "abort", cmd_abort, "take the root away from a server that hangs",
"usage: zufs abort [OPTION...]\n"
"Who waits for the server gets EIO, its file systems are dead until they are unmounted,\n"
"a new server may be started. The process itself is not touched.\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "debug", cmd_debug, "list and switch debug messages of the server",
"usage: zufs debug [OPTION...] [list]\n"
"       zufs debug [OPTION...] enable|disable [WORD VALUE]...\n"
"WORD is module, file, func, line or format; all given ones must match, none matches all.\n"
"  --on             list only those that are on\n"
"  --root DIR       the zuf root (" ROOT_DEFAULT ")\n" },
	{ "probe", cmd_probe, "show what table is on a device",
"usage: zufs probe [--json | --udev] DEVICE\n"
"Exit status 0: a valid table of an installed type, 1: anything else.\n"
"  -j, --json       as JSON\n"
"  --udev           as KEY=value lines for a udev rule\n" },
	{ "scan", cmd_scan, "make /dev/disk/by-uuid links of members of sets",
"usage: zufs scan [DEVICE...]\n"
"Looks at the given devices, or at all block devices. udev does the same by itself.\n" },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int usage_of(const char *command, bool asked_for)
{
	fputs(find_command(command)->usage, asked_for ? stdout : stderr);
	return asked_for ? EXIT_OK : EXIT_USAGE;
}

int options_of_view(const char *command, int argc, char **argv, const char **root, bool *as_json)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
		if (c == 'j')
			*as_json = true;
		else if (c == 'r')
			*root = optarg;
		else
			return usage_of(command, c == 'h');
	}
	return -1;
}

static int usage(FILE *out)
{
	size_t i;

	fputs("usage: zufs COMMAND [ARGUMENT...]\n", out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].brief);
	fputs("'zufs COMMAND --help' tells more, zufs(8) everything.\n", out);
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static int lock_fd = -1;

int take_lock(void)
{
	int fd;

	if (mkdir(RUN_DIR, 0755) && errno != EEXIST)
		return msg_errno(errno, RUN_DIR);
	fd = open(RUN_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return msg_errno(errno, RUN_DIR "/lock");
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return msg_errno(errno, RUN_DIR "/lock");
	lock_fd = fd;
	return 0;
}

void release_lock(void)
{
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
}

int main(int argc, char **argv)
{
	const struct command *command;
	char name[32];

	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return usage(stdout);
	if (!strcmp(argv[1], "--version")) {
		puts("zufs " ZUFS_VERSION);
		return EXIT_OK;
	}
	command = find_command(argv[1]);
	if (!command) {
		msg("no command '%s'", argv[1]);
		return usage(stderr);
	}
	snprintf(name, sizeof(name), "zufs %s", command->name);
	msg_set_name(name);
	/* getopt's messages name the subcommand too */
	argv[1] = name;
	return command->run(argc - 1, argv + 1);
}
