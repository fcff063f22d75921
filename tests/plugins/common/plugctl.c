// SPDX-License-Identifier: BSD-2-Clause
/*
 * plugctl - one line to a test plugin's remote control, its answer on stdout
 *
 * usage: plugctl NAME WORD...
 * Exit 0; 1 = it answered "error: ..." (on stderr) or nobody listens; 2 = usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int call(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || len + 1 > sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path + 1, name, len);
	if (connect(fd, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)))
		return -1;
	return fd;
}

static int show_answer(int fd)
{
	bool failed = false, first = true;
	char text[4096];
	ssize_t got;

	while ((got = read(fd, text, sizeof(text))) > 0) {
		if (first)
			failed = got >= 6 && !memcmp(text, "error:", 6);
		first = false;
		fwrite(text, 1, (size_t)got, failed ? stderr : stdout);
	}
	return failed || got < 0;
}

int main(int argc, char **argv)
{
	char line[2048];
	size_t len = 0;
	int i, fd;

	if (argc < 3) {
		fputs("usage: plugctl NAME WORD...\n", stderr);
		return 2;
	}
	for (i = 2; i < argc && len < sizeof(line); i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", argv[i],
					i == argc - 1 ? "\n" : " ");
	if (len >= sizeof(line)) {
		fputs("plugctl: the line is too long\n", stderr);
		return 2;
	}
	/* who reads the answer may have seen enough */
	signal(SIGPIPE, SIG_IGN);
	fd = call(argv[1]);
	if (fd < 0 || write(fd, line, len) != (ssize_t)len) {
		fprintf(stderr, "plugctl: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return show_answer(fd);
}
