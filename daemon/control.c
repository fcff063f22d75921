// SPDX-License-Identifier: BSD-2-Clause
/*
 * The control socket: commands to the running server, one per connection, a message each way.
 *
 *	client                         zusd
 *	load TYPE-OR-PATH ----------->
 *	                 <------------ ok
 *	                          or   error TEXT
 *
 * SOCK_SEQPACKET, mode 0600, and the client must have the server's user, which is root. Everything
 * is done by main between its other events, so a command never meets the start or the end of the
 * server. A client is nobody to wait for: few are served at a time, each has so long to send its
 * command, an answer that does not fit into its socket is lost, and then it is closed. Nothing
 * here is allocated after the start but what load allocates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "zusd.h"

#define BACKLOG		8
#define ACCEPT_PAUSE_MS	1000	/* after an error (no descriptor is free), before the next try */

struct client {
	int fd;				/* -1: nobody */
	int64_t end_ms;			/* when it is closed, whatever it does */
};

struct zusd_control {
	struct sockaddr_un addr;
	struct stat made;		/* the socket's file: another one is not ours to remove */
	int fd;
	int64_t accept_ms;		/* nobody is accepted before */
	struct client clients[ZUSD_CONTROL_CLIENTS];
	zusd_load_fn load;
	void *ctx;
	char command[ZUSD_CONTROL_COMMAND + 1];
	char answer[ZUSD_CONTROL_ANSWER + 1];
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- commands ---- */

static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

const char *zusd_control_parse(char *text, size_t len, char *why, size_t size)
{
	char *next, *word, *what, *more;

	if (len && text[len - 1] == '\n')
		len--;
	text[len] = 0;
	if (!is_printable(text, len)) {
		snprintf(why, size, "the command is no line of text");
		return NULL;
	}
	word = strtok_r(text, " ", &next);
	if (!word || strcmp(word, "load")) {
		snprintf(why, size, "unknown command '%.64s'", word ? word : "");
		return NULL;
	}
	what = strtok_r(NULL, " ", &next);
	if (!what) {
		snprintf(why, size, "load: no plugin is named");
		return NULL;
	}
	more = strtok_r(NULL, " ", &next);
	if (more) {
		snprintf(why, size, "load: unknown option '%.64s'", more);
		return NULL;
	}
	return what;
}

/* ---- clients ---- */

static void drop(struct client *cl)
{
	close(cl->fd);
	cl->fd = -1;
}

/* A loader's message may have more than one line. */
static void make_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = ' ';
}

