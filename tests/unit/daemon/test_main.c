// SPDX-License-Identifier: BSD-2-Clause
/*
 * The life of zusd: in which order its parts are started and stopped, what a failure undoes, what
 * it waits for, its exit status. daemon/main.c is built here; its parts are functions of the test
 * that note their names. Each server runs in a child, which says in memory what it has seen.
 */
#define _GNU_SOURCE
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(struct pollfd *fds, nfds_t n, int timeout_ms);
static int no_event(unsigned int count, int flags);

int zusd_main(int argc, char **argv);
#define main		zusd_main
#define poll(...)	wait_for(__VA_ARGS__)
#define eventfd(...)	no_event(__VA_ARGS__)
#include "../../../daemon/main.c"
#undef main
#undef poll
#undef eventfd

/* What a server of a test shall meet. */
static struct {
	const char *fails;		/* the part that does, or NULL */
	int err;			/* with this; of options: what it returns */
	const char *events;		/* what happens, a letter each: see wait_for() */
	unsigned int mounts;		/* at the end */
	unsigned int verbose;
	int ready;			/* what the wait for the root says */
	const char *is_0;		/* the part whose descriptor is 0, or NULL */
} plan;

/* What the last one did, shared with its child. */
static struct {
	char trace[1024];
	struct zus_execbuf_list lists[3];
	unsigned int nr_lists;
	char ddbg[64];
	int timeout_ms;			/* of the last wait */
	nfds_t nr_fds;
	bool env_is_its;		/* lists know the server */
} *seen;

/* ---- the parts ---- */

/* In the child: cmocka's words are for the test. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static int note(const char *part)
{
	size_t len = strlen(seen->trace);

	snprintf(seen->trace + len, sizeof(seen->trace) - len, "%s%s", len ? " " : "", part);
	return plan.fails && !strcmp(plan.fails, part) ? plan.err : 0;
}

/* A part's descriptor, which the test may want to be 0. */
static int descriptor(const char *part, int fd)
{
	if (fd < 0 || !plan.is_0 || strcmp(plan.is_0, part))
		return fd;
	dup2(fd, 0);
	close(fd);
	return 0;
}

int zusd_options_parse(struct zusd_options *o, int argc, char **argv)
{
	must(argc == 1);
	must(!strcmp(argv[0], "zusd"));
	*o = (struct zusd_options){ .root = "/the/root", .verbose = plan.verbose };
	return note("options");
}

void zusd_options_free(struct zusd_options *o)
{
	must(!strcmp(o->root, "/the/root"));
	note("-options");
}

int zus_ddbg_register(const char *module, struct zus_ddbg_site *start, struct zus_ddbg_site *stop)
{
	must(start <= stop);
	return note(module);
}

int zus_ddbg_register_libzus(void)
{
	return note("libzus");
}

int zus_ddbg_write(const char *command)
{
	snprintf(seen->ddbg, sizeof(seen->ddbg), "%s", command);
	return 1;
}

static struct zusd *server;		/* once a part has seen it */
static int fds_of_signals[2], fds_of_uevents[2];

int zusd_signals_init(void)
{
	int err = note("signals");

	if (!err && pipe2(fds_of_signals, O_NONBLOCK))
		err = -errno;
	return err ? err : descriptor("signals", fds_of_signals[0]);
}

void zusd_signals_release(void)
{
	note("release");
}

static int no_event(unsigned int count, int flags)
{
	int err = note("eventfd");

	errno = -err;
	return err ? -1 : descriptor("eventfd", eventfd(count, flags));
}

void zusd_raise_limits(const struct zusd *z)
{
	server = (struct zusd *)z;
	note("limits");
}

int zus_root_open(const char *path)
{
	int err = note("root");

	must(!strcmp(path, "/the/root"));
	return err ? err : descriptor("root", open("/", O_RDONLY));
}

int zus_execbuf_pool_create(struct zus_execbuf_pool **pool, int root_fd)
{
	must(root_fd == server->root_fd);
	*pool = (struct zus_execbuf_pool *)seen;
	return note("pool");
}

