// SPDX-License-Identifier: BSD-2-Clause
/*
 * The control socket of zusd: what a command is, what clients may do that know no manners. The
 * loop of main is played by serve_once(); the loader is a function that notes what it was given.
 * daemon/control.c is built here: its clock is the test's, and the system refuses on demand.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ms = 777;

static int read_clock(clockid_t id, struct timespec *ts)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	ts->tv_sec = clock_ms / 1000;
	ts->tv_nsec = clock_ms % 1000 * 1000000;
	return 0;
}

static struct {
	const char *what;		/* the call that does, or NULL */
	int err;			/* with this errno */
	int after;			/* so many calls */
	int times;			/* so often; 0: always */
	bool is_stranger;		/* clients are another user */
} fails;

static bool refused(const char *what)
{
	if (!fails.what || strcmp(fails.what, what) || fails.after-- > 0)
		return false;
	if (fails.times && !--fails.times)
		fails.what = NULL;
	errno = fails.err;
	return true;
}

static int get_option(int fd, int level, int name, struct ucred *peer, socklen_t *len)
{
	int ret = refused("getsockopt") ? -1 : getsockopt(fd, level, name, peer, len);

	peer->uid += fails.is_stranger;
	return ret;
}

#define clock_gettime(...)	read_clock(__VA_ARGS__)
#define getsockopt(...)		get_option(__VA_ARGS__)
#define recv(...)		(refused("recv") ? -1 : recv(__VA_ARGS__))
#define accept4(...)		(refused("accept") ? -1 : accept4(__VA_ARGS__))
#define strndup(...)		(refused("strndup") ? NULL : strndup(__VA_ARGS__))
#define calloc(...)		(refused("calloc") ? NULL : calloc(__VA_ARGS__))
#define mkdir(...)		(refused("mkdir") ? -1 : mkdir(__VA_ARGS__))
#define fchmod(...)		(refused("fchmod") ? -1 : fchmod(__VA_ARGS__))
#define unlink(...)		(refused("unlink") ? -1 : unlink(__VA_ARGS__))
#define bind(...)		(refused("bind") ? -1 : bind(__VA_ARGS__))
#define listen(...)		(refused("listen") ? -1 : listen(__VA_ARGS__))
#define socket(...)		(refused("socket") ? -1 : socket(__VA_ARGS__))
#include "../../../daemon/control.c"
#undef recv
#undef accept4
#undef mkdir
#undef unlink
#undef bind
#undef listen
#undef socket

static char folder[] = "/tmp/zusd-control-XXXXXX";
static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static struct zusd_control *control;
static char loaded[8192];		/* by the last command */
static unsigned int loads;
static const char *refusal;		/* of the next loads; NULL: they succeed */

static int load(void *ctx, const char *what, char *why, size_t size)
{
	assert_ptr_equal(ctx, loaded);
	snprintf(loaded, sizeof(loaded), "%s", what);
	loads++;
	if (!refusal)
		return 0;
	snprintf(why, size, "%s", refusal);
	return -EINVAL;
}

static int make_place(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sub/control-7", folder);
	return 0;
}

static int remove_place(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/sub", folder);
	rmdir(path);
	return rmdir(folder);
}

static int setup(void **state)
{
	(void)state;
	loads = 0;
	refusal = NULL;
	memset(&fails, 0, sizeof(fails));
	return zusd_control_create(&control, addr.sun_path, load, loaded);
}

static int teardown(void **state)
{
	(void)state;
	zusd_control_destroy(control);
	control = NULL;
	return 0;
}

/*
 * One round of main's loop. Where nothing has happened, the time of the wait passes, or most_ms of
 * it. How many ms main would wait.
 */
