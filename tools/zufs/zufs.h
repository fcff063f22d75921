/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zufs, the one command: what its files share. A file per topic; each subcommand is a
 * function that gets its own argc/argv (argv[0] = its name), prints data on stdout and
 * messages on stderr, and returns an exit status. One process, one thread, no globals but
 * the options that stand before the subcommand.
 */
#ifndef ZUFS_H
#define ZUFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "device.h"
#include "fstypes.h"
#include "mounts.h"
#include "msg.h"

#define ROOT_TYPE	"zuf"
#define ROOT_DEFAULT	"/sys/fs/zuf"
#define RUN_DIR		"/run/zufs"
#define SERVER_NAME	"zusd"
#define SERVER_LOG	RUN_DIR "/zusd.log"
#define SERVER_PIDFILE	RUN_DIR "/zusd.pid"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *brief;
	const char *usage;		/* whole text of --help */
};

int cmd_up(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_abort(int argc, char **argv);
int cmd_debug(int argc, char **argv);

/* Prints the usage of a subcommand: on stdout for --help, else on stderr; its exit status. */
int usage_of(const char *command, bool asked_for);
/* --json and --root of a command that shows something. -1: go on at optind; else exit with it. */
int options_of_view(const char *command, int argc, char **argv, const char **root, bool *as_json);

/*
 * One invocation that changes things at a time; the lock ends with the process at the latest. 0 or
 * -errno with a message.
 */
int take_lock(void);
void release_lock(void);

/* ---- module.c ---- */

bool module_is_loaded(void);
/* Loads it: this file, or with NULL by modprobe. 0 or -errno with a message. */
int module_load(const char *file);
/*
 * What a mount has left (memory that a pipe holds, its end when nobody waits for that) lets root
 * and module go a moment after their last user, and the kernel tells nobody: ask again.
 */
#define BUSY_TIMEOUT_MS		2000
/* Waits a moment, and takes it off what is left; false: nothing is. */
bool ask_again(int *left_ms);
/* Asks for BUSY_TIMEOUT_MS. 0, -EWOULDBLOCK ... without a message. */
int module_unload(void);
/* Version (or source checksum) of the loaded module; false if there is none. */
bool module_version(char *buf, size_t size);

/* ---- root.c: zuf roots ---- */

enum root_state {
	ROOT_ABSENT,		/* nothing mounted there */
	ROOT_INITIALIZING,
	ROOT_REGISTERING,
	ROOT_READY,
	ROOT_UNKNOWN,
};

struct root {
	const char *path;
	enum root_state state;
	char state_text[32];
	char types[1024];		/* of the live server, separated by blanks */
	pid_t server;			/* 0 = nobody serves it */
	char server_name[16];
};

/* State of the root at this path, with its server. 0 or -errno with a message. */
int root_read(const char *path, struct root *root);
/*
 * The same once it is clear who serves it: one that was killed has its files, and so the root,
 * until all of its memory is given back.
 */
int root_read_settled(const char *path, struct root *root);
/* Which server of the root it is, counted from 1; 0: none, or this module does not say. */
uint64_t root_generation(const char *path);
int root_mount(const char *path);
/* Asks for BUSY_TIMEOUT_MS. 0 or -errno without a message. */
int root_unmount(const char *path);
bool root_serves(const struct root *root, const char *type);

/* ---- server.c ---- */

struct server_spec {
	const char *program;
	const char *root;
	const char *type;		/* has to be among its plugins */
};

/*
 * Nobody serves the root, but the service manager may be about to start its server again: waits
 * for that, and reads the root anew. 0 or -errno with a message.
 */
int server_wait_restart(struct root *root);
/* Starts it and waits until it is ready; *pid is its process. 0 or -errno with a message. */
int server_start(const struct server_spec *spec, pid_t *pid);
/*
 * Stops a server and waits for its end, kills it after the time-out. The name is what it was
 * called when it was found: another process of its number is left alone. NULL: it is our
 * child, however it is called. 0 or -errno, message.
 */
int server_stop(pid_t pid, const char *name, int timeout_ms);

/* ---- control.c: commands to the running server ---- */

/* Lets the server of the root serve this type as well. 0 or -errno with a message. */
int server_load(const struct root *root, const char *type);

/* ---- links.c: /dev/disk/by-uuid ---- */

/*
 * Makes the link of a device with a valid table, unless it is there already; *made tells
 * (may be NULL). 0 or -errno with a message.
 */
int link_make(const struct device *dev, bool *made);
void link_remove(const struct device *dev);
/* The link of the device with this index exists. */
bool link_exists(const struct device *dev, unsigned int index);
/* Makes the links of all block devices with valid tables; counts them. */
int link_scan_all(const struct fstype_list *types, unsigned int *count);

#endif