void zus_execbuf_pool_destroy(struct zus_execbuf_pool *pool)
{
	must(pool == (void *)seen);
	note("-pool");
}

int zus_execbuf_run(struct zus_execbuf_pool *pool, const struct zus_execbuf_list *list)
{
	must(pool == (void *)seen);
	seen->lists[seen->nr_lists++] = *list;
	return -(int)seen->nr_lists;
}

int zusd_zts_create(struct zusd *z)
{
	must(z == server);
	return note("zts");
}

void zusd_zts_destroy(struct zusd *z)
{
	must(z == server);
	note("-zts");
}

int zusd_guard_exit(bool on)
{
	return note(on ? "guard" : "-guard");
}

/* A plugin's super-block and its lists, by each way of the environment. */
static void run_lists(const struct zus_env *env)
{
	struct zus_sb sb = { .kern_id = 12 };
	const uint64_t words[] = { 1, 2, 3 };

	seen->env_is_its = env->ctx == server && env->vlog == zus_env_default()->vlog &&
		env->iomap_exec(env, &sb, words, 1) == -1 &&
		env->iomap_exec_flags(env, &sb, words, 2, 5) == -2 &&
		env->iomap_exec_async(env, &sb, words, 3, 6, 77) == -3 &&
		seen->lists[0].sbi_cookie == (uint64_t)(uintptr_t)&sb &&
		seen->lists[2].sbi_cookie == (uint64_t)(uintptr_t)&sb &&
		seen->lists[1].words == words;
}

int zusd_plugins_start(struct zusd *z)
{
	int err = note("plugins");

	if (!err)
		run_lists(&z->env);
	return err;
}

int zusd_plugins_load(void *ctx, const char *what, char *why, size_t size)
{
	(void)ctx;
	(void)what;
	snprintf(why, size, "no");
	return -EINVAL;
}

unsigned int zusd_plugins_server_stop(struct zusd *z)
{
	must(zusd_stopping(z));
	note("server-stop");
	return plan.mounts;
}

void zusd_plugins_stop(struct zusd *z)
{
	must(z == server);
	note("-plugins");
}

int zusd_lock_memory(const struct zusd *z)
{
	must(z == server);
	return note("lock");
}

int zusd_drop_capabilities(const struct zusd *z)
{
	must(z == server);
	return note("capabilities");
}

int zusd_uevent_open(void)
{
	int err = note("uevents");

	if (!err && pipe2(fds_of_uevents, O_NONBLOCK))
		err = -errno;
	if (!err)
		fds_of_uevents[0] = descriptor("uevents", fds_of_uevents[0]);
	return err ? err : fds_of_uevents[0];
}

int zus_control_path(int root_fd, char *path, size_t size)
{
	must(root_fd == server->root_fd);
	snprintf(path, size, "/run/zufs/control-9");
	return note("path");
}

int zusd_control_create(struct zusd_control **control, const char *path, zusd_load_fn load,
			void *ctx)
{
	int err = note("control");

	must(!strcmp(path, "/run/zufs/control-9"));
	must(load == zusd_plugins_load && ctx == server);
	if (!err)
		*control = (struct zusd_control *)seen;
	return err;
}

void zusd_control_destroy(struct zusd_control *c)
{
	must(!c || c == (struct zusd_control *)seen);
	if (c)
		note("-control");
}

void zusd_control_poll(const struct zusd_control *c, struct pollfd fds[ZUSD_CONTROL_FDS],
		       int *timeout_ms)
{
	must(c == (void *)seen);
	for (int i = 0; i < ZUSD_CONTROL_FDS; i++)
		fds[i] = (struct pollfd){ .fd = -1 };
	*timeout_ms = 55;
}

void zusd_control_serve(struct zusd_control *c, const struct pollfd fds[ZUSD_CONTROL_FDS])
{
	must(c == (void *)seen);
	must(fds[0].fd == -1);
	note("serve");
}

