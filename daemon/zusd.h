/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zusd: what its files share. One process serves one zuf root: main() starts the mounter
 * and waits for signals and CPU events, the mounter starts the ZTs at the first mount.
 * struct zusd is set up by main() before any thread exists; what changes later says
 * its lock.
 */
#ifndef DAEMON_ZUSD_H
#define DAEMON_ZUSD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zus/channel.h>
#include <zus/fs.h>
#include <zus/thread.h>

#define ZUSD_CONFIG_DEFAULT	"/etc/zufs.conf"
#define ZUSD_PLUGIN_DIR		"/usr/lib/zufs"
#define ZUSD_MAX_PLUGINS	16
#define ZUSD_MAX_CPUS		1024

/* Enough that a ZT runs as soon as it is woken, little enough that one which loops is outrun. */
#define ZUSD_NICE_DEFAULT	(-5)

/* ---- options.c ---- */

struct zusd_options {
	const char *root;		/* path of the zuf root */
	const char *config;
	const char *plugin_dir;
	const char *plugins;		/* comma-separated; NULL = from the configuration */
	const char *also;		/* comma-separated, served besides these; or NULL */
	const char *pidfile;
	int ready_fd;			/* -1 = none */
	int policy;			/* SCHED_OTHER, SCHED_RR, SCHED_FIFO: of the ZTs */
	int priority;
	int nice;
	int mlock;			/* 0, 1, 2 */
	unsigned int verbose;		/* mask: 1 = debug messages of zusd */
	char *args_text;		/* owned: what ZUSD_ARGS said */
	char *plugins_text;		/* owned: all that is served */
};

/*
 * Command line over environment over configuration file over defaults. Returns 0, or an
 * exit status + 1 when the process is to end (1 = help was printed, 3 = usage error).
 */
int zusd_options_parse(struct zusd_options *o, int argc, char **argv);
void zusd_options_free(struct zusd_options *o);

/* ---- conf.c ---- */

/* What the file says; NULL: nothing. */
struct zusd_conf {
	char *plugins;			/* ZUFS_LIBFS_LIST */
	char *args;			/* ZUSD_ARGS */
};

/*
 * Reads the whole file. 0 (to be freed), -ENOENT (there is none, no message), or -EINVAL,
 * -EIO, -ENOMEM ... with a message.
 */
int zusd_conf_read(const char *path, struct zusd_conf *c);
void zusd_conf_free(struct zusd_conf *c);
/* Splits like a shell without expansions; argv has room for max words; their number or -errno. */
int zusd_split_words(char *text, char **argv, int max);

/* ---- the server ---- */

struct zusd_plugin {
	void *handle;
	struct zus_type *type;
};

struct zusd_zts;
struct zusd_control;

struct zusd {
	struct zusd_options opt;
	int root_fd;
	int stop_fd;			/* eventfd: a thread asks main to leave */
	struct zus_env env;		/* the default one, and lists run */
	struct zus_execbuf_pool *execbufs;
	struct zusd_plugin plugins[ZUSD_MAX_PLUGINS];	/* main only, as the next two */
	unsigned int nr_plugins;
	struct zusd_control *control;	/* NULL: there is none */
	struct zusd_zts *zts;
	struct zus_thread *mounter;
	bool stopping;			/* atomic: the mounter leaves, nothing is started */
	bool zts_stopping;		/* atomic: and then the ZTs, which it may wait for */
	bool wrote_pidfile;		/* main only */
	int exit_status;		/* atomic; what main returns */
};

static inline bool zusd_stopping(const struct zusd *z)
{
	return __atomic_load_n(&z->stopping, __ATOMIC_ACQUIRE);
}

/* Asks main to end the process with this status (the first non-zero one counts). */
void zusd_request_stop(struct zusd *z, int status);

/* ---- plugins.c ---- */

int zusd_plugins_start(struct zusd *z);
/*
 * Serves one more type while everything runs: what is the name of a plugin in the plugin folder,
 * or the absolute path of one. 0, also when it is served already, or -errno with the reason in
 * why, at most size bytes of it; then nothing has changed. ctx is the struct zusd. Main only.
 */
int zusd_plugins_load(void *ctx, const char *what, char *why, size_t size);
/* Tells every mounted file system that the server ends; how many there are. No mounter runs. */
unsigned int zusd_plugins_server_stop(struct zusd *z);
/* Unloads them; what is still mounted stays loaded. */
void zusd_plugins_stop(struct zusd *z);

/* ---- zt.c: the ZT threads ---- */

