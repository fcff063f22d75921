// SPDX-License-Identifier: BSD-2-Clause
/*
 * zusd: the ZUFS server. Starts its parts in order, then waits for signals, CPUs that come
 * online, commands of its control socket, and threads that ask to stop; undoes the start in
 * reverse.
 *
 * TERM ends it with status 0 after the running operations are done; nothing is unmounted. What
 * is mounted then is told (server_stop) and stays as it is until the process has ended: its
 * memory, its devices and its plugin are never taken from under it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "zusd.h"

void zusd_request_stop(struct zusd *z, int status)
{
	const uint64_t one = 1;
	int none = 0;

	if (status)
		__atomic_compare_exchange_n(&z->exit_status, &none, status, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	if (write(z->stop_fd, &one, sizeof(one)) < 0)
		zus_err(&z->env, "stop event: %s", strerror(errno));
}

static int run_list(const struct zus_env *env, struct zus_sb *sb,
		    const struct zus_execbuf_list *list)
{
	struct zusd *z = env->ctx;
	struct zus_execbuf_list l = *list;

	l.sb_id = sb->kern_id;
	l.sbi_cookie = (uint64_t)(uintptr_t)sb;
	return zus_execbuf_run(z->execbufs, &l);
}

static int env_iomap_exec(const struct zus_env *env, struct zus_sb *sb,
			  const uint64_t *words, uint32_t n)
{
	const struct zus_execbuf_list l = { .words = words, .n = n, .wait = true };

	return run_list(env, sb, &l);
}

static int env_iomap_exec_flags(const struct zus_env *env, struct zus_sb *sb,
				const uint64_t *words, uint32_t n, uint32_t flags)
{
	const struct zus_execbuf_list l = {
		.words = words, .n = n, .flags = flags, .wait = true,
	};

	return run_list(env, sb, &l);
}

static int env_iomap_exec_async(const struct zus_env *env, struct zus_sb *sb,
				const uint64_t *words, uint32_t n, uint32_t flags,
				uint64_t cookie)
{
	const struct zus_execbuf_list l = {
		.words = words, .n = n, .flags = flags, .cookie = cookie,
	};

	return run_list(env, sb, &l);
}

static void env_init(struct zusd *z)
{
	z->env = *zus_env_default();
	z->env.ctx = z;
	z->env.iomap_exec = env_iomap_exec;
	z->env.iomap_exec_flags = env_iomap_exec_flags;
	z->env.iomap_exec_async = env_iomap_exec_async;
	zus_ddbg_register("zusd", __start_zus_ddbg, __stop_zus_ddbg);
	zus_ddbg_register_libzus();
	if (z->opt.verbose & 1)
		zus_ddbg_write("module zusd +p");
}

static void serve_uevent(struct zusd *z, int uevent_fd)
{
	int cpu = zusd_uevent_read(uevent_fd);

	if (cpu == ZUSD_UEVENT_LOST) {
		zusd_zts_all_online(z);
	} else if (cpu != ZUSD_UEVENT_NONE) {
		zus_dbg(&z->env, "CPU %d is online", cpu);
		zusd_zts_cpu_online(z, cpu);
	}
}

/* What main waits for; those of the control socket come last. */
enum {
	WAIT_SIGNAL, WAIT_STOP, WAIT_UEVENT, WAIT_CONTROL,
	WAIT_FDS = WAIT_CONTROL + ZUSD_CONTROL_FDS,
};

/* Until something happens; 0 or -errno. */
static int wait_for_events(const struct zusd *z, struct pollfd fds[WAIT_FDS])
{
	int timeout_ms = -1;
	nfds_t n = WAIT_CONTROL;

	if (z->control) {
		zusd_control_poll(z->control, fds + WAIT_CONTROL, &timeout_ms);
		n = WAIT_FDS;
	}
	return poll(fds, n, timeout_ms) < 0 && errno != EINTR ? -errno : 0;
}

/* Serves events until a signal or a thread says stop. */
static void wait_for_end(struct zusd *z, int signal_fd, int uevent_fd)
{
	struct signalfd_siginfo si;
	int err;

	for (;;) {
		struct pollfd fds[WAIT_FDS] = {
			[WAIT_SIGNAL] = { .fd = signal_fd, .events = POLLIN },
			[WAIT_STOP] = { .fd = z->stop_fd, .events = POLLIN },
			[WAIT_UEVENT] = { .fd = uevent_fd, .events = POLLIN },
		};

		err = wait_for_events(z, fds);
		if (err) {
			zus_err(&z->env, "cannot wait for events: %s", strerror(-err));
			zusd_request_stop(z, 1);
			return;
		}
		if (fds[WAIT_UEVENT].revents)
			serve_uevent(z, uevent_fd);
		if (fds[WAIT_STOP].revents)
			return;
		if (fds[WAIT_SIGNAL].revents && read(signal_fd, &si, sizeof(si)) == sizeof(si)) {
			zus_info(&z->env, "signal %u: leaving", si.ssi_signo);
			if (si.ssi_signo != SIGTERM)
				zusd_request_stop(z, 1);
			return;
		}
		/* last: who is to end takes no more commands */
		if (z->control)
			zusd_control_serve(z->control, fds + WAIT_CONTROL);
	}
}

