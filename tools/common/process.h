/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: run a program and wait for it, watch and end one by a process descriptor.
 */
#ifndef TOOLS_PROCESS_H
#define TOOLS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Runs argv[0] (looked up in PATH) with our stderr, its stdout going to our stderr too, and
 * waits. Its exit status, 128 + the signal that killed it, or -errno when it did not start.
 */
int process_run(const char *const argv[]);

/* The same with its stdout and stderr going to this descriptor. */
int process_run_to(const char *const argv[], int out);

/* Turns a status of wait(2) into what process_run returns. */
int process_exit_code(int wait_status);

/* A descriptor that becomes readable when the process ends, or -errno (-ESRCH: it is gone). */
int process_open(pid_t pid);

/* True when the process behind it has ended within so many ms (-1: wait for ever). */
bool process_wait_end(int pidfd, int timeout_ms);

/*
 * Is it gone, or killed and on its way out? It has no memory any more then, and may take its time
 * to give that back before its files are closed.
 */
bool process_is_ending(pid_t pid);

/* Asks it to end; after timeout_ms kills it. 0, 1 = it had to be killed, or -errno. */
int process_stop(int pidfd, int timeout_ms);

/* /proc/PID/comm without the new line, in buf; false if there is no such process. */
bool process_name(pid_t pid, char *buf, size_t size);

#endif