int zusd_mounter_start(struct zusd *z)
{
	must(!zusd_stopping(z));
	return note("mounter");
}

int zusd_mounter_stop(struct zusd *z)
{
	must(zusd_stopping(z));
	return note("-mounter");
}

int zusd_mounter_wait_ready(struct zusd *z, int signal_fd)
{
	must(z == server);
	must(signal_fd >= 0);
	note("wait");
	return plan.ready;
}

int zusd_notify_ready(struct zusd *z)
{
	must(z == server);
	return note("ready");
}

void zusd_notify_stopping(const struct zusd *z)
{
	must(z == server);
	note("stopping");
}

int zusd_zts_stop(struct zusd *z)
{
	must(z == server);
	return note("zts-stop");
}

void zusd_zts_cpu_online(struct zusd *z, int cpu)
{
	char text[32];

	must(z == server);
	snprintf(text, sizeof(text), "cpu-%d", cpu);
	note(text);
}

void zusd_zts_all_online(struct zusd *z)
{
	must(z == server);
	note("all-cpus");
}

int zusd_uevent_read(int fd)
{
	signed char cpu;

	must(fd == fds_of_uevents[0]);
	must(read(fd, &cpu, 1) == 1);
	return cpu;
}

/* ---- what happens ---- */

static void send_signal(unsigned int number)
{
	const struct signalfd_siginfo si = { .ssi_signo = number };

	must(write(fds_of_signals[1], &si, sizeof(si)) == sizeof(si));
}

static void send_uevent(int cpu)
{
	const signed char c = (signed char)cpu;

	must(write(fds_of_uevents[1], &c, 1) == 1);
}

/*
 * A wait of main, in which the next event of the plan comes: T, I: a signal; s, f: a thread asks
 * for the end, f with 3 and then 4; 0, L, N: an uevent of CPU 0, lost ones, another one; b: half a
 * signal; e: an interruption; x: the wait fails; t: nothing but what
 * was there before.
 */
static int wait_for(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	char event = plan.events && *plan.events ? *plan.events++ : 'T';
	static unsigned int waits;

	/* nothing ends it */
	must(++waits < 1000);
	seen->timeout_ms = timeout_ms;
	seen->nr_fds = n;
	switch (event) {
	case 'T':
		send_signal(SIGTERM);
		break;
	case 'I':
		send_signal(SIGINT);
		break;
	case 's':
		zusd_request_stop(server, 0);
		break;
	case 'f':
		zusd_request_stop(server, 3);
		zusd_request_stop(server, 4);
		break;
	case '0':
		send_uevent(0);
		break;
	case 'L':
		send_uevent(ZUSD_UEVENT_LOST);
		break;
	case 'N':
		send_uevent(ZUSD_UEVENT_NONE);
		break;
	case 'b':
		must(write(fds_of_signals[1], "half", 4) == 4);
		break;
	case 'e':
	case 'x':
		errno = event == 'e' ? EINTR : ENOMEM;
		return -1;
	}
	/* an old error is none of the wait that follows */
	errno = ENOTTY;
	return poll(fds, n, 0);
}

/* ---- a server ---- */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* After main has returned: what is still there that should not be. */
static void look_for_leaks(void)
{
	if (server && server->root_fd >= 0 && is_open(server->root_fd))
		note("root-is-open");
	if (fds_of_uevents[1] && is_open(fds_of_uevents[0]))
		note("uevents-are-open");
	if (server && server->control)
		note("control-is-there");
	note("return");
}

static int messages;			/* of the last server: a file in memory */