/* Everybody leaves, in order. True: nothing of ours uses types, plugins or devices any more. */
static bool stop_threads(struct zusd *z)
{
	unsigned int mounts;

	__atomic_store_n(&z->stopping, true, __ATOMIC_RELEASE);
	if (zusd_mounter_stop(z))
		goto failed;
	/* the ZTs still serve: a plugin may wait for its lists */
	mounts = zusd_plugins_server_stop(z);
	if (zusd_zts_stop(z))
		goto failed;
	if (mounts)
		zus_info(&z->env, "file systems that are still mounted: %u", mounts);
	return !mounts;

failed:
	zusd_request_stop(z, 1);
	return false;
}

/* Ends the process with everything in its place: somebody may be using it. */
static _Noreturn void leave(const struct zusd *z)
{
	_exit(__atomic_load_n(&z->exit_status, __ATOMIC_RELAXED));
}

/* Until mounts are served and everybody knows. 0, also when a signal came first, or -errno. */
static int get_ready(struct zusd *z, int signal_fd)
{
	int err = zusd_mounter_wait_ready(z, signal_fd);

	if (!err)
		err = zusd_notify_ready(z);
	else if (err == -EINTR)
		return 0;
	if (err)
		zusd_request_stop(z, 1);
	return err;
}

/* Without the socket all works but the adding of types. */
static void open_control(struct zusd *z)
{
	char path[sizeof(ZUS_CONTROL_DIR) + 32] = ZUS_CONTROL_DIR;
	int err = zus_control_path(z->root_fd, path, sizeof(path));

	if (!err)
		err = zusd_control_create(&z->control, path, zusd_plugins_load, z);
	if (err)
		zus_warn(&z->env, "no types can be added while the server runs: %s: %s", path,
			 strerror(-err));
}

static void close_control(struct zusd *z)
{
	zusd_control_destroy(z->control);
	z->control = NULL;
}

static int serve(struct zusd *z, int signal_fd)
{
	int uevent_fd, err;

	uevent_fd = zusd_uevent_open();
	if (uevent_fd < 0)
		zus_warn(&z->env, "will not hear of new CPUs: %s", strerror(-uevent_fd));
	/* first: who sees that the root is ready may ask at once, and waits for get_ready() */
	open_control(z);
	err = zusd_mounter_start(z);
	if (err) {
		zus_err(&z->env, "cannot start the mounter: %s", strerror(-err));
		close_control(z);
		goto out;
	}
	err = get_ready(z, signal_fd);
	wait_for_end(z, signal_fd, uevent_fd);
	zusd_signals_release();
	close_control(z);
	zusd_notify_stopping(z);
	if (!stop_threads(z))
		leave(z);
out:
	if (uevent_fd >= 0)
		close(uevent_fd);
	return err;
}

static int open_root(struct zusd *z)
{
	z->root_fd = zus_root_open(z->opt.root);
	if (z->root_fd >= 0)
		return 0;
	if (z->root_fd == -ENODEV)
		zus_err(&z->env, "%s: no zuf file system is mounted here", z->opt.root);
	else
		zus_err(&z->env, "%s: %s", z->opt.root, strerror(-z->root_fd));
	return z->root_fd;
}

static int run(struct zusd *z, int signal_fd)
{
	int err = open_root(z);

	if (err)
		return err;
	err = zus_execbuf_pool_create(&z->execbufs, z->root_fd);
	if (err)
		goto err_root;
	err = zusd_zts_create(z);
	if (err)
		goto err_pool;
	err = zusd_guard_exit(true);
	if (!err)
		err = zusd_plugins_start(z);
	if (!err)
		err = zusd_lock_memory(z);
	/* before any thread: each has its own, and gets its creator's */
	if (!err)
		err = zusd_drop_capabilities(z);
	if (!err)
		err = serve(z, signal_fd);
	/* also after an error: plugins that were started before it */
	zusd_plugins_stop(z);
	zusd_zts_destroy(z);
	zusd_guard_exit(false);
err_pool:
	zus_execbuf_pool_destroy(z->execbufs);
err_root:
	close(z->root_fd);
	return err;
}

int main(int argc, char **argv)
{
	static struct zusd z;
	int end, signal_fd;

	end = zusd_options_parse(&z.opt, argc, argv);
	if (end)
		return end - 1;
	env_init(&z);
	signal_fd = zusd_signals_init();
	z.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (signal_fd < 0 || z.stop_fd < 0) {
		zus_err(&z.env, "cannot set up signals and events");
		return 1;
	}
	zusd_raise_limits(&z);
	if (run(&z, signal_fd))
		return 1;
	zusd_options_free(&z.opt);
	return __atomic_load_n(&z.exit_status, __ATOMIC_RELAXED);
}
