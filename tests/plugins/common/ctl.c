// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctl.c - the thread behind the socket (see ctl.h)
 *
 * Owned by who called ctl_start. The thread ends when its listening socket is shut down.
 */
#include "ctl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zus/mem.h>
#include <zus/thread.h>

#define LINE_SIZE	2048

struct ctl {
	const struct zus_env *env;
	struct zus_thread *thread;
	int fd;				/* listens */
	void (*run)(void *arg, char *line, FILE *out);
	void *arg;
};

static int open_socket(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd;

	if (len + 1 > sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path + 1, name, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&addr,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) &&
	    !listen(fd, 8))
		return fd;
	len = (size_t)errno;
	close(fd);
	return -(int)len;
}

static void serve(struct ctl *ctl, int fd)
{
	char line[LINE_SIZE];
	size_t len = 0;
	ssize_t got;
	FILE *out;

	do {
		got = read(fd, line + len, sizeof(line) - 1 - len);
		if (got > 0)
			len += (size_t)got;
	} while (got > 0 && line[len - 1] != '\n' && len < sizeof(line) - 1);
	if (len && line[len - 1] == '\n')
		len--;
	line[len] = 0;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return;
	}
	ctl->run(ctl->arg, line, out);
	fclose(out);
}

static void *ctl_main(void *arg)
{
	struct ctl *ctl = arg;
	int fd;

	for (;;) {
		fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve(ctl, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return NULL;
	}
}

int ctl_split_options(const char *text, struct ctl_options *o)
{
	const char *end;
	size_t len, used = 0;

	memset(o, 0, sizeof(*o));
	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, ',');
		len = (size_t)(end - text);
		if (len > 4 && len - 4 < sizeof(o->name) && !memcmp(text, "ctl=", 4)) {
			memcpy(o->name, text + 4, len - 4);
			o->name[len - 4] = 0;
			continue;
		}
		if (len == 4 && !memcmp(text, "kept", 4)) {
			o->kept = true;
			continue;
		}
		if (used + len + 2 > sizeof(o->rest))
			return -EINVAL;
		if (used)
			o->rest[used++] = ',';
		memcpy(o->rest + used, text, len);
		used += len;
	}
	return 0;
}

int ctl_start(struct ctl **out, const struct zus_env *env, const char *name,
	      void (*run)(void *arg, char *line, FILE *out), void *arg)
{
	struct zus_thread_attr attr = ZUS_THREAD_ATTR_INIT;
	struct ctl *ctl;
	int err;

	*out = NULL;
	if (!*name)
		return 0;
	ctl = zus_alloc(env, sizeof(*ctl));
	if (!ctl)
		return -ENOMEM;
	ctl->env = env;
	ctl->run = run;
	ctl->arg = arg;
	ctl->fd = open_socket(name);
	err = ctl->fd;
	if (err < 0)
		goto err_free;
	attr.name = "ctl";
	err = zus_thread_create(&ctl->thread, &attr, ctl_main, ctl);
	if (err)
		goto err_close;
	*out = ctl;
	return 0;

err_close:
	close(ctl->fd);
err_free:
	zus_free(env, ctl);
	return err;
}

void ctl_stop(struct ctl *ctl)
{
	if (!ctl)
		return;
	shutdown(ctl->fd, SHUT_RDWR);
	zus_thread_join(ctl->thread);
	close(ctl->fd);
	zus_free(ctl->env, ctl);
}
