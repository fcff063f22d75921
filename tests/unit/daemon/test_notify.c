// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who is told that the server is ready and that it ends: service manager, pid file, descriptor.
 * daemon/notify.c is built here; the build does so with libsystemd, where it is there, and without.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool disk_is_full;

static int close_file(FILE *f)
{
	int err = fclose(f);

	if (!disk_is_full)
		return err;
	errno = ENOSPC;
	return EOF;
}

#define fclose	close_file
#include "../../../daemon/notify.c"
#undef fclose

static char folder[] = "/tmp/zusd-notify-XXXXXX";
static char pidfile[64], socket_path[64];
static int manager = -1;
static struct zusd z;
static unsigned int messages;

static void count_message(const struct zus_env *env, int level, const char *fmt, va_list ap)
{
	(void)env;
	(void)level;
	(void)fmt;
	(void)ap;
	messages++;
}

/* The manager's socket; name: as in NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	memcpy(addr.sun_path, name, strlen(name));
	if (*name == '@')
		addr.sun_path[0] = 0;
	setenv("NOTIFY_SOCKET", name, 1);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return manager < 0 || bind(manager, (struct sockaddr *)&addr, len);
}

static int setup(void **state)
{
	(void)state;
	messages = 0;
	z = (struct zusd){ .opt.ready_fd = -1, .env = *zus_env_default() };
	z.env.vlog = count_message;
	unlink(socket_path);
	return listen_at(socket_path);
}

static int teardown(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unlink(pidfile);
	unlink(socket_path);
	return close(manager);
}

/* What the manager is told next; "" = nothing. */
static const char *told(void)
{
	static char text[64];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static const char *content(const char *path)
{
	static char text[64];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return "no file";
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	fclose(f);
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static const char *our_pid(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	return text;
}

static void manager_hears_of_start_and_end(void **state)
{
	(void)state;
	assert_int_equal(zusd_notify_ready(&z), 0);
	assert_string_equal(told(), "READY=1");
	zusd_notify_stopping(&z);
	assert_string_equal(told(), "STOPPING=1");
	assert_string_equal(told(), "");
	assert_int_equal(messages, 0);
	/* an abstract address */
	close(manager);
	assert_int_equal(listen_at("@zusd-test-notify"), 0);
	assert_int_equal(zusd_notify_ready(&z), 0);
	assert_string_equal(told(), "READY=1");
}

/* Nobody may ask for it, or nobody listen: the server works all the same. */
static void server_needs_no_manager(void **state)
{
	static const char *const names[] = { "relative", "/nowhere/notify", "", "@nobody" };
	char path[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		assert_int_equal(zusd_notify_ready(&z), 0);
	}
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(zusd_notify_ready(&z), 0);
	assert_int_equal(messages, ARRAY_LEN(names) + 1);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(zusd_notify_ready(&z), 0);
	zusd_notify_stopping(&z);
	assert_string_equal(told(), "");
	assert_int_equal(messages, ARRAY_LEN(names) + 1);
}

static void pid_file_lives_as_long_as_the_server(void **state)
{
	(void)state;
	z.opt.pidfile = pidfile;
	assert_int_equal(zusd_notify_ready(&z), 0);
	assert_string_equal(content(pidfile), our_pid());
	zusd_notify_stopping(&z);
	assert_int_equal(access(pidfile, F_OK), -1);
	/* that it has gone is no harm */
	zusd_notify_stopping(&z);
}

static void pid_file_of_somebody_else_stays(void **state)
{
	(void)state;
	z.opt.pidfile = pidfile;
	assert_int_equal(zusd_notify_ready(&z), 0);
	write_file(pidfile, "1\n");
	zusd_notify_stopping(&z);
	assert_string_equal(content(pidfile), "1\n");
	write_file(pidfile, "no number");
	zusd_notify_stopping(&z);
	assert_string_equal(content(pidfile), "no number");
	/* who was never ready has made none */
	z.wrote_pidfile = false;
	write_file(pidfile, our_pid());
	zusd_notify_stopping(&z);
	assert_string_equal(content(pidfile), our_pid());
}

static void pid_file_that_cannot_be_written_is_an_error(void **state)
{
	(void)state;
	z.opt.pidfile = "/nowhere/pid";
	assert_int_equal(zusd_notify_ready(&z), -ENOENT);
	assert_false(z.wrote_pidfile);
	z.opt.pidfile = pidfile;
	disk_is_full = true;
	assert_int_equal(zusd_notify_ready(&z), -ENOSPC);
	disk_is_full = false;
	assert_false(z.wrote_pidfile);
	assert_int_equal(access(pidfile, F_OK), -1);
	/* and nobody was told that the server is ready */
	assert_string_equal(told(), "");
}

/* `fd` is told once, and then closed. */
static void assert_told_at(int fd)
{
	int fds[2];
	char text[16];

	assert_int_equal(pipe(fds), 0);
	if (fds[1] != fd) {
		dup2(fds[1], fd);
		close(fds[1]);
	}
	z.opt.ready_fd = fd;
	assert_int_equal(zusd_notify_ready(&z), 0);
	assert_int_equal(read(fds[0], text, sizeof(text)), 6);
	assert_memory_equal(text, "ready\n", 6);
	assert_int_equal(read(fds[0], text, sizeof(text)), 0);
	close(fds[0]);
}

static void descriptor_is_told_and_closed(void **state)
{
	int saved = dup(0), fds[2];

	(void)state;
	assert_true(saved > 0);
	assert_told_at(700);
	assert_told_at(0);
	dup2(saved, 0);
	close(saved);
	/* who has asked and does not listen */
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	z.opt.ready_fd = fds[1];
	assert_int_equal(zusd_notify_ready(&z), -EPIPE);
	close(fds[1]);
	z.opt.ready_fd = fds[1];
	assert_int_equal(zusd_notify_ready(&z), -EBADF);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(pidfile, sizeof(pidfile), "%s/pid", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/notify", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(manager_hears_of_start_and_end),
		T(server_needs_no_manager),
		T(pid_file_lives_as_long_as_the_server),
		T(pid_file_of_somebody_else_stays),
		T(pid_file_that_cannot_be_written_is_an_error),
		T(descriptor_is_told_and_closed),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
