// SPDX-License-Identifier: BSD-2-Clause
/*
 * Start and stop zusd. The server is started in a session of its own with its messages in
 * SERVER_LOG, and says that it is ready through a pipe: it writes a line there, or the pipe
 * is closed because it died. What it said until then is shown when it did not get ready.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "zufs.h"

#define READY_TIMEOUT_MS	60000
#define END_TIMEOUT_MS		10000	/* of a process that has closed its files */
#define SERVER_READY_FD		3
#define SERVER_UNIT		"zusd.service"

extern char **environ;

/* ---- the service manager ---- */

/* Is its unit being started, or started again after a death? */
static bool is_being_started(void)
{
	static const char *const argv[] = { "systemctl", "is-active", SERVER_UNIT, NULL };
	char state[32] = "";
	int out;

	/* as sd_booted(3) */
	if (access("/run/systemd/system", F_OK))
		return false;
	out = memfd_create("state", MFD_CLOEXEC);
	if (out < 0)
		return false;
	if (process_run_to(argv, out) >= 0 && pread(out, state, sizeof(state) - 1, 0) > 0)
		state[strcspn(state, "\n")] = 0;
	close(out);
	return !strcmp(state, "activating");
}

int server_wait_restart(struct root *root)
{
	int left = READY_TIMEOUT_MS;

	if (strcmp(root->path, ROOT_DEFAULT) || !is_being_started())
		return 0;
	while (is_being_started() && ask_again(&left))
		;
	return root_read(root->path, root);
}

/* ---- start ---- */

/* A running server being started. */
struct start {
	int ready[2];			/* pipe: its end is [1] */
	int log;
	off_t log_start;		/* where its messages begin */
	pid_t pid;
};

static int open_log(struct start *s)
{
	if (mkdir(RUN_DIR, 0755) && errno != EEXIST)
		return msg_errno(errno, "starting the server: " RUN_DIR);
	s->log = open(SERVER_LOG, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (s->log < 0)
		return msg_errno(errno, "starting the server: " SERVER_LOG);
	s->log_start = lseek(s->log, 0, SEEK_END);
	return 0;
}

static int prepare_files(posix_spawn_file_actions_t *actions, const struct start *s)
{
	int err = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
						   O_RDONLY, 0);

	if (!err)
		err = posix_spawn_file_actions_adddup2(actions, s->log, STDOUT_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(actions, s->log, STDERR_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(actions, s->ready[1], SERVER_READY_FD);
	if (!err)	/* what the caller has open is not kept open by its server */
		err = posix_spawn_file_actions_addclosefrom_np(actions, SERVER_READY_FD + 1);
	if (!err)
		err = posix_spawn_file_actions_addchdir_np(actions, "/");
	return err;
}

/* Starts argv with the files and in the session that a server wants. */
static int spawn_argv(char *argv[], struct start *s)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int err;

	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawnattr_init(&attr);
	if (!err) {
		err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
		if (!err)
			err = prepare_files(&actions, s);
		if (!err)
			err = posix_spawnp(&s->pid, argv[0], &actions, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static int spawn(const struct server_spec *spec, struct start *s)
{
	char *also, *folder, ready[32];
	int err = -ENOMEM;

	snprintf(ready, sizeof(ready), "--ready-fd=%d", SERVER_READY_FD);
	if (asprintf(&also, "--also=%s", spec->type) < 0)
		also = NULL;
	if (asprintf(&folder, "--plugin-dir=%s", fstypes_dir()) < 0)
		folder = NULL;
	if (also && folder) {
		char *argv[] = { (char *)spec->program, ready, also, folder,
				 (char *)"--pidfile=" SERVER_PIDFILE, (char *)spec->root, NULL };

		err = spawn_argv(argv, s);
	}
	free(also);
	free(folder);
	return err;
}

/* True when it said that it is ready, false when it ended or the time is up. */
static bool wait_ready(const struct start *s)
{
	struct pollfd p = { .fd = s->ready[0], .events = POLLIN };
	char byte;
	int n;

	do {
		n = poll(&p, 1, READY_TIMEOUT_MS);
	} while (n < 0 && errno == EINTR);
	return n > 0 && read(s->ready[0], &byte, 1) == 1;
}

static void show_log(const struct start *s)
{
	char buf[4096];
	ssize_t n = pread(s->log, buf, sizeof(buf), s->log_start);

	if (n > 0)
		fwrite(buf, 1, (size_t)n, stderr);
}

/* It is not ready: end it, tell why. */
static int give_up(const struct server_spec *spec, const struct start *s)
{
	int status, pidfd = process_open(s->pid);
	bool ended = pidfd >= 0 && process_wait_end(pidfd, END_TIMEOUT_MS);

	if (pidfd >= 0) {
		if (!ended)
			process_stop(pidfd, 1000);
		close(pidfd);
	} else {
		/* no descriptor is left to wait with; our child keeps its number until waitpid */
		kill(s->pid, SIGKILL);
	}
	show_log(s);
	if (waitpid(s->pid, &status, 0) < 0)
		return msg_errno(errno, "starting the server: waiting for %s", spec->program);
	if (ended)
		msg("starting the server: %s ended with status %d", spec->program,
		    process_exit_code(status));
	else
		msg("starting the server: %s was not ready after %d s", spec->program,
		    READY_TIMEOUT_MS / 1000);
	return -EIO;
}

int server_start(const struct server_spec *spec, pid_t *pid)
{
	struct start s;
	int err = open_log(&s);

	if (err)
		return err;
	if (pipe2(s.ready, O_CLOEXEC)) {
		err = msg_errno(errno, "starting the server");
		goto err_log;
	}
	err = spawn(spec, &s);
	close(s.ready[1]);
	if (err)
		msg_errno(err, "starting the server: %s", spec->program);
	else if (!wait_ready(&s))
		err = give_up(spec, &s);
	*pid = err ? 0 : s.pid;
	close(s.ready[0]);
err_log:
	close(s.log);
	return err;
}

/* ---- stop ---- */

int server_stop(pid_t pid, const char *name, int timeout_ms)
{
	char now[16];
	int err, pidfd = process_open(pid);

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return msg_errno(pidfd, "stopping the server: pid %d", (int)pid);
	/* the number may have got a new owner since it was found */
	if (name && (!process_name(pid, now, sizeof(now)) || strcmp(now, name))) {
		close(pidfd);
		return 0;
	}
	err = process_stop(pidfd, timeout_ms);
	close(pidfd);
	if (err == 1) {
		msg("the server (pid %d) did not end within %d s and was killed", (int)pid,
		    timeout_ms / 1000);
		return 0;
	}
	return err ? msg_errno(err, "stopping the server: pid %d", (int)pid) : 0;
}