int zusd_zts_create(struct zusd *z);
void zusd_zts_destroy(struct zusd *z);
/* At a mount: channels for every online CPU, if not there yet. 0 if at least one CPU has all. */
int zusd_zts_start(struct zusd *z, unsigned int num_channels);
/* A CPU came online: its threads are started, or pinned again. */
void zusd_zts_cpu_online(struct zusd *z, int cpu);
/* The same for every CPU that is online now. */
void zusd_zts_all_online(struct zusd *z);
/*
 * Lets all of them end and joins them; the mounter has left. -errno: they cannot be told, and
 * are still there.
 */
int zusd_zts_stop(struct zusd *z);

/* ---- mounter.c ---- */

int zusd_mounter_start(struct zusd *z);
/*
 * Lets it finish what it is doing and joins it; z->stopping is set. -errno: it cannot be told,
 * and is still there.
 */
int zusd_mounter_stop(struct zusd *z);
/*
 * Returns when the kernel takes mounts (0), a thread asked main to stop (-ECANCELED), or a signal
 * is there to be read (-EINTR).
 */
int zusd_mounter_wait_ready(struct zusd *z, int signal_fd);

/* ---- stop.c: waiting for threads that sleep in the kernel ---- */

enum zusd_waiter { ZUSD_WAITER_MOUNTER, ZUSD_WAITER_ZT, ZUSD_WAITER_KINDS };

/* Counts threads that must be broken out of their waits. */
void zusd_waiter_enter(enum zusd_waiter kind);
void zusd_waiter_leave(enum zusd_waiter kind);
/* Sends BREAK_ALL until none of that kind is left; -errno if that fails again and again. */
int zusd_break_waiters(int root_fd, enum zusd_waiter kind);

/* ---- process.c ---- */

void zusd_raise_limits(const struct zusd *z);
int zusd_lock_memory(const struct zusd *z);
/*
 * Locks what was loaded after zusd_lock_memory, plugins and their libraries, unless nothing is
 * locked (--mlock=0). 0 or -errno without a message.
 */
int zusd_lock_loaded(const struct zusd *z);
/* For good, of this thread and those that it creates; -errno with a message. */
int zusd_drop_capabilities(const struct zusd *z);

/* ---- signals.c ---- */

/* Blocks what main waits for (before any thread exists); a signalfd or -errno. */
int zusd_signals_init(void);
/* While on, exit() in any thread is told of as a plugin's, with status 1. 0 or -ENOMEM. Main. */
int zusd_guard_exit(bool on);
/* The end has begun: an INT or QUIT from now on ends the process at once. Main only. */
void zusd_signals_release(void);

/* ---- uevent.c ---- */

/* A netlink socket that hears of CPUs, or -errno. */
int zusd_uevent_open(void);
#define ZUSD_UEVENT_NONE	(-1)	/* it was about something else */
#define ZUSD_UEVENT_LOST	(-2)	/* the socket was full: anything may have happened */

/* Reads one event: the number of a CPU that came online, or one of these. */
int zusd_uevent_read(int fd);

/* ---- control.c: commands to the running server ---- */

#define ZUSD_CONTROL_CLIENTS	4	/* served at a time; more wait to be accepted */
#define ZUSD_CONTROL_FDS	(1 + ZUSD_CONTROL_CLIENTS)
#define ZUSD_CONTROL_COMMAND	4352	/* bytes of a command at most: a path and some words */
#define ZUSD_CONTROL_ANSWER	1024	/* bytes of an answer at most */
#define ZUSD_CONTROL_WAIT_MS	5000	/* for a client's command */

/* Executes "load WHAT": 0, or -errno with words in why. */
typedef int (*zusd_load_fn)(void *ctx, const char *what, char *why, size_t size);

/*
 * Splits a command of len bytes, in place; text[len] is a byte of the buffer too. NULL and the
 * reason in why, or the word after "load". A command is one line of printable bytes, of which a
 * new line at the end is none.
 */
const char *zusd_control_parse(char *text, size_t len, char *why, size_t size);
/*
 * Makes the socket, and its folder, in place of one that a server has left. -errno, no message.
 * All of these are for one thread.
 */
int zusd_control_create(struct zusd_control **control, const char *path, zusd_load_fn load,
			void *ctx);
/* Whoever is connected is told that the server ends. NULL: nothing to do. */
void zusd_control_destroy(struct zusd_control *c);
/* Fills in what to wait for, and for how many ms at most (-1: no matter). */
void zusd_control_poll(const struct zusd_control *c, struct pollfd fds[ZUSD_CONTROL_FDS],
		       int *timeout_ms);
/* After the wait, whatever has happened. Waits for nobody but load. */
void zusd_control_serve(struct zusd_control *c, const struct pollfd fds[ZUSD_CONTROL_FDS]);

/* ---- notify.c ---- */

/* Tells everyone who asked: service manager, --pidfile, --ready-fd. 0 or -errno. */
int zusd_notify_ready(struct zusd *z);
void zusd_notify_stopping(const struct zusd *z);

#endif /* DAEMON_ZUSD_H */
