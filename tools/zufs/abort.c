// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs abort: take the root away from a server that hangs. Who waits for it gets EIO, its
 * file systems are dead and can be unmounted; the process itself is left to be looked at,
 * or killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "zufs.h"

static int write_word(const char *root, const char *word)
{
	char path[4096];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/control", root);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return msg_errno(errno, "%s", path);
	if (write(fd, word, strlen(word)) < 0)
		err = -errno;
	close(fd);
	if (err == -ESRCH)
		msg("%s: there is no server", root);
	else if (err)
		msg_errno(err, "%s", path);
	return err;
}

int cmd_abort(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 }
	};
	const char *root = ROOT_DEFAULT;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'r')
			return usage_of("abort", c == 'h');
		root = optarg;
	}
	if (argc != optind)
		return usage_of("abort", false);
	return write_word(root, "abort") ? EXIT_FAILED : EXIT_OK;
}
