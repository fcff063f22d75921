// SPDX-License-Identifier: BSD-2-Clause
/*
 * load.c - rawapp: mixed operations until the server is gone
 *
 *	load DIR SEED	ends with OK at the first EIO, which is how the death of the
 *			server shows; other results than those that mixed operations
 *			of several processes may have are returned, and ETIME if a call
 *			takes longer than two seconds (times $SLOW)
 *	burst DIR N	N rounds, ends with OK when nothing fails
 *
 * How long the longest call took is printed, so that the caller (-t) and a
 * reader can see whether anyone was kept waiting.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "app.h"

/* The longest time that a call may take; who counts how often (load.sh), who does not. */
#define LOAD_CALL_MS	2000
#define BURST_CALL_MS	10000

struct load {
	char dir[256];
	unsigned int random;
	unsigned long calls;
	long longest_ms;
	long max_ms;		/* a call that takes longer is a failure */
};

const char *app_result(int err)
{
	return err ? strerrorname_np(-err) : "OK";
}

long app_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long app_slow(void)
{
	const char *text = getenv("SLOW");
	long slow = text ? strtol(text, NULL, 0) : 1;

	return slow > 0 ? slow : 1;
}

static sigjmp_buf trapped;

static void on_trap(int sig)
{
	(void)sig;
	siglongjmp(trapped, 1);
}

bool app_touch(volatile char *at, bool write)
{
	struct sigaction sa = { .sa_handler = on_trap };

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (sigsetjmp(trapped, 1))
		return false;
	if (write)
		*at = 'x';
	else
		(void)*at;
	return true;
}

static unsigned int pick(struct load *load, unsigned int below)
{
	load->random = load->random * 1103515245 + 12345;
	return (load->random >> 16) % below;
}

static void path_of(struct load *load, char *path, size_t size)
{
	snprintf(path, size, "%s/f%u", load->dir, pick(load, 8));
}

static int load_data(struct load *load, const char *path, bool write)
{
	static char buf[256 * 1024];
	int fd = open(path, write ? O_RDWR | O_CREAT : O_RDONLY, 0644), err = 0;
	size_t len = pick(load, 8) ? 4096 : sizeof(buf);
	off_t pos = (off_t)pick(load, 64) * 4096;

	if (fd < 0)
		return -errno;
	if ((write ? pwrite(fd, buf, len, pos) : pread(fd, buf, len, pos)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int load_list(const char *path)
{
	DIR *dir = opendir(path);
	int err;

	if (!dir)
		return -errno;
	errno = 0;
	while (readdir(dir))
		;
	err = -errno;
	closedir(dir);
	return err;
}

static int one_call(struct load *load)
{
	char path[300], other[300];
	struct stat st;
	long ret;

	path_of(load, path, sizeof(path));
	path_of(load, other, sizeof(other));
	switch (pick(load, 10)) {
	case 0:
	case 1:
	case 2: return load_data(load, path, true);
	case 3:
	case 4: return load_data(load, path, false);
	case 5: ret = stat(path, &st); break;
	case 6: ret = rename(path, other); break;
	case 7: ret = unlink(path); break;
	case 8: return load_list(load->dir);
	default: ret = truncate(path, pick(load, 100000)); break;
	}
	return ret < 0 ? -errno : 0;
}

/* 0 goes on, 1 = the server is gone, else what must not be. */
static int timed_call(struct load *load)
{
	long start = app_now_ms(), took;
	int err = one_call(load);

	took = app_now_ms() - start;
	load->calls++;
	if (took > load->longest_ms)
		load->longest_ms = took;
	if (took > load->max_ms)
		return -ETIME;
	switch (err) {
	case 0:
	case -ENOENT:
	case -EEXIST:
	case -ENOSPC:
		return 0;
	case -EIO:
		return 1;
	default:
		return err;
	}
}

static void start(struct load *load, const char *dir, unsigned int seed, long max_ms)
{
	memset(load, 0, sizeof(*load));
	load->max_ms = max_ms * app_slow();
	snprintf(load->dir, sizeof(load->dir), "%s", dir);
	load->random = seed;
}

static int finish(const struct load *load, int err)
{
	printf("calls %lu longest %ld ms ", load->calls, load->longest_ms);
	return err;
}

int app_load(char **arg)
{
	struct load load;
	int err;

	start(&load, arg[0], (unsigned int)strtoul(arg[1], NULL, 0), LOAD_CALL_MS);
	do {
		err = timed_call(&load);
	} while (!err);
	return finish(&load, err == 1 ? 0 : err);
}

int app_burst(char **arg)
{
	unsigned long rounds = strtoul(arg[1], NULL, 0);
	struct load load;
	int err = 0;

	start(&load, arg[0], (unsigned int)getpid(), BURST_CALL_MS);
	while (rounds-- && !err)
		err = timed_call(&load);
	return finish(&load, err == 1 ? -EIO : err);
}