static int serve_once(int most_ms)
{
	struct pollfd fds[ZUSD_CONTROL_FDS];
	int timeout_ms = -1, n;

	zusd_control_poll(control, fds, &timeout_ms);
	n = poll(fds, ZUSD_CONTROL_FDS, 0);
	if (!n)
		clock_ms += timeout_ms >= 0 && timeout_ms < most_ms ? timeout_ms : most_ms;
	if (n >= 0)
		zusd_control_serve(control, fds);
	return timeout_ms;
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* The answer, after as many rounds as it takes. */
static const char *answer_of(int fd)
{
	static char text[4096];
	ssize_t n;
	int i;

	for (i = 0; i < 100; i++) {
		n = recv(fd, text, sizeof(text) - 1, 0);
		if (n >= 0) {
			text[n] = 0;
			return text;
		}
		assert_int_equal(errno, EAGAIN);
		serve_once(100);
	}
	return "no answer";
}

static const char *ask(const void *command, size_t len)
{
	const char *text;
	int fd = client();

	assert_int_equal(send(fd, command, len, 0), len);
	text = answer_of(fd);
	close(fd);
	return text;
}

static void check_parse(const char *command, const char *what, const char *reason)
{
	char text[256], why[128] = "";
	const char *found;

	snprintf(text, sizeof(text), "%s", command);
	found = zusd_control_parse(text, strlen(text), why, sizeof(why));
	if (what) {
		assert_non_null(found);
		assert_string_equal(found, what);
	} else {
		assert_null(found);
		assert_string_equal(why, reason);
	}
}

static void command_is_load_and_one_word(void **state)
{
	(void)state;
	check_parse("load memofs", "memofs", NULL);
	check_parse("load memofs\n", "memofs", NULL);
	check_parse("  load   /a/b.so  ", "/a/b.so", NULL);
	check_parse("load", NULL, "load: no plugin is named");
	check_parse("load ", NULL, "load: no plugin is named");
	check_parse("load a b", NULL, "load: unknown option 'b'");
	check_parse("", NULL, "unknown command ''");
	check_parse("\n", NULL, "unknown command ''");
	check_parse("unload memofs", NULL, "unknown command 'unload'");
	check_parse("LOAD memofs", NULL, "unknown command 'LOAD'");
	check_parse("loadx memofs", NULL, "unknown command 'loadx'");
	check_parse("load a\nload b", NULL, "the command is no line of text");
	check_parse("load a\tb", NULL, "the command is no line of text");
	check_parse("load a\x7f", NULL, "the command is no line of text");
}

static void bytes_after_a_nul_are_not_overlooked(void **state)
{
	char text[] = "load a\0load b", why[128] = "";

	(void)state;
	assert_null(zusd_control_parse(text, sizeof(text) - 1, why, sizeof(why)));
	assert_string_equal(why, "the command is no line of text");
}

static void load_is_answered(void **state)
{
	(void)state;
	assert_string_equal(ask("load memofs", 11), "ok");
	assert_string_equal(loaded, "memofs");
	refusal = "no such\nplugin";
	assert_string_equal(ask("load other", 10), "error no such plugin");
	assert_string_equal(loaded, "other");
	assert_int_equal(loads, 2);
}

static void long_reason_is_cut(void **state)
{
	static char reason[3000];

	(void)state;
	memset(reason, 'x', sizeof(reason) - 1);
	refusal = reason;
	assert_true(strlen(ask("load a", 6)) <= ZUSD_CONTROL_ANSWER);
}

static void garbage_is_refused(void **state)
{
	static char text[65536];

	(void)state;
	memset(text, 0xff, sizeof(text));
	assert_string_equal(ask(text, 100), "error unknown command '"
			    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'");
	memset(text, 'a', sizeof(text));
	memcpy(text, "load ", 5);
	assert_string_equal(ask(text, sizeof(text)), "error the command is too long");
	assert_string_equal(ask(text, ZUSD_CONTROL_COMMAND + 1), "error the command is too long");
	assert_int_equal(loads, 0);
	assert_string_equal(ask(text, ZUSD_CONTROL_COMMAND), "ok");
	assert_int_equal(strlen(loaded), ZUSD_CONTROL_COMMAND - 5);
}

/* All places are taken by clients that say nothing; who waits comes when their time is up. */
static void silent_clients_are_dropped(void **state)
{
	int silent[ZUSD_CONTROL_CLIENTS], late, i, waits = 0;

	(void)state;
	for (i = 0; i < ZUSD_CONTROL_CLIENTS; i++)
		silent[i] = client();
	serve_once(0);
	late = client();
	assert_int_equal(send(late, "load late", 9, 0), 9);
	for (i = 0; i < 20 && !loads; i++)
		waits = serve_once(ZUSD_CONTROL_WAIT_MS);
	assert_true(waits <= ZUSD_CONTROL_WAIT_MS);
	assert_string_equal(answer_of(late), "ok");
	for (i = 0; i < ZUSD_CONTROL_CLIENTS; i++) {
		assert_string_equal(answer_of(silent[i]), "error no command has come");
		close(silent[i]);
	}
	close(late);
	/* and nothing is left to wait for */
	assert_int_equal(serve_once(0), -1);
}

static void client_that_leaves_or_does_not_read_is_no_matter(void **state)
{
	int fd, small = 1;

	(void)state;
	close(client());
	serve_once(100);
	serve_once(100);
	fd = client();
	assert_int_equal(send(fd, "load a", 6, 0), 6);
	close(fd);
	serve_once(100);
	serve_once(100);
	assert_int_equal(loads, 1);
	fd = client();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(send(fd, "load b", 6, 0), 6);
	serve_once(100);
	serve_once(100);
	assert_int_equal(loads, 2);
	close(fd);
	assert_string_equal(ask("load c", 6), "ok");
}

/* Descriptors of a client are not taken, and an empty message is an end. */
static void descriptors_are_not_taken(void **state)
{
	char control_text[CMSG_SPACE(sizeof(int))] = { 0 }, text[] = "load a";
	struct iovec iov = { text, 6 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control_text, .msg_controllen = sizeof(control_text),
	};
	int fds[2], fd = client();

	(void)state;
	assert_int_equal(pipe(fds), 0);
	CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fds[1], sizeof(int));
	assert_int_equal(sendmsg(fd, &m, 0), 6);
	close(fds[1]);
	assert_string_equal(answer_of(fd), "ok");
	/* the pipe has no writer left */
	assert_int_equal(read(fds[0], text, 1), 0);
	close(fds[0]);
	close(fd);
	fd = client();
	assert_int_equal(send(fd, "", 0, 0), 0);
	assert_string_equal(answer_of(fd), "");
	close(fd);
}

/* Without a descriptor nobody is accepted, and main does not spin. */
static void full_descriptor_table_is_waited_out(void **state)
{
	struct rlimit old, few;
	int fd = client(), waits, last, n;

	(void)state;
	assert_int_equal(send(fd, "load a", 6, 0), 6);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 32;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (last = fd; (n = dup(fd)) >= 0; last = n)
		;
	assert_int_equal(errno, EMFILE);
	serve_once(0);
	waits = serve_once(0);
	for (; last > fd; last--)
		close(last);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(waits > 100 && waits <= 1000);
	assert_int_equal(loads, 0);
	assert_string_equal(answer_of(fd), "ok");
	close(fd);
}

static void strangers_are_refused(void **state)
{
	(void)state;
	fails.is_stranger = true;
	assert_string_equal(ask("load a", 6), "error not permitted");
	fails.is_stranger = false;
	fails.what = "getsockopt";
	fails.err = EIO;
	assert_string_equal(ask("load a", 6), "error not permitted");
	assert_int_equal(loads, 0);
}

/* An interruption is none of the client's; what cannot be read is not answered. */
static void read_may_fail(void **state)
{
	static const int passing[] = { EINTR, EAGAIN };
	int fd = client();
	char text[16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(passing); i++) {
		fails.what = "recv";
		fails.err = passing[i];
		fails.times = 2;
		assert_string_equal(ask("load a", 6), "ok");
	}
	assert_int_equal(loads, 2);
	fails.what = "recv";
	fails.err = EIO;
	fails.times = 1;
	assert_int_equal(send(fd, "load b", 6, 0), 6);
	serve_once(0);
	serve_once(0);
	assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(loads, 2);
	close(fd);
}

/* Who has gone meanwhile is no reason to pause. */
static void next_client_is_accepted_at_once(void **state)
{
	static const int passing[] = { EINTR, ECONNABORTED };
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < ARRAY_LEN(passing); i++) {
		fails.what = "accept";
		fails.err = passing[i];
		fails.times = 1;
		fd = client();
		serve_once(0);
		assert_int_equal(serve_once(0), ZUSD_CONTROL_WAIT_MS);
		assert_int_equal(send(fd, "load a", 6, 0), 6);
		assert_string_equal(answer_of(fd), "ok");
		close(fd);
	}
}

