// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs debug: the debug messages of the server, through the root's file ddbg. Each message
 * in its code is a line there; they are off until a command picks them by module, file,
 * function, line or format, in the words of the kernel's own dynamic debug.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zufs.h"

#define COMMAND_MAX	511		/* of the interface */

static int open_file(const char *root, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/ddbg", root);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? msg_errno(errno, "%s", path) : fd;
}

/* Every line, or those of messages that are on. */
static int list(const char *root, bool only_on)
{
	int err = 0, fd = open_file(root, O_RDONLY);
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return msg_errno(errno, "%s/ddbg", root);
	}
	/* the position is a number of a site: the buffer must take any line */
	setvbuf(f, NULL, _IOFBF, 65536);
	while (getline(&line, &size, f) > 0)
		if (!only_on || strstr(line, " =p \""))
			fputs(line, stdout);
	if (ferror(f))
		err = msg_errno(errno, "%s/ddbg", root);
	free(line);
	fclose(f);
	return err;
}

static int send_command(const char *root, char *const words[], const char *flags)
{
	char text[COMMAND_MAX + 1] = "";
	size_t len = 0;
	int fd, err = 0;

	for (; *words; words++) {
		const char *quote = (*words)[strcspn(*words, " \t")] ? "\"" : "";

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s ", quote, *words,
					quote);
		if (len >= sizeof(text))
			break;
	}
	if (len < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", flags);
	if (len >= sizeof(text)) {
		msg("the command is longer than %d bytes", COMMAND_MAX);
		return -E2BIG;
	}
	fd = open_file(root, O_WRONLY);
	if (fd < 0)
		return fd;
	if (write(fd, text, len) < 0)
		err = -errno;
	close(fd);
	if (err == -EINVAL)
		msg("not understood: %s", text);
	else if (err)
		msg_errno(err, "%s/ddbg", root);
	return err;
}

int cmd_debug(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "on", no_argument, NULL, 'o' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	const char *root = ROOT_DEFAULT, *verb;
	bool only_on = false;
	int c, err;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (c == 'o')
			only_on = true;
		else if (c == 'r')
			root = optarg;
		else
			return usage_of("debug", c == 'h');
	}
	verb = argv[optind] ? argv[optind++] : "list";
	if (!strcmp(verb, "list") && !argv[optind])
		err = list(root, only_on);
	else if (!strcmp(verb, "enable") && !only_on)
		err = send_command(root, argv + optind, "+p");
	else if (!strcmp(verb, "disable") && !only_on)
		err = send_command(root, argv + optind, "-p");
	else
		return usage_of("debug", false);
	return err ? EXIT_FAILED : EXIT_OK;
}
