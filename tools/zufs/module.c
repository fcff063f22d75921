// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kernel module: is it there, load it, unload it. Called by up, down and status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "zufs.h"

#define MODULE_DIR	"/sys/module/zuf"
#define PAUSE_MS	20

bool module_is_loaded(void)
{
	return access(MODULE_DIR, F_OK) == 0;
}

static int load_file(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return msg_errno(errno, "loading the module: %s", file);
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		err = msg_errno(errno, "loading the module: %s", file);
	close(fd);
	return err;
}

int module_load(const char *file)
{
	static const char *const modprobe[] = { "modprobe", "zuf", NULL };
	int status;

	if (file)
		return load_file(file);
	status = process_run(modprobe);
	if (status == 0)
		return 0;
	if (status < 0)
		return msg_errno(status, "loading the module: cannot run modprobe");
	msg("loading the module: modprobe zuf ended with status %d", status);
	msg("is zuf.ko installed for this kernel (modinfo zuf)?");
	return -ENOENT;
}

bool ask_again(int *left_ms)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	if (*left_ms <= 0)
		return false;
	nanosleep(&pause, NULL);
	*left_ms -= PAUSE_MS;
	return true;
}

int module_unload(void)
{
	int left = BUSY_TIMEOUT_MS, err;

	while (syscall(SYS_delete_module, "zuf", O_NONBLOCK)) {
		err = -errno;
		if ((err != -EWOULDBLOCK && err != -EBUSY) || !ask_again(&left))
			return err;
	}
	return 0;
}

static bool read_attribute(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = 0;
	return ok;
}

bool module_version(char *buf, size_t size)
{
	return read_attribute(MODULE_DIR "/version", buf, size) ||
	       read_attribute(MODULE_DIR "/srcversion", buf, size);
}