static void pause_has_an_end(void **state)
{
	struct pollfd fds[ZUSD_CONTROL_FDS];
	int fd = client(), timeout_ms = -1;

	(void)state;
	fails.what = "accept";
	fails.err = ENFILE;
	serve_once(0);
	zusd_control_poll(control, fds, &timeout_ms);
	assert_true(timeout_ms > 0 && timeout_ms <= 1000);
	assert_int_equal(fds[0].fd, -1);
	clock_ms += timeout_ms - 1;
	timeout_ms = -1;
	zusd_control_poll(control, fds, &timeout_ms);
	assert_int_equal(timeout_ms, 1);
	assert_int_equal(fds[0].fd, -1);
	clock_ms++;
	timeout_ms = -1;
	zusd_control_poll(control, fds, &timeout_ms);
	assert_int_equal(timeout_ms, -1);
	assert_true(fds[0].fd >= 0);
	close(fd);
}

/* Main may have something else that it waits for. */
static void shorter_wait_of_main_stays(void **state)
{
	static const struct { int before, after; } waits[] = {
		{ -1, ZUSD_CONTROL_WAIT_MS }, { 0, 0 }, { 10, 10 },
		{ ZUSD_CONTROL_WAIT_MS + 1, ZUSD_CONTROL_WAIT_MS },
	};
	struct pollfd fds[ZUSD_CONTROL_FDS];
	int fd = client(), timeout_ms;
	size_t i;

	(void)state;
	serve_once(0);
	for (i = 0; i < ARRAY_LEN(waits); i++) {
		timeout_ms = waits[i].before;
		zusd_control_poll(control, fds, &timeout_ms);
		assert_int_equal(timeout_ms, waits[i].after);
	}
	/* its time is up when it is over, not before */
	clock_ms += ZUSD_CONTROL_WAIT_MS - 1;
	serve_once(0);
	assert_int_equal(serve_once(0), 1);
	clock_ms++;
	serve_once(0);
	assert_int_equal(serve_once(0), -1);
	assert_string_equal(answer_of(fd), "error no command has come");
	close(fd);
}

