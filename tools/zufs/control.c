// SPDX-License-Identifier: BSD-2-Clause
/*
 * Commands to the running server by its control socket (zusd(8)): one message, one answer. The
 * server may hang: nobody waits longer than ANSWER_TIMEOUT_S for anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zus/channel.h>

#include "zufs.h"

#define ANSWER_TIMEOUT_S	30
#define COMMAND_BYTES		4352
#define ANSWER_BYTES		1024

static int find_socket(const char *root, struct sockaddr_un *addr)
{
	int err, fd = zus_root_open(root);

	if (fd < 0)
		return fd;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	err = zus_control_path(fd, addr->sun_path, sizeof(addr->sun_path));
	close(fd);
	return err;
}

/* Is it the server of the root that listens? One from which the root was taken away may live on. */
static bool is_served_by(int fd, const struct root *root)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || !peer.pid ||
	       !root->server || peer.pid == root->server;
}

/* A connected socket with a time-out for everything, or -errno. */
static int connect_to(const struct sockaddr_un *addr, const struct root *root)
{
	const struct timeval limit = { .tv_sec = ANSWER_TIMEOUT_S };
	int err, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) &&
	    !connect(fd, (const struct sockaddr *)addr, sizeof(*addr))) {
		if (is_served_by(fd, root))
			return fd;
		errno = ECONNREFUSED;
	}
	err = -errno;
	close(fd);
	return err;
}

/* The same of a server that has been ready for a moment only. */
static int connect_soon(const struct sockaddr_un *addr, const struct root *root)
{
	int left = BUSY_TIMEOUT_MS, fd;

	do {
		fd = connect_to(addr, root);
	} while ((fd == -ENOENT || fd == -ECONNREFUSED) && ask_again(&left));
	return fd;
}

/* Sends the command and gets the answer, a string. 0 or -errno. */
static int exchange(int fd, const char *command, char answer[ANSWER_BYTES + 1])
{
	ssize_t n;

	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -errno;
	do {
		n = recv(fd, answer, ANSWER_BYTES, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	answer[n] = 0;
	return n ? 0 : -ECONNRESET;
}

/* Why it cannot be asked. */
static int tell_unasked(const struct root *root, const char *type, int err)
{
	msg("the server (%s, pid %d) does not know %s, only: %s", root->server_name,
	    (int)root->server, type, root->types);
	if (err == -EAGAIN)
		msg("it was asked to load it, but does not answer");
	else if (err == -ECONNRESET || err == -EPIPE)
		msg("it was asked to load it, but has ended");
	else
		msg("it cannot be asked to load it: %s",
		    err == -ENOENT || err == -ECONNREFUSED ? "it has no control socket here" :
		    strerror(-err));
	msg("add it to ZUFS_LIBFS_LIST in /etc/zufs.conf and start the server again");
	return err;
}

static int tell_answer(const struct root *root, const char *type, const char *answer)
{
	static const char error[] = "error ";

	if (!strcmp(answer, "ok"))
		return 0;
	if (!strncmp(answer, error, sizeof(error) - 1))
		answer += sizeof(error) - 1;
	msg("the server (%s, pid %d) did not load %s: %s", root->server_name, (int)root->server,
	    type, answer);
	return -ENODEV;
}

/* "load TYPE"; where the environment names another folder than the server's: the file there. */
static int make_command(const char *type, char *command)
{
	char *folder;
	int n;

	if (!fstypes_dir_is_given()) {
		n = snprintf(command, COMMAND_BYTES, "load %s", type);
	} else {
		folder = realpath(fstypes_dir(), NULL);
		if (!folder)
			return -errno;
		n = snprintf(command, COMMAND_BYTES, "load %s/lib%s.so", folder, type);
		free(folder);
	}
	return n < 0 || n >= COMMAND_BYTES ? -ENAMETOOLONG : 0;
}

int server_load(const struct root *root, const char *type)
{
	char command[COMMAND_BYTES], answer[ANSWER_BYTES + 1];
	struct sockaddr_un addr;
	int fd, err;

	err = make_command(type, command);
	if (!err)
		err = find_socket(root->path, &addr);
	if (err)
		return tell_unasked(root, type, err);
	fd = connect_soon(&addr, root);
	err = fd < 0 ? fd : exchange(fd, command, answer);
	if (fd >= 0)
		close(fd);
	return err ? tell_unasked(root, type, err) : tell_answer(root, type, answer);
}
