// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes; see process.h. Waiting is always for an event of the kernel, never for time to
 * pass; time-outs only bound it.
 */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define KILL_TIMEOUT_MS	10000	/* a killed process ends unless the kernel holds it */

int process_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int process_run(const char *const argv[])
{
	return process_run_to(argv, STDERR_FILENO);
}

int process_run_to(const char *const argv[], int out)
{
	posix_spawn_file_actions_t actions;
	int err, status;
	pid_t pid;

	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	if (!err)
		err = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv,
				   environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return process_exit_code(status);
}

int process_open(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

bool process_wait_end(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

bool process_is_ending(pid_t pid)
{
	unsigned long pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return !pages;
}

static int send_signal(int pidfd, int signo)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0 || errno == ESRCH)
		return 0;
	return -errno;
}

int process_stop(int pidfd, int timeout_ms)
{
	int err = send_signal(pidfd, SIGTERM);

	if (err)
		return err;
	if (process_wait_end(pidfd, timeout_ms))
		return 0;
	err = send_signal(pidfd, SIGKILL);
	if (err)
		return err;
	return process_wait_end(pidfd, KILL_TIMEOUT_MS) ? 1 : -ETIMEDOUT;
}

bool process_name(pid_t pid, char *buf, size_t size)
{
	char path[64];
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = 0;
	return ok;
}