static void number_0_is_a_descriptor(void **state)
{
	int saved = dup(0), fd;

	zusd_control_destroy(control);
	close(0);
	assert_int_equal(setup(state), 0);
	assert_string_equal(ask("load a", 6), "ok");
	zusd_control_destroy(control);
	/* and a client's */
	dup2(saved, 0);
	assert_int_equal(setup(state), 0);
	fd = client();
	close(0);
	serve_once(0);
	assert_true(fcntl(0, F_GETFD) >= 0);
	assert_int_equal(serve_once(0), ZUSD_CONTROL_WAIT_MS);
	assert_int_equal(send(fd, "load b", 6, 0), 6);
	assert_string_equal(answer_of(fd), "ok");
	assert_int_equal(fcntl(0, F_GETFD), -1);
	close(fd);
	fd = client();
	serve_once(0);
	zusd_control_destroy(control);
	control = NULL;
	assert_string_equal(answer_of(fd), "error the server ends");
	close(fd);
	dup2(saved, 0);
	close(saved);
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* Nothing is left of it: no descriptor, no file. */
static void socket_that_cannot_be_made_leaves_nothing(void **state)
{
	static const struct { const char *what; int err; } cases[] = {
		{ "strndup", ENOMEM }, { "mkdir", EACCES }, { "calloc", ENOMEM },
		{ "socket", EMFILE }, { "fchmod", EIO }, { "unlink", EPERM },
		{ "bind", EADDRINUSE }, { "listen", EOPNOTSUPP },
	};
	struct zusd_control *c;
	struct stat st;
	int fd;
	size_t i;

	zusd_control_destroy(control);
	fd = next_fd();
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		fails.what = cases[i].what;
		fails.err = cases[i].err;
		assert_int_equal(zusd_control_create(&c, addr.sun_path, load, loaded),
				 -cases[i].err);
		assert_int_equal(stat(addr.sun_path, &st), -1);
		assert_int_equal(next_fd(), fd);
	}
	assert_int_equal(setup(state), 0);
	teardown(state);
	assert_int_equal(next_fd(), fd);
}

static void socket_is_for_its_user_alone(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(addr.sun_path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
}

/* What another server has left is replaced; what another one made since is not removed. */
static void socket_belongs_to_the_last_server(void **state)
{
	struct zusd_control *later;
	struct stat st;
	int fd = client();

	(void)state;
	serve_once(0);
	assert_int_equal(zusd_control_create(&later, addr.sun_path, load, loaded), 0);
	zusd_control_destroy(control);
	assert_string_equal(answer_of(fd), "error the server ends");
	close(fd);
	assert_int_equal(stat(addr.sun_path, &st), 0);
	control = later;
	assert_string_equal(ask("load a", 6), "ok");
	zusd_control_destroy(control);
	control = NULL;
	assert_int_equal(stat(addr.sun_path, &st), -1);
}

static void bad_paths_are_refused(void **state)
{
	struct zusd_control *none;
	char path[200];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	path[0] = '/';
	assert_int_equal(zusd_control_create(&none, path, load, loaded), -ENAMETOOLONG);
	/* one that has no room for its NUL */
	path[sizeof(addr.sun_path)] = 0;
	assert_int_equal(zusd_control_create(&none, path, load, loaded), -ENAMETOOLONG);
	assert_int_equal(zusd_control_create(&none, "/dev/null/control", load, loaded), -ENOTDIR);
	assert_int_equal(zusd_control_create(&none, "name", load, loaded), -EINVAL);
	zusd_control_destroy(NULL);
}

#define test(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_is_load_and_one_word),
		cmocka_unit_test(bytes_after_a_nul_are_not_overlooked),
		test(load_is_answered),
		test(long_reason_is_cut),
		test(garbage_is_refused),
		test(silent_clients_are_dropped),
		test(client_that_leaves_or_does_not_read_is_no_matter),
		test(descriptors_are_not_taken),
		test(full_descriptor_table_is_waited_out),
		test(strangers_are_refused),
		test(read_may_fail),
		test(next_client_is_accepted_at_once),
		test(pause_has_an_end),
		test(shorter_wait_of_main_stays),
		test(number_0_is_a_descriptor),
		test(socket_that_cannot_be_made_leaves_nothing),
		test(socket_is_for_its_user_alone),
		test(socket_belongs_to_the_last_server),
		cmocka_unit_test(bad_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