static bool has_said(const char *words)
{
	static char text[4096];
	ssize_t n = pread(messages, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return strstr(text, words);
}

/* Its exit status; 128 + the signal that has ended it. */
static int serve_once(void)
{
	char name[] = "zusd", *argv[] = { name, NULL };
	int status;
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(ftruncate(messages, 0), 0);
	assert_int_equal(lseek(messages, 0, SEEK_SET), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(20);
		dup2(messages, STDERR_FILENO);
		status = zusd_main(1, argv);
		look_for_leaks();
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define BEGIN	"options zusd libzus signals eventfd limits "
#define START	BEGIN "root pool zts guard plugins lock capabilities uevents path control mounter "
#define READY	START "wait ready "
#define LEAVE	"release -control stopping -mounter server-stop "
#define END	LEAVE "zts-stop -plugins -zts -guard -pool "
#define GOOD	READY END "-options return"

static int setup(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	if (!seen)
		seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!messages)
		messages = memfd_create("messages", MFD_CLOEXEC);
	return seen == MAP_FAILED || messages < 0;
}

static void parts_are_started_and_stopped_in_order(void **state)
{
	(void)state;
	assert_int_equal(serve_once(), 0);
	assert_string_equal(seen->trace, GOOD);
	assert_int_equal(seen->timeout_ms, 55);
	assert_int_equal(seen->nr_fds, 3 + ZUSD_CONTROL_FDS);
	assert_string_equal(seen->ddbg, "");
	plan.verbose = 1;
	assert_int_equal(serve_once(), 0);
	assert_string_equal(seen->ddbg, "module zusd +p");
}

static void lists_of_plugins_are_run_as_they_are(void **state)
{
	const struct zus_execbuf_list *l = seen->lists;
	int i;

	(void)state;
	assert_int_equal(serve_once(), 0);
	assert_true(seen->env_is_its);
	for (i = 0; i < 3; i++) {
		assert_int_equal(l[i].n, i + 1);
		assert_int_equal(l[i].sb_id, 12);
		assert_int_equal(l[i].wait, i < 2);
		assert_int_equal(l[i].flags, i ? 4 + i : 0);
		assert_int_equal(l[i].cookie, i == 2 ? 77 : 0);
	}
}

/* A part that fails: what was started before is stopped, in reverse. */
static void a_failure_undoes_the_start(void **state)
{
	static const struct { const char *part, *trace; } cases[] = {
		{ "signals", "options zusd libzus signals eventfd return" },
		{ "eventfd", "options zusd libzus signals eventfd return" },
		{ "root", BEGIN "root return" },
		{ "pool", BEGIN "root pool return" },
		{ "zts", BEGIN "root pool zts -pool return" },
		{ "guard", BEGIN "root pool zts guard -plugins -zts -guard -pool return" },
		{ "plugins", BEGIN "root pool zts guard plugins "
			     "-plugins -zts -guard -pool return" },
		{ "lock", BEGIN "root pool zts guard plugins lock "
			  "-plugins -zts -guard -pool return" },
		{ "capabilities", BEGIN "root pool zts guard plugins lock capabilities "
				  "-plugins -zts -guard -pool return" },
		{ "mounter", START "-control -plugins -zts -guard -pool return" },
		{ "ready", READY END "return" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		plan.fails = cases[i].part;
		plan.err = -EIO;
		/* who has failed does not wait for anything else */
		plan.events = "ttttT";
		assert_int_equal(serve_once(), 1);
		assert_string_equal(seen->trace, cases[i].trace);
	}
}

static void missing_root_is_told(void **state)
{
	(void)state;
	plan.fails = "root";
	plan.err = -ENODEV;
	assert_int_equal(serve_once(), 1);
	assert_true(has_said("/the/root: no zuf file system is mounted here"));
	plan.err = -EACCES;
	assert_int_equal(serve_once(), 1);
	assert_true(has_said("/the/root: Permission denied"));
}

static void options_may_end_it(void **state)
{
	(void)state;
	plan.fails = "options";
	plan.err = 1;
	assert_int_equal(serve_once(), 0);
	plan.err = 3;
	assert_int_equal(serve_once(), 2);
	assert_string_equal(seen->trace, "options return");
}

/* Without uevents, or without the control socket, it serves all the same. */
static void some_parts_may_be_missing(void **state)
{
	(void)state;
	plan.fails = "uevents";
	plan.err = -EPERM;
	assert_int_equal(serve_once(), 0);
	assert_string_equal(seen->trace, GOOD);
	plan.events = "t";
	plan.fails = "control";
	assert_int_equal(serve_once(), 0);
	assert_null(strstr(seen->trace, "-control"));
	assert_null(strstr(seen->trace, "serve "));
	assert_non_null(strstr(seen->trace, "-options return"));
	assert_int_equal(seen->timeout_ms, -1);
	assert_int_equal(seen->nr_fds, 3);
	assert_true(has_said("no types can be added"));
	plan.fails = "path";
	assert_int_equal(serve_once(), 0);
	assert_null(strstr(seen->trace, "control"));
	plan.fails = NULL;
	assert_int_equal(serve_once(), 0);
	assert_false(has_said("no types can be added"));
}

static void any_number_is_a_descriptor(void **state)
{
	static const char *const parts[] = { "signals", "eventfd", "root", "uevents" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		plan.is_0 = parts[i];
		plan.events = "T";
		assert_int_equal(serve_once(), 0);
		assert_string_equal(seen->trace, GOOD);
	}
}

/* A server whose end is asked for by these events; what it does before it leaves. */
static void assert_end(const char *events, int status, const char *before)
{
	char trace[1024];

	plan.events = events;
	assert_int_equal(serve_once(), status);
	snprintf(trace, sizeof(trace), "%s%s%s-options return", READY, before, END);
	assert_string_equal(seen->trace, trace);
}

static void a_signal_or_a_thread_ends_it(void **state)
{
	(void)state;
	assert_end("T", 0, "");
	assert_end("I", 1, "");
	assert_end("s", 0, "");
	/* the first status counts */
	assert_end("f", 3, "");
	assert_end("x", 1, "");
	assert_true(has_said("cannot wait for events: Cannot allocate memory"));
}

static void other_events_are_served_until_then(void **state)
{
	(void)state;
	assert_end("0T", 0, "cpu-0 serve ");
	assert_end("LT", 0, "all-cpus serve ");
	assert_end("NT", 0, "serve ");
	assert_end("tteT", 0, "serve serve serve ");
	/* what is no signal is none */
	assert_end("bT", 0, "serve ");
}

/* A signal before the root is ready is the end, after which the rest is as ever. */
static void it_may_end_before_it_is_ready(void **state)
{
	(void)state;
	plan.ready = -EINTR;
	assert_int_equal(serve_once(), 0);
	assert_string_equal(seen->trace, START "wait " END "-options return");
	plan.ready = -ECANCELED;
	plan.events = "ttttT";
	assert_int_equal(serve_once(), 1);
	assert_string_equal(seen->trace, START "wait " END "return");
}

/* Then types, plugins and devices stay as they are until the process has ended. */
static void what_is_in_use_is_not_taken_down(void **state)
{
	(void)state;
	assert_int_equal(serve_once(), 0);
	assert_false(has_said("still mounted"));
	plan.mounts = 1;
	assert_int_equal(serve_once(), 0);
	assert_true(has_said("still mounted: 1"));
	assert_string_equal(seen->trace, READY LEAVE "zts-stop");
	plan.events = "I";
	assert_int_equal(serve_once(), 1);
	plan.mounts = 0;
	plan.fails = "zts-stop";
	plan.err = -EIO;
	plan.events = "T";
	assert_int_equal(serve_once(), 1);
	assert_string_equal(seen->trace, READY LEAVE "zts-stop");
	plan.fails = "-mounter";
	plan.events = "T";
	assert_int_equal(serve_once(), 1);
	assert_string_equal(seen->trace, READY "release -control stopping -mounter");
}

#define T(fn)	cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(parts_are_started_and_stopped_in_order),
		T(lists_of_plugins_are_run_as_they_are),
		T(a_failure_undoes_the_start),
		T(missing_root_is_told),
		T(options_may_end_it),
		T(some_parts_may_be_missing),
		T(any_number_is_a_descriptor),
		T(a_signal_or_a_thread_ends_it),
		T(other_events_are_served_until_then),
		T(it_may_end_before_it_is_ready),
		T(what_is_in_use_is_not_taken_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