/* Sends "ok", or the error, and is done with the client. */
static void answer(struct zusd_control *c, struct client *cl, const char *error)
{
	if (error)
		snprintf(c->answer, sizeof(c->answer), "error %s", error);
	else
		snprintf(c->answer, sizeof(c->answer), "ok");
	make_line(c->answer);
	/* who is gone, or does not read, has no answer */
	send(cl->fd, c->answer, strlen(c->answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	drop(cl);
}

static void execute(struct zusd_control *c, struct client *cl, size_t len)
{
	char why[ZUSD_CONTROL_ANSWER - 64] = "";
	const char *what = zusd_control_parse(c->command, len, why, sizeof(why));

	if (!what || c->load(c->ctx, what, why, sizeof(why)))
		answer(c, cl, why);
	else
		answer(c, cl, NULL);
}

/* Who it was that connected: the kernel has noted it. */
static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.uid == geteuid();
}

/* A message that nobody has read would cost its sender the answer: nothing is said before. */
static void take_command(struct zusd_control *c, struct client *cl)
{
	ssize_t n = recv(cl->fd, c->command, ZUSD_CONTROL_COMMAND, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		drop(cl);
	else if (!is_allowed(cl->fd))
		answer(c, cl, "not permitted");
	else if (n > ZUSD_CONTROL_COMMAND)
		answer(c, cl, "the command is too long");
	else
		execute(c, cl, (size_t)n);
}

/* A place that is free, or NULL. */
static struct client *find_place(struct zusd_control *c)
{
	for (int i = 0; i < ZUSD_CONTROL_CLIENTS; i++)
		if (c->clients[i].fd < 0)
			return &c->clients[i];
	return NULL;
}

static void accept_clients(struct zusd_control *c)
{
	struct client *cl;

	while ((cl = find_place(c))) {
		cl->fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (cl->fd < 0) {
			if (errno == ECONNABORTED || errno == EINTR)
				continue;
			if (errno != EAGAIN)
				c->accept_ms = now_ms() + ACCEPT_PAUSE_MS;
			return;
		}
		cl->end_ms = now_ms() + ZUSD_CONTROL_WAIT_MS;
	}
}

/* ---- the events of main ---- */

/* The time until then in ms; 0: it has come. */
static int ms_until(int64_t end_ms, int64_t now)
{
	int64_t ms = end_ms - now;

	return ms <= 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

static void shorten(int *timeout_ms, int ms)
{
	if (*timeout_ms < 0 || ms < *timeout_ms)
		*timeout_ms = ms;
}

void zusd_control_poll(const struct zusd_control *c, struct pollfd fds[ZUSD_CONTROL_FDS],
		       int *timeout_ms)
{
	const int64_t now = now_ms();
	bool has_place = false;
	int i;

	for (i = 0; i < ZUSD_CONTROL_CLIENTS; i++) {
		const struct client *cl = &c->clients[i];

		fds[1 + i] = (struct pollfd){ .fd = cl->fd, .events = POLLIN };
		if (cl->fd < 0)
			has_place = true;
		else
			shorten(timeout_ms, ms_until(cl->end_ms, now));
	}
	fds[0] = (struct pollfd){ .fd = -1 };
	if (!has_place)
		return;
	if (now < c->accept_ms)
		shorten(timeout_ms, ms_until(c->accept_ms, now));
	else
		fds[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
}

void zusd_control_serve(struct zusd_control *c, const struct pollfd fds[ZUSD_CONTROL_FDS])
{
	for (int i = 0; i < ZUSD_CONTROL_CLIENTS; i++) {
		struct client *cl = &c->clients[i];

		if (cl->fd < 0)
			continue;
		if (fds[1 + i].revents)
			take_command(c, cl);
		if (cl->fd >= 0 && now_ms() >= cl->end_ms)
			answer(c, cl, "no command has come");
	}
	if (fds[0].revents)
		accept_clients(c);
}

/* ---- the socket ---- */

static int make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	int err = 0;

	if (!folder)
		return slash ? -ENOMEM : -EINVAL;
	if (mkdir(folder, 0755) && errno != EEXIST)
		err = -errno;
	free(folder);
	return err;
}

/* The mode of an unbound socket becomes that of its file: at no time may others connect. */
static int listen_at(struct zusd_control *c)
{
	if (fchmod(c->fd, 0600) || (unlink(c->addr.sun_path) && errno != ENOENT) ||
	    bind(c->fd, (const struct sockaddr *)&c->addr, sizeof(c->addr)))
		return -errno;
	if (stat(c->addr.sun_path, &c->made) || listen(c->fd, BACKLOG)) {
		int err = -errno;

		unlink(c->addr.sun_path);
		return err;
	}
	return 0;
}

int zusd_control_create(struct zusd_control **control, const char *path, zusd_load_fn load,
			void *ctx)
{
	struct zusd_control *c;
	int i, err;

	if (strlen(path) >= sizeof(c->addr.sun_path))
		return -ENAMETOOLONG;
	err = make_folder(path);
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->addr.sun_family = AF_UNIX;
	memcpy(c->addr.sun_path, path, strlen(path));
	for (i = 0; i < ZUSD_CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
	c->load = load;
	c->ctx = ctx;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = c->fd < 0 ? -errno : listen_at(c);
	if (err)
		goto err_close;
	*control = c;
	return 0;

err_close:
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	return err;
}

void zusd_control_destroy(struct zusd_control *c)
{
	struct stat now;

	if (!c)
		return;
	if (!stat(c->addr.sun_path, &now) && now.st_ino == c->made.st_ino &&
	    now.st_dev == c->made.st_dev)
		unlink(c->addr.sun_path);
	close(c->fd);
	for (int i = 0; i < ZUSD_CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			answer(c, &c->clients[i], "the server ends");
	free(c);
}
