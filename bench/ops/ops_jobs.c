// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops_jobs.c: one operation in several processes at once, each on a CPU and a file of its own.
 *
 * Called by main.c for -j. A job makes its file and runs the operation once, uncounted, so that
 * nothing of its start is counted; then all wait for one byte each, run, and send one back.
 * All functions return 0 or -errno.
 */
#define _GNU_SOURCE
#include "ops.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Both ends of what the jobs wait for, and of what they tell. */
struct pipes {
	int go[2];
	int told[2];
};

static int send_bytes(int fd, unsigned int n)
{
	for (; n; n--)
		if (write(fd, "", 1) != 1)
			return -errno;
	return 0;
}

/* A job that failed closes its end without a word: all of them gone is an end of file. */
static int receive_bytes(int fd, unsigned int n)
{
	char byte;

	for (; n; n--)
		if (read(fd, &byte, 1) != 1)
			return -EIO;
	return 0;
}

static int own_file(struct bench *b, unsigned int no)
{
	size_t len = strlen(b->data);

	snprintf(b->data + len, sizeof(b->data) - len, ".%u", no);
	return create_data_file(b);
}

static int run_job(struct bench *b, const struct op *op, unsigned int no, struct pipes *p)
{
	int err = pin(no);

	if (!err)
		err = own_file(b, no);
	if (!err)
		err = op->run(b, op->count);
	if (!err)
		err = send_bytes(p->told[1], 1);
	if (!err)
		err = receive_bytes(p->go[0], 1);
	if (!err)
		err = op->run(b, op->count);
	if (!err)
		err = send_bytes(p->told[1], 1);
	return unlink(b->data) != 0 && !err ? -errno : err;
}

static int start_jobs(struct bench *b, const struct op *op, unsigned int jobs, struct pipes *p)
{
	for (unsigned int no = 0; no < jobs; no++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid == 0) {
			close(p->told[0]);
			close(p->go[1]);
			_exit(run_job(b, op, no, p) ? EXIT_FAILURE : EXIT_SUCCESS);
		}
	}
	return 0;
}

static int wait_for_jobs(void)
{
	int status, err = 0;

	while (wait(&status) > 0)
		if (status != 0)
			err = -EIO;
	return err;
}

int jobs_run(struct bench *b, const struct op *op, unsigned int jobs, struct stats *before,
	     struct stats *after)
{
	struct pipes p;
	int err, wait_err;

	if (pipe(p.go) != 0 || pipe(p.told) != 0)
		return -errno;
	err = start_jobs(b, op, jobs, &p);
	close(p.told[1]);
	close(p.go[0]);
	if (!err)
		err = receive_bytes(p.told[0], jobs);
	stats_read(before);
	marker_start();
	if (!err)
		err = send_bytes(p.go[1], jobs);
	if (!err)
		err = receive_bytes(p.told[0], jobs);
	marker_stop();
	stats_read(after);
	close(p.told[0]);
	close(p.go[1]);
	wait_err = wait_for_jobs();
	return err ? err : wait_err;
}
