// SPDX-License-Identifier: BSD-2-Clause
/*
 * Telling others that the server is ready or stops: the service manager (through libsystemd if
 * built with it, else by the datagram that it wants), a pid file, a descriptor. Main only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "zusd.h"

#ifdef ZUSD_HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

static int notify_manager(const char *state)
{
	int n = sd_notify(0, state);

	return n < 0 ? n : 0;
}

#else

static int notify_manager(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len;
	ssize_t n;
	int fd;

	if (!path)
		return 0;
	len = strlen(path);
	if ((*path != '/' && *path != '@') || len >= sizeof(addr.sun_path))
		return -EINVAL;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	n = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
	return n < 0 ? -errno : 0;
}

#endif

static int write_pidfile(const char *path)
{
	FILE *f = fopen(path, "we");
	int err;

	if (!f)
		return -errno;
	fprintf(f, "%ld\n", (long)getpid());
	if (!fclose(f))
		return 0;
	err = -errno;
	unlink(path);
	return err;
}

int zusd_notify_ready(struct zusd *z)
{
	static const char text[] = "ready\n";
	int err;

	if (z->opt.pidfile) {
		err = write_pidfile(z->opt.pidfile);
		if (err) {
			zus_err(&z->env, "%s: %s", z->opt.pidfile, strerror(-err));
			return err;
		}
		z->wrote_pidfile = true;
	}
	err = notify_manager("READY=1");
	if (err)
		zus_warn(&z->env, "cannot notify the service manager: %s", strerror(-err));
	if (z->opt.ready_fd >= 0) {
		if (write(z->opt.ready_fd, text, sizeof(text) - 1) < 0) {
			err = -errno;
			zus_err(&z->env, "--ready-fd=%d: %s", z->opt.ready_fd, strerror(-err));
			return err;
		}
		close(z->opt.ready_fd);
	}
	return 0;
}

/* A server that had to wait for its end may find its successor's there. */
static bool is_our_pidfile(const char *path)
{
	FILE *f = fopen(path, "re");
	bool is_ours;
	long number;

	if (!f)
		return false;
	is_ours = fscanf(f, "%ld", &number) == 1 && number == (long)getpid();
	fclose(f);
	return is_ours;
}

void zusd_notify_stopping(const struct zusd *z)
{
	notify_manager("STOPPING=1");
	if (z->wrote_pidfile && is_our_pidfile(z->opt.pidfile))
		unlink(z->opt.pidfile);
}
