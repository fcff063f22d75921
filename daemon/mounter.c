// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mounter thread: waits for mount messages and executes them; starts the ZTs before the
 * first mount is served, so that the file system can use its channels at once.
 *
 * If the wait fails for good nothing can be mounted any more and the process ends with 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "zusd.h"

static const struct zufs_ioc_mount *mount_message(const struct zus_mounter *m)
{
	return m->msg->hdr.operation == ZUFS_M_MOUNT ? m->msg : NULL;
}

static void serve(struct zusd *z, struct zus_mounter *m)
{
	const struct zus_host host = {
		.ctx = &z->root_fd,
		.grab = zus_pmem_grab,
		.release = zus_pmem_release,
	};
	const struct zufs_ioc_mount *mount = mount_message(m);
	int err = mount ? zusd_zts_start(z, mount->zmi.num_channels) : 0;

	if (err) {
		zus_err(&z->env, "no channels for a mount: %s", strerror(-err));
		m->msg->hdr.err = err;
		return;
	}
	zus_dispatch_mount(&host, m->msg, m->size);
	if (mount && m->msg->hdr.err)
		zus_warn(&z->env, "mount %llu failed: %s", (unsigned long long)mount->zmi.sb_id,
			 strerror(-m->msg->hdr.err));
}

static void *mounter_main(void *arg)
{
	struct zusd *z = arg;
	struct zus_mounter m;
	int err = zus_mounter_open(&m, z->root_fd);

	if (err)
		goto out;
	while (!zusd_stopping(z)) {
		err = zus_mounter_wait(&m);
		if (!err)
			serve(z, &m);
		else if (err != -EINTR)
			break;
		else
			memset(&m.msg->hdr, 0, sizeof(m.msg->hdr));
		err = 0;
	}
	zus_mounter_close(&m);
out:
	if (err)
		zus_err(&z->env, "the mounter leaves: %s", strerror(-err));
	zusd_request_stop(z, err ? 1 : 0);
	zusd_waiter_leave(ZUSD_WAITER_MOUNTER);
	return NULL;
}

int zusd_mounter_start(struct zusd *z)
{
	const struct zus_thread_attr attr = { .name = "zus-mounter", .cpu = -1 };
	int err;

	zusd_waiter_enter(ZUSD_WAITER_MOUNTER);
	err = zus_thread_create(&z->mounter, &attr, mounter_main, z);
	if (err)
		zusd_waiter_leave(ZUSD_WAITER_MOUNTER);
	return err;
}

int zusd_mounter_stop(struct zusd *z)
{
	int err = zusd_break_waiters(z->root_fd, ZUSD_WAITER_MOUNTER);

	if (err)
		zus_err(&z->env, "cannot wake the mounter: %s", strerror(-err));
	else
		zus_thread_join(z->mounter);
	return err;
}

/* The root's state file; its first line says where the kernel sees the server. */
static bool root_is_ready(const struct zusd *z)
{
	static const char ready[] = "mount_ready";
	char state[32];
	int fd = openat(z->root_fd, "state", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, state, sizeof(state));
	close(fd);
	return n >= (ssize_t)sizeof(ready) - 1 && !memcmp(state, ready, sizeof(ready) - 1);
}

int zusd_mounter_wait_ready(struct zusd *z, int signal_fd)
{
	struct pollfd ends[] = {
		{ .fd = z->stop_fd, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};

	/* the kernel has no event for it: look until it is so, or there is nothing to wait for */
	while (!root_is_ready(z)) {
		if (poll(ends, 2, 1) > 0)
			return ends[0].revents ? -ECANCELED : -EINTR;
	}
	return 0;
}
